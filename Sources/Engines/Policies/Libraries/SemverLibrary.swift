/// A semantic version.
///
/// Standard: Semantic Versioning 2.0.0; what is refused, and why, as the API server's library says it.
struct CELVersion: CELOpaque {
    var major: UInt64
    var minor: UInt64
    var patch: UInt64
    var prerelease: [String] = []
    var build: [String] = []

    static let celType = CELType.object("kubernetes.Semver")
    var type: CELType { Self.celType }
    func isEqual(to other: any CELOpaque) -> Bool { (other as? CELVersion).map { order($0) == 0 } ?? false }

    var text: String {
        "\(major).\(minor).\(patch)" + (prerelease.isEmpty ? "" : "-" + prerelease.joined(separator: "."))
            + (build.isEmpty ? "" : "+" + build.joined(separator: "."))
    }

    private static func number(_ text: Substring, _ what: String) throws(CELError) -> UInt64 {
        guard text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            throw CELError("Invalid character(s) found in \(what.lowercased()) number \"\(text)\"")
        }
        if text.count > 1, text.hasPrefix("0") {
            throw CELError("\(what) number must not contain leading zeroes \"\(text)\"")
        }
        guard let value = UInt64(text) else {
            throw CELError(
                "strconv.ParseUint: parsing \"\(text)\": " + (text.isEmpty ? "invalid syntax" : "value out of range"))
        }
        return value
    }

    init(_ text: String) throws(CELError) {
        if text.isEmpty { throw CELError("Version string empty") }
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw CELError("No Major.Minor.Patch elements found") }
        major = try Self.number(parts[0], "Major")
        minor = try Self.number(parts[1], "Minor")
        var rest = parts[2]
        var builds: [Substring] = []
        var releases: [Substring] = []
        if let mark = rest.firstIndex(of: "+") {
            builds = rest[rest.index(after: mark)...].split(separator: ".", omittingEmptySubsequences: false)
            rest = rest[..<mark]
        }
        if let mark = rest.firstIndex(of: "-") {
            releases = rest[rest.index(after: mark)...].split(separator: ".", omittingEmptySubsequences: false)
            rest = rest[..<mark]
        }
        patch = try Self.number(rest, "Patch")
        for part in releases {
            if part.isEmpty { throw CELError("Prerelease is empty") }
            if part.utf8.allSatisfy({ (48...57).contains($0) }) {
                if part.count > 1, part.hasPrefix("0") {
                    throw CELError("Numeric PreRelease version must not contain leading zeroes \"\(part)\"")
                }
                guard UInt64(part) != nil else {
                    throw CELError("strconv.ParseUint: parsing \"\(part)\": value out of range")
                }
            } else if !Self.isPlain(part) {
                throw CELError("Invalid character(s) found in prerelease \"\(part)\"")
            }
            prerelease.append(String(part))
        }
        for part in builds {
            if part.isEmpty { throw CELError("Build meta data is empty") }
            guard Self.isPlain(part) else {
                throw CELError("Invalid character(s) found in build meta data \"\(part)\"")
            }
            build.append(String(part))
        }
    }

    private static func isPlain(_ text: Substring) -> Bool {
        text.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == UInt8(ascii: "-")
        }
    }

    /// Reads a version with a `v` before it, leading zeros, or parts missing.
    static func normalized(_ text: String) throws(CELError) -> CELVersion {
        let body = text.hasPrefix("v") ? text.dropFirst() : text[...]
        var parts = body.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        for index in parts.indices where parts[index].utf8.count > 1 {
            var part = parts[index].drop { $0 == "0" }
            if part.first.map({ !("0"..."9").contains($0) }) ?? true { part = "0" + part }
            parts[index] = String(part)
        }
        if parts.count < 3 {
            if parts[parts.count - 1].contains(where: { $0 == "+" || $0 == "-" }) {
                throw CELError("short version cannot contain PreRelease/Build meta data")
            }
            while parts.count < 3 { parts.append("0") }
        }
        return try CELVersion(parts.joined(separator: "."))
    }

    /// -1, 0 or 1; build metadata does not count.
    func order(_ other: CELVersion) -> Int {
        for (a, b) in [(major, other.major), (minor, other.minor), (patch, other.patch)] where a != b {
            return a < b ? -1 : 1
        }
        if prerelease.isEmpty || other.prerelease.isEmpty {
            return prerelease.isEmpty == other.prerelease.isEmpty ? 0 : prerelease.isEmpty ? 1 : -1
        }
        for (a, b) in zip(prerelease, other.prerelease) where a != b {
            switch (UInt64(a), UInt64(b)) {
            case (let a?, let b?): return a < b ? -1 : 1
            case (.some, nil): return -1
            case (nil, .some): return 1
            case (nil, nil): return a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
            }
        }
        return prerelease.count == other.prerelease.count ? 0 : prerelease.count < other.prerelease.count ? -1 : 1
    }
}

/// Source: the API server's semantic version library.
enum SemverLibrary {
    private static let semver = CELVersion.celType

    private static func read(_ values: [CELValue]) throws(CELError) -> CELVersion {
        guard case .string(let text) = values[0] else { throw .noSuchOverload }
        if values.count > 1 {
            guard case .bool(let normalize) = values[1] else { throw .noSuchOverload }
            if normalize { return try CELVersion.normalized(text) }
        }
        return try CELVersion(text)
    }

    private static func version(_ value: CELValue) -> CELVersion? {
        if case .opaque(let opaque) = value { return opaque as? CELVersion }
        return nil
    }

    private static func part(
        _ name: String, _ read: @escaping @Sendable (CELVersion) -> UInt64
    ) -> CELFunction {
        CELFunction(name, [.member("semver_\(name)", [semver], .int)]) { values in
            version(values[0]).map { .int(Int64(truncatingIfNeeded: read($0))) } ?? .error(.noSuchOverload)
        }
    }

    private static func comparison(
        _ name: String, _ id: String, _ type: CELType, _ give: @escaping @Sendable (Int) -> CELValue
    ) -> CELFunction {
        CELFunction(name, [.member(id, [semver, semver], type)]) { values in
            guard let a = version(values[0]), let b = version(values[1]) else { return .error(.noSuchOverload) }
            return give(a.order(b))
        }
    }

    static let functions: [CELFunction] = [
        CELFunction(
            "semver",
            [
                CELOverload("string_to_semver", [.string], semver),
                CELOverload("string_bool_to_semver", [.string, .bool], semver),
            ]
        ) { values in
            do throws(CELError) {
                return .opaque(try read(values))
            } catch {
                return .error(error)
            }
        },
        CELFunction(
            "isSemver",
            [
                CELOverload("is_semver_string", [.string], .bool),
                CELOverload("is_semver_string_bool", [.string, .bool], .bool),
            ]
        ) { values in
            do throws(CELError) {
                _ = try read(values)
                return .bool(true)
            } catch {
                return error == .noSuchOverload ? .error(error) : .bool(false)
            }
        },
        comparison("isGreaterThan", "semver_is_greater_than", .bool) { .bool($0 == 1) },
        comparison("isLessThan", "semver_is_less_than", .bool) { .bool($0 == -1) },
        comparison("compareTo", "semver_compare_to", .int) { .int(Int64($0)) },
        part("major", \.major), part("minor", \.minor), part("patch", \.patch),
    ]
}
