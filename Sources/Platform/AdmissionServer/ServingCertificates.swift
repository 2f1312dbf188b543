package import NIOSSL
import Synchronization

/// The certificate that the webhook serves, and the authorities that the API server is to trust.
///
/// An authority is never used before the API server trusts it, and trusted for as long as anything it signed may be
/// seen: `prepare` adds the next authority to the bundle, `adopt` serves what it signed once the bundle has arrived, and
/// `retire` takes the old one out. A handshake that falls between any two of these finds a certificate it trusts.
package final class ServingCertificates: Sendable {
    private struct State {
        var current: ServingAuthority
        var next: ServingAuthority?
        var former: ServingAuthority?
        var leaf: ServingAuthority.Leaf
        var chain: [NIOSSLCertificateSource]
        var key: NIOSSLPrivateKeySource
        var rotations = 0
    }

    private let names: [String]
    private let state: Mutex<State>

    package init(names: [String], now: Int) throws {
        self.names = names
        let authority = try ServingAuthority(now: now)
        let leaf = try authority.leaf(for: names, now: now)
        let (chain, key) = try Self.sources(leaf)
        state = Mutex(State(current: authority, leaf: leaf, chain: chain, key: key))
    }

    private static func sources(
        _ leaf: ServingAuthority.Leaf
    ) throws -> (chain: [NIOSSLCertificateSource], key: NIOSSLPrivateKeySource) {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(leaf.certificatePEM.utf8)).map {
            NIOSSLCertificateSource.certificate($0)
        }
        return (chain, .privateKey(try NIOSSLPrivateKey(bytes: Array(leaf.keyPEM.utf8), format: .pem)))
    }

    /// What the API server is to trust at the moment, as `caBundle` holds it, in PEM.
    package var bundle: String {
        state.withLock { state in
            [state.current, state.next, state.former].compactMap { $0?.certificatePEM }.joined(separator: "\n")
        }
    }

    package var rotations: Int { state.withLock { $0.rotations } }
    /// When the served certificate ends, in seconds since 1970.
    package var ends: Int { state.withLock { $0.leaf.ends } }

    /// What is due.
    package enum Step: Sendable, Equatable { case nothing, renewLeaf, replaceAuthority }

    /// A third of its life before a certificate ends, it is replaced.
    package func step(now: Int) -> Step {
        state.withLock { state in
            func isDue(_ begins: Int, _ ends: Int) -> Bool { ends - now < (ends - begins) / 3 }
            if isDue(state.current.begins, state.current.ends) { return .replaceAuthority }
            return isDue(state.leaf.begins, state.leaf.ends) ? .renewLeaf : .nothing
        }
    }

    /// Serves a new certificate of the same authority.
    package func renewLeaf(now: Int) throws {
        let authority = state.withLock { $0.current }
        try serve(try authority.leaf(for: names, now: now))
    }

    /// Makes the next authority and puts it into the bundle.
    package func prepare(now: Int) throws {
        let next = try ServingAuthority(now: now)
        state.withLock { $0.next = next }
    }

    /// Serves what the next authority has signed. Call it once the API server has the bundle.
    package func adopt(now: Int) throws {
        guard let next = state.withLock({ $0.next }) else { return }
        let leaf = try next.leaf(for: names, now: now)
        try serve(leaf)
        state.withLock { state in
            state.former = state.current
            state.current = next
            state.next = nil
            state.rotations += 1
        }
    }

    /// Takes the authority before out of the bundle. Call it once no server serves what it signed.
    package func retire() { state.withLock { $0.former = nil } }

    private func serve(_ leaf: ServingAuthority.Leaf) throws {
        let (chain, key) = try Self.sources(leaf)
        state.withLock { state in
            state.leaf = leaf
            state.chain = chain
            state.key = key
        }
    }

    /// What a server is set up with: every handshake takes the certificate of its moment.
    package func configuration() -> TLSConfiguration {
        let (chain, key) = state.withLock { ($0.chain, $0.key) }
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
        configuration.minimumTLSVersion = .tlsv12
        configuration.sslContextCallback = { [self] _, promise in
            var override = NIOSSLContextConfigurationOverride()
            (override.certificateChain, override.privateKey) = state.withLock { ($0.chain, $0.key) }
            promise.succeed(override)
        }
        return configuration
    }
}
