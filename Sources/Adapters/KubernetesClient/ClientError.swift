/// Why a cluster could not be reached or read: one line that says what to do.
package struct ClientError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// No kubeconfig, no flag, and not inside a cluster.
        case noConfiguration
        /// A kubeconfig that cannot be read or contradicts itself.
        case badConfiguration
        case contextNotFound
        case clusterNotFound
        case userNotFound
        case namespaceNotFound
        case connectionRefused
        case unreachable
        case unknownHost
        case timeout
        /// The connection ended in the middle of an answer.
        case connectionCut
        case clientCertificateExpired
        case serverCertificateExpired
        case unknownAuthority
        case hostnameMismatch
        /// Any other failure of the TLS handshake.
        case handshake
        case unauthorized
        case forbidden
        case notFound
        /// A continue token or resourceVersion the server no longer has.
        case expired
        case proxy
        case pluginMissing
        case pluginFailed
        /// Something answered, but not a Kubernetes API server.
        case notAnAPIServer
        /// The server answered with an error, again and again where trying again helps.
        case server
        /// An answer larger than this client takes.
        case tooLarge
    }

    package var code: Code
    package var message: String
    /// HTTP status of the answer, where there was one.
    package var status: Int?
    /// What the server asks to wait before the next try.
    package var retryAfter: Duration?
    /// For `expired`: the token to go on with, at the price of a list that is no single moment's.
    package var continueToken: String?

    package init(_ code: Code, _ message: String, status: Int? = nil) {
        self.code = code
        self.message = message
        self.status = status
    }

    package var description: String { message }

    /// Whether the same request may succeed a moment later.
    var isTransient: Bool {
        switch code {
        case .connectionCut, .timeout: true
        // A 500 says that something broke inside; only with a Retry-After does the server expect better.
        case .server: status.map { [429, 502, 503, 504].contains($0) || retryAfter != nil } ?? false
        default: false
        }
    }
}
