import Documents
import Foundation

/// A signature with all that is needed to verify it offline: a Sigstore bundle, or what a cosign tag holds.
package struct SignedBundle: Sendable {
    package enum Content: Sendable {
        /// A signature over the artifact itself. The hash is what the bundle says, which proves nothing.
        case message(signature: [UInt8], stated: (HashFunctionName, [UInt8])?)
        case envelope(Envelope)
    }

    enum Signer: Sendable {
        case certificate(SignerCertificate)
        /// A key that both sides know already; the hint may say which.
        case key(hint: String)
    }

    /// Which proof of logging the form asks for.
    enum LogForm: Sendable { case promise, proof, either }

    package var content: Content
    var signer: Signer
    var entries: [LogEntry]
    var timestamps: [[UInt8]]
    var logForm: LogForm

    init(content: Content, signer: Signer, entries: [LogEntry], timestamps: [[UInt8]], logForm: LogForm) {
        self.content = content
        self.signer = signer
        self.entries = entries
        self.timestamps = timestamps
        self.logForm = logForm
    }

    /// More than any honest bundle holds.
    private static let most = 32

    package init(_ bytes: [UInt8], name: String = "bundle") throws(TrustError) {
        let node: Node
        do {
            node = try DocumentReader.readJSON(SourceText(name: name, bytes: bytes), options: DocumentReader.Options())
        } catch {
            throw TrustError(.bundle, "\(error)")
        }
        let version = try Self.version(node["mediaType"].string ?? "")
        let material = node["verificationMaterial"]
        guard material.isObject else { throw TrustError(.bundle, "there is no verificationMaterial") }
        signer = try Self.signer(material, version)
        content = try Self.content(node)
        logForm = version == 1 ? .promise : .proof
        entries = []
        timestamps = []
        guard material["tlogEntries"].count <= Self.most else { throw TrustError(.bundle, "too many log entries") }
        for entry in material["tlogEntries"].elements {
            let read = try Self.entry(entry)
            if version == 1, read.promise == nil, !read.isVersion2 {
                throw TrustError(.bundle, "a bundle of version 0.1 needs an inclusion promise")
            }
            if version > 1, read.proof == nil {
                throw TrustError(.bundle, "a bundle of version 0.\(version) needs an inclusion proof")
            }
            if entries.contains(where: { $0.logID == read.logID && $0.index == read.index }) {
                throw TrustError(.bundle, "the same log entry stands there twice")
            }
            entries.append(read)
        }
        let stamps = material["timestampVerificationData"]["rfc3161Timestamps"]
        guard stamps.count <= Self.most else { throw TrustError(.bundle, "too many timestamps") }
        for stamp in stamps.elements {
            timestamps.append(try stamp["signedTimestamp"].base64(.bundle, "a timestamp"))
        }
    }

    /// 1, 2 or 3 for versions 0.1 to 0.3, in either way to write them.
    private static func version(_ type: String) throws(TrustError) -> Int {
        switch type {
        case "application/vnd.dev.sigstore.bundle+json;version=0.1": return 1
        case "application/vnd.dev.sigstore.bundle+json;version=0.2": return 2
        case "application/vnd.dev.sigstore.bundle+json;version=0.3": return 3
        default: break
        }
        let start = "application/vnd.dev.sigstore.bundle.v0.3"
        if type.hasPrefix(start), type.hasSuffix("+json") {
            let patch = type.dropFirst(start.count).dropLast(5)
            if patch.isEmpty || patch.first == "." && Int(patch.dropFirst()) != nil { return 3 }
        }
        throw TrustError(.bundle, "\"\(type)\" is not a version of bundle known here (0.1, 0.2 and 0.3 are)")
    }

    private static func signer(_ material: Node, _ version: Int) throws(TrustError) -> Signer {
        let kinds = ["x509CertificateChain", "certificate", "publicKey"].filter { material[$0].exists }
        guard kinds.count == 1 else {
            throw TrustError(.bundle, kinds.isEmpty ? "it names no signer" : "it names more than one signer")
        }
        switch kinds[0] {
        case "certificate":
            return .certificate(
                try SignerCertificate(der: material["certificate"]["rawBytes"].base64(.bundle, "the certificate")))
        case "publicKey":
            return .key(hint: material["publicKey"]["hint"].string ?? "")
        default:
            if version >= 3 {
                throw TrustError(.bundle, "a bundle of version 0.3 holds one certificate, not a chain")
            }
            var chain: [SignerCertificate] = []
            for certificate in material["x509CertificateChain"]["certificates"].elements {
                chain.append(try SignerCertificate(der: certificate["rawBytes"].base64(.bundle, "a certificate")))
            }
            guard let leaf = chain.first else { throw TrustError(.bundle, "its certificate chain is empty") }
            // The root comes from the trusted root alone; one in the bundle invites believing it.
            if let root = chain.first(where: \.isSelfSigned) {
                throw TrustError(.bundle, "its certificate chain holds the root certificate \"\(root.subject)\"")
            }
            return .certificate(leaf)
        }
    }

    private static func content(_ node: Node) throws(TrustError) -> Content {
        let message = node["messageSignature"]
        let envelope = node["dsseEnvelope"]
        guard message.exists != envelope.exists else {
            throw TrustError(.bundle, message.exists ? "it holds two signatures" : "it holds no signature")
        }
        if envelope.exists {
            let envelope = try Envelope(envelope)
            guard envelope.signatures.count == 1 else {
                throw TrustError(.bundle, "its envelope has \(envelope.signatures.count) signatures instead of one")
            }
            return .envelope(envelope)
        }
        let signature = try message["signature"].base64(.bundle, "the signature")
        guard !signature.isEmpty else { throw TrustError(.bundle, "its signature is empty") }
        let digest = message["messageDigest"]
        guard !digest.isNull else { return .message(signature: signature, stated: nil) }
        guard let function = HashFunctionName(digest["algorithm"].string ?? "") else {
            throw TrustError(.bundle, "its hash \"\(digest["algorithm"].string ?? "")\" is not known here")
        }
        return .message(
            signature: signature, stated: (function, try digest["digest"].base64(.bundle, "the message digest")))
    }

    private static func entry(_ node: Node) throws(TrustError) -> LogEntry {
        guard let index = node["logIndex"].isNull ? 0 : node["logIndex"].int64, index >= 0 else {
            throw TrustError(.bundle, "the index of a log entry is negative or no number")
        }
        guard let kind = node["kindVersion"]["kind"].string, let version = node["kindVersion"]["version"].string else {
            throw TrustError(.bundle, "a log entry does not say what kind it is")
        }
        let time = node["integratedTime"]
        let promise = node["inclusionPromise"]["signedEntryTimestamp"]
        return LogEntry(
            logID: try node["logId"]["keyId"].base64(.bundle, "the id of a log"), index: index, kind: kind,
            version: version, integratedTime: time.isNull ? nil : time.int64,
            promise: promise.isNull ? nil : try promise.base64(.bundle, "an inclusion promise"),
            proof: node["inclusionProof"].isNull ? nil : try proof(node["inclusionProof"]),
            body: try node["canonicalizedBody"].base64(.bundle, "the body of a log entry"))
    }

    private static func proof(_ node: Node) throws(TrustError) -> InclusionProof {
        guard let index = node["logIndex"].isNull ? 0 : node["logIndex"].int64, index >= 0,
            let size = node["treeSize"].int64, size > 0
        else { throw TrustError(.bundle, "the index or tree size of an inclusion proof is not above zero") }
        guard let checkpoint = node["checkpoint"]["envelope"].string, !checkpoint.isEmpty else {
            throw TrustError(.bundle, "an inclusion proof has no checkpoint")
        }
        guard node["hashes"].count <= 64 else { throw TrustError(.bundle, "an inclusion proof is too long") }
        var hashes: [[UInt8]] = []
        for hash in node["hashes"].elements {
            guard let bytes = hash.string.flatMap(Base64.bytes), bytes.count == 32 else {
                throw TrustError(.bundle, "a hash of an inclusion proof is not 32 bytes")
            }
            hashes.append(bytes)
        }
        return InclusionProof(
            index: index, size: size, rootHash: try node["rootHash"].base64(.bundle, "the root hash of a proof"),
            hashes: hashes, checkpoint: checkpoint)
    }

    var signature: [UInt8] {
        switch content {
        case .message(let signature, _): signature
        case .envelope(let envelope): envelope.signatures.first ?? []
        }
    }
}
