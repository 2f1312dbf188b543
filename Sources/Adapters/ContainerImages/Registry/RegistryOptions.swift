/// How registries are spoken to.
package struct RegistryOptions: Sendable {
    /// Authorities to trust beside the system's, as PEM.
    package var authorities: [UInt8]?
    /// Registries whose certificate is not checked, and that may be asked without TLS; `*` for all. Nothing else ever is.
    package var insecure: Set<String> = []
    /// For a registry's host, hosts to ask before it, in order.
    package var mirrors: [String: [String]] = [:]
    package var credentials: RegistryCredentials
    /// None, unless a caller says so: see ``ProxySettings/ofThisMachine``.
    package var proxies = ProxySettings()
    /// How often a question is asked again before giving up.
    package var retries = 5
    /// A registry that asks to wait longer than this is given up at once.
    package var longestWait = Duration.seconds(60)
    /// Waits; tests note the time instead.
    package var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    package init(credentials: RegistryCredentials = RegistryCredentials()) { self.credentials = credentials }

    func isInsecure(_ host: String) -> Bool { insecure.contains("*") || insecure.contains(host) }
}
