import Documents

/// SARIF of any scanner: what is a vulnerability is told by the rule's name.
///
/// Standard: OASIS SARIF 2.1.0.
enum SARIFReport {
    static func read(_ root: Node) -> ScannerReport {
        var report = ScannerReport(tool: root["runs"][0]["tool"]["driver"]["name"].string ?? "SARIF", format: "sarif")
        for run in root["runs"].elements {
            let rules = Array(run["tool"]["driver"]["rules"].elements)
            var byID: [String: Node] = [:]
            for rule in rules { if let id = rule["id"].string { byID[id] = rule } }
            for result in run["results"].elements {
                let index = result["ruleIndex"].int ?? result["rule"]["index"].int ?? -1
                let id =
                    result["ruleId"].string ?? result["rule"]["id"].string
                    ?? (rules.indices.contains(index) ? rules[index]["id"].string : nil)
                guard let id,
                    let name = vulnerability(in: id)
                        ?? vulnerability(in: byID[id]?["shortDescription"]["text"].string ?? "")
                else {
                    report.others += 1
                    continue
                }
                let message = result["message"]["text"].string ?? ""
                let (package, version) = package(id, name, message, byID[id])
                let score = byID[id]?["properties"]["security-severity"].text.flatMap { Double($0) }
                report.add(
                    name, package, version, severity: score.map { Severity(score: $0).name } ?? result["level"].string,
                    aliases: id.hasPrefix("SNYK-") ? [id] : [],
                    location: result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].string,
                    isSuppressed: !result["suppressions"].isEmpty)
            }
        }
        return report
    }

    /// The first CVE, GHSA, Go or Snyk name in a text.
    private static func vulnerability(in text: String) -> String? {
        for prefix in ["CVE-", "GHSA-", "GO-", "SNYK-", "PYSEC-", "RUSTSEC-"] {
            guard let mark = text.range(of: prefix) else { continue }
            var name = String(text[mark.lowerBound...].prefix { $0.isLetter || $0.isNumber || $0 == "-" })
            // Grype's rules are `CVE-2020-1-libc6`.
            let parts = name.split(separator: "-")
            if prefix == "CVE-", parts.count > 3 { name = parts.prefix(3).joined(separator: "-") }
            if prefix == "GHSA-", parts.count > 4 { name = parts.prefix(4).joined(separator: "-") }
            if parts.count >= 3 || prefix == "GO-" { return name }
        }
        return nil
    }

    private static func package(_ id: String, _ name: String, _ message: String, _ rule: Node?) -> (String?, String?) {
        // Trivy: `Package: libc6\nInstalled Version: 2.31-13`.
        var fields: [String: String] = [:]
        for line in message.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[String(line[..<colon])] = line[line.index(after: colon)...].trimmed
        }
        if let package = fields["Package"] { return (package, fields["Installed Version"]) }
        // Grype: the rest of the rule's id.
        if id.hasPrefix(name + "-") { return (String(id.dropFirst(name.count + 1)), nil) }
        // Snyk: `… vulnerable <kind> package: debian:12/openssl`.
        if let text = rule?["fullDescription"]["text"].string ?? rule?["shortDescription"]["text"].string,
            let last = text.split(separator: " ").last, text.contains("in ")
        {
            return (String(last).replacing("@", with: " ").split(separator: " ").first.map(String.init), nil)
        }
        return (nil, nil)
    }
}

/// CycloneDX with vulnerabilities, as JSON or XML.
enum CycloneDXReport {
    static func read(_ root: Node) -> ScannerReport {
        let tools = root["metadata"]["tools"]
        let tool = tools[0]["name"].string ?? tools["components"][0]["name"].string ?? "CycloneDX"
        var report = ScannerReport(tool: tool, format: "cyclonedx")
        var components: [String: Node] = [:]
        var stack = Array(root["components"].elements)
        while let node = stack.popLast() {
            if let reference = node["bom-ref"].string { components[reference] = node }
            stack += Array(node["components"].elements)
        }
        for item in root["vulnerabilities"].elements {
            let state = item["analysis"]["state"].string ?? ""
            let isClear = ["not_affected", "false_positive", "resolved"].contains(state)
            let severity = item["ratings"][0]["severity"].string
            let aliases = item["references"].elements.compactMap { $0["id"].string }
            for affected in item["affects"].elements {
                let component = affected["ref"].string.flatMap { components[$0] }
                report.add(
                    item["id"].string, component?["name"].string ?? affected["ref"].string,
                    component?["version"].string,
                    severity: severity, aliases: aliases, isSuppressed: isClear)
            }
            if item["affects"].isEmpty {
                report.add(item["id"].string, nil, nil, severity: severity, aliases: aliases, isSuppressed: isClear)
            }
        }
        return report
    }

    static func read(_ root: XMLTree) -> ScannerReport {
        let tool = root["metadata"]?["tools"]?.children.first?["name"]?.text ?? "CycloneDX"
        var report = ScannerReport(tool: tool, format: "cyclonedx-xml")
        var components: [String: XMLTree] = [:]
        var nested: [(component: XMLTree, list: XMLTree)] = []
        func walk(_ element: XMLTree, _ depth: Int) {
            guard depth < 64 else { return }
            for component in element.children(named: "component") {
                if let reference = component.attributes["bom-ref"] { components[reference] = component }
                if let list = component["vulnerabilities"] { nested.append((component, list)) }
                if let inner = component["components"] { walk(inner, depth + 1) }
            }
        }
        if let list = root["components"] { walk(list, 0) }
        func add(_ item: XMLTree, _ references: [String]) {
            let severity = item["ratings"]?.children.first?["severity"]?.text
            for reference in references.isEmpty ? [""] : references {
                let component = components[reference]
                report.add(
                    item["id"]?.text, component?["name"]?.text ?? reference, component?["version"]?.text,
                    severity: severity)
            }
        }
        for item in root["vulnerabilities"]?.children(named: "vulnerability") ?? [] {
            let references = item["affects"]?.children(named: "target").compactMap { $0["ref"]?.text } ?? []
            add(item, references.isEmpty ? [item.attributes["ref"] ?? ""] : references)
        }
        // The extension of 1.2 puts them inside the component.
        for (component, list) in nested {
            for item in list.children(named: "vulnerability") {
                add(item, [component.attributes["bom-ref"] ?? item.attributes["ref"] ?? ""])
            }
        }
        return report
    }
}

/// Clair, as clair-scanner and klar write it.
enum ClairReport {
    static func read(_ root: Node) -> ScannerReport {
        var report = ScannerReport(tool: "Clair", format: "clair")
        for item in root["vulnerabilities"].elements {
            report.add(
                item["vulnerability"].string, item["featurename"].string, item["featureversion"].string,
                fixes: item["fixedby"].string.map { [$0] } ?? [], severity: item["severity"].string)
        }
        for group in root["Vulnerabilities"].members {
            for item in group.value.elements {
                report.add(
                    item["Name"].string, item["FeatureName"].string, item["FeatureVersion"].string,
                    fixes: item["FixedBy"].string.map { [$0] } ?? [], severity: item["Severity"].string)
            }
        }
        return report
    }
}

/// Harbor's form, which its scanner adapters speak.
enum HarborReport {
    static func read(_ root: Node) -> ScannerReport {
        var report = ScannerReport(tool: root["scanner"]["name"].string ?? "Harbor", format: "harbor")
        for item in root["vulnerabilities"].elements {
            report.add(
                item["id"].string, item["package"].string, item["version"].string,
                fixes: item["fix_version"].string.map { [$0] } ?? [], severity: item["severity"].string)
        }
        return report
    }
}

/// NeuVector.
enum NeuVectorReport {
    static func read(_ root: Node) -> ScannerReport {
        var report = ScannerReport(tool: "NeuVector", format: "neuvector")
        for item in root["report"]["vulnerabilities"].elements {
            report.add(
                item["name"].string, item["package_name"].string, item["package_version"].string,
                fixes: (item["fixed_version"].string ?? "").split(separator: ";").map(\.trimmed),
                severity: item["severity"].string)
        }
        report.others = root["report"]["checks"].count
        return report
    }
}

/// Prisma Cloud (Twistlock), JSON and CSV.
enum TwistlockReport {
    static func read(_ root: Node) -> ScannerReport {
        var report = ScannerReport(tool: "Prisma Cloud", format: "twistlock")
        for result in root["results"].elements {
            for item in result["vulnerabilities"].elements {
                report.add(
                    item["id"].string ?? item["cve"].string, item["packageName"].string, item["packageVersion"].string,
                    fixes: fixes(item["status"].string ?? ""), severity: item["severity"].string,
                    location: item["packagePath"].string)
            }
            report.others += result["compliances"].count
        }
        return report
    }

    /// `fixed in 1.2.11, 1.3`
    private static func fixes(_ status: String) -> [String] {
        guard let mark = status.range(of: "fixed in ") else { return [] }
        return status[mark.upperBound...].split(separator: ",").map(\.trimmed)
    }

    static func read(csv bytes: [UInt8]) -> ScannerReport {
        var report = ScannerReport(tool: "Prisma Cloud", format: "twistlock-csv")
        let rows = CSVRows.read(bytes)
        guard let header = rows.first else { return report }
        func column(_ row: [String], _ name: String) -> String {
            guard let index = header.firstIndex(of: name), index < row.count else { return "" }
            return row[index]
        }
        for row in rows.dropFirst() {
            let id = column(row, "CVE ID")
            if id.isEmpty {
                report.others += 1
                continue
            }
            report.add(
                id, column(row, "Packages"), column(row, "Package Version"), fixes: fixes(column(row, "Fix Status")),
                severity: column(row, "Severity"))
        }
        return report
    }
}

/// Comma-separated rows with quoted cells.
///
/// Standard: RFC 4180; a backslash before a quote is no escape there, but Prisma writes one.
enum CSVRows {
    static func read(_ bytes: [UInt8]) -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var cell: [UInt8] = []
        var isQuoted = false
        var cursor = ByteCursor(bytes)
        func endCell() {
            row.append(String(decoding: cell, as: UTF8.self))
            cell = []
        }
        while let byte = cursor.current {
            cursor.position += 1
            if isQuoted {
                if byte == UInt8(ascii: "\""), cursor.current == UInt8(ascii: "\"") {
                    cell.append(byte)
                    cursor.position += 1
                } else if byte == UInt8(ascii: "\"") {
                    isQuoted = false
                } else {
                    cell.append(byte)
                }
            } else if byte == UInt8(ascii: "\""), cell.isEmpty {
                isQuoted = true
            } else if byte == UInt8(ascii: ",") {
                endCell()
            } else if byte == 0x0A {
                endCell()
                rows.append(row)
                row = []
            } else if byte != 0x0D {
                cell.append(byte)
            }
        }
        if !cell.isEmpty || !row.isEmpty {
            endCell()
            rows.append(row)
        }
        return rows
    }
}

/// Aqua: scans of one image, lists of them, and answers of its API.
enum AquaReport {
    static func read(_ root: Node) -> ScannerReport {
        var report = ScannerReport(tool: "Aqua", format: "aqua")
        if root.isArray {
            for item in root.elements { add(item["results"].exists ? item["results"] : item, &report) }
        } else {
            add(root, &report)
        }
        return report
    }

    private static func add(_ root: Node, _ report: inout ScannerReport) {
        for item in root["resources"].elements {
            let resource = item["resource"]
            for found in item["vulnerabilities"].elements {
                report.add(
                    found["name"].string, resource["name"].string ?? resource["path"].string,
                    resource["version"].string,
                    fixes: found["fix_version"].string.map { [$0] } ?? [],
                    severity: found["aqua_severity"].string ?? found["nvd_severity"].string
                        ?? found["vendor_severity"].string)
            }
        }
        for item in root["cves"].elements {
            report.add(item["name"].string, item["file"].string, nil, severity: item["severity"].string)
        }
        for item in root["result"].elements {
            let resource = item["resource"]
            report.add(
                item["name"].string, resource["name"].string ?? item["resource_name"].string,
                resource["version"].string,
                fixes: item["fix_version"].string.map { [$0] } ?? [],
                severity: item["aqua_severity"].string ?? item["nvd_cvss3_severity"].string)
        }
        report.others += root["image_assurance_results"]["checks_performed"].count
    }
}
