package import Documents
package import Findings

/// A sort of proof that controls of many frameworks ask for: the vocabulary between controls and checks.
package struct EvidenceFamily: Sendable, Hashable {
    /// Kept beside the checks: what the run itself shows.
    package enum Record: String, Sendable, CaseIterable {
        /// That things exist, by lists of them.
        case inventory
        /// Accepted deviations, each with an owner and an end.
        case exceptions
        /// That the checking ran, with how much it saw.
        case scans
        /// Drift over time; needs a history.
        case history
    }

    package var id: String
    package var title: String
    package var checks: [CheckPattern]
    /// Other families that are part of this one.
    package var includes: [String]
    /// Ids of the CIS benchmark that speak of the same; checks that count towards them count here too.
    package var cis: [String]
    /// What has to be handed in besides, in words; without it a part stays unseen.
    package var needs: String?
    /// What only people can show.
    package var people: String?
    package var record: Record?

    /// Everything that is asked: its own checks and those of the benchmark's ids.
    package var patterns: [CheckPattern] { checks + cis.map { CheckPattern("cis:\($0)") } }

    package init(
        id: String, title: String, checks: [CheckPattern] = [], includes: [String] = [], cis: [String] = [],
        needs: String? = nil, people: String? = nil, record: Record? = nil
    ) {
        self.id = id
        self.title = title
        self.checks = checks
        self.includes = includes
        self.cis = cis
        self.needs = needs
        self.people = people
        self.record = record
    }
}

/// Which checks are meant: ids with `*`, or `cis:5.2.2` for the checks that say they count towards that control.
package struct CheckPattern: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) { self.text = text }

    package var description: String { text }

    package func matches(_ rule: Rule) -> Bool {
        guard text.hasPrefix("cis:") else { return Glob(text).matches(rule.id) }
        let id = Glob(String(text.dropFirst(4)))
        return (rule.id.hasPrefix("cis/") && id.matches(String(rule.id.dropFirst(4))))
            || rule.references.contains { $0.source == .cis && id.matches($0.id) }
    }
}

/// How much of a control a program can show at all.
package enum ControlReach: String, Sendable, CaseIterable {
    case strong, partial
    /// People and paper.
    case none

    /// What a reader has to know before believing a result.
    package var words: String {
        switch self {
        case .strong: "a tool can show most of it; how it is decided and by whom stays with people"
        case .partial: "a tool can show this part only; the rest is shown by people and documents"
        case .none: "no tool can show it; people and documents do"
        }
    }
}

/// One requirement of a framework.
package struct ComplianceControl: Sendable, Hashable {
    package var id: String
    package var title: String
    package var reach: ControlReach
    package var evidence: [String]
    /// Checks that count here only.
    package var checks: [CheckPattern]
    /// Controls of the same framework that make it up.
    package var parts: [String]
    package var note: String?

    package init(
        id: String, title: String, reach: ControlReach, evidence: [String] = [], checks: [CheckPattern] = [],
        parts: [String] = [], note: String? = nil
    ) {
        self.id = id
        self.title = title
        self.reach = reach
        self.evidence = evidence
        self.checks = checks
        self.parts = parts
        self.note = note
    }
}

/// A standard, law or house rule: controls in their order.
package struct ComplianceFramework: Sendable, Hashable {
    package var id: String
    package var title: String
    package var edition: String
    package var source: String
    /// Whose controls it takes over; empty for none.
    package var base: String
    package var controls: [ComplianceControl]

    package init(
        id: String, title: String, edition: String = "", source: String = "", base: String = "",
        controls: [ComplianceControl] = []
    ) {
        self.id = id
        self.title = title
        self.edition = edition
        self.source = source
        self.base = base
        self.controls = controls
    }

    package func control(_ id: String) -> ComplianceControl? { controls.first { $0.id == id } }
    package var name: String { edition.isEmpty ? title : "\(title) (\(edition))" }
}

/// The things a check is asked of, so that a rule nobody could break does not read as kept.
package struct PopulationKind: Sendable, Hashable {
    package var id: String
    package var title: String
    /// In a cluster whose objects were listed, none of them means that nothing has to be shown; otherwise it means
    /// that they were out of sight.
    package var isSeenWhenAbsent: Bool
    package var checks: [CheckPattern]
}

/// Frameworks, evidence families, and of what each check is asked.
package struct ComplianceCatalogue: Sendable {
    package internal(set) var frameworks: [ComplianceFramework]
    package internal(set) var families: [EvidenceFamily]
    package internal(set) var populations: [PopulationKind]
    /// Checks whose answer is a person's judgement.
    package internal(set) var judgedByPeople: Set<String>

    package func framework(_ id: String) -> ComplianceFramework? { frameworks.first { $0.id == id } }
    package func family(_ id: String) -> EvidenceFamily? { families.first { $0.id == id } }

    /// The kind of thing a check is asked of; the first that names it.
    package func population(of check: String) -> PopulationKind? {
        populations.first { kind in kind.checks.contains { Glob($0.text).matches(check) } }
    }

    /// What comes with the program.
    package static let builtIn: ComplianceCatalogue = {
        let files: [(String, [UInt8])] = [
            ("families.json", PackageResources.families_json), ("populations.json", PackageResources.populations_json),
            ("soc2.json", PackageResources.soc2_json), ("hipaa.json", PackageResources.hipaa_json),
            ("pci-dss.json", PackageResources.pci_dss_json), ("cis.json", PackageResources.cis_json),
            ("nsa-cisa.json", PackageResources.nsa_cisa_json),
            ("nist-800-190.json", PackageResources.nist_800_190_json),
            ("nist-800-53.json", PackageResources.nist_800_53_json),
            ("iso-27001.json", PackageResources.iso_27001_json), ("attack.json", PackageResources.attack_json),
        ]
        var reader = CatalogueReader(ComplianceCatalogue())
        for (name, bytes) in files { reader.read(SourceText(name: name, bytes: bytes)) }
        let (catalogue, problems) = reader.finished(rules: nil)
        guard let first = problems.first else { return catalogue }
        preconditionFailure("the embedded catalogues are part of the program and a test reads them: \(first.message)")
    }()

    init() {
        frameworks = []
        families = []
        populations = []
        judgedByPeople = []
    }

    /// The built-in frameworks with one's own files beside them. A file with anything wrong in it changes nothing.
    ///
    /// - Parameter rules: every check there is; a pattern that fits none of them is an error.
    package static func reading(_ sources: [SourceText], rules: [Rule]) -> (
        catalogue: ComplianceCatalogue, problems: [Problem]
    ) {
        var reader = CatalogueReader(builtIn)
        for source in sources { reader.read(source) }
        let (catalogue, problems) = reader.finished(rules: rules)
        return problems.isEmpty ? (catalogue, []) : (builtIn, problems)
    }
}
