import AdvisoryStore
import Documents
import Foundation
import Vulnerabilities

/// Real inputs of feeds, and what the peer's reader makes of each (`snapshots/`): the same package, release and fix.
enum FeedSnapshots {
    /// Inputs of one provider: a file or a folder, and its form.
    struct Provider: Sendable {
        var name: String
        var inputs: [(path: String, format: FeedFormat)]
        /// Folders of snapshots; none where only reading is asked for.
        var snapshots: [String]
        /// Inputs that have to be refused.
        var refused: [(path: String, format: FeedFormat)] = []

        init(
            _ name: String, _ inputs: [(path: String, format: FeedFormat)], snapshots: [String] = ["snapshots"],
            refused: [(path: String, format: FeedFormat)] = []
        ) {
            self.name = name
            self.inputs = inputs
            self.snapshots = snapshots
            self.refused = refused
        }
    }

    private static let providers: [Provider] = [
        Provider("alma", [("osv-database/advisories", .osv)], snapshots: []),
        Provider("alpine", [("input/secdb", .alpineSecdb)]),
        Provider("amazon", ["2", "2022", "2023"].map { ("input/\($0)_html", .amazon) }),
        Provider("arch", [("input/arch-advisories/all.json", .arch)]),
        Provider("bitnami", [("vulndb/data", .osv)]),
        Provider(
            "chainguard",
            [
                ("input/secdb", .alpineSecdb), ("input/osv/CGA-224q-ccj5-2p53.json", .osv),
                ("input/osv/CGA-22hv-wp9q-4779.json", .osv), ("input/osv/CGA-xcpc-gm23-prj9.json", .osv),
            ]),
        Provider(
            "debian", [("input/debian.json", .debianTracker), ("input/DSA", .debianListText)],
            snapshots: ["10", "11", "12", "13", "8", "9", "unstable"].map { "snapshots/debian_\($0)" }),
        Provider("echo", [("input/echo-advisories/data.json", .echo)]),
        Provider("eol", [("valid-eol-response.json", .endOfLife)]),
        Provider("epss", [("example-1.csv", .epss)], refused: [("invalid-header.csv", .epss)]),
        Provider("fedora", [("input", .fedora), ("merge-input", .fedora)]),
        Provider("kev", [("valid-catalog-1.json", .kev)]),
        Provider("minimos", [("input/secdb", .alpineSecdb)]),
        Provider("nvd", [("full-page.json.zst", .nvd), ("single-entry.json", .nvd)]),
        Provider("rhel", [("oval/input/cve/full", .redHatData), ("csaf/hydra", .redHatData)]),
        Provider("rhel-csaf", [("csaf/advisories", .csaf), ("csaf/server/2024", .csaf)], snapshots: []),
        Provider("rocky", [("osv", .osv)], snapshots: []),
        Provider("secureos", [("input/secdb", .alpineSecdb)]),
        Provider("ubuntu", [("osv/cve", .osv)], snapshots: ubuntuReleases),
        Provider("wolfi", [("input/secdb", .alpineSecdb)]),
    ]

    private static let ubuntuReleases = ["14.04", "16.04", "18.04", "20.04", "22.04", "24.04"].flatMap { release in
        ["snapshots/ubuntu-\(release)-lts", "snapshots/ubuntu-pro-\(release)-lts"]
    }

    static let files = providers.map { provider in
        ConformanceFile(name: "feeds/\(provider.name)") { folder in try run(provider, folder) }
    }

    private static func paths(_ root: String) -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: root, isDirectory: &isFolder) else { return [] }
        guard isFolder.boolValue else { return [root] }
        let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return names.sorted().map { "\(root)/\($0)" }.filter { path in
            FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
        }
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConformanceError(description: "cannot read \(path)")
        }
        return try AdvisoryStore.unpacked(Array(data))
    }

    private static func run(_ provider: Provider, _ folder: ConformanceFolder) throws -> Agreement {
        let root = "\(folder.path)/feeds/\(provider.name.split(separator: "-")[0])"
        var agreement = Agreement()
        var collector = FeedCollector()
        for (input, format) in provider.inputs {
            for path in paths("\(root)/\(input)") {
                let before = collector.problemCount
                var node = try bytes(path)
                // The API's records under `full` are named by their file alone.
                if format == .redHatData, input.hasPrefix("oval") { node = named(node, path) }
                FeedReader.read(node, as: format, FeedContext(fileName: path), into: &collector)
                let problems = collector.problemCount - before
                agreement.note("read \(path.dropFirst(root.count + 1))", problems == 0 ? nil : "\(collector.problems)")
            }
        }
        for (input, format) in provider.refused {
            var refusing = FeedCollector()
            FeedReader.read(
                try bytes("\(root)/\(input)"), as: format, FeedContext(fileName: input), into: &refusing)
            agreement.note("refuse \(input)", refusing.problemCount > 0 ? nil : "was accepted")
        }
        var builder = DatabaseBuilder()
        builder.add(collector.finish(FeedDescription(name: provider.name, title: "", source: "", date: nil)))
        let database = try AdvisoryDatabase(StoredBytes(builder.finish(built: nil) { _ in "" }))
        for snapshots in provider.snapshots {
            for path in paths("\(root)/\(snapshots)") {
                let item = try DocumentReader.readJSON(SourceText(name: path, bytes: bytes(path)))["item"]
                agreement.note(String(path.dropFirst(root.count + 1)), difference(item, database))
            }
        }
        return agreement
    }

    private static func named(_ bytes: [UInt8], _ path: String) -> [UInt8] {
        let name = path.split(separator: "/").last ?? ""
        return Array("{\"name\":\"\(name)\",".utf8) + (bytes.drop { $0 != UInt8(ascii: "{") }.dropFirst())
    }

    private static func difference(_ item: Node, _ database: AdvisoryDatabase) -> String? {
        if item["Vulnerability"].isObject { return packages(item["Vulnerability"], database) }
        if item["affected"].isArray { return ranges(item, database) }
        if item["cve"].isObject { return vectors(item["cve"], database) }
        if item["epss"].exists { return prediction(item, database) }
        if item["cveID"].exists { return exploited(item, database) }
        if item["eolFrom"].exists || item["isEol"].exists { return lifecycle(item, database) }
        return "a snapshot of a form that is not known"
    }

    /// `debian:12`, `amzn:2023`, `wolfi:rolling` in our words.
    private static func key(_ namespace: String) -> EcosystemKey {
        let parts = namespace.split(separator: ":").map(String.init)
        let family = ["rhel": "redhat", "amzn": "amazon"][parts[0]] ?? parts[0]
        return EcosystemKey(parts.count < 2 || parts[1] == "rolling" ? family : "\(family):\(parts[1])")
    }

    private static func packages(_ node: Node, _ database: AdvisoryDatabase) -> String? {
        let id = node["Name"].string ?? ""
        let key = key(node["NamespaceName"].string ?? "")
        let keys = key.family == "fedora" ? [key, EcosystemKey("epel:\(key.release ?? "")")] : [key]
        var known = database.advisories(naming: id)
        // Since 2022 Amazon's own pages name the release twice, `ALAS2023-2023-126`; the list of news does not.
        if known.isEmpty, key.family == "amazon", id.hasPrefix("ALAS-") {
            known = database.advisories(naming: "ALAS\(key.release ?? "")-\(id.dropFirst(5))")
        }
        let found = known.flatMap(\.advisory.affected).filter { keys.contains($0.ecosystem) }
        let wanted = node["FixedIn"].elements.map { (name: $0["Name"].string ?? "", version: $0["Version"].text ?? "") }
        var missing: [String] = []
        for (name, version) in wanted {
            let own = found.filter { $0.name == name }
            let fits = own.contains { entry in
                switch version {
                // Nothing is fixed: every version has it, whatever the vendor plans.
                case "None", "": entry.fixes.isEmpty && entry.status != .notAffected
                // Never had it.
                case "0": entry.status == .notAffected
                default: entry.fixes.contains { key.scheme.order($0, version) == 0 }
                }
            }
            if !fits { missing.append("\(name) \(version), have \(own.map { "\($0.status.name) \($0.fixes)" })") }
        }
        let names = Set(wanted.map(\.name))
        let extra = Set(found.filter { $0.status != .notAffected }.map(\.name)).subtracting(names).sorted()
        if missing.isEmpty, extra.isEmpty { return nil }
        return "\(id) \(key.text): missing \(missing), besides \(extra)"
    }

    /// Records that are OSV on both sides: the same fixes for the same packages.
    private static func ranges(_ node: Node, _ database: AdvisoryDatabase) -> String? {
        var wanted: Set<String> = []
        var keys: Set<EcosystemKey> = []
        for affected in node["affected"].elements {
            guard let key = affected["package"]["ecosystem"].string.flatMap({ EcosystemKey(osv: $0) }) else { continue }
            keys.insert(key)
            let fixes = affected["ranges"].elements.flatMap { $0["events"].elements.compactMap { $0["fixed"].text } }
            wanted.insert("\(key.text) \(key.normalized(affected["package"]["name"].string ?? "")) \(fixes.sorted())")
        }
        let found = Set(
            database.advisories(naming: node["id"].string ?? "").flatMap(\.advisory.affected)
                .filter { keys.contains($0.ecosystem) }
                // The peer calls a fix that only subscribers get no fix; we name it and say so.
                .map { "\($0.ecosystem.text) \($0.name) \($0.note == "fixed in ESM" ? [] : $0.fixes.sorted())" })
        return wanted == found ? nil : "expected \(wanted.sorted()), found \(found.sorted())"
    }

    private static func vectors(_ node: Node, _ database: AdvisoryDatabase) -> String? {
        let records = database.advisories(naming: node["id"].string ?? "")
        let wanted = Set(
            node["metrics"].members.flatMap { $0.value.elements.compactMap { $0["cvssData"]["vectorString"].string } })
        // A record that waits for analysis says nothing that could be matched or shown; it is not kept.
        guard let record = records.first else {
            return wanted.isEmpty ? nil : "\(node["id"].string ?? "") is not there"
        }
        let found = Set(record.advisory.vectors)
        return wanted == found ? nil : "expected \(wanted.sorted()), found \(found.sorted())"
    }

    private static func prediction(_ node: Node, _ database: AdvisoryDatabase) -> String? {
        guard let found = database.facts(node["cve"].string ?? "").prediction else { return "no prediction" }
        let isSame = found.score == node["epss"].double && found.percentile == node["percentile"].double
        return isSame ? nil : "found \(found)"
    }

    private static func exploited(_ node: Node, _ database: AdvisoryDatabase) -> String? {
        guard let found = database.facts(node["cveID"].string ?? "").exploited else { return "not there" }
        let isSame =
            found.added.text == node["dateAdded"].string
            && found.isUsedByRansomware == node["knownRansomwareCampaignUse"].equals("Known")
        return isSame ? nil : "found \(found)"
    }

    private static func lifecycle(_ node: Node, _ database: AdvisoryDatabase) -> String? {
        let found = database.lifecycles.first {
            $0.product == node["product"].string && $0.cycle == node["name"].text
        }
        guard let found else { return "not there" }
        let isSame = found.endOfLife?.text == node["eolFrom"].string && found.codename == node["codename"].string
        return isSame ? nil : "found \(found)"
    }
}
