import Documents

/// The forms in which advisories come.
package enum FeedFormat: String, Sendable, CaseIterable {
    case osv
    case debianTracker = "debian-tracker"
    case debianLists = "debian-dsa-dla"
    case ubuntuTracker = "ubuntu-cve-tracker"
    case alpineSecdb = "alpine-secdb"
    case alpineAports = "alpine-aports"
    case wolfiAdvisories = "wolfi-advisories"
    case rustsec
    case rubysec
    case friendsOfPHP = "friendsofphp"
    case csaf
    case kev
    case vulnrichment
    case epss
    case endOfLife = "endoflife"
    case nvd
    case retireJS = "retirejs"
    case arch = "arch-tracker"
    case echo = "echo-advisories"
    case fedora = "fedora-updates"
    case amazon = "amazon-bulletins"
    case redHatData = "redhat-data"
    /// The lists of DSAs and DLAs as Debian keeps them, not as JSON.
    case debianListText = "debian-list-text"

    /// The form by a file's name, as the feeds are usually kept.
    package init?(fileName: String) {
        let name = fileName.lowercased()
        let marks: [(String, FeedFormat)] = [
            ("osv", .osv), ("dsa-dla", .debianLists), ("debian-tracker", .debianTracker),
            ("debian.json", .debianTracker),
            ("ubuntu-cve-tracker", .ubuntuTracker), ("secdb", .alpineSecdb), ("aports", .alpineAports),
            ("wolfi-advisories", .wolfiAdvisories), ("rustsec", .rustsec), ("rubysec", .rubysec),
            ("friendsofphp", .friendsOfPHP), ("csaf", .csaf), ("kev", .kev), ("vulnrichment", .vulnrichment),
            ("epss", .epss), ("endoflife", .endOfLife), ("nvd", .nvd), ("retirejs", .retireJS), ("arch-tracker", .arch),
            ("echo-advisories", .echo), ("fedora-updates", .fedora), ("amazon-bulletins", .amazon),
            ("redhat-data", .redHatData), ("debian-list", .debianListText),
        ]
        guard let found = marks.first(where: { name.contains($0.0) }) else { return nil }
        self = found.1
    }
}

/// What a feed's reader must know that does not stand in its records.
package struct FeedContext: Sendable {
    /// For feeds whose records leave out the release: Alpine's aports are of one branch.
    package var release: String?
    /// `retirejs-npm` and `retirejs-libraries` differ in nothing but this.
    package var fileName: String

    package init(fileName: String, release: String? = nil) {
        self.fileName = fileName
        self.release = release
    }
}

/// Reads a feed's bytes, whatever its form.
package enum FeedReader {
    /// Reads one file of a feed: JSON, JSON Lines or CSV.
    package static func read(
        _ bytes: [UInt8], as format: FeedFormat, _ context: FeedContext, into collector: inout FeedCollector
    ) {
        if format == .epss {
            EPSSFeed.read(bytes, into: &collector)
            return
        }
        if format == .amazon {
            AmazonFeed.read(bytes, into: &collector)
            return
        }
        if format == .debianListText {
            DebianFeed.readList(text: String(decoding: bytes, as: UTF8.self), into: &collector)
            return
        }
        if format == .alpineSecdb, bytes.first(where: { !$0.isBlank }) != UInt8(ascii: "{") {
            let set = DocumentReader.read(SourceText(name: context.fileName, bytes: bytes))
            for problem in set.problems { collector.report(problem.description) }
            for document in set.documents { AlpineFeed.readSecdb(document.root, into: &collector) }
            return
        }
        for (index, line) in values(of: bytes).enumerated() {
            do throws(DocumentError) {
                let node = try DocumentReader.readJSON(SourceText(name: "", bytes: line))
                record(node, format, context, &collector)
            } catch {
                collector.report("\(context.fileName):\(index + 1): \(error.message)")
            }
        }
    }

    /// A text of one JSON value, or of one a line.
    private static func values(of bytes: [UInt8]) -> [[UInt8]] {
        // JSON Lines close each value before the line ends; a value written over lines does not.
        let first = bytes.firstIndex(of: 0x0A) ?? bytes.count
        let last = bytes[..<first].last { !$0.isBlank }
        if first < bytes.count, last == UInt8(ascii: "}") || last == UInt8(ascii: "]"), first > 2 {
            return bytes.split(separator: 0x0A).filter { !$0.allSatisfy(\.isBlank) }.map(Array.init)
        }
        return [bytes]
    }

    private static func record(
        _ node: Node, _ format: FeedFormat, _ context: FeedContext, _ collector: inout FeedCollector
    ) {
        switch format {
        case .osv:
            // A dump is one record a file, or a list of them.
            if node.isArray {
                for element in node.elements { OSVFeed.read(element, into: &collector) }
            } else {
                OSVFeed.read(node, into: &collector)
            }
        case .debianTracker: DebianFeed.readTracker(node, into: &collector)
        case .debianLists: DebianFeed.readList(node, into: &collector)
        case .ubuntuTracker: UbuntuFeed.read(node, into: &collector)
        case .alpineSecdb: AlpineFeed.readSecdb(node, into: &collector)
        case .alpineAports: AlpineFeed.readAports(node, release: context.release ?? "edge", into: &collector)
        case .wolfiAdvisories: WolfiFeed.read(node, into: &collector)
        case .rustsec: RustSecFeed.read(node, into: &collector)
        case .rubysec: RubySecFeed.read(node, into: &collector)
        case .friendsOfPHP: FriendsOfPHPFeed.read(node, into: &collector)
        case .csaf: CSAFFeed.read(node, into: &collector)
        case .kev: KEVFeed.read(node, into: &collector)
        case .vulnrichment: VulnrichmentFeed.read(node, into: &collector)
        case .epss: break
        case .endOfLife: EndOfLifeFeed.read(node, into: &collector)
        case .nvd: NVDFeed.read(node, into: &collector)
        case .retireJS: RetireJSFeed.read(node, into: &collector)
        case .arch: ArchFeed.read(node, into: &collector)
        case .echo: EchoFeed.read(node, into: &collector)
        case .fedora: FedoraFeed.read(node, into: &collector)
        case .redHatData: RedHatDataFeed.read(node, into: &collector)
        case .amazon, .debianListText: break
        }
    }

    /// The first sentences of a description, short enough for a line on a screen.
    static func summary(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        let plain = line.drop { $0 == "#" || $0 == " " }
        guard plain.utf8.count > 160 else { return String(plain) }
        return plain.prefix(157).trimmed + "..."
    }
}
