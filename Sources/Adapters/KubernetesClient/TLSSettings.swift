import NIOCore
import NIOSSL

/// How a server's certificate is checked, and what ours is.
struct TLSSettings: Sendable {
    let authority: [NIOSSLCertificate]
    let skipsVerification: Bool
    /// The name, or address, the server's certificate must have.
    let serverName: String
    let server: Endpoint

    init(_ configuration: ClientConfiguration) throws(ClientError) {
        server = configuration.server
        serverName = configuration.tlsServerName ?? configuration.server.host
        skipsVerification = configuration.skipsVerification
        if let pem = configuration.certificateAuthority {
            do {
                authority = try NIOSSLCertificate.fromPEMBytes(pem)
            } catch {
                throw ClientError(
                    .badConfiguration,
                    "the certificate-authority of cluster \"\(configuration.clusterName)\" is no PEM "
                        + "certificate; correct it"
                )
            }
        } else {
            authority = []
        }
    }

    private var trustRoots: NIOSSLTrustRoots { authority.isEmpty ? .default : .certificates(authority) }

    /// For connections to the server that show this client certificate.
    func context(certificate: [UInt8]?, key: [UInt8]?) throws(ClientError) -> NIOSSLContext {
        var configuration = base
        if let certificate, let key {
            do {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(certificate).map {
                    .certificate($0)
                }
            } catch {
                throw ClientError(
                    .badConfiguration,
                    "the client-certificate is no PEM "
                        + "certificate; correct it")
            }
            do {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem))
            } catch {
                throw ClientError(
                    .badConfiguration, "the client-key is no PEM private key without passphrase; correct it")
            }
        }
        return try make(configuration)
    }

    /// For a proxy reached over TLS: the system's authorities and the cluster's; our certificate is none of
    /// its business.
    func proxyContext() throws(ClientError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if !authority.isEmpty { configuration.additionalTrustRoots = [.certificates(authority)] }
        if skipsVerification { configuration.certificateVerification = .none }
        return try make(configuration)
    }

    private var base: TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.trustRoots = trustRoots
        configuration.applicationProtocols = ["http/1.1"]
        if skipsVerification {
            configuration.certificateVerification = .none
        } else {
            // The name is compared in `handler`. NIOSSL takes a certificate for the socket's address too when a name was
            // asked for, and behind a proxy that address is the proxy's.
            configuration.certificateVerification = .noHostnameVerification
        }
        return configuration
    }

    private func make(_ configuration: TLSConfiguration) throws(ClientError) -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw ClientError(
                .badConfiguration, "the client certificate and key cannot be used; check that they belong together")
        }
    }

    func handler(_ context: NIOSSLContext) throws -> NIOSSLClientHandler {
        // An address has no place in the server name indication (RFC 6066, 3).
        let name = IPAddress(serverName) == nil ? serverName : nil
        guard !skipsVerification else { return try NIOSSLClientHandler(context: context, serverHostname: name) }
        let (mismatch, wanted) = (hostnameMismatch, serverName)
        return try NIOSSLClientHandler._makeSSLClientHandler(context: context, serverHostname: name) {
            certificate, channel in
            CertificateNames(certificate).include(wanted)
                ? channel.eventLoop.makeSucceededVoidFuture() : channel.eventLoop.makeFailedFuture(mismatch)
        }
    }

    var hostnameMismatch: ClientError {
        ClientError(
            .hostnameMismatch,
            "the certificate of \(server.authority) is not for \"\(serverName)\"; use a name it has as the server, or "
                + "set tls-server-name")
    }

    /// A handshake that only looks at the server's certificates and then ends: what verification refused, and why.
    func diagnosingHandler(_ seen: EventLoopPromise<[NIOSSLCertificate]>) throws -> NIOSSLClientHandler {
        var configuration = base
        configuration.certificateVerification = .noHostnameVerification
        let context = try NIOSSLContext(configuration: configuration)
        let name = IPAddress(serverName) == nil ? serverName : nil
        let look: NIOSSLCustomVerificationCallback = { certificates, verdict in
            seen.succeed(certificates)
            verdict.succeed(.failed)
        }
        return try NIOSSLClientHandler(context: context, serverHostname: name, customVerificationCallback: look)
    }

    /// Why certificates that did not verify did not.
    func verificationFailure(_ chain: [NIOSSLCertificate], now: Double) -> ClientError {
        if let leaf = chain.first {
            if Double(leaf.notValidAfter) < now {
                return ClientError(
                    .serverCertificateExpired,
                    "the certificate of \(server.authority) expired on "
                        + "\(SystemTime.display(Double(leaf.notValidAfter))); "
                        + "renew it (kubeadm certs renew apiserver), or check this machine's clock")
            }
            if Double(leaf.notValidBefore) > now {
                return ClientError(
                    .serverCertificateExpired,
                    "the certificate of \(server.authority) is valid only from "
                        + "\(SystemTime.display(Double(leaf.notValidBefore))); check this machine's clock")
            }
        }
        if let old = authority.first(where: { Double($0.notValidAfter) < now }), authority.count == 1 {
            return ClientError(
                .unknownAuthority,
                "the certificate-authority of the kubeconfig expired on "
                    + "\(SystemTime.display(Double(old.notValidAfter))); "
                    + "fetch the cluster's current one")
        }
        return ClientError(
            .unknownAuthority,
            authority.isEmpty
                ? "the certificate of \(server.authority) is signed by an authority this machine does not know; set "
                    + "certificate-authority to the cluster's CA"
                : "the certificate of \(server.authority) is not signed by the kubeconfig's certificate-authority; "
                    + "is it the right cluster, and its current CA?")
    }
}
