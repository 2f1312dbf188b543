import Admission
import Documents
import FoundationEssentials
package import KubernetesClient
import X509

/// Keeps the webhook's configuration in the cluster: which authorities are trusted, and whether it fails closed.
///
/// Every replica has an authority of its own, whose key never leaves its memory, and adds it to the bundle; what has
/// ended is taken out by whoever comes by. The server is told of only after it has passed its own check.
package struct WebhookRegistration: Sendable {
    package let client: APIClient
    package let name: String
    /// What failurePolicy is to be once somebody answers; nil leaves it as it is.
    package let failurePolicy: String?

    package init(_ client: APIClient, name: String, failurePolicy: String? = nil) {
        self.client = client
        self.name = name
        self.failurePolicy = failurePolicy
    }

    package struct Failed: Error, CustomStringConvertible {
        package var description: String
    }

    /// Puts authorities into the bundle of the configuration and takes others out.
    ///
    /// - Parameters:
    ///   - present: PEM certificates to be trusted.
    ///   - gone: PEM certificates that nothing is served by any more.
    package func publish(_ present: [String], without gone: [String] = [], now: Int) async throws {
        for kind in ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"] {
            try await publish(present, gone, now, kind, isOptional: kind.hasPrefix("mutating"))
        }
    }

    private func publish(
        _ present: [String], _ gone: [String], _ now: Int, _ kind: String, isOptional: Bool
    ) async throws {
        let path = "/apis/admissionregistration.k8s.io/v1/\(kind)/\(name)"
        for _ in 0..<20 {
            let current: Node
            do {
                current = try await client.node(path)
            } catch let error as ClientError where error.code == .notFound && isOptional {
                return
            }
            var editor = DocumentEditor(current)
            for (index, webhook) in current["webhooks"].elements.enumerated() {
                let old = webhook["clientConfig"]["caBundle"].string.flatMap { Data(base64Encoded: $0) } ?? Data()
                let bundle = Self.merged(String(decoding: old, as: UTF8.self), present, gone, now)
                let place = FieldPath([.key("webhooks"), .index(index)])
                _ = editor.set(
                    place.appending("clientConfig").appending("caBundle"),
                    .string(Data(bundle.utf8).base64EncodedString()))
                if let failurePolicy, kind.hasPrefix("validating") {
                    _ = editor.set(place.appending("failurePolicy"), .string(failurePolicy))
                }
            }
            var writer = JSONWriter()
            writer.value(editor.finish())
            switch try await client.change(.replace, path, writer.takeBytes()) {
            case .done: return
            case .conflict: continue
            case .absent: throw Failed(description: "\(kind) \(name) is gone")
            }
        }
        throw Failed(description: "\(kind) \(name) changes faster than it can be written")
    }

    /// Certificates that have not ended, each once, in the order they came.
    static func merged(_ old: String, _ present: [String], _ gone: [String], _ now: Int) -> String {
        var out: [String] = []
        let all = certificates(old) + present.flatMap(certificates)
        let left = Set(gone.flatMap(certificates))
        for pem in all where !left.contains(pem) && !out.contains(pem) {
            guard let certificate = try? Certificate(pemEncoded: pem),
                certificate.notValidAfter.timeIntervalSince1970 > Double(now)
            else { continue }
            out.append(pem)
        }
        return out.joined(separator: "\n") + "\n"
    }

    private static func certificates(_ text: String) -> [String] {
        var out: [String] = []
        var lines: [Substring] = []
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("-----BEGIN CERTIFICATE") { lines = [] }
            lines.append(line)
            if line.hasPrefix("-----END CERTIFICATE") {
                out.append(lines.joined(separator: "\n"))
                lines = []
            }
        }
        return out
    }
}

extension AdmissionService {
    /// Replaces what the server serves before it ends, and has the cluster trust it in time, for as long as it runs.
    ///
    /// - Parameters:
    ///   - settling: how long an API server may go on with the bundle it had.
    ///   - publish: has these authorities trusted, and others no more.
    package func keepCertificates(
        every pause: Duration = .seconds(60), settling: Duration = .seconds(30), now: @Sendable () -> Int,
        publish: @Sendable ([String], [String]) async throws -> Void
    ) async throws {
        while true {
            try await Task.sleep(for: pause)
            switch certificates.step(now: now()) {
            case .nothing: continue
            case .renewLeaf: try certificates.renewLeaf(now: now())
            case .replaceAuthority: try await rotate(settling: settling, now: now, publish: publish)
            }
        }
    }

    /// One replacement of the authority: announced, adopted, and the old one forgotten, in that order.
    package func rotate(
        settling: Duration, now: @Sendable () -> Int, publish: @Sendable ([String], [String]) async throws -> Void
    ) async throws {
        let old = certificates.bundle
        try certificates.prepare(now: now())
        try await publish([certificates.bundle], [])
        try await Task.sleep(for: settling)
        try certificates.adopt(now: now())
        try await Task.sleep(for: settling)
        certificates.retire()
        try await publish([certificates.bundle], [old])
    }
}
