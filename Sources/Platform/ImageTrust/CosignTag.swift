import Documents
import Encodings
import Foundation

/// A signature as older versions of cosign keep it: a layer of the image `sha256-….sig` or `sha256-….att`, whose
/// annotations carry the certificate and the log's promise.
package struct CosignTag: Sendable {
    package let bundle: SignedBundle
    /// The layer: what is signed, or an envelope.
    package let payload: [UInt8]

    private static let prefix = "dev.cosignproject.cosign/"
    private static let sigstore = "dev.sigstore.cosign/"

    package init(payload: [UInt8], annotations: [String: String]) throws(TrustError) {
        self.payload = payload
        let signer: SignedBundle.Signer
        if let pem = annotations[Self.sigstore + "certificate"], !pem.isEmpty {
            guard let leaf = try SignerCertificate.chain(pem: pem).first else {
                throw TrustError(.bundle, "the annotation with the certificate holds none")
            }
            signer = .certificate(leaf)
        } else {
            signer = .key(hint: "")
        }
        let content: SignedBundle.Content
        if let text = annotations[Self.prefix + "signature"], !text.isEmpty {
            guard let signature = Base64.bytes(text) else {
                throw TrustError(.bundle, "the annotation with the signature is not base64")
            }
            content = .message(signature: signature, stated: nil)
        } else {
            content = .envelope(try Envelope(Self.json(payload, "the layer"), source: payload))
        }
        var entries: [LogEntry] = []
        if let text = annotations[Self.sigstore + "bundle"], !text.isEmpty {
            entries.append(try Self.entry(Self.json(Array(text.utf8), "the annotation with the log entry")))
        }
        var timestamps: [[UInt8]] = []
        if let text = annotations[Self.sigstore + "rfc3161timestamp"], !text.isEmpty {
            let node = try Self.json(Array(text.utf8), "the annotation with the timestamp")
            timestamps.append(try node["SignedRFC3161Timestamp"].base64(.bundle, "the timestamp"))
        }
        bundle = SignedBundle(
            content: content, signer: signer, entries: entries, timestamps: timestamps, logForm: .either)
    }

    private static func json(_ bytes: [UInt8], _ what: String) throws(TrustError) -> Node {
        do {
            return try DocumentReader.readJSON(
                SourceText(name: what, bytes: bytes), options: DocumentReader.Options())
        } catch {
            throw TrustError(.bundle, "\(what) cannot be read: \(error)")
        }
    }

    private static func entry(_ node: Node) throws(TrustError) -> LogEntry {
        let payload = node["Payload"]
        let body = try payload["body"].base64(.bundle, "the body of the log entry")
        let statement = try json(body, "the log entry")
        guard let id = payload["logID"].string.flatMap(Hexadecimal.bytes), let index = payload["logIndex"].int64,
            index >= 0
        else { throw TrustError(.bundle, "the log entry has no index or names no log") }
        return LogEntry(
            logID: id, index: index, kind: statement["kind"].string ?? "",
            version: statement["apiVersion"].string ?? "", integratedTime: payload["integratedTime"].int64,
            promise: try node["SignedEntryTimestamp"].base64(.bundle, "the inclusion promise"), proof: nil, body: body)
    }

    /// What the payload says was signed: the digest of an image's manifest ("simple signing").
    package static func imageDigest(_ payload: [UInt8]) throws(TrustError) -> String {
        let node = try json(payload, "the payload")
        let critical = node["critical"]
        let kinds = ["cosign container image signature", "atomic container signature"]
        guard let kind = critical["type"].string, kinds.contains(kind) else {
            throw TrustError(.artifact, "the payload is no signature of an image")
        }
        guard let digest = critical["image"]["docker-manifest-digest"].string else {
            throw TrustError(.artifact, "the payload names no image")
        }
        return digest
    }
}
