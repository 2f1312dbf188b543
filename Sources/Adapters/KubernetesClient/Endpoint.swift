/// Where a server or a proxy listens.
package struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    package var isSecure: Bool
    package var host: String
    package var port: Int
    /// What stands before `/api`; Rancher and other gateways serve clusters below a path.
    package var basePath: String

    package init(isSecure: Bool, host: String, port: Int, basePath: String = "") {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.basePath = basePath
    }

    /// Reads `https://host:port/path`; without a scheme it is `scheme` that counts, as in client-go.
    package init?(_ text: String, scheme: String = "https") {
        var rest = text[...]
        var name = scheme
        if let mark = text.firstRange(of: "://") {
            name = text[..<mark.lowerBound].lowercased()
            rest = text[mark.upperBound...]
        }
        guard name == "https" || name == "http" else { return nil }
        let cut = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        var path = String(rest[cut...].prefix { $0 != "?" && $0 != "#" })
        while path.hasSuffix("/") { path.removeLast() }
        guard let (host, port) = Self.hostAndPort(rest[..<cut]) else { return nil }
        self.init(isSecure: name == "https", host: host, port: port ?? (name == "https" ? 443 : 80), basePath: path)
    }

    /// Splits `host:port`, `[::1]:port` and `user@host`.
    static func hostAndPort(_ authority: Substring) -> (host: String, port: Int?)? {
        let authority = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        var host = authority
        var port: Int?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            if rest.hasPrefix(":"), rest.count > 1 {
                guard let number = Int(rest.dropFirst()) else { return nil }
                port = number
            } else if !rest.isEmpty, rest != ":" {
                return nil
            }
        } else if let colon = authority.lastIndex(of: ":"), authority.firstIndex(of: ":") == colon {
            host = authority[..<colon]
            let digits = authority[authority.index(after: colon)...]
            if !digits.isEmpty {
                guard let number = Int(digits) else { return nil }
                port = number
            }
        }
        guard !host.isEmpty, !host.contains(where: \.isWhitespace), port.map({ (1...65535).contains($0) }) ?? true
        else { return nil }
        return (String(host), port)
    }

    /// `host:port`, with brackets round an IPv6 address.
    package var authority: String { "\(bracketed):\(port)" }
    /// As the `Host` header wants it: without the port that goes without saying.
    var hostHeader: String { port == (isSecure ? 443 : 80) ? bracketed : authority }
    private var bracketed: String { host.contains(":") ? "[\(host)]" : host }

    package var description: String { "\(isSecure ? "https" : "http")://\(authority)\(basePath)" }
}
