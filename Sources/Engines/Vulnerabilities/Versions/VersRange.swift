import Encodings

/// One bound of a range of versions.
package struct VersionConstraint: Sendable, Hashable {
    package enum Comparison: String, Sendable, Hashable {
        case equal = "="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="

        var isUpper: Bool { self == .less || self == .lessOrEqual }
        var isLower: Bool { self == .greater || self == .greaterOrEqual }
    }
    package var comparison: Comparison
    package var version: String

    package init(_ comparison: Comparison, _ version: String) {
        self.comparison = comparison
        self.version = version
    }

    /// Reads `>=1.2`; a version alone means equality.
    package init(_ text: some StringProtocol) {
        let text = text.trimmed
        let found = [Comparison.lessOrEqual, .greaterOrEqual, .notEqual, .less, .greater, .equal]
            .first { text.hasPrefix($0.rawValue) }
        comparison = found ?? .equal
        version = text.dropFirst(found?.rawValue.count ?? 0).trimmed
    }

    package func holds(for version: String, _ scheme: VersionScheme) -> Bool {
        let order = scheme.order(version, self.version)
        return switch comparison {
        case .equal: order == 0
        case .notEqual: order != 0
        case .less: order < 0
        case .lessOrEqual: order <= 0
        case .greater: order > 0
        case .greaterOrEqual: order >= 0
        }
    }
}

/// What is wrong with a `vers:` text.
package struct VersRangeError: Error, Equatable {
    package var message: String
}

/// A range in the notation all ecosystems share, `vers:npm/>=1.0.0|<2.0.0`.
///
/// Standard: package-url/vers-spec.
package struct VersRange: Sendable, Hashable {
    package var scheme: String
    package var constraints: [VersionConstraint]
    package var isEverything = false

    package init(scheme: String, constraints: [VersionConstraint]) {
        self.scheme = scheme
        self.constraints = constraints
    }

    /// Reads a text; `isCanonical` refuses what a tool should not have written: blanks, loose pipes, wrong order.
    package init(_ text: String, isCanonical: Bool = false) throws(VersRangeError) {
        func fail(_ message: String) -> VersRangeError { VersRangeError(message: "non-canonical VERS: \(message)") }
        var text = text
        if text.utf8.contains(where: \.isBlank) {
            if isCanonical { throw fail("whitespace is not permitted") }
            text.removeAll { $0.isWhitespace }
        }
        guard text.hasPrefix("vers:"), let slash = text.firstIndex(of: "/") else {
            throw VersRangeError(message: "a range begins with \"vers:\" and a scheme, as in vers:npm/>=1.0.0")
        }
        scheme = text[text.index(text.startIndex, offsetBy: 5)..<slash].lowercased()
        guard !scheme.isEmpty else { throw VersRangeError(message: "the versioning scheme is missing") }
        let body = text[text.index(after: slash)...]
        constraints = []
        if isCanonical {
            if body.hasPrefix("|") { throw fail("leading pipe is not permitted") }
            if body.hasSuffix("|") { throw fail("trailing pipe is not permitted") }
        }
        if body == "*" {
            isEverything = true
            return
        }
        for part in body.split(separator: "|") {
            var constraint = VersionConstraint(part)
            guard let version = PercentEncoding.decoded(constraint.version) else {
                throw fail("invalid percent-encoding in version")
            }
            if scheme == "datetime", version.contains(where: { $0 == "t" || $0 == "z" }) {
                throw fail("datetime must use uppercase T and Z")
            }
            constraint.version = version
            constraints.append(constraint)
        }
        if isCanonical, let known = VersionScheme(name: scheme) {
            for (one, next) in zip(constraints, constraints.dropFirst())
            where known.order(one.version, next.version) > 0 {
                throw fail("constraints are not sorted by version")
            }
        }
    }

    private var order: VersionScheme { VersionScheme(name: scheme) ?? .generic }

    /// The same range with its constraints in the order of their versions.
    package var sorted: VersRange {
        var out = self
        let order = order
        let keyed = constraints.enumerated().sorted { one, other in
            let result = order.order(one.element.version, other.element.version)
            return result == 0 ? one.offset < other.offset : result < 0
        }
        out.constraints = keyed.map(\.element)
        return out
    }

    package var text: String {
        if isEverything { return "vers:\(scheme)/*" }
        return "vers:\(scheme)/"
            + constraints.map { constraint in
                (constraint.comparison == .equal ? "" : constraint.comparison.rawValue)
                    + PercentEncoding.encoded(constraint.version, keeping: ":+*^@!")
            }.joined(separator: "|")
    }

    package func contains(_ version: String) -> Bool {
        if isEverything { return true }
        let order = order
        let all = sorted.constraints
        for constraint in all where order.order(version, constraint.version) == 0 {
            switch constraint.comparison {
            case .equal, .lessOrEqual, .greaterOrEqual: return true
            case .notEqual: return false
            case .less, .greater: continue
            }
        }
        let bounds = Self.simplified(all.filter { $0.comparison.isUpper || $0.comparison.isLower })
        guard !bounds.isEmpty else { return all.contains { $0.comparison == .notEqual } }
        for (index, bound) in bounds.enumerated() {
            let place = order.order(version, bound.version)
            if bound.comparison.isUpper, index == 0, place < 0 { return true }
            guard bound.comparison.isLower, place > 0 else { continue }
            if index + 1 == bounds.count { return true }
            if bounds[index + 1].comparison.isUpper, order.order(version, bounds[index + 1].version) < 0 { return true }
        }
        return false
    }

    /// Of bounds that say the same way, lower ones keep the first and upper ones the last.
    private static func simplified(_ bounds: [VersionConstraint]) -> [VersionConstraint] {
        var out: [VersionConstraint] = []
        for bound in bounds {
            if let last = out.last, last.comparison.isLower, bound.comparison.isLower { continue }
            if let last = out.last, last.comparison.isUpper, bound.comparison.isUpper { out.removeLast() }
            out.append(bound)
        }
        return out
    }
}
