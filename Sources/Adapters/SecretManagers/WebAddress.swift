/// Where a manager listens: `https://vault:8200/base`.
///
/// Standard: RFC 3986, the part of it that such addresses use. A user or password in it is refused.
package struct WebAddress: Sendable, Hashable, CustomStringConvertible {
    package var isSecure: Bool
    package var host: String
    package var port: Int
    /// Without a slash at its end.
    package var path: String
    /// Without the question mark.
    package var query: String

    package init?(_ text: String) {
        guard let mark = text.firstRange(of: "://") else { return nil }
        switch text[..<mark.lowerBound].lowercased() {
        case "https": isSecure = true
        case "http": isSecure = false
        default: return nil
        }
        var rest = text[mark.upperBound...]
        if let hash = rest.firstIndex(of: "#") { rest = rest[..<hash] }
        query = ""
        if let question = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: question)...])
            rest = rest[..<question]
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var path = String(rest[slash...])
        while path.hasSuffix("/") { path.removeLast() }
        self.path = path
        let authority = rest[..<slash]
        guard !authority.contains("@"), !authority.isEmpty,
            !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F })
        else { return nil }
        var port: Int?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = String(authority[authority.index(after: authority.startIndex)..<end])
            let tail = authority[authority.index(after: end)...]
            if tail.hasPrefix(":") { port = Int(tail.dropFirst()) } else if !tail.isEmpty { return nil }
            if tail.hasPrefix(":"), port == nil { return nil }
        } else if let colon = authority.lastIndex(of: ":") {
            host = String(authority[..<colon])
            guard let number = Int(authority[authority.index(after: colon)...]), !host.contains(":") else { return nil }
            port = number
        } else {
            host = String(authority)
        }
        guard !host.isEmpty, port.map({ (1...65535).contains($0) }) ?? true else { return nil }
        self.port = port ?? (isSecure ? 443 : 80)
    }

    private var bracketed: String { host.contains(":") ? "[\(host)]" : host }

    /// As the `Host` header wants it.
    package var authority: String { port == (isSecure ? 443 : 80) ? bracketed : "\(bracketed):\(port)" }

    package var description: String { "\(isSecure ? "https" : "http")://\(authority)\(path)" }

    /// The same host with another path and query.
    func with(path: String, query: String = "") -> WebAddress {
        var out = self
        out.path = self.path + path
        out.query = query
        return out
    }

    var target: String {
        let path = path.isEmpty ? "/" : path
        return query.isEmpty ? path : "\(path)?\(query)"
    }
}
