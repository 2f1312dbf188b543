import Documents
import Encodings
import Foundation

/// An entry of a transparency log as a bundle carries it.
struct LogEntry: Sendable {
    var logID: [UInt8]
    var index: Int64
    var kind: String
    var version: String
    /// Seconds since 1970, from the log itself; only Rekor v1 has it, and only the promise signs it.
    var integratedTime: Int64?
    var promise: [UInt8]?
    var proof: InclusionProof?
    /// The entry as the log keeps it.
    var body: [UInt8]

    /// Rekor v2 has no promises and no time of its own.
    var isVersion2: Bool { version == "0.0.2" && kind != "intoto" }

    init(
        logID: [UInt8], index: Int64, kind: String, version: String, integratedTime: Int64?, promise: [UInt8]?,
        proof: InclusionProof?, body: [UInt8]
    ) {
        self.logID = logID
        self.index = index
        self.kind = kind
        self.version = version
        self.integratedTime = integratedTime
        self.promise = promise
        self.proof = proof
        self.body = body
    }

    /// Verifies that the log holds the entry: by its promise, by its proof, or by both where it has both.
    func verify(_ log: TrustedRoot.Log) throws(TrustError) {
        if isVersion2, proof == nil { throw TrustError(.log, "an entry of Rekor v2 needs an inclusion proof") }
        guard promise != nil || proof != nil else {
            throw TrustError(.log, "the entry has neither an inclusion proof nor a promise")
        }
        if let promise { try verify(promise: promise, log) }
        guard let proof else { return }
        let checkpoint = try Checkpoint(proof.checkpoint)
        guard checkpoint.rootHash == proof.rootHash else {
            throw TrustError(.log, "the checkpoint's root hash is not the one of the inclusion proof")
        }
        guard checkpoint.size == proof.size else {
            throw TrustError(
                .log, "the checkpoint is of a tree of \(checkpoint.size), the proof of one of \(proof.size)")
        }
        try proof.verify(body)
        try checkpoint.verify(log, namesOrigin: isVersion2)
    }

    /// The signed entry timestamp: a signature over the canonical JSON (RFC 8785) of these four members.
    private func verify(promise: [UInt8], _ log: TrustedRoot.Log) throws(TrustError) {
        guard let integratedTime else { throw TrustError(.log, "the entry has a promise but no time") }
        let signed =
            #"{"body":"\#(Base64.text(body))","integratedTime":\#(integratedTime),"logID":"\#(Hexadecimal.text(logID))","#
            + #""logIndex":\#(index)}"#
        guard log.key.isValid(promise, over: Array(signed.utf8), .envelope) else {
            throw TrustError(.log, "the inclusion promise is not signed by \(log.name)")
        }
    }

    /// When the log took it in, if its promise says so.
    var promisedTime: Date? {
        guard promise != nil, let integratedTime, integratedTime > 0 else { return nil }
        return Date(timeIntervalSince1970: Double(integratedTime))
    }
}

/// What the log says was signed, by whom.
struct LogStatement {
    struct Signature {
        /// Nothing where the kind does not keep it (intoto 0.0.1).
        var bytes: [UInt8]?
        /// A certificate or a public key, in DER.
        var verifier: [UInt8]
    }

    enum Subject {
        /// What was signed is a message with this hash.
        case message(HashFunctionName, [UInt8])
        /// What was signed is an envelope whose payload has this hash.
        case payload(HashFunctionName, [UInt8])
    }

    var subject: Subject
    var signatures: [Signature]
    /// The hash of the envelope's own text, where the kind keeps it and it is meant (intoto 0.0.1).
    var envelopeHash: [UInt8]?

    init(_ entry: LogEntry) throws(TrustError) {
        let node: Node
        do {
            node = try DocumentReader.readJSON(SourceText(name: "log entry", bytes: entry.body))
        } catch {
            throw TrustError(.log, "the body of the entry cannot be read: \(error)")
        }
        let kind = node["kind"].string ?? ""
        let version = node["apiVersion"].string ?? ""
        guard kind == entry.kind, version == entry.version else {
            throw TrustError(
                .log, "the bundle calls the entry \(entry.kind) \(entry.version), the log calls it \(kind) \(version)")
        }
        let spec = node["spec"]
        switch (kind, version) {
        case ("hashedrekord", "0.0.1"):
            subject = .message(try Self.function(spec["data"]["hash"]["algorithm"]), try Self.hex(spec["data"]["hash"]))
            let signature = spec["signature"]
            signatures = [
                Signature(
                    bytes: try signature["content"].base64(.log, "the entry's signature"),
                    verifier: try Self.pem(signature["publicKey"]["content"].base64(.log, "the entry's key")))
            ]
        case ("dsse", "0.0.1"):
            subject = .payload(try Self.function(spec["payloadHash"]["algorithm"]), try Self.hex(spec["payloadHash"]))
            signatures = []
            for signature in spec["signatures"].elements {
                signatures.append(
                    Signature(
                        bytes: try signature["signature"].base64(.log, "the entry's signature"),
                        verifier: try Self.pem(signature["verifier"].base64(.log, "the entry's key"))))
            }
        case ("intoto", "0.0.2"):
            let content = spec["content"]
            subject = .payload(
                try Self.function(content["payloadHash"]["algorithm"]), try Self.hex(content["payloadHash"]))
            signatures = []
            for signature in content["envelope"]["signatures"].elements {
                // Kept in base64 twice over, by most who wrote one.
                let once = try signature["sig"].base64(.log, "the entry's signature")
                let bytes = String(validating: once, as: UTF8.self).flatMap(Base64.bytes) ?? once
                signatures.append(
                    Signature(
                        bytes: bytes, verifier: try Self.pem(signature["publicKey"].base64(.log, "the entry's key"))))
            }
        case ("intoto", "0.0.1"):
            let content = spec["content"]
            subject = .payload(
                try Self.function(content["payloadHash"]["algorithm"]), try Self.hex(content["payloadHash"]))
            envelopeHash = try Self.hex(content["hash"])
            signatures = [
                Signature(bytes: nil, verifier: try Self.pem(spec["publicKey"].base64(.log, "the entry's key")))
            ]
        case ("hashedrekord", "0.0.2"):
            let spec = spec["hashedRekordV002"]
            subject = .message(
                try Self.function(spec["data"]["algorithm"]),
                try spec["data"]["digest"].base64(.log, "the entry's digest"))
            signatures = [try Self.signature2(spec["signature"])]
        case ("dsse", "0.0.2"):
            let spec = spec["dsseV002"]
            subject = .payload(
                try Self.function(spec["payloadHash"]["algorithm"]),
                try spec["payloadHash"]["digest"].base64(.log, "the entry's digest"))
            signatures = []
            for signature in spec["signatures"].elements { signatures.append(try Self.signature2(signature)) }
        default:
            throw TrustError(.log, "entries of kind \(kind) \(version) are not known here")
        }
        guard !signatures.isEmpty else { throw TrustError(.log, "the entry holds no signature") }
    }

    private static func signature2(_ node: Node) throws(TrustError) -> Signature {
        let verifier = node["verifier"]
        let certificate = verifier["x509Certificate"]["rawBytes"]
        return Signature(
            bytes: try node["content"].base64(.log, "the entry's signature"),
            verifier: certificate.exists
                ? try certificate.base64(.log, "the entry's certificate")
                : try verifier["publicKey"]["rawBytes"].base64(.log, "the entry's key"))
    }

    private static func function(_ node: Node) throws(TrustError) -> HashFunctionName {
        guard let name = node.string, let function = HashFunctionName(name) else {
            throw TrustError(.log, "the entry's hash is \"\(node.string ?? "")\", which is not known here")
        }
        return function
    }

    private static func hex(_ node: Node) throws(TrustError) -> [UInt8] {
        guard let bytes = node["value"].string.flatMap(Hexadecimal.bytes) else {
            throw TrustError(.log, "the entry's digest cannot be read")
        }
        return bytes
    }

    private static func pem(_ bytes: [UInt8]) throws(TrustError) -> [UInt8] {
        guard let block = try PEMBlocks(String(decoding: bytes, as: UTF8.self)).blocks.first else {
            throw TrustError(.log, "the entry's key is not PEM")
        }
        return block.bytes
    }
}
