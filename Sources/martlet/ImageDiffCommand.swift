import AdvisoryStore
import ArgumentParser
import Documents
import ImageInspection
import Vulnerabilities

struct ImageDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "What changed between two images, or two days of one, and what made it change.",
        discussion: """
              martlet image diff app:1.2 app:1.3
              martlet image diff app:1.3 app:1.3 --db-before yesterday.db     what the feeds brought

            Exit codes: 0 no vulnerability more than before, 1 there are new ones, 2 unreadable input.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json }

    @Argument(help: "The image before.")
    var before: String

    @Argument(help: "The image after.")
    var after: String

    @OptionGroup(title: "Reading") var read: ImageReadOptions
    @OptionGroup(title: "Matching") var match: ImageMatchOptions

    @Option(name: .customLong("db-before"), help: "The advisory database of the day before; by default the same.")
    var databaseBefore: String?

    @Option(help: "VEX documents that hold for the image after.")
    var vex: [String] = []

    @Option(name: [.short, .long], help: "table or json.")
    var output: Format = .table

    func run() async throws {
        let subjects = try await read.subjects(before, after)
        let documents = try vex.map { try VEXFile.read($0) }
        let old = try side(subjects[0], databaseBefore ?? match.database, [])
        let new = try side(subjects[1], match.database, documents)
        let difference = ImageDifference(old, new)
        Console.print(output == .table ? table(difference) : json(difference))
        for subject in subjects {
            for note in subject.notes where note.kind == .incomplete {
                Console.error("\(subject.name): \(note.message)")
            }
        }
        if difference.vulnerabilities.contains(where: \.isNew) { throw ExitCode(1) }
    }

    private func side(
        _ subject: ImageSubject, _ path: String?, _ documents: [VEXDocument]
    ) throws -> ImageDifference.Side {
        let (database, matcher) = try match.matcher(subject.bill, path)
        let report = matcher.match(subject.bill.packages)
        var suppressed: Set<ImageDifference.Suppression> = []
        if !documents.isEmpty {
            for decision in VEXFilter(documents).apply(to: report.findings, of: subject.bill.packages).decisions
            where decision.isSuppressed {
                suppressed.insert(.init(id: decision.finding.id, package: decision.finding.package))
            }
        }
        return ImageDifference.Side(
            packages: subject.bill.packages, findings: report.findings, suppressed: suppressed, database: database)
    }

    private func table(_ difference: ImageDifference) -> String {
        var lines: [String] = []
        for change in difference.packages {
            let versions =
                switch change.kind {
                case .added: change.after.joined(separator: ", ")
                case .removed: change.before.joined(separator: ", ")
                case .changed:
                    "\(change.before.joined(separator: ", ")) -> \(change.after.joined(separator: ", "))"
                }
            lines.append("\(change.kind.rawValue.padding(to: 8)) \(change.type) \(change.name) \(versions)")
        }
        if !lines.isEmpty { lines.append("") }
        for change in difference.vulnerabilities {
            lines.append(
                "\(change.isNew ? "new  " : "gone ") \(change.severity.name.padding(to: 8)) \(change.id) "
                    + "\(change.package.name) \(change.package.version)")
            lines.append("      \(change.cause.text)")
        }
        let new = difference.vulnerabilities.count(where: \.isNew)
        lines.append(
            "\(difference.packages.count) packages changed; \(new) vulnerabilities are new, "
                + "\(difference.vulnerabilities.count - new) are gone, \(difference.unchanged) stay")
        return lines.joined(separator: "\n")
    }

    private func json(_ difference: ImageDifference) -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member(
                "packages",
                array: { writer in
                    for change in difference.packages {
                        writer.object { writer in
                            writer.member("change", change.kind.rawValue)
                            writer.member("type", change.type)
                            writer.member("name", change.name)
                            writer.member("before", change.before)
                            writer.member("after", change.after)
                        }
                    }
                })
            writer.member(
                "vulnerabilities",
                array: { writer in
                    for change in difference.vulnerabilities {
                        writer.object { writer in
                            writer.member("change", change.isNew ? "new" : "gone")
                            writer.member("id", change.id)
                            writer.member("severity", change.severity.name)
                            writer.member("package", change.package.purl ?? change.package.name)
                            writer.member("cause", change.cause.text)
                        }
                    }
                })
            writer.member("unchanged", difference.unchanged)
        }
        return writer.string
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
