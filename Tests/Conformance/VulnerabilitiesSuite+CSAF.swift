import AdvisoryStore
import Documents
import Foundation
import Vulnerabilities

/// Red Hat's VEX documents: every one is read; what a document says of its products is what we hold.
enum CSAFDocuments {
    static let file = ConformanceFile(name: "csaf-vex", run: run)

    private static func run(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/csaf-vex").sorted()
        for name in names where !name.hasSuffix(".csv") {
            let bytes = try folder.unpacked("csaf-vex/\(name)")
            let node = try DocumentReader.readJSON(SourceText(name: name, bytes: bytes))
            agreement.note(name, try difference(node, bytes, name))
        }
        // CVE, product, status: what a policy made of the documents accepts.
        for name in names where name.hasSuffix(".csv") {
            let document = try VEXDocument(
                folder.unpacked("csaf-vex/\(name.dropLast(4)).json"), name: String(name.dropLast(4)))
            let own = document.statements.map(\.vulnerability)
            for line in String(decoding: try folder.bytes("csaf-vex/\(name)"), as: UTF8.self).split(separator: "\n") {
                let cells = line.split(separator: ",").map(String.init)
                // Rows of other documents are of vulnerabilities that this one does not name.
                guard cells.count == 3, own.contains(cells[0]) else { continue }
                let product = cells[1].replacing("-", with: "@")
                let fits = document.statements.contains { statement in
                    statement.vulnerability == cells[0] && statement.status.rawValue == cells[2]
                        && statement.products.contains { $0.hasSuffix(product) || $0 == cells[1] }
                }
                agreement.note("\(name): \(line)", fits ? nil : "\(document.statements)")
            }
        }
        return agreement
    }

    private static func difference(_ node: Node, _ bytes: [UInt8], _ name: String) throws -> String? {
        var collector = FeedCollector()
        FeedReader.read(bytes, as: .csaf, FeedContext(fileName: name), into: &collector)
        guard collector.problemCount == 0 else { return "\(collector.problems)" }
        var builder = DatabaseBuilder()
        builder.add(collector.finish(FeedDescription(name: name, title: "", source: "", date: nil)))
        let database = try AdvisoryDatabase(StoredBytes(builder.finish(built: nil) { _ in "" }))
        for vulnerability in node["vulnerabilities"].elements {
            guard let id = vulnerability["cve"].string else { continue }
            let affected = database.advisories(naming: id).flatMap(\.advisory.affected)
            let fixes = Set(affected.flatMap(\.fixes))
            // Builds that the document calls fixed, by the version in their purl.
            let purls = purls(node["product_tree"])
            let relations = Dictionary(
                node["product_tree"]["relationships"].elements.compactMap { relation in
                    relation["full_product_name"]["product_id"].string.flatMap { id in
                        relation["product_reference"].string.map { (id, $0) }
                    }
                }, uniquingKeysWith: { first, _ in first })
            for product in vulnerability["product_status"]["fixed"].strings {
                var component = product
                for _ in 0..<4 { component = relations[component] ?? component }
                guard let purl = purls[component], purl.type == "rpm", let version = purl.version else { continue }
                let wanted = purl["epoch"].map { "\($0):\(version)" } ?? version
                if !fixes.contains(where: { VersionScheme.rpm.order($0, wanted) == 0 }) {
                    return "\(id): \(product) is fixed in \(wanted), which is not held"
                }
            }
        }
        return nil
    }

    private static func purls(_ tree: Node) -> [String: PackageURL] {
        var out: [String: PackageURL] = [:]
        func walk(_ branches: Node) {
            for branch in branches.elements {
                let product = branch["product"]
                if let id = product["product_id"].string,
                    let purl = product["product_identification_helper"]["purl"].string
                {
                    out[id] = try? PackageURL(purl)
                }
                walk(branch["branches"])
            }
        }
        walk(tree["branches"])
        return out
    }
}
