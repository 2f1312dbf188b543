import Documents

/// Debian's security tracker and its lists of advisories.
enum DebianFeed {
    /// The tracker's JSON: source package → CVE → releases.
    static func readTracker(_ node: Node, into collector: inout FeedCollector) {
        var byID: [String: Advisory] = [:]
        for package in node.members {
            for vulnerability in package.value.members {
                var advisory = byID[vulnerability.key] ?? Advisory(vulnerability.key)
                if advisory.summary.isEmpty {
                    advisory.summary = FeedReader.summary(vulnerability.value["description"].string ?? "")
                }
                for release in vulnerability.value["releases"].members {
                    guard let key = ReleaseNames.key("debian", release.key) else { continue }
                    advisory.affected.append(status(release.value, AffectedPackage(key, package.key)))
                }
                byID[vulnerability.key] = advisory
            }
        }
        for id in byID.keys.sorted() { if let advisory = byID[id] { collector.add(advisory) } }
    }

    private static func status(_ node: Node, _ package: AffectedPackage) -> AffectedPackage {
        var out = package
        let urgency = (node["urgency"].string ?? "").filter { $0 != "*" }
        out.severity = Severity(word: urgency == "end-of-life" ? "" : urgency)
        out.note = node["nodsa"].string ?? ""
        switch node["status"].string {
        case "resolved":
            let version = node["fixed_version"].string ?? ""
            if version == "0" || version.isEmpty { out.status = .notAffected } else { out.fix(in: version) }
        case "undetermined":
            out.status = .underInvestigation
            out.affectsAll()
        default:
            out.affectsAll()
            if urgency == "end-of-life" {
                out.status = .endOfLife
            } else if let reason = node["nodsa_reason"].string {
                // Debian puts a fix off (`postponed`) or leaves it (`ignored`) when it is not worth an advisory.
                out.status = reason == "ignored" ? .willNotFix : .deferred
            }
        }
        return out
    }

    /// DSA and DLA lists: one update for many vulnerabilities.
    static func readList(_ node: Node, into collector: inout FeedCollector) {
        guard let id = node["id"].string else {
            collector.report("a DSA or DLA without an id")
            return
        }
        var advisory = Advisory(id)
        advisory.upstream = node["cves"].strings
        advisory.summary = node["title"].string ?? ""
        advisory.published = node["date"].string.flatMap { date($0) }
        for entry in node["entries"].elements {
            guard let key = entry["suite"].string.flatMap({ ReleaseNames.key("debian", $0) }),
                let source = entry["source"].string, let fixed = entry["fixed"].string
            else { continue }
            var package = AffectedPackage(key, source)
            package.fixed = advisory.published
            if fixed.hasPrefix("<not-affected>") {
                package.status = .notAffected
                package.note = fixed
            } else if fixed.hasPrefix("<end-of-life>") {
                package.status = .endOfLife
                package.affectsAll()
            } else if fixed.hasPrefix("<") {
                package.affectsAll()
                package.note = fixed
            } else {
                package.fix(in: fixed)
            }
            advisory.affected.append(package)
        }
        collector.add(advisory)
    }

    /// The same lists as Debian keeps them:
    ///
    ///     [31 Jul 2025] DSA-5970-1 sope - security update
    ///             {CVE-2025-53603}
    ///             [bookworm] - sope 5.8.0-1+deb12u1
    static func readList(text: String, into collector: inout FeedCollector) {
        var advisory: Advisory?
        for line in text.split(separator: "\n") {
            let trimmed = String(line).trimmed
            if line.first == "[" {
                if let advisory { collector.add(advisory) }
                guard let close = line.firstIndex(of: "]") else {
                    collector.report("a list of Debian: \"\(line.prefix(60))\" has no date")
                    advisory = nil
                    continue
                }
                let words = line[line.index(after: close)...].split(separator: " ", maxSplits: 1).map(String.init)
                guard let id = words.first else { continue }
                var next = Advisory(id)
                next.published = date(String(line[line.index(after: line.startIndex)..<close]))
                next.summary = words.count > 1 ? words[1] : ""
                advisory = next
            } else if trimmed.hasPrefix("{") {
                advisory?.upstream += VulnerabilityNames.cves(in: trimmed)
            } else if trimmed.hasPrefix("["), let close = trimmed.firstIndex(of: "]") {
                let suite = String(trimmed[trimmed.index(after: trimmed.startIndex)..<close])
                let words = trimmed[trimmed.index(after: close)...].split(separator: " ").map(String.init)
                guard let key = ReleaseNames.key("debian", suite), words.count >= 3, words[0] == "-" else { continue }
                var package = AffectedPackage(key, words[1])
                package.fixed = advisory?.published
                switch words[2] {
                case "<not-affected>": package.status = .notAffected
                case "<end-of-life>":
                    package.status = .endOfLife
                    package.affectsAll()
                case let word where word.hasPrefix("<"):
                    package.affectsAll()
                    package.note = word
                default: package.fix(in: words[2])
                }
                advisory?.affected.append(package)
            }
        }
        if let advisory { collector.add(advisory) }
    }

    private static let months = [
        "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10,
        "nov": 11, "dec": 12,
    ]

    /// `29 Mar 2023`
    private static func date(_ text: String) -> CivilDate? {
        let parts = text.split(separator: " ")
        guard parts.count == 3, let day = Int(parts[0]), let month = months[parts[1].prefix(3).lowercased()],
            let year = Int(parts[2])
        else { return nil }
        return CivilDate(year: year, month: month, day: day)
    }
}
