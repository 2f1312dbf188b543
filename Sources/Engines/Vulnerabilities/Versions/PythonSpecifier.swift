/// A set of version clauses such as `>=1.0,!=1.3.*,<2`.
///
/// Standard: PEP 440, version specifiers.
package struct PythonSpecifier: Sendable {
    private struct Clause: Sendable {
        var comparison: String
        var version: PythonVersion?
        var isPrefix: Bool
        var text: String
    }
    private var clauses: [Clause] = []

    package init?(_ text: String) {
        for part in text.split(separator: ",") {
            let clause = part.trimmed
            if clause.isEmpty { continue }
            guard let comparison = ["===", "~=", "==", "!=", "<=", ">=", "<", ">"].first(where: clause.hasPrefix) else {
                return nil
            }
            var written = clause.dropFirst(comparison.count).trimmed
            let full = written
            let isPrefix = written.hasSuffix(".*")
            if isPrefix { written = String(written.dropLast(2)) }
            let version = PythonVersion(written)
            guard comparison == "===" || version != nil, !isPrefix || comparison == "==" || comparison == "!=" else {
                return nil
            }
            if comparison == "~=", (version?.release.count ?? 0) < 2 { return nil }
            clauses.append(Clause(comparison: comparison, version: version, isPrefix: isPrefix, text: full))
        }
    }

    /// Whether the version is in the set, prereleases allowed.
    package func contains(_ text: String) -> Bool {
        let candidate = PythonVersion(text)
        return clauses.allSatisfy { clause in
            guard clause.comparison != "===" else { return clause.text.lowercased() == text.lowercased() }
            guard let candidate, let version = clause.version else { return false }
            return Self.holds(candidate, clause, version)
        }
    }

    private static func holds(_ candidate: PythonVersion, _ clause: Clause, _ version: PythonVersion) -> Bool {
        switch clause.comparison {
        case "==": equals(candidate, clause, version)
        case "!=": !equals(candidate, clause, version)
        case "<=": candidate.asPublic.order(version) <= 0
        case ">=": candidate.asPublic.order(version) >= 0
        case "<":
            candidate.order(version) < 0
                && (version.isPrerelease || !candidate.isPrerelease || candidate.base.order(version.base) != 0)
        case ">":
            candidate.order(version) > 0
                && (version.post != nil || candidate.post == nil || candidate.base.order(version.base) != 0)
                && (candidate.local.isEmpty || candidate.asPublic.order(version) != 0)
        case "~=":
            candidate.asPublic.order(version) >= 0
                && hasPrefix(candidate, epoch: version.epoch, release: Array(version.release.dropLast()))
        default: false
        }
    }

    private static func equals(_ candidate: PythonVersion, _ clause: Clause, _ version: PythonVersion) -> Bool {
        if clause.isPrefix {
            guard hasPrefix(candidate, epoch: version.epoch, release: version.release) else { return false }
            guard version.prerelease != nil || version.post != nil else { return true }
            // `==1.0a1.*` is rare; the marks behind the release have to be the same.
            return candidate.prerelease == version.prerelease && (version.post == nil || candidate.post == version.post)
                && candidate.release.count == version.release.count
        }
        return (version.local.isEmpty ? candidate.asPublic : candidate).order(version) == 0
    }

    private static func hasPrefix(_ candidate: PythonVersion, epoch: DecimalNumber, release: [DecimalNumber]) -> Bool {
        guard candidate.epoch == epoch else { return false }
        for (index, number) in release.enumerated() {
            let own = index < candidate.release.count ? candidate.release[index] : .zero
            if own != number { return false }
        }
        return true
    }
}

extension StringProtocol {
    /// Without blanks at both ends.
    var trimmed: String {
        var view = Substring(self)
        while let first = view.utf8.first, first.isBlank { view.removeFirst() }
        while let last = view.utf8.last, last.isBlank { view.removeLast() }
        return String(view)
    }
}
