import Findings
import Kubernetes
import Secrets

/// The dossier as headings and rows, which every format writes its own way.
struct DossierSections {
    struct Section {
        var id: String
        var title: String
        var columns: [String]
        var rows: [[String]]
        /// What an empty section says.
        var empty: String
    }

    let sections: [Section]

    init(_ dossier: SecretDossier) {
        var out: [Section] = []
        out.append(
            Section(id: "facts", title: "The Secret", columns: ["what", "value"], rows: Self.facts(dossier), empty: ""))
        out.append(
            Section(
                id: "access", title: "Who can read it", columns: ["who", "way", "right", "through", "place", "if"],
                rows: dossier.access.map {
                    [$0.subject.description, $0.way.rawValue, $0.right, $0.through, $0.place, $0.condition]
                }, empty: "nobody but system:masters"))
        out.append(
            Section(
                id: "users", title: "What uses it",
                columns: ["workload", "container", "how", "where", "keys", "place"],
                rows: dossier.users.map {
                    [
                        $0.workload.description, $0.use.container, Self.words($0.use), $0.use.place,
                        $0.use.keys.joined(separator: ", "), $0.use.node.location.map { "\($0)" } ?? "",
                    ]
                }, empty: "nothing that was seen: it looks unused"))
        if let reads = dossier.reads {
            out.append(
                Section(
                    id: "reads", title: "Who did read it",
                    columns: ["who", "what", "verb", "times", "first", "last", "from"],
                    rows: reads.map {
                        [
                            $0.key.identity, Self.scope($0.key), $0.key.verb, "\($0.row.count)", $0.row.first,
                            $0.row.last, $0.row.addresses.sorted().joined(separator: " "),
                        ]
                    }, empty: "nobody, in the time of the log"))
            if !dossier.incidents.isEmpty {
                out.append(
                    Section(
                        id: "incidents", title: "What a person should look at",
                        columns: ["severity", "incident", "who", "when", "what"],
                        rows: dossier.incidents.map {
                            [
                                $0.kind.severity.rawValue, $0.kind.rawValue, $0.identity, $0.first.description,
                                $0.message,
                            ]
                        }, empty: ""))
            }
        }
        out.append(
            Section(
                id: "writes", title: "When it was written", columns: ["when", "known by"],
                rows: dossier.writes.map { [$0.time, $0.what] } + dossier.manager.map { ["", $0] },
                empty: "nothing tells"))
        if let same = dossier.sameValue {
            out.append(
                Section(
                    id: "sameValue", title: "Where the same value stands", columns: ["place"], rows: same.map { [$0] },
                    empty: "nowhere else that was looked at"))
        }
        out.append(
            Section(
                id: "findings", title: "Findings", columns: ["severity", "rule", "what"],
                rows: dossier.findings.flatMap { finding in
                    finding.evidence.map { [finding.severity.rawValue, finding.rule.id, $0.message] }
                }, empty: "none"))
        out.append(
            Section(
                id: "gaps", title: "What could not be seen", columns: ["gap"], rows: dossier.gaps.map { [$0] },
                empty: "nothing"))
        sections = out
    }

    /// With nothing in it that acts on a terminal: names, agents and identities come from outside.
    var printable: [Section] {
        sections.map { section in
            var section = section
            section.rows = section.rows.map { $0.map { PrintableText.of($0) } }
            return section
        }
    }

    private static func facts(_ dossier: SecretDossier) -> [[String]] {
        var rows = [["name", dossier.reference.name], ["namespace", dossier.reference.namespace]]
        rows.append(["seen", dossier.isSeen ? "yes" : "no, only named by others"])
        if let type = dossier.type { rows.append(["type", type]) }
        if let keys = dossier.keys { rows.append(["keys", keys.joined(separator: ", ")]) }
        if let isImmutable = dossier.isImmutable { rows.append(["immutable", isImmutable ? "yes" : "no"]) }
        if let maker = dossier.maker { rows.append(["made by", maker.description]) }
        rows.append(["used", dossier.isUnused ? "no, as far as was seen" : "yes"])
        if let proof = dossier.proof {
            let (state, how) = proof.words
            rows.append(["in etcd", "\(state), proved: \(how)"])
        }
        for text in dossier.configured { rows.append(["configured", text]) }
        if let period = dossier.auditPeriod { rows.append(["audit log", "\(period.first) to \(period.last)"]) }
        return rows
    }

    private static func words(_ use: SecretUses.Use) -> String {
        let way =
            switch use.way {
            case .volume: "volume"
            case .projected: "projected volume"
            case .variable: "environment variable"
            case .environment: "whole environment"
            case .imagePull: "image pull"
            case .volumeDriver: use.place == "TLS" ? "TLS of an Ingress" : "storage driver"
            }
        return way + (use.isSubPath ? ", by subPath" : "") + (use.isOptional ? ", optional" : "")
    }

    private static func scope(_ key: ReaderTable.Key) -> String {
        if key.namespace.isEmpty { return "all Secrets of the cluster" }
        return key.name.isEmpty ? "all Secrets of \(key.namespace)" : "this Secret"
    }
}
