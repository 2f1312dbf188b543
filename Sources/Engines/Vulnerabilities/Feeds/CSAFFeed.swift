import Documents

/// Red Hat's VEX and errata in CSAF: products of a tree, joined by relationships, with a status each.
///
/// Standard: CSAF 2.0, profile VEX.
enum CSAFFeed {
    private struct Product {
        var name: String
        var cpe: String?
        var purl: PackageURL?
    }

    static func read(_ node: Node, into collector: inout FeedCollector) {
        let products = products(node["product_tree"])
        let relations = relations(node["product_tree"])
        for vulnerability in node["vulnerabilities"].elements {
            guard let id = vulnerability["cve"].string else { continue }
            var advisory = Advisory(id)
            advisory.summary = node["document"]["title"].string ?? ""
            advisory.severity = node["document"]["aggregate_severity"]["text"].string.flatMap { Severity(word: $0) }
            advisory.published =
                vulnerability["release_date"].string.flatMap { CivilDate($0) }
                ?? node["document"]["tracking"]["initial_release_date"].string.flatMap { CivilDate($0) }
            advisory.modified = node["document"]["tracking"]["current_release_date"].string.flatMap { CivilDate($0) }
            if node["document"]["tracking"]["status"].equals("withdrawn") { advisory.withdrawn = advisory.modified }
            for score in vulnerability["scores"].elements {
                for key in ["cvss_v4", "cvss_v3", "cvss_v2"] {
                    if let vector = score[key]["vectorString"].string, CVSS(vector) != nil,
                        !advisory.vectors.contains(vector)
                    {
                        advisory.vectors.append(vector)
                    }
                }
            }
            let remedies = remedies(vulnerability)
            var seen: Set<AffectedPackage> = []
            for (word, status) in [
                ("fixed", AdvisoryStatus.affected), ("first_fixed", .affected), ("known_affected", .affected),
                ("known_not_affected", .notAffected), ("under_investigation", .underInvestigation),
            ] {
                for product in vulnerability["product_status"][word].strings {
                    guard var package = package(product, products, relations) else { continue }
                    apply(word, status, product, remedies, &package)
                    if seen.insert(package).inserted { advisory.affected.append(package) }
                }
            }
            collector.add(advisory)
        }
    }

    private static func apply(
        _ word: String, _ status: AdvisoryStatus, _ product: String, _ remedies: [String: Node],
        _ package: inout AffectedPackage
    ) {
        let version = package.fixes.first
        package.fixes = []
        package.status = status
        switch word {
        case "fixed", "first_fixed":
            if let version { package.fix(in: version) } else { package.affectsAll() }
            if let url = remedies["vendor_fix " + product]?["url"].string {
                package.errata = [url.split(separator: "/").last.map(String.init) ?? url]
            }
            package.fixed = remedies["vendor_fix " + product]?["date"].string.flatMap { CivilDate($0) }
        case "known_affected", "under_investigation":
            package.affectsAll()
            if let planned = remedies["no_fix_planned " + product] {
                package.status = .willNotFix
                package.note = planned["details"].string ?? ""
            } else if let none = remedies["none_available " + product] {
                package.note = none["details"].string ?? ""
                if package.note.lowercased().contains("defer") { package.status = .deferred }
            }
        default: break
        }
    }

    /// `category product` → remediation.
    private static func remedies(_ node: Node) -> [String: Node] {
        var out: [String: Node] = [:]
        for remedy in node["remediations"].elements {
            for product in remedy["product_ids"].strings {
                out["\(remedy["category"].string ?? "") \(product)"] = remedy
            }
        }
        return out
    }

    private static func products(_ tree: Node) -> [String: Product] {
        var out: [String: Product] = [:]
        func add(_ product: Node) {
            guard let id = product["product_id"].string else { return }
            let helper = product["product_identification_helper"]
            out[id] = Product(
                name: product["name"].string ?? id, cpe: helper["cpe"].string,
                purl: helper["purl"].string.flatMap { try? PackageURL($0) })
        }
        func walk(_ branches: Node, _ depth: Int) {
            guard depth < 32 else { return }
            for branch in branches.elements {
                add(branch["product"])
                walk(branch["branches"], depth + 1)
            }
        }
        walk(tree["branches"], 0)
        for product in tree["full_product_names"].elements { add(product) }
        return out
    }

    private static func relations(_ tree: Node) -> [String: (component: String, platform: String)] {
        var out: [String: (component: String, platform: String)] = [:]
        for relation in tree["relationships"].elements {
            guard let id = relation["full_product_name"]["product_id"].string,
                let component = relation["product_reference"].string,
                let platform = relation["relates_to_product_reference"].string
            else { continue }
            out[id] = (component, platform)
        }
        return out
    }

    /// The package that a product id names; the version in `fixes` where the id has one.
    ///
    /// A module's package is related twice: to its module, and that to the platform.
    private static func package(
        _ product: String, _ products: [String: Product], _ relations: [String: (component: String, platform: String)]
    ) -> AffectedPackage? {
        var component = product
        var platform = product
        var module: String?
        var steps = 0
        while let next = relations[component], steps < 4 {
            component = next.component
            if platform == product { platform = next.platform }
            steps += 1
        }
        // The platform may itself be a module as part of a platform.
        steps = 0
        while let next = relations[platform], steps < 4 {
            module = module ?? stream(products[next.component], next.component)
            platform = next.platform
            steps += 1
        }
        guard let key = key(products[platform]?.cpe, products[component]) else { return nil }
        let found = products[component]
        if let purl = found?.purl, purl.type == "rpm" {
            var out = AffectedPackage(key, purl.name)
            out.module = module ?? purl["rpmmod"].map { $0.split(separator: ":").prefix(2).joined(separator: ":") }
            if let arch = purl["arch"], arch != "noarch", arch != "src" { out.architectures = [arch] }
            if let version = purl.version { out.fixes = [purl["epoch"].map { "\($0):\(version)" } ?? version] }
            return out
        }
        // Without a purl the id is the package's name, with its module in front of a slash or colons.
        var name = component
        if let slash = name.firstIndex(of: "/"), name.contains(":") {
            module = module ?? String(name[..<slash])
            name = String(name[name.index(after: slash)...])
        }
        guard !name.contains("/"), !name.contains(":"), !name.isEmpty else { return nil }
        var out = AffectedPackage(key, name)
        out.module = module
        return out
    }

    private static func stream(_ product: Product?, _ id: String) -> String? {
        if let purl = product?.purl, purl.type == "rpmmod" || purl["rpmmod"] != nil {
            let text = purl["rpmmod"] ?? "\(purl.name):\(purl.version ?? "")"
            return text.split(separator: ":").prefix(2).joined(separator: ":")
        }
        let parts = id.split(separator: ":")
        return parts.count >= 2 ? parts.prefix(2).joined(separator: ":") : nil
    }

    static func key(cpe: String) -> EcosystemKey? { key(cpe, nil) }

    /// `cpe:/o:redhat:enterprise_linux:8::baseos` → `redhat:8`; extended support streams carry theirs.
    private static func key(_ cpe: String?, _ product: Product?) -> EcosystemKey? {
        guard let cpe else { return product?.purl?.type == "oci" ? nil : EcosystemKey("redhat") }
        let parts = cpe.replacing("cpe:2.3:", with: "cpe:/").dropFirst(5).split(
            separator: ":", omittingEmptySubsequences: false
        )
        .map(String.init)
        guard parts.count >= 4 else { return nil }
        switch parts[2] {
        case "enterprise_linux": return EcosystemKey("redhat:\(parts[3])")
        case "rhel_eus": return EcosystemKey("redhat:\(parts[3])+eus")
        case "rhel_e4s", "rhel_aus", "rhel_tus", "rhel_els":
            return EcosystemKey("redhat:\(parts[3])+\(parts[2].dropFirst(5))")
        case "hummingbird": return EcosystemKey("hummingbird:\(parts[3])")
        default: return EcosystemKey("redhat-\(parts[2]):\(parts[3])")
        }
    }
}
