import Admission
import Documents

/// What only the door asks of an image, and what the verdict in the store therefore does not hold.
struct DoorNote: Sendable, Equatable {
    /// A name it was pulled by, to look again.
    var reference: String
    /// Names and digests of the approved base it is built on.
    var bases: [String] = []
    /// Who signed it; nil where nobody looked.
    var signers: [ImageVerdict.Signer]?

    init(reference: String) { self.reference = reference }

    var text: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("reference", reference)
            if !bases.isEmpty { writer.member("bases", bases) }
            guard let signers else { return }
            writer.member(
                "signers",
                array: { writer in
                    for signer in signers {
                        writer.object { writer in
                            writer.member("issuer", signer.issuer)
                            writer.member("subject", signer.subject)
                            if let type = signer.predicateType { writer.member("predicate", type) }
                        }
                    }
                })
        }
        return writer.string
    }

    /// Nil for what is no such text: a file that somebody else has written into.
    init?(text: String) {
        guard let node = try? DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8))),
            let reference = node["reference"].string
        else { return nil }
        self.init(reference: reference)
        bases = node["bases"].strings
        guard node["signers"].isArray else { return }
        signers = node["signers"].elements.map { signer in
            ImageVerdict.Signer(
                issuer: signer["issuer"].string ?? "", subject: signer["subject"].string ?? "",
                predicateType: signer["predicate"].string)
        }
    }
}
