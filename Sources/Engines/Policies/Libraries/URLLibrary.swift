import Encodings

/// A URL as Go's `net/url` reads and writes it.
struct CELURL: CELOpaque {
    var scheme = ""
    var opaque = ""
    var user: String?
    var host = ""
    /// Escapes resolved.
    var path: [UInt8] = []
    /// The path as written, where writing the resolved one would not give it.
    var rawPath: String?
    var query: String?
    var fragment: String?

    static let celType = CELType.object("kubernetes.URL")
    var type: CELType { Self.celType }
    func isEqual(to other: any CELOpaque) -> Bool { (other as? CELURL)?.text == text }

    /// Reads what a request may name: an absolute URL or an absolute path.
    static func request(_ text: String) -> Result<CELURL, CELError> {
        guard let error = problem(text, isRequest: true) else {
            if let url = CELURL(text) { return .success(url) }
            return .failure(CELError("URL parse error during conversion from string: parse \"\(text)\": invalid"))
        }
        return .failure(CELError("URL parse error during conversion from string: \(error)"))
    }

    /// What Go says of a text that is no URI; nil for one that is.
    static func problem(_ text: String, isRequest: Bool) -> String? {
        var url = CELURL()
        return url.read(text, isRequest: isRequest).map { "parse \(CELFormat.quoted(text)): \($0)" }
    }

    private init() {}

    private init?(_ text: String) {
        var body = text
        if let mark = text.firstIndex(of: "#") {
            fragment = String(text[text.index(after: mark)...])
            body = String(text[..<mark])
        }
        if read(body, isRequest: false) != nil { return nil }
    }

    private mutating func read(_ text: String, isRequest: Bool) -> String? {
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) { return "net/url: invalid control character in URL" }
        if text.isEmpty { return isRequest ? "empty url" : nil }
        if text == "*" {
            path = Array("*".utf8)
            return nil
        }
        var rest = Array(text.utf8)[...]
        for (index, byte) in zip(rest.indices, rest) {
            let isLetter = (65...90).contains(byte) || (97...122).contains(byte)
            if isLetter { continue }
            if (48...57).contains(byte) || "+-.".utf8.contains(byte) {
                if index == rest.startIndex { break }
                continue
            }
            if byte == UInt8(ascii: ":") {
                if index == rest.startIndex { return "missing protocol scheme" }
                scheme = String(decoding: rest[..<index], as: UTF8.self).lowercased()
                rest = rest[(index + 1)...]
            }
            break
        }
        if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
            query = String(decoding: rest[(mark + 1)...], as: UTF8.self)
            rest = rest[..<mark]
        }
        let slash = UInt8(ascii: "/")
        if rest.first != slash {
            if !scheme.isEmpty {
                opaque = String(decoding: rest, as: UTF8.self)
                return nil
            }
            if isRequest { return "invalid URI for request" }
            if rest.prefix(while: { $0 != slash }).contains(UInt8(ascii: ":")) {
                return "first path segment in URL cannot contain colon"
            }
        }
        let isTriple = rest.starts(with: "///".utf8)
        if !scheme.isEmpty || (!isRequest && !isTriple), rest.starts(with: "//".utf8) {
            let authority = rest.dropFirst(2).prefix { $0 != slash }
            rest = rest.dropFirst(2 + authority.count)
            if let problem = readAuthority(Array(authority)) { return problem }
        }
        guard let resolved = PercentEncoding.decoded(Array(rest)) else { return Self.badEscape(Array(rest)) }
        path = resolved
        let written = String(decoding: rest, as: UTF8.self)
        if PercentEncoding.encoded(resolved, keeping: "$&+,/:;=@") != written { rawPath = written }
        return nil
    }

    private mutating func readAuthority(_ text: [UInt8]) -> String? {
        var hostPart = text[...]
        if let mark = text.lastIndex(of: UInt8(ascii: "@")) {
            let info = text[..<mark]
            let allowed = Array("-._:~!$&'()*+,;=%@".utf8)
            guard info.allSatisfy({ Self.isAlphanumeric($0) || allowed.contains($0) }) else {
                return "net/url: invalid userinfo"
            }
            guard PercentEncoding.decoded(Array(info)) != nil else { return Self.badEscape(Array(info)) }
            user = String(decoding: info, as: UTF8.self)
            hostPart = text[(mark + 1)...]
        }
        var port: ArraySlice<UInt8> = []
        var name = hostPart
        if hostPart.first == UInt8(ascii: "[") {
            guard let end = hostPart.lastIndex(of: UInt8(ascii: "]")) else { return "missing ']' in host" }
            port = hostPart[(end + 1)...]
            name = hostPart[...end]
        } else if let colon = hostPart.lastIndex(of: UInt8(ascii: ":")) {
            port = hostPart[colon...]
            name = hostPart[..<colon]
        }
        let isSoundPort =
            port.isEmpty || (port.first == UInt8(ascii: ":") && port.dropFirst().allSatisfy { (48...57).contains($0) })
        guard isSoundPort else {
            return "invalid port \"\(String(decoding: port, as: UTF8.self))\" after host"
        }
        let sound = Array("-_.~!$&'()*+,;=:[]<>\"%".utf8)
        guard let bad = name.first(where: { $0 < 0x80 && !Self.isAlphanumeric($0) && !sound.contains($0) }) else {
            var resolved: [UInt8] = []
            var index = name.startIndex
            while index < name.endIndex {
                if name[index] == UInt8(ascii: "%") {
                    guard index + 2 < name.endIndex, let high = Hexadecimal.value(name[index + 1]),
                        let low = Hexadecimal.value(name[index + 2])
                    else { return Self.badEscape(Array(name[index...])) }
                    let value = high << 4 | low
                    // Only bytes beyond ASCII may be escaped in a name, and the zone of an address.
                    guard value >= 0x80 || (value == 0x25 && name.first == UInt8(ascii: "[")) else {
                        return "invalid URL escape \"\(String(decoding: name[index..<index + 3], as: UTF8.self))\""
                    }
                    resolved.append(value)
                    index += 3
                } else {
                    resolved.append(name[index])
                    index += 1
                }
            }
            host = String(decoding: resolved + port, as: UTF8.self)
            return nil
        }
        return "invalid character \(CELFormat.quoted(String(Character(Unicode.Scalar(bad))))) in host name"
    }

    // MARK: Escapes

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }

    private static func badEscape(_ text: [UInt8]) -> String {
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "%") {
                let isSound =
                    index + 2 < text.count && Hexadecimal.value(text[index + 1]) != nil
                    && Hexadecimal.value(text[index + 2]) != nil
                if !isSound {
                    let part = String(decoding: text[index..<min(index + 3, text.count)], as: UTF8.self)
                    return "invalid URL escape \"\(part)\""
                }
                index += 3
            } else {
                index += 1
            }
        }
        return "invalid URL escape"
    }

    // MARK: Parts

    var escapedPath: String {
        if let rawPath {
            let allowed = Array("!$&'()*+,;=:@[]/-_.~%".utf8)
            if rawPath.utf8.allSatisfy({ Self.isAlphanumeric($0) || allowed.contains($0) }) { return rawPath }
        }
        return path.elementsEqual("*".utf8) ? "*" : PercentEncoding.encoded(path, keeping: "$&+,/:;=@")
    }

    /// The host without its port and brackets, and the port.
    var hostAndPort: (host: String, port: String) {
        var name = Substring(host)
        var port = ""
        if let colon = host.lastIndex(of: ":"),
            host[host.index(after: colon)...].utf8.allSatisfy({ (48...57).contains($0) })
        {
            port = String(host[host.index(after: colon)...])
            name = host[..<colon]
        }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        return (String(name), port)
    }

    /// The parameters in the order they stand; those that cannot be read are left out.
    var parameters: [(String, [String])] {
        var order: [String] = []
        var values: [String: [String]] = [:]
        for part in (query ?? "").split(separator: "&") where !part.contains(";") {
            let mark = part.firstIndex(of: "=")
            let key = part[..<(mark ?? part.endIndex)]
            let value = mark.map { part[part.index(after: $0)...] } ?? ""
            guard let name = PercentEncoding.decoded(Array(key.utf8), plusIsSpace: true),
                let content = PercentEncoding.decoded(Array(value.utf8), plusIsSpace: true)
            else { continue }
            let text = String(decoding: name, as: UTF8.self)
            if values[text] == nil { order.append(text) }
            values[text, default: []].append(String(decoding: content, as: UTF8.self))
        }
        return order.map { ($0, values[$0] ?? []) }
    }

    var text: String {
        var result = scheme.isEmpty ? "" : "\(scheme):"
        if !opaque.isEmpty {
            result += opaque
        } else {
            if !host.isEmpty || user != nil { result += "//" + (user.map { "\($0)@" } ?? "") + host }
            let path = escapedPath
            if !path.isEmpty, !path.hasPrefix("/"), !host.isEmpty { result += "/" }
            result += path
        }
        if let query { result += "?\(query)" }
        if let fragment, !fragment.isEmpty { result += "#\(fragment)" }
        return result
    }
}

/// Source: the API server's URL library.
enum URLLibrary {
    private static let url = CELURL.celType

    private static func part(
        _ name: String, _ id: String, _ result: CELType = .string, _ read: @escaping @Sendable (CELURL) -> CELValue
    ) -> CELFunction {
        CELFunction(name, [.member(id, [url], result)]) { values in
            guard case .opaque(let opaque) = values[0], let url = opaque as? CELURL else {
                return .error(.noSuchOverload)
            }
            return read(url)
        }
    }

    static let functions: [CELFunction] = [
        CELFunction("url", [CELOverload("string_to_url", [.string], url)]) { values in
            guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
            switch CELURL.request(text) {
            case .success(let url): return .opaque(url)
            case .failure(let error): return .error(error)
            }
        },
        CELFunction("isURL", [CELOverload("is_url_string", [.string], .bool)]) { values in
            guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
            return .bool(CELURL.problem(text, isRequest: true) == nil)
        },
        part("getScheme", "url_get_scheme") { .string($0.scheme) },
        part("getHost", "url_get_host") { .string($0.host) },
        part("getHostname", "url_get_hostname") { .string($0.hostAndPort.host) },
        part("getPort", "url_get_port") { .string($0.hostAndPort.port) },
        part("getEscapedPath", "url_get_escaped_path") { .string($0.escapedPath) },
        part("getQuery", "url_get_query", .map(.string, .list(.string))) { url in
            var entries = CELEntries()
            for (name, values) in url.parameters {
                entries.insert(.list(.values(values.map(CELValue.string))), for: .string(name))
            }
            return .map(.entries(entries))
        },
    ]
}
