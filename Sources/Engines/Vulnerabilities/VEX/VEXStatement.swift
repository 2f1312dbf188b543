import Documents
import Encodings

/// What somebody says about one vulnerability in some products.
package struct VEXStatement: Sendable, Hashable {
    package enum Status: String, Sendable, Hashable {
        case notAffected = "not_affected"
        case affected
        case fixed
        case underInvestigation = "under_investigation"
    }

    package var vulnerability: String
    package var aliases: [String] = []
    /// Package URLs, with or without a version; one without names all versions. Parts of a product stand behind it.
    package var products: [String]
    package var status: Status
    package var justification = ""
    package var impact = ""
    package var author = ""
    /// When it was said: a later statement goes before an earlier one.
    package var time = ""
    /// Where it stands, for messages.
    package var place: String
}

/// A document of statements, and what is wrong with it.
package struct VEXDocument: Sendable {
    package enum Format: String, Sendable { case openVEX = "OpenVEX", csaf = "CSAF", cycloneDX = "CycloneDX" }
    package var format: Format
    package var statements: [VEXStatement] = []
    package var problems: [String] = []

    /// Reads OpenVEX, CSAF with the VEX profile, or CycloneDX with analyses.
    package init(_ bytes: [UInt8], name: String) throws(BillError) {
        let root: Node
        do throws(DocumentError) {
            root = try DocumentReader.readJSON(SourceText(name: name, bytes: bytes))
        } catch {
            throw BillError(code: .invalid, message: error.message)
        }
        if root["@context"].string?.contains("openvex") == true || root["statements"].isArray {
            format = .openVEX
            readOpenVEX(root)
        } else if root["document"]["csaf_version"].exists {
            format = .csaf
            readCSAF(root)
        } else if root["bomFormat"].equals("CycloneDX") {
            format = .cycloneDX
            readCycloneDX(root)
        } else {
            throw BillError(code: .unknownFormat, message: "this is neither OpenVEX nor CSAF nor CycloneDX")
        }
    }

    private func place(_ node: Node) -> String {
        node.location.map { "\($0.file):\($0.line):\($0.column)" } ?? "\(node.path)"
    }

    /// Standard: OpenVEX 0.2.0 (and the older form with a bare `vulnerability` and products as texts).
    private mutating func readOpenVEX(_ root: Node) {
        let author = root["author"].string ?? ""
        for node in root["statements"].elements {
            let name =
                node["vulnerability"].string ?? node["vulnerability"]["name"].string
                ?? node["vulnerability"]["@id"].string
            guard let name, !name.isEmpty else {
                problems.append("\(place(node)): a statement names no vulnerability")
                continue
            }
            guard let word = node["status"].string, let status = VEXStatement.Status(rawValue: word) else {
                problems.append("\(place(node["status"])): \"\(node["status"].text ?? "")\" is no status of OpenVEX")
                continue
            }
            var products: [String] = []
            for product in node["products"].elements {
                let own = Self.identifiers(product)
                let parts = product["subcomponents"].elements.flatMap(Self.identifiers)
                products += parts.isEmpty ? own : parts
            }
            if products.isEmpty { problems.append("\(place(node)): the statement on \(name) names no product") }
            let justification = node["justification"].string ?? ""
            let impact = node["impact_statement"].string ?? ""
            if status == .notAffected, justification.isEmpty, impact.isEmpty {
                problems.append(
                    "\(place(node)): \"not_affected\" of \(name) needs a justification or an impact statement")
            }
            if status == .affected, node["action_statement"].string == nil {
                problems.append("\(place(node)): \"affected\" of \(name) should say what to do (action_statement)")
            }
            statements.append(
                VEXStatement(
                    vulnerability: name, aliases: node["vulnerability"]["aliases"].strings, products: products,
                    status: status, justification: justification, impact: impact, author: author,
                    time: node["timestamp"].string ?? root["timestamp"].string ?? "", place: place(node)))
        }
    }

    private static func identifiers(_ node: Node) -> [String] {
        if let text = node.string { return [text] }
        return [node["@id"].string, node["identifiers"]["purl"].string].compactMap(\.self)
    }

    /// Standard: CSAF 2.0, profile 5.
    private mutating func readCSAF(_ root: Node) {
        var purls: [String: String] = [:]
        func walk(_ branches: Node, _ depth: Int) {
            guard depth < 32 else { return }
            for branch in branches.elements {
                let product = branch["product"]
                if let id = product["product_id"].string {
                    purls[id] = product["product_identification_helper"]["purl"].string ?? product["name"].string
                }
                walk(branch["branches"], depth + 1)
            }
        }
        walk(root["product_tree"]["branches"], 0)
        for product in root["product_tree"]["full_product_names"].elements {
            if let id = product["product_id"].string {
                purls[id] = product["product_identification_helper"]["purl"].string ?? product["name"].string
            }
        }
        for relation in root["product_tree"]["relationships"].elements {
            if let id = relation["full_product_name"]["product_id"].string,
                let part = relation["product_reference"].string
            {
                purls[id] = purls[part] ?? part
            }
        }
        let author = root["document"]["publisher"]["name"].string ?? ""
        for node in root["vulnerabilities"].elements {
            guard let name = node["cve"].string ?? node["ids"][0]["text"].string else {
                problems.append("\(place(node)): a vulnerability without a CVE or another id")
                continue
            }
            for (key, status) in [
                ("known_not_affected", VEXStatement.Status.notAffected), ("known_affected", .affected),
                ("fixed", .fixed),
                ("first_fixed", .fixed), ("under_investigation", .underInvestigation),
            ] {
                let list = node["product_status"][key].strings
                guard !list.isEmpty else { continue }
                for product in list where purls[product] == nil {
                    problems.append("\(place(node)): \"\(product)\" is not in the product tree")
                }
                let flags = node["flags"].elements.first { !Set($0["product_ids"].strings).isDisjoint(with: list) }
                statements.append(
                    VEXStatement(
                        vulnerability: name, products: list.compactMap { purls[$0] }, status: status,
                        justification: flags?["label"].string ?? "",
                        impact: node["threats"].elements.first { $0["category"].equals("impact") }?["details"].string
                            ?? "",
                        author: author, time: root["document"]["tracking"]["current_release_date"].string ?? "",
                        place: place(node)))
            }
        }
    }

    /// Standard: CycloneDX, vulnerabilities with an analysis.
    private mutating func readCycloneDX(_ root: Node) {
        var purls: [String: String] = [:]
        var stack = Array(root["components"].elements)
        while let node = stack.popLast() {
            if let reference = node["bom-ref"].string { purls[reference] = node["purl"].string ?? reference }
            stack += Array(node["components"].elements)
        }
        for node in root["vulnerabilities"].elements where node["analysis"].exists {
            guard let name = node["id"].string, let state = node["analysis"]["state"].string else {
                problems.append("\(place(node)): an analysis without a vulnerability or a state")
                continue
            }
            let status: VEXStatement.Status
            switch state {
            case "not_affected", "false_positive": status = .notAffected
            case "resolved", "resolved_with_pedigree": status = .fixed
            case "exploitable": status = .affected
            case "in_triage": status = .underInvestigation
            default:
                problems.append("\(place(node["analysis"])): \"\(state)\" is no state of CycloneDX")
                continue
            }
            // `urn:cdx:serial/version#ref` points into another document.
            let products = node["affects"].elements.compactMap { $0["ref"].string }.map { reference in
                let local =
                    reference.lastIndex(of: "#").map { String(reference[reference.index(after: $0)...]) } ?? reference
                return purls[local] ?? PercentEncoding.decoded(local) ?? local
            }
            statements.append(
                VEXStatement(
                    vulnerability: name, products: products, status: status,
                    justification: node["analysis"]["justification"].string ?? "",
                    impact: node["analysis"]["detail"].string ?? "",
                    author: root["metadata"]["supplier"]["name"].string ?? "",
                    time: root["metadata"]["timestamp"].string ?? "", place: place(node)))
        }
    }
}
