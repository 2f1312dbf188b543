import ArgumentParser
import Documents
import Secrets

struct SecretsAuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Who read which Secrets, and what in an audit log a person should look at.",
        discussion: """
            Reads audit.k8s.io/v1 events, one a line or as an EventList, gzip and zstd too. Reads are counted once for \
            each answered request, under the identity that was allowed to (the impersonated one). What is unusual is \
            told against what the identity did on earlier days of the same log: give it some weeks. Exit code 1 when \
            there is an incident.
            """)

    @Option(name: .customLong("audit-log"), parsing: .upToNextOption, help: "Audit logs; - for standard input.")
    var logs: [String]

    @Option(name: [.short, .long], help: "How to write the answer: table, json or csv.")
    var output: RBACOutput.Format = .table

    @Flag(help: "Only the incidents.")
    var incidents = false

    func run() throws {
        var audit = SecretAudit()
        for log in logs { try LogFile.audit(log).read(into: &audit) }
        let summary = audit.summary
        // What holds no event at all says nothing of who reads Secrets, and must not read as nobody.
        guard summary.malformed == 0 || summary.hasEvents else {
            throw Failure(
                message: "no audit event in \(logs.joined(separator: ", ")): expected audit.k8s.io/v1, one a line")
        }
        let period = summary.first.isEmpty ? "" : ", from \(summary.first) to \(summary.last)"
        Console.note(
            "\(summary.lines) lines, \(summary.events) about Secrets, tokens and new pods\(period); "
                + "\(summary.malformed) malformed")
        switch output {
        case .json: Console.print(json(audit))
        case .csv:
            RBACOutput.write(.csv, incidents ? Self.incidentColumns : Self.readerColumns, rows(audit), empty: "")
        case .table:
            if !incidents {
                RBACOutput.write(.table, Self.readerColumns, readerRows(audit), empty: "nobody read a Secret")
                Console.print("")
            }
            RBACOutput.write(.table, Self.incidentColumns, incidentRows(audit), empty: "no incident")
        }
        if !audit.incidents.isEmpty { throw ExitCode(1) }
    }

    private static let readerColumns = ["IDENTITY", "NAMESPACE", "NAME", "VERB", "COUNT", "FIRST", "LAST", "FROM"]
    private static let incidentColumns = [
        "SEVERITY", "INCIDENT", "IDENTITY", "FROM", "TIME", "EVENTS", "WHAT", "ADVICE",
    ]

    private func rows(_ audit: SecretAudit) -> [[String]] { incidents ? incidentRows(audit) : readerRows(audit) }

    private func readerRows(_ audit: SecretAudit) -> [[String]] {
        audit.readers.sorted.map { entry in
            [
                entry.key.identity, entry.key.namespace.isEmpty ? "*" : entry.key.namespace,
                entry.key.name.isEmpty ? "*" : entry.key.name, entry.key.verb, "\(entry.row.count)", entry.row.first,
                entry.row.last, entry.row.addresses.sorted().joined(separator: " "),
            ]
        }
    }

    private func incidentRows(_ audit: SecretAudit) -> [[String]] {
        audit.incidents.map { incident in
            [
                incident.kind.severity.rawValue, incident.kind.rawValue, incident.identity,
                incident.addresses.joined(separator: " "), incident.first.description, "\(incident.auditIDs.count)",
                incident.message, incident.kind.advice,
            ]
        }
    }

    private func json(_ audit: SecretAudit) -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            if !incidents {
                writer.member(
                    "readers",
                    array: { writer in
                        for entry in audit.readers.sorted {
                            writer.object { writer in
                                writer.member("identity", entry.key.identity)
                                writer.member("namespace", entry.key.namespace)
                                writer.member("name", entry.key.name)
                                writer.member("verb", entry.key.verb)
                                writer.member("count", entry.row.count)
                                writer.member("first", entry.row.first)
                                writer.member("last", entry.row.last)
                                writer.member("addresses", entry.row.addresses.sorted())
                            }
                        }
                    })
            }
            writer.member(
                "incidents",
                array: { writer in
                    for incident in audit.incidents {
                        writer.object { writer in
                            writer.member("kind", incident.kind.rawValue)
                            writer.member("severity", incident.kind.severity.rawValue)
                            writer.member("identity", incident.identity)
                            writer.member("message", incident.message)
                            writer.member("advice", incident.kind.advice)
                            writer.member("first", incident.first.description)
                            writer.member("last", incident.last.description)
                            writer.member("addresses", incident.addresses)
                            writer.member("auditIDs", incident.auditIDs)
                        }
                    }
                })
        }
        return writer.string
    }
}
