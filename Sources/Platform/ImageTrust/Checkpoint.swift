import Foundation

/// A log's signed statement of its size and root hash: a signed note (C2SP signed-note, tlog-checkpoint).
struct Checkpoint {
    struct Signature {
        var name: String
        /// The first four bytes of the key's id.
        var hint: [UInt8]
        var bytes: [UInt8]
    }

    var origin: String
    var size: Int64
    var rootHash: [UInt8]
    /// What is signed: everything up to and with the line break before the empty line.
    var signed: [UInt8]
    var signatures: [Signature]

    init(_ text: String) throws(TrustError) {
        guard let gap = text.range(of: "\n\n", options: .backwards) else {
            throw TrustError(.log, "the checkpoint has no signatures")
        }
        let body = text[..<gap.lowerBound] + "\n"
        signed = Array(body.utf8)
        let lines = body.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
        guard lines.count >= 3 else {
            throw TrustError(.log, "the checkpoint lacks its origin, size or root hash")
        }
        guard !lines[0].isEmpty else { throw TrustError(.log, "the checkpoint has no origin") }
        guard let size = Int64(lines[1]), size >= 0, String(size) == lines[1] else {
            throw TrustError(.log, "the checkpoint's size \"\(lines[1])\" is no number")
        }
        guard let root = Base64.bytes(lines[2]), root.count == 32 else {
            throw TrustError(.log, "the checkpoint's root hash is not 32 bytes")
        }
        origin = lines[0]
        self.size = size
        rootHash = root
        signatures = []
        for line in text[gap.upperBound...].split(separator: "\n", omittingEmptySubsequences: true) {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 3, words[0] == "\u{2014}", !words[1].isEmpty,
                let bytes = Base64.bytes(String(words[2])), bytes.count > 4
            else { throw TrustError(.log, "a signature line of the checkpoint is not well-formed") }
            signatures.append(
                Signature(name: String(words[1]), hint: Array(bytes.prefix(4)), bytes: Array(bytes.dropFirst(4))))
        }
        guard !signatures.isEmpty else { throw TrustError(.log, "the checkpoint has no signatures") }
    }

    /// Verifies the log's own line. Lines of witnesses and other keys say nothing that the trusted root could vouch for.
    func verify(_ log: TrustedRoot.Log, namesOrigin: Bool) throws(TrustError) {
        if namesOrigin, origin != log.host {
            throw TrustError(.log, "the checkpoint is of \"\(origin)\", not of \"\(log.host)\"")
        }
        let hint = Array(log.checkpointID.prefix(4))
        let own = signatures.filter { $0.hint == hint && (!namesOrigin || $0.name == log.host) }
        guard !own.isEmpty else { throw TrustError(.log, "the checkpoint is not signed by \(log.name)") }
        guard own.contains(where: { log.key.isValid($0.bytes, over: signed, .envelope) }) else {
            throw TrustError(.log, "the signature of \(log.name) does not fit its checkpoint")
        }
    }
}
