import Documents

/// Applies statements to findings, and says of each statement whether it meant anything.
package struct VEXFilter: Sendable {
    package let statements: [VEXStatement]
    /// The image or project itself: statements about it as a whole count for everything in it.
    package var subjects: [String]

    package init(_ documents: [VEXDocument], subjects: [String] = []) {
        statements = documents.flatMap(\.statements)
        self.subjects = subjects
    }

    package struct Decision: Sendable {
        package var finding: VulnerabilityFinding
        /// The statement that decided; nil where none speaks of it.
        package var statement: VEXStatement?
        /// It is not counted: not affected, or fixed.
        package var isSuppressed: Bool
    }

    /// A statement that matched nothing, and the nearest thing it may have meant.
    package struct Stray: Sendable, Hashable {
        package var statement: VEXStatement
        package var message: String
    }

    package func apply(
        to findings: [VulnerabilityFinding], of packages: [SoftwarePackage]
    ) -> (decisions: [Decision], strays: [Stray]) {
        var used: Set<Int> = []
        let urls = packages.map { $0.purl.flatMap { try? PackageURL($0) } }
        let decisions = findings.map { finding -> Decision in
            var best: (index: Int, statement: VEXStatement)?
            for (index, statement) in statements.enumerated() where names(statement, finding) {
                guard speaksOf(statement, urls[finding.package]) else { continue }
                used.insert(index)
                if best.map({ $0.statement.time <= statement.time }) ?? true { best = (index, statement) }
            }
            let status = best?.statement.status
            return Decision(
                finding: finding, statement: best?.statement, isSuppressed: status == .notAffected || status == .fixed)
        }
        let strays = statements.enumerated().filter { !used.contains($0.offset) }.map { item in
            Stray(statement: item.element, message: stray(item.element, findings, urls))
        }
        return (decisions, strays)
    }

    private func names(_ statement: VEXStatement, _ finding: VulnerabilityFinding) -> Bool {
        finding.ids.contains(statement.vulnerability) || statement.aliases.contains { finding.ids.contains($0) }
    }

    private func speaksOf(_ statement: VEXStatement, _ url: PackageURL?) -> Bool {
        statement.products.contains { product in
            if subjects.contains(product) { return true }
            guard let url, let wanted = try? PackageURL(product) else { return false }
            return Self.matches(wanted, url)
        }
    }

    /// What the product leaves out counts as any.
    ///
    /// Standard: OpenVEX, "software identifiers"; the same rule as Trivy's and vexctl's.
    static func matches(_ wanted: PackageURL, _ url: PackageURL) -> Bool {
        wanted.type == url.type && wanted.name == url.name && (wanted.namespace ?? url.namespace) == url.namespace
            && (wanted.version == nil || wanted.version == url.version)
            && wanted.qualifiers.allSatisfy { url[$0.key] == $0.value }
            && (wanted.subpath == nil || wanted.subpath == url.subpath)
    }

    /// Says what is nearest: the same vulnerability elsewhere, the same package, a name that differs in a letter.
    private func stray(
        _ statement: VEXStatement, _ findings: [VulnerabilityFinding], _ urls: [PackageURL?]
    ) -> String {
        let product = statement.products.first ?? "no product"
        let head = "the statement on \(statement.vulnerability) in \(product) matches nothing"
        if let same = findings.first(where: { names(statement, $0) }), let url = urls[same.package] {
            return "\(head); \(statement.vulnerability) is found in \(url.text)"
        }
        let wanted = statement.products.compactMap { try? PackageURL($0) }
        if let near = wanted.lazy.compactMap({ one in
            urls.compactMap(\.self).first { $0.type == one.type && $0.name == one.name }
        }).first {
            return "\(head); the package is there as \(near.text), without this vulnerability"
        }
        let known = urls.compactMap { $0 }
        let target = wanted.first?.name ?? product
        if let near = EditDistance.nearest(to: target, in: known, within: 3, by: \.name) {
            return "\(head); did you mean \(near.text)?"
        }
        return "\(head); no package is named like it"
    }
}
