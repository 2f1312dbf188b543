import Documents

/// CISA's catalogue of vulnerabilities that are exploited.
enum KEVFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        let items = node["vulnerabilities"].isArray ? Array(node["vulnerabilities"].elements) : [node]
        for item in items {
            guard let id = item["cveID"].string, let added = item["dateAdded"].string.flatMap({ CivilDate($0) }) else {
                collector.report("a KEV entry without a CVE or a date")
                continue
            }
            var facts = VulnerabilityFacts(id)
            facts.exploited = .init(
                added: added, isUsedByRansomware: item["knownRansomwareCampaignUse"].equals("Known"))
            collector.add(facts)
        }
    }
}

/// CISA's Vulnrichment: SSVC decision points, and vectors for what NVD left without.
enum VulnrichmentFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        guard let id = node["id"].string else {
            collector.report("a Vulnrichment record without an id")
            return
        }
        var facts = VulnerabilityFacts(id)
        let points = node["ssvc"]
        if points.isObject {
            facts.decision = .init(
                exploitation: points["exploitation"].string ?? "", automatable: points["automatable"].string ?? "",
                impact: points["technical_impact"].string ?? "")
        }
        for member in node["cvss"].members {
            if let vector = member.value.string, CVSS(vector) != nil { facts.vectors.append(vector) }
        }
        collector.add(facts)
    }
}

/// FIRST's daily prediction: `cve,epss,percentile` under a comment with the day.
enum EPSSFeed {
    static func read(_ bytes: [UInt8], into collector: inout FeedCollector) {
        var columns: [String] = []
        if let day = date(bytes) { collector.note(date: day) }
        for (number, line) in bytes.split(separator: 0x0A).enumerated() {
            let text = String(decoding: line, as: UTF8.self).trimmed
            if text.hasPrefix("#") || text.isEmpty { continue }
            let cells = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            if columns.isEmpty {
                columns = cells
                guard columns.starts(with: ["cve", "epss", "percentile"]) else {
                    collector.report("EPSS: the header is \"\(text)\", not cve,epss,percentile")
                    return
                }
                continue
            }
            guard cells.count >= 3, let score = Double(cells[1]), let percentile = Double(cells[2]),
                cells[0].hasPrefix("CVE-"), (0...1).contains(score), (0...1).contains(percentile)
            else {
                collector.report("EPSS:\(number + 1): \"\(text.prefix(80))\" is no prediction")
                continue
            }
            var facts = VulnerabilityFacts(cells[0])
            facts.prediction = .init(score: score, percentile: percentile)
            collector.add(facts)
        }
    }

    /// The day in the comment, `score_date:2025-02-20T…`.
    static func date(_ bytes: [UInt8]) -> CivilDate? {
        let first = String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
        guard let mark = first.range(of: "score_date:") else { return nil }
        return CivilDate(String(first[mark.upperBound...]))
    }
}

/// endoflife.date: release cycles, in the form of its files and of its API.
enum EndOfLifeFeed {
    /// Our names for products that it calls otherwise.
    private static let products = [
        "alpine-linux": "alpine", "alpine": "alpine", "rhel": "redhat", "rocky-linux": "rocky",
        "amazon-linux": "amazon", "oracle-linux": "oracle", "opensuse": "opensuse", "centos": "centos",
    ]

    static func read(_ node: Node, into collector: inout FeedCollector) {
        for item in node["result"].elements { read(item, into: &collector) }
        guard let name = node["product"].string ?? node["name"].string else {
            if !node["result"].exists { collector.report("an endoflife.date record without a product") }
            return
        }
        for cycle in node["releases"].elements {
            guard let number = cycle["releaseCycle"].text ?? cycle["name"].text else { continue }
            let end = cycle["eol"].exists ? cycle["eol"] : cycle["eolFrom"]
            let extended = cycle["eoes"].exists ? cycle["eoes"] : cycle["eoesFrom"]
            collector.add(
                ReleaseLifecycle(
                    product: products[name] ?? name, cycle: number, codename: cycle["codename"].string,
                    endOfLife: end.text.flatMap { CivilDate($0) },
                    endOfExtendedSupport: extended.text.flatMap { CivilDate($0) },
                    isEnded: end.bool ?? cycle["isEol"].bool ?? false))
        }
    }
}
