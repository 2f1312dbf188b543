import Encodings

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Which proxy, if any, stands before an address, as HTTPS_PROXY, HTTP_PROXY and NO_PROXY say.
///
/// There is no standard; this follows curl's and Go's habits: lower case goes before upper case, an entry of NO_PROXY
/// is `*`, a host, a domain with or without a dot before it, an address, a network, each with or without a port; this
/// machine itself is never asked for through a proxy.
package struct ProxySettings: Sendable, Hashable {
    package struct Proxy: Sendable, Hashable {
        package var host: String
        package var port: Int
        var user: String?
        var password: String?
        /// The proxy itself is spoken to over TLS, which is not supported.
        package var isSecure: Bool
    }

    package private(set) var secure: Proxy?
    package private(set) var plain: Proxy?
    private var exceptions: [String] = []
    /// What could not be understood, for people.
    package private(set) var problems: [String] = []

    package init() {}

    package init(environment: (String) -> String?) {
        func variable(_ name: String) -> String? {
            [name.lowercased(), name.uppercased()].lazy.compactMap(environment).first { !$0.isEmpty }
        }
        func proxy(_ name: String) -> Proxy? {
            guard let text = variable(name) ?? variable("ALL_PROXY") else { return nil }
            guard let proxy = Self.proxy(text) else {
                problems.append("\(name) names no proxy that can be used; write it as http://proxy.example.com:3128")
                return nil
            }
            return proxy
        }
        secure = proxy("HTTPS_PROXY")
        plain = proxy("HTTP_PROXY")
        exceptions = (variable("NO_PROXY") ?? "").lowercased().split(whereSeparator: { $0 == "," || $0 == " " })
            .map(String.init)
    }

    package static var ofThisMachine: ProxySettings {
        ProxySettings { name in getenv(name).map { String(cString: $0) } }
    }

    /// `http://user:password@host:port`, the first and the middle parts left out or not.
    private static func proxy(_ text: String) -> Proxy? {
        var rest = text[...]
        let isSecure = text.lowercased().hasPrefix("https://")
        if isSecure || text.lowercased().hasPrefix("http://") {
            rest = text.dropFirst(isSecure ? 8 : 7)
        } else if text.contains("://") {
            return nil
        }
        rest = rest.prefix { $0 != "/" }
        var user: String?
        var password: String?
        if let at = rest.lastIndex(of: "@") {
            let login = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = login.first.map(PercentEncoding.decodedLeniently)
            password = login.count > 1 ? PercentEncoding.decodedLeniently(login[1]) : ""
            rest = rest[rest.index(after: at)...]
        }
        let (host, port) = split(rest)
        let number = port ?? (isSecure ? 443 : 3128)
        guard !host.isEmpty, (1...65_535).contains(number) else { return nil }
        return Proxy(host: host, port: number, user: user, password: password, isSecure: isSecure)
    }

    /// `host:port`, `[::1]:port`; a port that is no number is none.
    private static func split(_ authority: Substring) -> (host: String, port: Int?) {
        if authority.first == "[", let end = authority.firstIndex(of: "]") {
            let rest = authority[authority.index(after: end)...]
            return (String(authority[authority.index(after: authority.startIndex)..<end]), Int(rest.dropFirst()))
        }
        guard let colon = authority.lastIndex(of: ":"), authority.firstIndex(of: ":") == colon else {
            return (String(authority), nil)
        }
        return (String(authority[..<colon]), Int(authority[authority.index(after: colon)...]))
    }

    /// The proxy before an address, `https://host:port/…`; nil for none.
    package func proxy(for address: String) -> Proxy? {
        let isSecure = address.lowercased().hasPrefix("https://")
        guard let proxy = isSecure ? secure : plain else { return nil }
        let authority = RegistryClient.authority(of: address)[...]
        var (host, port) = Self.split(authority)
        host = host.lowercased()
        while host.last == "." { host.removeLast() }
        if host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || host.hasPrefix("127.") { return nil }
        let reached = port ?? (isSecure ? 443 : 80)
        return exceptions.contains { Self.excepts($0, host, reached) } ? nil : proxy
    }

    private static func excepts(_ entry: String, _ host: String, _ port: Int) -> Bool {
        if entry == "*" { return true }
        if entry.contains("/") { return holds(entry, host) }
        var (name, wanted) = split(entry[...])
        if entry.filter({ $0 == ":" }).count > 1, entry.first != "[" { (name, wanted) = (entry, nil) }
        if let wanted, wanted != port { return false }
        while name.first == "*" || name.first == "." { name.removeFirst() }
        return !name.isEmpty && (host == name || host.hasSuffix("." + name))
    }

    /// Whether an address of version 4 lies in a network, `10.0.0.0/8`.
    private static func holds(_ network: String, _ host: String) -> Bool {
        let parts = network.split(separator: "/")
        guard parts.count == 2, let start = number(parts[0]), let address = number(host[...]),
            let bits = UInt32(parts[1]), bits <= 32
        else { return false }
        let kept = 32 - bits
        // A shift by all 32 bits leaves nothing, so that 0.0.0.0/0 holds every address.
        return (start >> kept) == (address >> kept)
    }

    private static func number(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var out: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part) else { return nil }
            out = (out << 8) | UInt32(byte)
        }
        return out
    }
}
