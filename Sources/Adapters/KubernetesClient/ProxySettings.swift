import Documents
import Encodings

/// An HTTP proxy: tunnels are opened through it with CONNECT, plain requests are handed to it whole.
package struct ProxySettings: Sendable, Hashable {
    package var endpoint: Endpoint
    /// The value of `Proxy-Authorization`, when the URL has a user.
    package var authorization: String?

    /// Reads `http://user:password@proxy:3128` or `https://…`.
    package init(_ url: String) throws(ClientError) {
        let scheme = url.firstRange(of: "://").map { url[..<$0.lowerBound].lowercased() } ?? "http"
        guard scheme == "http" || scheme == "https" else {
            throw ClientError(
                .badConfiguration,
                "proxy \(Self.withoutPassword(url)): scheme \"\(scheme)\" is not supported; use an http or https proxy")
        }
        guard var endpoint = Endpoint(url, scheme: "http") else {
            throw ClientError(
                .badConfiguration, "proxy-url \"\(Self.withoutPassword(url))\" is no URL; write http://host:port")
        }
        endpoint.basePath = ""
        self.endpoint = endpoint
        let afterScheme = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        let authority = afterScheme.prefix { $0 != "/" }
        if let at = authority.lastIndex(of: "@") {
            authorization = "Basic " + Base64.encoded(PercentEncoding.decodedLeniently(authority[..<at]).utf8)
        }
    }

    private static func withoutPassword(_ url: String) -> String {
        guard let at = url.lastIndex(of: "@") else { return url }
        let scheme = url.firstRange(of: "://").map { url[..<$0.upperBound] } ?? ""
        return "\(scheme)\(url[url.index(after: at)...])"
    }

    /// The proxy the environment names for a server, read as Go reads it: `NO_PROXY` holds hosts, `.domains`,
    /// addresses, networks and `*`; the machine itself is never reached through a proxy.
    package static func inEnvironment(_ environment: [String: String], for server: Endpoint) throws(ClientError)
        -> Self?
    {
        func variable(_ name: String) -> String? {
            for key in [name, name.lowercased()] {
                if let value = environment[key], !value.isEmpty { return value }
            }
            return nil
        }
        guard let url = variable(server.isSecure ? "HTTPS_PROXY" : "HTTP_PROXY") else { return nil }
        let host = server.host.lowercased()
        let address = IPAddress(host)
        if host == "localhost" || address?.isLoopback == true { return nil }
        for entry in (variable("NO_PROXY") ?? "").split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let entry = entry.lowercased()
            if entry == "*" { return nil }
            if let network = IPNetwork(entry) {
                if let address, network.contains(address) { return nil }
                continue
            }
            guard let (name, port) = Endpoint.hostAndPort(entry[...]), port == nil || port == server.port else {
                continue
            }
            if let own = IPAddress(name) {
                if own == address { return nil }
                continue
            }
            // `example.com` means the host and all below it, `.example.com` and `*.example.com` only what is below.
            let domain = name.hasPrefix("*.") ? String(name.dropFirst()) : name
            if domain.hasPrefix(".") ? host.hasSuffix(domain) : host == domain || host.hasSuffix(".\(domain)") {
                return nil
            }
        }
        return try Self(url)
    }
}
