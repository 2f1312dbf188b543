/// What a file is, by its name: how its settings are written.
package struct FileFormat: Sendable {
    package let language: TextScanner.Language
    private let base: String

    private static let programs: Set<String> = [
        "py", "js", "mjs", "cjs", "ts", "tsx", "jsx", "go", "java", "kt", "kts", "scala", "rb", "php", "lua", "c", "h",
        "cc", "cpp", "hpp", "cs", "vb", "rs", "swift", "m", "pl", "pm", "r", "dart", "ex", "exs", "erl", "hs", "clj",
        "groovy", "jsp", "vue", "svelte", "html", "htm", "css", "scss", "md", "rst", "txt", "adoc", "proto", "graphql",
    ]

    package init(name: String) {
        let last = name.split(separator: "/").last.map(String.init) ?? name
        base = last.lowercased()
        let suffix = base.split(separator: ".").last.map(String.init) ?? ""
        language = base.contains(".") && Self.programs.contains(suffix) ? .program : .configuration
    }

    /// Secrets of formats whose lines name nothing.
    package func ownSecrets(_ bytes: [UInt8], scanner: ObjectScanner) -> [FoundSecret] {
        secrets(bytes, made: scanner.made) ?? []
    }

    /// Secrets of formats whose lines name nothing; nil for the rest.
    func secrets(
        _ bytes: [UInt8],
        made: (String, String, SecretMatch.Strength, [UInt8], Range<Int>) -> FoundSecret
    ) -> [FoundSecret]? {
        let stored = bytes
        switch base {
        case "master.key":
            // Rails: 32 hexadecimal digits and nothing else.
            let end = stored.lastIndex { !ByteClass.space.contains($0) }.map { $0 + 1 } ?? 0
            guard end == 32, stored[..<end].allSatisfy({ ByteClass.hexadecimal.contains($0) }) else { return nil }
            return [made("rails-master-key", "Rails master key", .structure, Array(stored[..<end]), 0..<end)]
        case "settings-security.xml":
            return Self.ranges(in: stored, from: "<master>", to: UInt8(ascii: "<")).map {
                made("maven-master", "Maven master password", .structure, Array(stored[$0]), $0)
            }
        case "logins.json":
            // Without a primary password whoever has the profile's folder can read them.
            return Self.ranges(in: stored, from: "\"encryptedPassword\": \"", to: UInt8(ascii: "\"")).map {
                made("firefox-login", "Stored password of a browser", .structure, Array(stored[$0]), $0)
            }
        default: break
        }
        guard base.hasSuffix("pgpass") || base == "pgpass.conf" else { return nil }
        return PgpassLine.passwords(bytes).map {
            made("pgpass", "PostgreSQL password", .structure, Array(bytes[$0]), $0)
        }
    }

    /// What stands between a text and the next byte of a kind, each time.
    private static func ranges(in bytes: [UInt8], from opening: String, to closing: UInt8) -> [Range<Int>] {
        let mark = Array(opening.utf8)
        var found: [Range<Int>] = []
        var start = 0
        while let end = bytes[start...].firstIndex(of: mark[mark.count - 1]) {
            start = end + 1
            guard start >= mark.count, bytes[start - mark.count..<start].elementsEqual(mark),
                let close = bytes[start...].firstIndex(of: closing), close > start
            else { continue }
            found.append(start..<close)
            start = close
        }
        return found
    }
}

/// `host:port:database:user:password`. Source: PostgreSQL manual, "The Password File".
enum PgpassLine {
    static func passwords(_ bytes: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            defer { start = end + 1 }
            guard bytes[start] != UInt8(ascii: "#") else { continue }
            var marks: [Int] = []
            var i = start
            while i < end, marks.count < 4 {
                // A backslash takes the colon's meaning away.
                if bytes[i] == UInt8(ascii: "\\") { i += 1 } else if bytes[i] == UInt8(ascii: ":") { marks.append(i) }
                i += 1
            }
            guard marks.count == 4, end - marks[3] > 4 else { continue }
            let port = bytes[marks[0] + 1..<marks[1]]
            guard port.elementsEqual("*".utf8) || port.allSatisfy({ ByteClass.digits.contains($0) }) else { continue }
            var last = end
            while last > marks[3] + 1, ByteClass.space.contains(bytes[last - 1]) { last -= 1 }
            let range = marks[3] + 1..<last
            let stored = bytes
            if !range.isEmpty, !ValueJudge.isReference(stored.span, range) { found.append(range) }
        }
        return found
    }
}
