import AdvisoryStore
import ArgumentParser
import Documents
import Foundation
import ImageInspection
import ImageStore
import Vulnerabilities

struct ImageAffectedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "affected", abstract: "Which kept images an advisory makes vulnerable, and who runs them.",
        discussion: """
              martlet image affected CVE-2024-0727
              martlet image affected GHSA-xxxx.json           a file in OSV form, before any feed has it

            Answers from the inventories that `martlet image scan` and `martlet scan --images` kept; no image is read.
            Exit codes: 0 none, 1 some, 2 nothing is known of the advisory.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json }

    @Argument(help: "Vulnerabilities by any of their names, or files with advisories in OSV form.")
    var advisories: [String]

    @OptionGroup var keep: ImageKeepOptions

    @Option(name: .customLong("db"), help: "The advisory database; by default the one that `martlet db build` wrote.")
    var database: String?

    @Option(name: [.short, .long], help: "table or json.")
    var output: Format = .table

    func run() throws {
        let store = try keep.existing()
        var answers: [AffectedAnswer] = []
        var isUnknown = false
        for name in advisories {
            do {
                let answer =
                    FileManager.default.fileExists(atPath: name)
                    ? try AffectedAnswer(file: name, store)
                    : try AffectedAnswer(id: name, try DatabasePlace.open(database), store, today: DatabasePlace.today)
                answers.append(answer)
            } catch let failure as Failure {
                Console.error(failure.message)
                isUnknown = true
            }
        }
        let counts = try store.counts()
        Console.print(output == .json ? AffectedAnswer.json(answers) : text(answers, images: counts.images))
        if isUnknown { throw ExitCode(2) }
        if answers.contains(where: { !$0.images.isEmpty }) { throw ExitCode(1) }
    }

    private func text(_ answers: [AffectedAnswer], images: Int) -> String {
        var lines: [String] = []
        for answer in answers {
            let found = answer.images
            lines.append("\(answer.name): \(Set(found.map(\.digest)).count) of \(images) kept images")
            for image in found {
                lines.append("  \(image.reference) (\(image.digest.prefix(19))): \(image.package) \(image.version)")
                for use in image.uses {
                    let cluster = use.cluster.isEmpty ? "" : "\(use.cluster): "
                    lines.append(
                        "    runs in \(cluster)\(use.workload), container \(use.container)"
                            + (use.owner.map { ", of \($0)" } ?? ""))
                }
                if image.uses.isEmpty { lines.append("    runs nowhere that was scanned") }
            }
        }
        return lines.joined(separator: "\n")
    }
}

/// What one advisory means for the images that were kept.
struct AffectedAnswer {
    struct Image {
        var digest: String
        var reference: String
        var package: String
        var version: String
        var uses: [ImageUse]
    }

    var name: String
    var images: [Image]

    /// An advisory that stands in a file, believed as it is.
    init(file: String, _ store: ImageStore) throws {
        name = file
        let database: AdvisoryDatabase
        do {
            let bytes = try AdvisoryStore.build([FeedFile(path: file, format: .osv)], built: nil)
            database = try AdvisoryDatabase(StoredBytes(bytes))
        } catch {
            throw Failure(message: "\(file): \(error)")
        }
        let records = database.allAdvisories()
        guard !records.isEmpty else { throw Failure(message: "\(file): no advisory in OSV form is in it") }
        images = try Self.images(Set(try records.flatMap { try store.affected(by: $0.advisory) }), store)
    }

    /// One that the database knows. What its records say is judged as in a scan, with every source's word.
    init(id: String, _ database: AdvisoryDatabase, _ store: ImageStore, today: CivilDate) throws {
        name = id
        let records = database.advisories(naming: id)
        guard !records.isEmpty else { throw Failure(message: "no feed of the database knows \(id)") }
        let candidates = Set(try records.flatMap { try store.affected(by: $0.advisory) })
        var confirmed: Set<AffectedImage> = []
        for (digest, hits) in Dictionary(grouping: candidates, by: \.digest) {
            guard let image = try store.image(digest: digest) else { continue }
            let matcher = PackageMatcher(
                database, distribution: image.distribution, policy: MatchPolicy(today: today))
            for hit in hits {
                let isFound = image.packages.contains { package in
                    package.name == hit.package && package.version == hit.version
                        && matcher.explain(package, id: id).finding != nil
                }
                if isFound { confirmed.insert(hit) }
            }
        }
        images = try Self.images(confirmed, store)
    }

    private static func images(_ hits: Set<AffectedImage>, _ store: ImageStore) throws -> [Image] {
        let names = Dictionary(
            try store.summaries().map { ($0.digest, $0.reference) }, uniquingKeysWith: { first, _ in first })
        return try hits.map { hit in
            Image(
                digest: hit.digest, reference: names[hit.digest] ?? "", package: hit.package, version: hit.version,
                uses: try store.uses(digest: hit.digest))
        }.sorted { ($0.reference, $0.digest, $0.package) < ($1.reference, $1.digest, $1.package) }
    }

    static func json(_ answers: [AffectedAnswer]) -> String {
        var writer = JSONWriter(compact: false)
        writer.array { writer in
            for answer in answers {
                writer.object { writer in
                    writer.member("advisory", answer.name)
                    writer.member("images", array: { writer in for image in answer.images { image.write(&writer) } })
                }
            }
        }
        return writer.string
    }
}

extension AffectedAnswer.Image {
    fileprivate func write(_ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("digest", digest)
            writer.member("reference", reference)
            writer.member("package", package)
            writer.member("version", version)
            writer.member(
                "workloads",
                array: { writer in
                    for use in uses {
                        writer.object { writer in
                            writer.member("cluster", use.cluster)
                            writer.member("namespace", use.namespace)
                            writer.member("kind", use.kind)
                            writer.member("name", use.name)
                            writer.member("container", use.container)
                            if let owner = use.owner { writer.member("owner", owner) }
                        }
                    }
                })
        }
    }
}

struct ImageStoredCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stored", abstract: "The images whose inventories are kept, with what was last found.")

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json }

    @OptionGroup var keep: ImageKeepOptions

    @Option(name: [.short, .long], help: "table or json.")
    var output: Format = .table

    func run() throws {
        let store = try keep.existing()
        let images = try store.summaries()
        guard output == .table else {
            var writer = JSONWriter(compact: false)
            let verdicts = try images.map { try store.verdict(digest: $0.digest) }
            writer.array { writer in
                for (image, verdict) in zip(images, verdicts) { write(image, verdict, &writer) }
            }
            return Console.print(writer.string)
        }
        for image in images {
            let verdict = try store.verdict(digest: image.digest)
            let found = verdict.map { verdict in
                let counts = Vulnerabilities.Severity.allCases.reversed().compactMap { severity in
                    verdict.counts[severity].map { "\($0) \(severity.name)" }
                }
                return counts.isEmpty ? (verdict.isClean ? "clean" : "nothing found") : counts.joined(separator: ", ")
            }
            Console.print(
                "\(image.reference)  \(image.digest.prefix(19))  \(image.packages) packages, \(image.uses) uses: "
                    + (found ?? "not compared yet"))
        }
        Console.print("\(images.count) images")
    }

    private func write(_ image: ImageSummary, _ verdict: StoredVerdict?, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("digest", image.digest)
            writer.member("reference", image.reference)
            writer.member("distribution", image.distribution)
            writer.member("packages", image.packages)
            writer.member("uses", image.uses)
            guard let verdict else { return }
            writer.member(
                "counts",
                object: { writer in
                    for severity in Vulnerabilities.Severity.allCases {
                        if let count = verdict.counts[severity] { writer.member(severity.name, count) }
                    }
                })
            writer.member("fixable", verdict.fixable)
            writer.member("exploited", verdict.exploited)
            writer.member("unassessed", verdict.unassessed)
            writer.member("faults", verdict.details.faults)
            writer.member("bases", verdict.details.bases)
        }
    }
}

struct ImageRescanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rescan", abstract: "Compare kept inventories with a newer database; no image is read.")

    @OptionGroup var keep: ImageKeepOptions
    @OptionGroup(title: "Matching") var match: ImageMatchOptions

    func run() throws {
        let store = try keep.existing()
        let database = try DatabasePlace.open(match.database)
        let rescan = StoredRescan(store, database, database: database.digest, today: try match.day())
        let changes = try rescan.run(now: Date())
        for change in changes where !change.new.isEmpty || !change.gone.isEmpty {
            Console.print("\(change.reference) (\(change.digest.prefix(19)))")
            for item in change.new {
                Console.print("  new   \(item.severity.name) \(item.id) \(item.package) \(item.version)")
            }
            for item in change.gone {
                Console.print("  gone  \(item.severity.name) \(item.id) \(item.package) \(item.version)")
            }
        }
        let new = changes.reduce(0) { $0 + $1.new.count }
        Console.print("\(changes.count) images compared, \(new) findings are new")
        if new > 0 { throw ExitCode(1) }
    }
}

struct ImageForgetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget", abstract: "Forget kept images, by digest, or all that run nowhere.")

    @Argument(help: "Digests.")
    var digests: [String] = []

    @Flag(help: "All images that no scanned cluster runs.")
    var unused = false

    @OptionGroup var keep: ImageKeepOptions

    func run() throws {
        guard unused || !digests.isEmpty else { throw ValidationError("name digests, or say --unused") }
        let store = try keep.existing()
        let images = try store.summaries()
        let gone = images.filter { image in
            digests.contains { $0.utf8.count >= 14 && image.digest.hasPrefix($0) } || unused && image.uses == 0
        }
        for image in gone { try store.remove(digest: image.digest) }
        Console.print("\(gone.count) of \(images.count) images forgotten")
    }
}
