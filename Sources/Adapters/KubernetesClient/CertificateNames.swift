import NIOSSL

/// The names and addresses a server's certificate is for.
///
/// Only its alternative names count; the common name has not for years (RFC 9525, and Go with it).
struct CertificateNames: Sendable {
    let names: [String]
    let addresses: [IPAddress]

    init(names: [String], addresses: [IPAddress]) {
        (self.names, self.addresses) = (names, addresses)
    }

    init(_ certificate: NIOSSLCertificate) {
        var names: [String] = []
        var addresses: [IPAddress] = []
        for name in certificate._subjectAlternativeNames() {
            switch name.nameType {
            case .dnsName: names.append(String(decoding: Array(name.contents), as: UTF8.self))
            case .ipAddress: addresses.append(IPAddress(bytes: Array(name.contents)))
            default: continue
            }
        }
        self.init(names: names, addresses: addresses)
    }

    /// Whether the certificate is for this host: an address as an address, a name as a name, where `*` stands for one
    /// whole first label.
    func include(_ host: String) -> Bool {
        if let address = IPAddress(host) { return addresses.contains(address) }
        let wanted = Self.labels(host)
        guard !wanted.contains(where: \.isEmpty) else { return false }
        return names.contains { name in
            let own = Self.labels(name)
            guard own.count == wanted.count else { return false }
            if own[0] == "*" { return own.count > 2 && own.dropFirst().elementsEqual(wanted.dropFirst()) }
            return own.elementsEqual(wanted)
        }
    }

    private static func labels(_ name: String) -> [Substring] {
        let name = name.hasSuffix(".") ? name.dropLast() : name[...]
        return name.lowercased()[...].split(separator: ".", omittingEmptySubsequences: false)
    }
}
