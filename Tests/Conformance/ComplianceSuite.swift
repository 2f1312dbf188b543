import Compliance
import Documents
import Findings
import Posture

extension ConformanceSuite {
    static let compliance = ConformanceSuite(
        name: "posture",
        files: [
            ConformanceFile(name: "compliance-controls", run: complianceControls),
            ConformanceFile(name: "compliance-families", run: complianceFamilies),
        ])

    private static let frameworks = [
        ("soc2.yaml", "soc2"), ("hipaa.yaml", "hipaa"), ("pci-dss-4.0.1.yaml", "pci-dss"),
        ("nsa-cisa.yaml", "nsa-cisa"), ("nist-sp-800-190.yaml", "nist-800-190"),
        ("nist-800-53-r5.yaml", "nist-800-53"), ("iso27001-2022.yaml", "iso-27001"),
        ("mitre-attack-containers.yaml", "attack"),
    ]

    private static func root(_ folder: ConformanceFolder, _ file: String) throws -> Node {
        guard let document = try folder.documents(file).documents.first else {
            throw ConformanceError(description: "\(file) holds no document")
        }
        return document.root
    }

    /// Every requirement is a control of ours, with the same families of evidence and the same reach.
    private static func complianceControls(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for (file, id) in frameworks {
            let framework = ComplianceCatalogue.builtIn.framework(id)
            for node in try root(folder, "compliance/\(file)")["requirements"].elements {
                let name = node["id"].text ?? ""
                let control = framework?.control(name)
                agreement.note(
                    "\(id) \(name)",
                    expected: "\(node["evidence"].strings.sorted()) \(node["reach"].string ?? "")",
                    found: control.map { "\($0.evidence.sorted()) \($0.reach.rawValue)" } ?? "no such control")
            }
        }
        let benchmark = ComplianceCatalogue.builtIn.framework("cis")
        for node in try root(folder, "cis-kubernetes-2.0.1.yaml")["controls"].elements {
            let name = node["id"].text ?? ""
            agreement.note("cis \(name)", benchmark?.control(name) == nil ? "no such control" : nil)
        }
        return agreement
    }

    /// Every benchmark id a family names is asked by a check of that family; what only a node's files tell is asked
    /// where `martlet cis` reads them, and the family says that it needs them.
    private static func complianceFamilies(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let benchmark = ComplianceCatalogue.builtIn.framework("cis")?.controls.map(\.id) ?? []
        for member in try root(folder, "compliance/evidence-families.yaml")["families"].members {
            let family = ComplianceCatalogue.builtIn.family(member.key)
            for node in member.value["cis"].elements {
                let text = node.text ?? ""
                let wanted = text == "all" ? Glob("*") : Glob(text)
                for id in benchmark where wanted.matches(id) {
                    let rules = PostureScan.allRules.filter { CheckPattern("cis:\(id)").matches($0) }
                    let isAsked = rules.contains { rule in family?.patterns.contains { $0.matches(rule) } ?? false }
                    let isSaid = rules.isEmpty && (family?.needs != nil || family?.patterns.isEmpty == false)
                    agreement.note("\(member.key) \(id)", isAsked || isSaid ? nil : "not asked by \(rules.map(\.id))")
                }
            }
        }
        return agreement
    }
}
