extension VersRange {
    /// The range that an ecosystem's own notation means; nil where it cannot be read or we know no notation.
    package init?(native text: String, scheme: String) {
        self.init(scheme: scheme, constraints: [])
        switch scheme {
        case "npm": guard readNPM(text) else { return nil }
        case "conan": guard readConan(text) else { return nil }
        case "nuget", "maven": guard readIntervals(text) else { return nil }
        case "openssl": constraints = text.split(separator: ",").map { VersionConstraint(.equal, $0.trimmed) }
        case "nginx": readNginx(text)
        case "gem":
            guard let requirement = RubyRequirement(text) else { return nil }
            constraints = requirement.constraints
        case "pypi":
            guard readPython(text) else { return nil }
        default: constraints = text.split(whereSeparator: { $0 == "," || $0 == " " }).map { VersionConstraint($0) }
        }
        self = sorted
    }

    private mutating func readNPM(_ text: String) -> Bool {
        guard let range = NPMRange(text) else { return false }
        for comparator in range.alternatives.joined() {
            if comparator.isAny {
                isEverything = true
                constraints = []
                return true
            }
            // node-semver's `-0` shuts out prereleases of the bound; vers has no such notion.
            var version = comparator.version
            if comparator.comparison == "<", version.hasSuffix("-0") { version.removeLast(2) }
            constraints.append(VersionConstraint(.init(rawValue: comparator.comparison) ?? .equal, version))
        }
        return true
    }

    /// Conan: `~`, `^`, comparisons; a trailing `-` includes prereleases, and so do the upper ends that are made.
    private mutating func readConan(_ text: String) -> Bool {
        for alternative in text.replacing("||", with: "|").split(separator: "|") {
            for word in alternative.split(whereSeparator: { $0 == " " || $0 == "," }) {
                if word.hasPrefix("include_prerelease") { continue }
                var word = String(word)
                if word.hasSuffix("-") { word.removeLast() }
                if word == "*" {
                    constraints.append(VersionConstraint(.greaterOrEqual, "0.0.0"))
                } else if word.hasPrefix("~") || word.hasPrefix("^") {
                    let low = String(word.dropFirst())
                    guard let high = Self.conanUpperEnd(low, isCaret: word.hasPrefix("^")) else { return false }
                    constraints.append(VersionConstraint(.greaterOrEqual, low))
                    constraints.append(VersionConstraint(.less, high + "-"))
                } else {
                    constraints.append(VersionConstraint(word))
                }
            }
        }
        return true
    }

    private static func conanUpperEnd(_ low: String, isCaret: Bool) -> String? {
        var numbers: [DecimalNumber] = []
        for part in low.split(separator: ".") {
            guard part.utf8.allSatisfy(\.isDigit) else { break }
            numbers.append(DecimalNumber(part.utf8))
        }
        guard !numbers.isEmpty else { return nil }
        let place = isCaret ? numbers.firstIndex { !$0.isZero } ?? numbers.count - 1 : min(1, numbers.count - 1)
        return (numbers[..<place] + [numbers[place].next]).map(\.text).joined(separator: ".")
    }

    /// `[1.0, 2.0)`, `(,1.0]`, `1.0`, lists of them.
    private mutating func readIntervals(_ text: String) -> Bool {
        var rest = text[...]
        while let first = rest.first {
            if first == "," || first == " " {
                rest = rest.dropFirst()
                continue
            }
            guard first == "[" || first == "(" else {
                let version = rest.prefix { $0 != "," }
                constraints.append(VersionConstraint(.greaterOrEqual, version.trimmed))
                rest = rest[version.endIndex...]
                continue
            }
            guard let end = rest.firstIndex(where: { $0 == "]" || $0 == ")" }) else { return false }
            let inside = rest[rest.index(after: rest.startIndex)..<end]
            let ends = inside.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmed)
            if ends.count == 1 {
                constraints.append(VersionConstraint(.equal, ends[0]))
            } else if ends.count == 2 {
                if !ends[0].isEmpty {
                    constraints.append(VersionConstraint(first == "[" ? .greaterOrEqual : .greater, ends[0]))
                }
                if !ends[1].isEmpty {
                    constraints.append(VersionConstraint(rest[end] == "]" ? .lessOrEqual : .less, ends[1]))
                }
            } else {
                return false
            }
            rest = rest[rest.index(after: end)...]
        }
        return true
    }

    /// nginx's own advisories: `0.8.40+` means the rest of the branch, `a-b` both ends included.
    private mutating func readNginx(_ text: String) {
        for part in text.split(separator: ",").map(\.trimmed) {
            if part.hasSuffix("+") {
                let low = String(part.dropLast())
                constraints.append(VersionConstraint(.greaterOrEqual, low))
                let numbers = low.split(separator: ".").map { DecimalNumber($0.utf8) }
                // A stable branch ends with the next number; the main line goes on.
                if numbers.count == 3 {
                    constraints.append(VersionConstraint(.less, "\(numbers[0].text).\(numbers[1].next.text).0"))
                }
            } else if let dash = part.firstIndex(of: "-") {
                constraints.append(VersionConstraint(.greaterOrEqual, String(part[..<dash])))
                constraints.append(VersionConstraint(.lessOrEqual, String(part[part.index(after: dash)...])))
            } else {
                constraints.append(VersionConstraint(.equal, part))
            }
        }
    }

    private mutating func readPython(_ text: String) -> Bool {
        guard PythonSpecifier(text) != nil else { return false }
        for part in text.split(separator: ",").map(\.trimmed) {
            if part.hasPrefix("~=") {
                let low = part.dropFirst(2).trimmed
                guard let version = PythonVersion(low), version.release.count > 1 else { return false }
                let place = version.release.count - 2
                let high = (version.release[..<place] + [version.release[place].next]).map(\.text)
                constraints.append(VersionConstraint(.greaterOrEqual, low))
                constraints.append(VersionConstraint(.less, high.joined(separator: ".")))
            } else if part.hasPrefix("==") {
                constraints.append(VersionConstraint(.equal, part.drop { $0 == "=" }.trimmed))
            } else {
                constraints.append(VersionConstraint(part))
            }
        }
        return true
    }
}
