import Documents

/// A DSSE envelope: a payload, its type, and signatures over both.
package struct Envelope: Sendable, Equatable {
    package var payload: [UInt8]
    package var payloadType: String
    package var signatures: [[UInt8]]
    /// The text as it came, where something hashes it.
    var source: [UInt8]?

    package static let inToto = "application/vnd.in-toto+json"

    package init(payload: [UInt8], payloadType: String = inToto, signatures: [[UInt8]] = []) {
        self.payload = payload
        self.payloadType = payloadType
        self.signatures = signatures
    }

    init(_ node: Node, source: [UInt8]? = nil) throws(TrustError) {
        payload = try node["payload"].base64(.bundle, "the envelope's payload")
        guard let type = node["payloadType"].string else {
            throw TrustError(.bundle, "the envelope does not say what its payload is")
        }
        payloadType = type
        signatures = []
        for signature in node["signatures"].elements {
            signatures.append(try signature["sig"].base64(.bundle, "the envelope's signature"))
        }
        guard !signatures.isEmpty else { throw TrustError(.bundle, "the envelope is not signed") }
        self.source = source
    }

    /// What is signed: type and payload with their lengths, so that one cannot pass for the other.
    package var signedBytes: [UInt8] {
        Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
    }
}
