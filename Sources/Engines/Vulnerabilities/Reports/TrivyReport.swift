import Documents

/// Trivy's JSON of all ages, its Kubernetes summary, and the objects of its operator.
enum TrivyReport {
    static func read(_ root: Node) -> ScannerReport {
        var report = ScannerReport(tool: "Trivy", format: root.isArray ? "trivy-legacy" : "trivy")
        if root.isArray {
            for result in root.elements { read(result, &report) }
        } else {
            for result in root["Results"].elements { read(result, &report) }
            for key in ["Vulnerabilities", "Misconfigurations", "Resources", "Findings"] {
                for resource in root[key].elements {
                    for result in resource["Results"].elements { read(result, &report) }
                }
            }
        }
        return report
    }

    private static func read(_ result: Node, _ report: inout ScannerReport) {
        for item in result["Vulnerabilities"].elements {
            report.add(
                item["VulnerabilityID"].string, item["PkgName"].string, item["InstalledVersion"].string,
                fixes: (item["FixedVersion"].string ?? "").split(separator: ",").map(\.trimmed),
                severity: item["Severity"].string, aliases: item["VendorIDs"].strings,
                location: item["PkgPath"].string ?? result["Target"].string)
        }
        for item in result["ExperimentalModifiedFindings"].elements where item["Type"].equals("vulnerability") {
            report.add(
                item["Finding"]["VulnerabilityID"].string, item["Finding"]["PkgName"].string,
                item["Finding"]["InstalledVersion"].string, severity: item["Finding"]["Severity"].string,
                isSuppressed: true)
        }
        for key in ["Misconfigurations", "Secrets", "Licenses"] { report.others += result[key].count }
    }

    static func readOperator(_ root: Node) -> ScannerReport {
        var report = ScannerReport(tool: "Trivy Operator", format: "trivy-operator")
        func add(_ object: Node) {
            let body = object["report"]
            for item in body["vulnerabilities"].elements {
                report.add(
                    item["vulnerabilityID"].string, item["resource"].string, item["installedVersion"].string,
                    fixes: (item["fixedVersion"].string ?? "").split(separator: ",").map(\.trimmed),
                    severity: item["severity"].string, location: item["target"].string)
            }
            report.others +=
                body["checks"].count + body["secrets"].count + object["status"]["detailReport"]["results"].count
        }
        if root["kind"].equals("List") {
            for item in root["items"].elements { add(item) }
        } else if root["kind"].exists {
            add(root)
        } else {
            for member in root.members { for item in member.value.elements { add(item) } }
        }
        return report
    }
}

/// Anchore's Grype.
enum GrypeReport {
    static func read(_ root: Node) -> ScannerReport {
        var report = ScannerReport(tool: "Grype", format: "grype")
        for (key, isSuppressed) in [("matches", false), ("ignoredMatches", true)] {
            for match in root[key].elements {
                let artifact = match["artifact"]
                report.add(
                    match["vulnerability"]["id"].string, artifact["name"].string, artifact["version"].string,
                    fixes: match["vulnerability"]["fix"]["versions"].strings,
                    severity: match["vulnerability"]["severity"].string,
                    aliases: match["relatedVulnerabilities"].elements.compactMap { $0["id"].string },
                    location: artifact["locations"][0]["path"].string, isSuppressed: isSuppressed)
            }
        }
        return report
    }
}

/// Snyk's JSON: one project, or a list of them; containers hold applications.
enum SnykReport {
    static func read(_ root: Node) -> ScannerReport {
        var report = ScannerReport(tool: "Snyk", format: "snyk")
        func add(_ project: Node) {
            for item in project["vulnerabilities"].elements {
                if item["type"].equals("license") {
                    report.others += 1
                    continue
                }
                let names = item["identifiers"]["CVE"].strings + item["identifiers"]["GHSA"].strings
                let own = item["id"].string
                report.add(
                    names.first ?? own, item["packageName"].string ?? item["name"].string, item["version"].string,
                    fixes: item["fixedIn"].strings, severity: item["severity"].string,
                    aliases: names.dropFirst() + (own.map { [$0] } ?? []), location: project["displayTargetFile"].string
                )
            }
            for inner in project["applications"].elements { add(inner) }
        }
        if root.isArray { for project in root.elements { add(project) } } else { add(root) }
        return report
    }
}

/// OSV-Scanner.
enum OSVScannerReport {
    static func read(_ root: Node) -> ScannerReport {
        var report = ScannerReport(tool: "OSV-Scanner", format: "osv-scanner")
        for result in root["results"].elements {
            for package in result["packages"].elements {
                for item in package["vulnerabilities"].elements {
                    let fixes = item["affected"].elements.flatMap { affected in
                        affected["ranges"].elements.flatMap { $0["events"].elements.compactMap { $0["fixed"].string } }
                    }
                    report.add(
                        item["id"].string, package["package"]["name"].string, package["package"]["version"].string,
                        fixes: fixes, severity: item["database_specific"]["severity"].string,
                        aliases: item["aliases"].strings, location: result["source"]["path"].string)
                }
            }
        }
        return report
    }
}

/// govulncheck: a stream of messages; only those that name a finding count, once for each module.
enum GovulncheckReport {
    static func read(_ messages: [Node]) -> ScannerReport {
        var report = ScannerReport(tool: "govulncheck", format: "govulncheck")
        var aliases: [String: [String]] = [:]
        for message in messages where message["osv"].exists {
            if let id = message["osv"]["id"].string { aliases[id] = message["osv"]["aliases"].strings }
        }
        var seen: Set<String> = []
        for message in messages where message["finding"].exists {
            let finding = message["finding"]
            let id = finding["osv"].string ?? ""
            let module = finding["trace"][0]["module"].string ?? ""
            guard seen.insert("\(id) \(module)").inserted else { continue }
            report.add(
                id, module, finding["trace"][0]["version"].string,
                fixes: finding["fixed_version"].string.map { [$0] } ?? [], aliases: aliases[id] ?? [])
        }
        // Before version 1: one object with what is called and imported.
        for item in messages.flatMap({ Array($0["Vulns"].elements) }) {
            report.add(
                item["OSV"]["id"].string, item["ModPath"].string ?? item["PkgPath"].string, nil,
                aliases: item["OSV"]["aliases"].strings)
        }
        return report
    }
}

/// OpenVEX taken as a report: what is affected.
enum VEXReport {
    static func read(_ root: Node) -> ScannerReport {
        var report = ScannerReport(tool: root["author"].string ?? "OpenVEX", format: "openvex")
        for node in root["statements"].elements {
            let name =
                node["vulnerability"].string ?? node["vulnerability"]["name"].string
                ?? node["vulnerability"]["@id"].string
            let isClear = node["status"].equals("not_affected") || node["status"].equals("fixed")
            for product in node["products"].elements {
                let id = product.string ?? product["@id"].string ?? ""
                let url = try? PackageURL(id)
                report.add(
                    name, url?.name ?? id, url?.version, aliases: node["vulnerability"]["aliases"].strings,
                    isSuppressed: isClear)
            }
        }
        return report
    }
}
