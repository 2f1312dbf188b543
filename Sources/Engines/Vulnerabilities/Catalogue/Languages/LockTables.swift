/// The tables of lock files that are written in TOML: Cargo's, poetry's, uv's, pdm's.
///
/// Programs write these files, in one narrow form of TOML 1.0: `[[package]]`, keys with texts, lists of texts or of
/// small tables. That form is read, nothing else of TOML.
struct LockTables {
    struct Table {
        var texts: [String: String] = [:]
        /// Values that are no plain text, as they stand.
        var raw: [String: String] = [:]
        var dependencies: [String] = []
    }

    private(set) var packages: [Table] = []

    init(_ bytes: [UInt8]) {
        var isPackage = false
        var isDependencies = false
        var list = ""
        var listKey = ""
        for line in Lines(bytes) {
            let text = String(decoding: bytes[line], as: UTF8.self).trimmed
            if !listKey.isEmpty {
                list += text
                if text.hasPrefix("]") { close(&list, &listKey) }
                continue
            }
            if text.isEmpty || text.hasPrefix("#") { continue }
            if text.hasPrefix("[") {
                isPackage = text == "[[package]]"
                isDependencies = text == "[package.dependencies]"
                if isPackage { packages.append(Table()) }
                continue
            }
            guard let equal = text.firstIndex(of: "="), !packages.isEmpty else { continue }
            let key = Self.unquoted(String(text[..<equal]).trimmed)
            let value = String(text[text.index(after: equal)...]).trimmed
            if isDependencies {
                packages[packages.count - 1].dependencies.append(key)
                continue
            }
            guard isPackage else { continue }
            if value.hasPrefix("\"") || value.hasPrefix("'") {
                packages[packages.count - 1].texts[key] = Self.unquoted(value)
            } else if value.hasPrefix("["), !value.hasSuffix("]") {
                listKey = key
                list = value
            } else {
                packages[packages.count - 1].raw[key] = value
                if key == "dependencies" { packages[packages.count - 1].dependencies += Self.names(value) }
            }
        }
    }

    private mutating func close(_ list: inout String, _ key: inout String) {
        packages[packages.count - 1].raw[key] = list
        if key == "dependencies" { packages[packages.count - 1].dependencies += Self.names(list) }
        list = ""
        key = ""
    }

    private static func unquoted(_ text: String) -> String {
        guard let quote = text.first, quote == "\"" || quote == "'" else { return text }
        return String(text.dropFirst().prefix { $0 != quote })
    }

    /// `"serde 1.0.1 (registry+…)"` or `{ name = "idna" }`.
    private static func names(_ list: String) -> [String] {
        var out: [String] = []
        let isTables = list.contains("{")
        for item in list.split(separator: isTables ? "{" : ",") {
            if isTables {
                guard let mark = item.range(of: "name = \"") else { continue }
                out.append(String(item[mark.upperBound...].prefix { $0 != "\"" }))
            } else {
                guard let quote = item.firstIndex(of: "\"") else { continue }
                let name = item[item.index(after: quote)...].prefix { $0 != "\"" && $0 != " " }
                if !name.isEmpty { out.append(String(name)) }
            }
        }
        return out
    }
}

extension Substring {
    func range(of text: String) -> Range<String.Index>? { firstRange(of: text) }
}
