import Documents
import Foundation

/// Whom we believe: Sigstore's `trusted_root.json`, from a file and never from the network.
package struct TrustedRoot: Sendable {
    /// Both ends belong to the span; a span without a beginning is refused where it is used.
    struct Validity: Sendable {
        var start: Date?
        var end: Date?

        init(_ node: Node) throws(TrustError) {
            for (name, part) in [("start", node["start"]), ("end", node["end"])] where !part.isNull {
                guard let moment = part.string.flatMap(Moment.date) else {
                    throw TrustError(.trustedRoot, "\(part.path): \"\(name)\" is no moment")
                }
                if name == "start" { start = moment } else { end = moment }
            }
        }

        func problem(at moment: Date, of name: String) -> String? {
            guard let start else { return "the trusted root does not say since when \(name) is valid" }
            if moment < start { return "\(name) is valid since \(Moment.text(start)), not at \(Moment.text(moment))" }
            if let end, moment > end {
                return "\(name) was valid until \(Moment.text(end)), not at \(Moment.text(moment))"
            }
            return nil
        }
    }

    /// A transparency log: of signatures, or of certificates.
    struct Log: Sendable {
        var name: String
        var id: [UInt8]
        /// What the lines of its checkpoints begin with; of newer roots only, else the beginning of `id`.
        var checkpointID: [UInt8]
        var key: VerificationKey
        var validity: Validity

        var host: String {
            let rest = name.firstRange(of: "://").map { String(name[$0.upperBound...]) } ?? name
            return String(rest.prefix { $0 != "/" && $0 != ":" })
        }

        func problem(at moment: Date) -> String? { validity.problem(at: moment, of: "the key of \(name)") }
    }

    /// A certificate or timestamp authority with its chain, root last.
    struct Authority: Sendable {
        var name: String
        var chain: [SignerCertificate]
        var validity: Validity
    }

    let logs: [Log]
    let certificateLogs: [Log]
    let certificateAuthorities: [Authority]
    let timestampAuthorities: [Authority]

    package init(_ bytes: [UInt8], name: String = "trusted_root.json") throws(TrustError) {
        let node: Node
        do {
            node = try DocumentReader.readJSON(SourceText(name: name, bytes: bytes))
        } catch {
            throw TrustError(.trustedRoot, "\(error)")
        }
        let type = node["mediaType"].string ?? ""
        guard
            type.hasPrefix("application/vnd.dev.sigstore.trustedroot+json;version=0.")
                || type.hasPrefix("application/vnd.dev.sigstore.trustedroot.v0.")
        else { throw TrustError(.trustedRoot, "\"\(type)\" is not a form of trusted root known here") }
        logs = try Self.logs(node["tlogs"])
        certificateLogs = try Self.logs(node["ctlogs"])
        certificateAuthorities = try Self.authorities(node["certificateAuthorities"])
        timestampAuthorities = try Self.authorities(node["timestampAuthorities"])
    }

    private static func logs(_ list: Node) throws(TrustError) -> [Log] {
        var logs: [Log] = []
        for node in list.elements {
            let id = try node["logId"]["keyId"].base64(.trustedRoot, "\(node.path).logId.keyId")
            let checkpoint = node["checkpointKeyId"]["keyId"]
            logs.append(
                Log(
                    name: node["baseUrl"].string ?? "an unnamed log", id: id,
                    checkpointID: checkpoint.exists
                        ? try checkpoint.base64(.trustedRoot, "\(checkpoint.path)") : id,
                    key: try VerificationKey(
                        der: node["publicKey"]["rawBytes"].base64(.trustedRoot, "\(node.path).publicKey.rawBytes")),
                    validity: try Validity(node["publicKey"]["validFor"])))
        }
        return logs
    }

    private static func authorities(_ list: Node) throws(TrustError) -> [Authority] {
        var authorities: [Authority] = []
        for node in list.elements {
            var chain: [SignerCertificate] = []
            for certificate in node["certChain"]["certificates"].elements {
                chain.append(
                    try SignerCertificate(
                        der: certificate["rawBytes"].base64(.trustedRoot, "\(certificate.path).rawBytes")))
            }
            guard !chain.isEmpty else { throw TrustError(.trustedRoot, "\(node.path) has no certificate") }
            authorities.append(
                Authority(
                    name: node["uri"].string ?? "an unnamed authority", chain: chain,
                    validity: try Validity(node["validFor"])))
        }
        return authorities
    }
}
