import Documents

/// Fedora's updates as Bodhi tells them: builds of source packages, and the bugs that they close.
enum FedoraFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        let updates = node["updates"].isArray ? Array(node["updates"].elements) : [node]
        for update in updates { read(update: update, into: &collector) }
    }

    private static func read(update node: Node, into collector: inout FeedCollector) {
        guard let id = node["alias"].string ?? node["updateid"].string else {
            collector.report("an update of Fedora without a name")
            return
        }
        guard let key = key(node["release"]) else {
            collector.report("\(id): the release \"\(node["release"]["name"].string ?? "")\" is not known")
            return
        }
        var advisory = Advisory(id)
        advisory.summary = node["display_name"].string ?? ""
        if advisory.summary.isEmpty { advisory.summary = node["title"].string ?? "" }
        advisory.severity = node["severity"].string.flatMap { Severity(word: $0) }
        advisory.published = node["date_submitted"].string.flatMap { CivilDate($0) }
        advisory.modified = node["date_modified"].string.flatMap { CivilDate($0) }
        for bug in node["bugs"].elements where bug["security"].bool == true {
            add(bug["title"].string ?? "", to: &advisory.upstream)
        }
        // An update without such bugs names what it fixes in its title or notes.
        if advisory.upstream.isEmpty {
            for text in [node["display_name"], node["title"], node["notes"]] {
                add(text.string ?? "", to: &advisory.upstream)
            }
        }
        let stable = node["date_stable"].string ?? node["date_pushed"].string
        for build in node["builds"].elements {
            guard let text = build["nvr"].string, let found = RPMName(text, hasArchitecture: false) else { continue }
            var package = AffectedPackage(key, found.name)
            package.fix(in: "\(build["epoch"].int ?? 0):\(found.version)")
            package.fixed = stable.flatMap { CivilDate($0) }
            package.errata = [id]
            advisory.affected.append(package)
        }
        collector.add(advisory)
    }

    /// `F40`, `EPEL-9`, `EPEL-10.1`
    private static func key(_ release: Node) -> EcosystemKey? {
        guard let version = release["version"].text else { return nil }
        let prefix = release["id_prefix"].string ?? ""
        if prefix.hasPrefix("FEDORA-EPEL") { return EcosystemKey("epel:\(version)") }
        return prefix == "FEDORA" ? EcosystemKey("fedora:\(version)") : nil
    }

    private static func add(_ text: String, to ids: inout [String]) {
        for id in VulnerabilityNames.cves(in: text) where !ids.contains(id) { ids.append(id) }
    }
}

/// Amazon Linux's bulletins, which are pages made for people.
enum AmazonFeed {
    static func read(_ bytes: [UInt8], into collector: inout FeedCollector) {
        let page = String(decoding: bytes, as: UTF8.self)
        guard let title = part(page, "<title>", "</title>")?.trimmed, title.hasPrefix("ALAS") else {
            collector.report("a bulletin of Amazon Linux without a title")
            return
        }
        var advisory = Advisory(title)
        advisory.upstream = VulnerabilityNames.cves(in: part(page, "id='references'", "</div>") ?? "")
        advisory.severity = part(page, "id='severity'", "</div>").flatMap { text in
            plain(text).split(whereSeparator: \.isWhitespace).compactMap { Severity(word: $0) }.last
        }
        advisory.summary = FeedReader.summary(
            plain(part(page, "id='issue_overview'", "</div>") ?? "").replacing("Issue Overview:", with: "").trimmed)
        advisory.published = date(page, "Advisory Release Date:</b>")
        advisory.modified = date(page, "Advisory Updated Date:</b>")
        guard let list = part(page, "id='new_packages'", "</pre>") else {
            collector.report("\(title): no list of packages")
            return
        }
        var seen: [String: Int] = [:]
        for line in list.replacing("<br />", with: "\n").split(separator: "\n") {
            guard let found = RPMName(plain(String(line)).trimmed, hasArchitecture: true), found.architecture != "src",
                let key = key(found.version)
            else { continue }
            let identity = "\(found.name) \(found.version)"
            if let index = seen[identity] {
                advisory.affected[index].architectures.append(found.architecture)
                continue
            }
            var package = AffectedPackage(key, found.name)
            package.fix(in: found.version)
            package.fixed = advisory.published
            package.architectures = [found.architecture]
            seen[identity] = advisory.affected.count
            advisory.affected.append(package)
        }
        // A package without an architecture is on all of them.
        for index in advisory.affected.indices where advisory.affected[index].architectures.contains("noarch") {
            advisory.affected[index].architectures = []
        }
        collector.add(advisory)
    }

    /// The release stands in every build: `.amzn2`, `.amzn2023.0.1`; `.amzn1` is of 2018.03, the first one's last.
    private static func key(_ version: String) -> EcosystemKey? {
        guard let mark = version.range(of: ".amzn") else { return nil }
        let digits = version[mark.upperBound...].prefix { $0.isNumber }
        return digits.isEmpty ? nil : EcosystemKey(digits == "1" ? "amazon:2018" : "amazon:\(digits)")
    }

    private static func part(_ page: String, _ start: String, _ end: String) -> String? {
        guard let from = page.firstRange(of: start), let until = page[from.upperBound...].firstRange(of: end) else {
            return nil
        }
        return String(page[from.upperBound..<until.lowerBound])
    }

    private static func date(_ page: String, _ mark: String) -> CivilDate? {
        part(page, mark, "<").flatMap { CivilDate($0.trimmed) }
    }

    /// Without tags and the few entities that these pages use.
    private static func plain(_ text: String) -> String {
        var out = ""
        var isInTag = false
        for character in text {
            if character == "<" {
                isInTag = true
            } else if character == ">" {
                isInTag = false
            } else if !isInTag {
                out.append(character)
            }
        }
        return out.replacing("&nbsp;", with: " ").replacing("&lt;", with: "<").replacing("&gt;", with: ">")
            .replacing("&amp;", with: "&")
    }
}

/// `name-version-release`, with `.architecture` behind it or not.
struct RPMName {
    var name: String
    /// Version and release.
    var version: String
    var architecture = ""

    init?(_ text: String, hasArchitecture: Bool) {
        var rest = text[...]
        if hasArchitecture {
            guard let dot = rest.lastIndex(of: ".") else { return nil }
            architecture = String(rest[rest.index(after: dot)...])
            rest = rest[..<dot]
        }
        guard let release = rest.lastIndex(of: "-"), let version = rest[..<release].lastIndex(of: "-"),
            version != rest.startIndex
        else { return nil }
        name = String(rest[..<version])
        self.version = String(rest[rest.index(after: version)...])
    }
}

enum VulnerabilityNames {
    /// The CVEs that a text names, in its order, each once.
    static func cves(in text: String) -> [String] {
        var out: [String] = []
        var rest = text[...]
        while let mark = rest.firstRange(of: "CVE-") {
            let digits = rest[mark.upperBound...].prefix { $0.isNumber || $0 == "-" }
            let parts = digits.split(separator: "-")
            if parts.count >= 2, parts[0].count == 4, parts[1].count >= 4 {
                let id = "CVE-\(parts[0])-\(parts[1])"
                if !out.contains(id) { out.append(id) }
            }
            rest = rest[mark.upperBound...]
        }
        return out
    }
}
