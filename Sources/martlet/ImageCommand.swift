import AdvisoryStore
import ArgumentParser
import Documents
import Foundation
import Vulnerabilities

struct ImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "What an image holds, what is vulnerable in it, and what to do.",
        discussion: """
              martlet db build --from feeds/ --out advisories.db
              martlet image scan ghcr.io/team/app:1.2
              martlet image scan oci:build/app --fail-on high+fixable --fail-on kev
              martlet image scan app.tar app.cdx.json --db advisories.db
              martlet image sbom ghcr.io/team/app:1.2 > app.cdx.json
              martlet image diff app:1.2 app:1.3
              martlet image explain app.cdx.json CVE-2024-0727
              martlet image compare trivy.json grype.json
              martlet image attach ghcr.io/team/app:1.2 --key key.pem
              martlet image affected CVE-2024-0727       who runs it, from what was kept
              martlet vex lint app.openvex.json --bill app.cdx.json
            """,
        subcommands: [
            ImageScanCommand.self,
            ImageSBOMCommand.self,
            ImageDiffCommand.self,
            ImageExplainCommand.self,
            ImageCompareCommand.self,
            ImageAffectedCommand.self,
            ImageStoredCommand.self,
            ImageRescanCommand.self,
            ImageForgetCommand.self,
            ImageVerifyCommand.self,
            ImageAttestCommand.self,
            ImageAttachCommand.self,
        ])
}

/// The advisories that packages are compared with, and how.
struct ImageMatchOptions: ParsableArguments {
    @Option(name: .customLong("db"), help: "The advisory database; by default the one that `martlet db build` wrote.")
    var database: String?

    @Option(help: "The distribution, as id:version, where nothing tells it: debian:12, redhat:9.4.")
    var distribution: String?

    @Option(help: "Support streams that the image is entitled to: eus, esm, els.")
    var stream: [String] = []

    @Option(help: "The day to measure ages against, as 2026-11-23; by default today.")
    var today: String?

    /// Lays what the command line says over the bill.
    func told(_ bill: BillOfMaterials) -> BillOfMaterials {
        var bill = bill
        if let distribution {
            let parts = distribution.split(separator: ":", maxSplits: 1).map(String.init)
            bill.distribution = Distribution(id: parts[0], version: parts.count > 1 ? parts[1] : "")
        }
        bill.distribution?.streams.formUnion(stream.map { $0.lowercased() })
        return bill
    }

    func matcher(
        _ bill: BillOfMaterials, _ path: String? = nil
    ) throws -> (database: AdvisoryDatabase, matcher: PackageMatcher) {
        let database = try DatabasePlace.open(path ?? database)
        var policy = MatchPolicy(today: try day())
        policy.staleAfter = 90
        return (database, PackageMatcher(database, distribution: told(bill).distribution, policy: policy))
    }

    func day() throws -> CivilDate {
        guard let today else { return DatabasePlace.today }
        guard let day = CivilDate(today) else { throw Failure(message: "--today \(today): write it as 2026-11-23") }
        return day
    }
}

enum BillFile {
    static func bytes(_ path: String) throws -> [UInt8] {
        let data: Data?
        if path == "-" {
            data = try FileHandle.standardInput.readToEnd()
        } else {
            data = FileManager.default.contents(atPath: path)
        }
        guard let data else { throw Failure(message: "\(path): cannot be read") }
        return Array(data)
    }

    static func read(_ path: String) throws -> BillOfMaterials {
        do {
            return try BillOfMaterials(try AdvisoryStore.unpacked(bytes(path)))
        } catch let error as BillError {
            throw Failure(message: "\(path): \(error.message)")
        }
    }
}

struct ImageExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say why a vulnerability is reported, or why it is not.")

    @Argument(help: "An image or a bill of materials.")
    var image: String

    @Argument(help: "The vulnerability: CVE-2024-0727, GHSA-..., an errata.")
    var id: String

    @OptionGroup(title: "Matching") var match: ImageMatchOptions
    @OptionGroup(title: "Reading") var read: ImageReadOptions

    func run() async throws {
        let subject = try await read.subjects(image)[0]
        let bill = match.told(subject.bill)
        let (database, matcher) = try match.matcher(bill)
        var lines: [String] = []
        let known = database.advisories(naming: id)
        if known.isEmpty { lines.append("no feed of the database knows \(id)") }
        let names = Set(known.flatMap { record in record.advisory.affected.map(\.name) })
        for package in bill.packages {
            let explanation = matcher.explain(package, id: id)
            guard !explanation.proofs.isEmpty else { continue }
            let verdict = explanation.finding != nil ? "VULNERABLE" : "not vulnerable"
            lines.append("\(package.name) \(package.version): \(verdict)")
            for proof in explanation.proofs {
                let feed = database.feeds[proof.feed]
                let date = feed.description.date.map { " of \($0.text)" } ?? ""
                lines.append("  \(proof.advisory) for \(proof.key.text)/\(proof.name) says \(proof.status.name)")
                if !proof.note.isEmpty { lines.append("    \"\(proof.note)\"") }
                lines.append("    \(proof.verdict.kind): \(proof.verdict.trace.joined(separator: ", "))")
                lines.append("    feed \(feed.description.name)\(date), sha256 \(feed.digest.prefix(16))")
            }
            if let finding = explanation.finding, !finding.fixes.isEmpty {
                lines.append("  fixed in \(finding.fixes.joined(separator: ", "))")
            }
        }
        if lines.isEmpty || lines.allSatisfy({ $0.hasPrefix("no feed") }) {
            let wanted = names.sorted().prefix(8).joined(separator: ", ")
            lines.append(
                names.isEmpty
                    ? "nothing to explain" : "no package of the bill is one that \(id) speaks of (\(wanted))")
        }
        Console.print(lines.joined(separator: "\n"))
    }
}

struct ImageCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Put scanners' reports of the same image side by side, and explain differences.")

    @Argument(help: "Reports of Trivy, Grype, Snyk, SARIF, CycloneDX, Clair, Harbor and others.")
    var reports: [String]

    @Flag(help: "List what all agree on, too.")
    var all = false

    func run() throws {
        let read = try reports.map { path in
            do {
                return try ScannerReport(try AdvisoryStore.unpacked(BillFile.bytes(path)), name: path)
            } catch let error as BillError {
                throw Failure(message: "\(path): \(error.message)")
            }
        }
        let consensus = Consensus(read)
        var lines = read.map {
            "\($0.tool) (\($0.format)): \($0.findings.count) vulnerabilities, \($0.others) other results"
        }
        lines.append("\(consensus.agreed) of \(consensus.rows.count) are reported by all")
        for row in consensus.rows where all || !row.missedBy.isEmpty {
            lines.append("\(row.id) \(row.package): \(row.reportedBy.joined(separator: ", "))")
            if !row.why.isEmpty { lines.append("  \(row.why)") }
        }
        Console.print(lines.joined(separator: "\n"))
    }
}
