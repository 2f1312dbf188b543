/// Installed gems and what Bundler resolved.
enum RubyReader {
    /// `specifications/NAME-VERSION.gemspec`: RubyGems writes it itself, with a comment that names the gem on its
    /// second line.
    static func gemspec(_ bytes: [UInt8], _ facts: inout FileFacts) {
        var name = ""
        var version = ""
        var licences: [String] = []
        var requires: [String] = []
        for line in Lines(bytes) {
            let text = String(decoding: bytes[line], as: UTF8.self).trimmed
            if text.hasPrefix("# stub: ") {
                let words = text.dropFirst(8).split(separator: " ").map(String.init)
                if words.count >= 2 { (name, version) = (words[0], words[1]) }
                continue
            }
            // `s.name = "abbrev".freeze`
            guard let dot = text.firstIndex(of: "."), text[..<dot].allSatisfy({ $0.isLetter || $0 == "_" }) else {
                continue
            }
            let rest = text[text.index(after: dot)...]
            let key = rest.prefix { $0.isLetter || $0 == "_" }
            let strings = Self.strings(rest.dropFirst(key.count))
            switch key {
            case "name": if name.isEmpty, let first = strings.first { name = first }
            case "version":
                if version.isEmpty, let first = strings.first, first.first?.isNumber == true { version = first }
            case "license", "licenses": licences = strings
            case "add_dependency", "add_runtime_dependency": if let first = strings.first { requires.append(first) }
            default: continue
            }
        }
        if version.isEmpty || name.isEmpty {
            // What is computed when it is loaded is told by the file's name alone.
            let stem = (facts.path.split(separator: "/").last ?? "").dropLast(8)
            guard let dash = stem.lastIndex(of: "-"), stem[stem.index(after: dash)...].first?.isNumber == true else {
                return
            }
            name = String(stem[..<dash])
            version = String(stem[stem.index(after: dash)...])
        }
        var fact = PackageFact(type: "gem", name: name, version: version)
        fact.licences = licences
        fact.requires = requires
        facts.packages.append(fact)
    }

    private static func strings(_ text: Substring) -> [String] {
        var out: [String] = []
        var rest = text
        while let start = rest.firstIndex(where: { $0 == "\"" || $0 == "'" }) {
            let quote = rest[start]
            let body = rest[rest.index(after: start)...]
            guard let end = body.firstIndex(of: quote) else { break }
            out.append(String(body[..<end]))
            rest = body[body.index(after: end)...]
        }
        return out
    }

    /// `Gemfile.lock`: under `specs:`, gems stand at four blanks and what they need at six.
    static func lock(_ bytes: [UInt8], _ facts: inout FileFacts) {
        var isInGems = false
        for line in Lines(bytes) {
            let raw = String(decoding: bytes[line], as: UTF8.self)
            let indent = raw.prefix { $0 == " " }.count
            let text = raw.trimmed
            if indent == 0 {
                isInGems = text == "GEM" || text == "GIT"
                continue
            }
            guard isInGems else { continue }
            if indent == 4, let open = text.firstIndex(of: "("), text.hasSuffix(")") {
                let version = String(text[text.index(after: open)...].dropLast())
                // `nokogiri (1.13.0-x86_64-linux)` is the same version for one platform.
                let plain = version.prefix { $0 != "-" }
                facts.declare("gem", String(text[..<open]).trimmed, String(plain))
            } else if indent == 6, !facts.packages.isEmpty {
                let name = String(text.prefix { $0 != " " && $0 != "!" })
                facts.packages[facts.packages.count - 1].requires.append(name)
            }
        }
    }
}
