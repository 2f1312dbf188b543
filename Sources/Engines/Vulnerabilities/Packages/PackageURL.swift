import Encodings

/// What is wrong with a package URL.
package struct PackageURLError: Error, Equatable {
    package var message: String
}

/// A package URL, `pkg:deb/debian/curl@7.88.1-10?arch=amd64`.
///
/// Standard: package-url/purl-spec (ECMA-427).
package struct PackageURL: Sendable, Hashable {
    package private(set) var type: String
    package private(set) var namespace: String?
    package private(set) var name: String
    package private(set) var version: String?
    /// Sorted by key, empty values dropped.
    package private(set) var qualifiers: [Qualifier]
    package private(set) var subpath: String?

    package struct Qualifier: Sendable, Hashable {
        package var key: String
        package var value: String
    }

    /// Builds one from its parts, in the type's normal form.
    package init(
        type: String, namespace: String? = nil, name: String, version: String? = nil,
        qualifiers: [String: String] = [:], subpath: String? = nil
    ) throws(PackageURLError) {
        func fail(_ message: String) -> PackageURLError { PackageURLError(message: message) }
        let type = type.lowercased()
        guard let first = type.utf8.first, first.isLetter,
            type.utf8.allSatisfy({ $0.isLetter || $0.isDigit || $0 == 0x2E || $0 == 0x2D || $0 == 0x2B })
        else { throw fail("\"\(type)\" is no package type") }
        self.type = type
        let parts = (namespace ?? "").split(separator: "/").map(String.init)
        self.namespace = parts.isEmpty ? nil : parts.joined(separator: "/")
        self.name = name
        self.version = version.flatMap { $0.isEmpty ? nil : $0 }
        self.qualifiers = []
        for (key, value) in qualifiers.sorted(by: { $0.key.lowercased() < $1.key.lowercased() }) where !value.isEmpty {
            let key = key.lowercased()
            guard let first = key.utf8.first, first.isLetter,
                key.utf8.allSatisfy({ $0.isLetter || $0.isDigit || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F })
            else { throw fail("\"\(key)\" is no name of a qualifier") }
            self.qualifiers.append(Qualifier(key: key, value: value))
        }
        let steps = (subpath ?? "").split(separator: "/").filter { $0 != "." && $0 != ".." }
        self.subpath = steps.isEmpty ? nil : steps.joined(separator: "/")
        guard !name.isEmpty else { throw fail("the name is missing") }
        let rules = PackageURLRules.rules(type)
        rules.normalize(&self)
        if let wrong = rules.problem(self) { throw fail(wrong) }
    }

    /// Reads a text. `isStrict` refuses what the specification only lets a tolerant reader repair.
    package init(_ text: String, isStrict: Bool = false) throws(PackageURLError) {
        func fail(_ message: String) -> PackageURLError { PackageURLError(message: message) }
        var rest = text[...]
        var subpath: String?
        if let hash = rest.lastIndex(of: "#") {
            subpath = try rest[rest.index(after: hash)...].split(separator: "/").map(Self.decoded).joined(
                separator: "/")
            rest = rest[..<hash]
        }
        var qualifiers: [String: String] = [:]
        if let question = rest.lastIndex(of: "?") {
            for pair in rest[rest.index(after: question)...].split(separator: "&") {
                let ends = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard ends.count == 2, !ends[0].isEmpty else { throw fail("\"\(pair)\" is no qualifier") }
                // Of all types only gem's definition asks for its qualifiers as they are written.
                if isStrict, rest.hasPrefix("pkg:gem/"), ends[0].contains(where: \.isUppercase) {
                    throw fail("\"\(ends[0])\" has capitals")
                }
                guard qualifiers.updateValue(try Self.decoded(ends[1]), forKey: ends[0].lowercased()) == nil else {
                    throw fail("the qualifier \"\(ends[0])\" stands twice")
                }
            }
            rest = rest[..<question]
        }
        guard let colon = rest.firstIndex(of: ":"), rest[..<colon].lowercased() == "pkg" else {
            throw fail("a package URL begins with \"pkg:\"")
        }
        rest = rest[rest.index(after: colon)...].drop { $0 == "/" }
        guard let slash = rest.firstIndex(of: "/") else { throw fail("the type is missing") }
        let type = rest[..<slash]
        rest = rest[rest.index(after: slash)...]
        var version: String?
        // An `@` before the last slash belongs to a namespace, as npm's scopes do.
        if let at = rest.lastIndex(of: "@"), at != rest.startIndex || !rest.dropFirst().contains("/") {
            let tail = rest[rest.index(after: at)...]
            if !tail.contains("/") || rest[..<at].contains("/") || type.lowercased() != "npm" {
                version = try Self.decoded(tail)
                rest = rest[..<at]
            }
        }
        while rest.hasSuffix("/") {
            if rest.dropLast().contains("/"), version != nil { throw fail("the name is missing") }
            rest = rest.dropLast()
        }
        let steps = try rest.split(separator: "/").map(Self.decoded)
        guard let last = steps.last, let first = steps.first else { throw fail("the name is missing") }
        // A git repository is named by everything behind its host.
        let isRepository = type.lowercased() == "git" && steps.count > 1
        try self.init(
            type: String(type), namespace: isRepository ? first : steps.dropLast().joined(separator: "/"),
            name: isRepository ? steps.dropFirst().joined(separator: "/") : last, version: version,
            qualifiers: qualifiers, subpath: subpath)
    }

    private static func decoded(_ text: Substring) throws(PackageURLError) -> String {
        guard let out = PercentEncoding.decoded(text) else {
            throw PackageURLError(message: "\"\(text)\" has a percent sign without two digits")
        }
        return out
    }

    package subscript(_ key: String) -> String? { qualifiers.first { $0.key == key }?.value }

    /// The canonical text.
    package var text: String {
        var out = "pkg:\(type)/"
        if let namespace {
            for step in namespace.split(separator: "/") { out += PercentEncoding.encoded(step, keeping: ":") + "/" }
        }
        out += PercentEncoding.encoded(name, keeping: type == "git" ? ":/" : ":")
        if let version { out += "@" + PercentEncoding.encoded(version, keeping: ":") }
        if !qualifiers.isEmpty {
            out +=
                "?"
                + qualifiers.map { "\($0.key)=\(PercentEncoding.encoded($0.value, keeping: ":"))" }
                .joined(separator: "&")
        }
        if let subpath {
            out +=
                "#"
                + subpath.split(separator: "/").map { PercentEncoding.encoded($0, keeping: ":") }.joined(separator: "/")
        }
        return out
    }

    mutating func lowercaseNamespace() { namespace = namespace?.lowercased() }
    mutating func lowercaseName() { name = name.lowercased() }
    mutating func lowercaseVersion() { version = version?.lowercased() }
    mutating func replaceName(_ newName: String) { name = newName }
}
