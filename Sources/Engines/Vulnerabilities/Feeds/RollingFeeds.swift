import Documents

/// Arch Linux's security tracker: groups of packages that share a vulnerability.
enum ArchFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        let groups = node.isArray ? Array(node.elements) : [node]
        for group in groups {
            guard let id = group["name"].string else {
                collector.report("a group of Arch Linux without a name")
                continue
            }
            var advisory = Advisory(id)
            advisory.upstream = group["issues"].strings
            advisory.summary = group["type"].string ?? ""
            advisory.severity = group["severity"].string.flatMap { Severity(word: $0) }
            for name in group["packages"].strings {
                var package = AffectedPackage(EcosystemKey("arch"), name)
                package.errata = group["advisories"].strings
                if group["status"].equals("Not affected") {
                    package.status = .notAffected
                } else if let fixed = group["fixed"].string {
                    package.fix(in: fixed)
                } else {
                    package.affectsAll()
                }
                advisory.affected.append(package)
            }
            collector.add(advisory)
        }
    }
}

/// Echo's images: package → vulnerability → the version that fixes it, where there is one.
enum EchoFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        for package in node.members {
            for vulnerability in package.value.members {
                var advisory = Advisory(vulnerability.key)
                var affected = AffectedPackage(EcosystemKey("echo"), package.key)
                switch vulnerability.value["fixed_version"].string {
                case "0": affected.status = .notAffected
                case .some(let version) where !version.isEmpty: affected.fix(in: version)
                default: affected.affectsAll()
                }
                advisory.affected = [affected]
                collector.add(advisory)
            }
        }
    }
}
