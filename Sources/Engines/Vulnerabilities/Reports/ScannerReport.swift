import Documents

/// What another scanner reported.
package struct ScannerReport: Sendable {
    package struct Finding: Sendable, Hashable {
        package var id: String
        package var aliases: [String] = []
        package var package: String
        package var version: String
        package var fixes: [String] = []
        package var severity: Severity?
        package var location: String?
        package var isSuppressed = false
    }

    package var tool: String
    package var format: String
    package var findings: [Finding] = []
    /// Results that are no vulnerabilities of packages: settings, secrets, code, licences.
    package var others = 0

    init(tool: String, format: String) {
        self.tool = tool
        self.format = format
    }

    /// Reads a report of any tool we know, by its content.
    package init(_ bytes: [UInt8], name: String = "") throws(BillError) {
        let start = bytes.first { !$0.isBlank && $0 != 0xEF && $0 != 0xBB && $0 != 0xBF }
        if start == UInt8(ascii: "<") {
            self = CycloneDXReport.read(try XMLTree.read(bytes))
            return
        }
        if start != UInt8(ascii: "{"), start != UInt8(ascii: "["), bytes.starts(with: "Registry,".utf8) {
            self = TwistlockReport.read(csv: bytes)
            return
        }
        let set = DocumentReader.read(SourceText(name: name, bytes: bytes))
        guard let first = set.documents.first?.root else {
            throw BillError(code: .invalid, message: set.problems.first?.message ?? "there is nothing in it")
        }
        if set.documents.count > 1 {
            // govulncheck writes one value behind the other.
            self = GovulncheckReport.read(set.documents.map(\.root))
            return
        }
        if first.isNull {
            self = ScannerReport(tool: "Trivy", format: "trivy-legacy")
            return
        }
        guard let report = Self.read(first) else {
            throw BillError(code: .unknownFormat, message: "this is no scanner report that we know")
        }
        self = report
    }

    private static func read(_ root: Node) -> ScannerReport? {
        let first = root.isArray ? root[0] : root
        let openVEX = root["@context"].string?.contains("openvex") == true
        if root["runs"].isArray { return SARIFReport.read(root) }
        if root["bomFormat"].equals("CycloneDX") { return CycloneDXReport.read(root) }
        if openVEX { return VEXReport.read(root) }
        if root["matches"].isArray || (root["matches"].exists && root["descriptor"].exists) {
            return GrypeReport.read(root)
        }
        if root["SchemaVersion"].exists || root["ClusterName"].exists || first["Target"].exists {
            return TrivyReport.read(root)
        }
        if root["apiVersion"].string?.hasPrefix("aquasecurity.github.io") == true
            || root.members.contains(where: { $0.key.hasSuffix(".aquasecurity.github.io") })
        {
            return TrivyReport.readOperator(root)
        }
        if first["packageManager"].exists || first["licensesPolicy"].exists || first["dependencyCount"].exists {
            return SnykReport.read(root)
        }
        if root["results"][0]["packages"].isArray, root["results"][0]["source"].exists {
            return OSVScannerReport.read(root)
        }
        if root["LayerCount"].exists || root["unapproved"].exists { return ClairReport.read(root) }
        if first["config"].exists || first["osv"].exists || root["Calls"].exists {
            return GovulncheckReport.read(root.isArray ? Array(root.elements) : [root])
        }
        if let report = root.members.first(where: { $0.key.contains("scanner.adapter.vuln.report") }) {
            return HarborReport.read(report.value)
        }
        if root["scanner"].exists, root["severity"].exists || root["vulnerabilities"].exists {
            return HarborReport.read(root)
        }
        if root["report"]["vulnerabilities"].exists, root["report"]["modules"].exists {
            return NeuVectorReport.read(root)
        }
        if root["results"].isArray, root["results"][0]["vulnerabilityDistribution"].exists || root["consoleURL"].exists
        {
            return TwistlockReport.read(root)
        }
        if root["resources"].exists || root["cves"].exists || root["result"].isArray || first["image_name"].exists
            || (root.isArray && root.isEmpty)
        {
            return AquaReport.read(root)
        }
        return nil
    }
}

extension ScannerReport {
    /// The same whether a scanner writes a CVE as `cve-2020-1` or `CVE-2020-1`.
    mutating func add(
        _ id: String?, _ package: String?, _ version: String?, fixes: [String] = [], severity: String? = nil,
        aliases: [String] = [], location: String? = nil, isSuppressed: Bool = false
    ) {
        guard let id, !id.isEmpty else {
            others += 1
            return
        }
        findings.append(
            Finding(
                id: id, aliases: aliases.filter { $0 != id }, package: package ?? "", version: version ?? "",
                fixes: fixes.filter { !$0.isEmpty }, severity: severity.flatMap { Severity(word: $0) },
                location: location, isSuppressed: isSuppressed))
    }
}

/// What several scanners say of the same image, side by side.
package struct Consensus: Sendable {
    package struct Row: Sendable {
        package var id: String
        package var package: String
        /// Names of the tools that report it.
        package var reportedBy: [String]
        package var missedBy: [String]
        /// Why they may differ.
        package var why: String
    }

    package var tools: [String]
    package var rows: [Row]
    package var agreed: Int { rows.count { $0.missedBy.isEmpty } }

    package init(_ reports: [ScannerReport]) {
        tools = reports.map(\.tool)
        // Ids that any report calls aliases are one.
        var canonical: [String: String] = [:]
        for finding in reports.flatMap(\.findings) {
            let all = ([finding.id] + finding.aliases).sorted { Self.rank($0) < Self.rank($1) }
            for id in all where canonical[id] == nil { canonical[id] = all[0] }
        }
        var order: [String] = []
        var seen: [String: (id: String, package: String, tools: Set<Int>)] = [:]
        var packages: [Set<String>] = []
        for (index, report) in reports.enumerated() {
            packages.append(Set(report.findings.map { Self.plain($0.package) }))
            for finding in report.findings where !finding.isSuppressed {
                let id = canonical[finding.id] ?? finding.id
                let key = "\(id) \(Self.plain(finding.package))"
                if seen[key] == nil {
                    order.append(key)
                    seen[key] = (id, Self.plain(finding.package), [])
                }
                seen[key]?.tools.insert(index)
            }
        }
        rows = order.sorted().compactMap { key in
            guard let item = seen[key] else { return nil }
            let missing = reports.indices.filter { !item.tools.contains($0) }
            var why: [String] = []
            for index in missing {
                let tool = reports[index].tool
                if !packages[index].contains(item.package) {
                    why.append("\(tool) reports nothing of \(item.package)")
                } else if reports[index].findings.contains(where: {
                    (canonical[$0.id] ?? $0.id) == item.id && $0.isSuppressed
                }) {
                    why.append("\(tool) suppressed it")
                } else if reports[index].findings.contains(where: { (canonical[$0.id] ?? $0.id) == item.id }) {
                    why.append("\(tool) reports it for another package")
                } else {
                    why.append("\(tool) knows the package, not this vulnerability in it")
                }
            }
            return Row(
                id: item.id, package: item.package, reportedBy: item.tools.sorted().map { reports[$0].tool },
                missedBy: missing.map { reports[$0].tool }, why: why.joined(separator: "; "))
        }
    }

    private static func rank(_ id: String) -> String {
        (id.hasPrefix("CVE-") ? "0" : id.hasPrefix("GHSA-") ? "1" : "2") + id
    }

    /// Snyk writes `openssl/libssl1.1` for Debian's packages, others the binary package alone.
    private static func plain(_ name: String) -> String { name.split(separator: "/").last.map(String.init) ?? name }
}
