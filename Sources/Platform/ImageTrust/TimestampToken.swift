import Foundation
import SwiftASN1
import X509

/// A timestamp of a timestamp authority (RFC 3161): CMS signed data (RFC 5652) round a statement of time.
struct TimestampToken {
    /// The moment, from the authority's own clock.
    let moment: Date
    private let imprintHash: HashFunctionName
    private let imprint: [UInt8]
    private let content: [UInt8]
    private let signers: [Signer]
    private let embedded: [SignerCertificate]

    private struct Signer {
        var issuer: [UInt8]?
        var serial: [UInt8]?
        var keyIdentifier: [UInt8]?
        var digest: HashFunctionName
        /// The signed attributes with the tag they are signed under.
        var attributes: [UInt8]?
        var contentType: ASN1ObjectIdentifier?
        var messageDigest: [UInt8]?
        var certificateHash: (HashFunctionName?, [UInt8])?
        var algorithm: ASN1ObjectIdentifier
        var signature: [UInt8]
    }

    private static let signedData: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 7, 2]
    private static let timeStatement: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 9, 16, 1, 4]

    /// - Parameter bytes: A whole response, or the token alone.
    init(_ bytes: [UInt8]) throws(TrustError) {
        do {
            let root = try DER.parse(bytes)
            var token = root
            // TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }
            if let status = root.children.first, status.identifier == .sequence {
                guard let code = status.children.first, code.identifier == .integer, code.primitive.count == 1,
                    code.primitive[0] <= 1
                else { throw TrustError(.timestamp, "the authority refused to give a timestamp") }
                guard root.children.count > 1 else { throw TrustError(.timestamp, "the response holds no timestamp") }
                token = root.children[1]
            }
            let parts = token.children
            guard parts.count == 2, try ASN1ObjectIdentifier(derEncoded: parts[0]) == Self.signedData,
                let data = parts[1].children.first, data.children.count >= 4
            else { throw TrustError(.timestamp, "the timestamp is not signed data") }
            let encapsulated = data.children[2].children
            guard encapsulated.count == 2, try ASN1ObjectIdentifier(derEncoded: encapsulated[0]) == Self.timeStatement,
                let text = encapsulated[1].children.first, text.identifier == .octetString
            else { throw TrustError(.timestamp, "the signed data is no statement of time") }
            content = text.primitive
            var certificates: [SignerCertificate] = []
            var signers: [Signer] = []
            for part in data.children.dropFirst(3) {
                if part.isTagged(0) {
                    for node in part.children where node.identifier == .sequence {
                        certificates.append(try SignerCertificate(der: Array(node.encodedBytes)))
                    }
                } else if part.identifier == .set {
                    for node in part.children { signers.append(try Self.signer(node)) }
                }
            }
            guard signers.count == 1 else {
                throw TrustError(.timestamp, "the timestamp has \(signers.count) signers instead of one")
            }
            embedded = certificates
            self.signers = signers
            // TSTInfo ::= SEQUENCE { version, policy, messageImprint, serialNumber, genTime, … }
            let statement = try DER.parse(content).children
            guard statement.count >= 5, statement[2].children.count == 2 else {
                throw TrustError(.timestamp, "the statement of time is cut")
            }
            imprintHash = try Self.function(statement[2].children[0])
            imprint = statement[2].children[1].primitive
            let time = try GeneralizedTime(derEncoded: statement[4])
            moment = Moment.date(
                time.year, time.month, time.day, time.hours, time.minutes, time.seconds, time.fractionalSeconds)
        } catch let error as TrustError {
            throw error
        } catch {
            throw TrustError(.timestamp, "the timestamp cannot be read: \(error)")
        }
    }

    private static func function(_ algorithm: ASN1Node) throws -> HashFunctionName {
        guard let first = algorithm.children.first else { throw TrustError(.timestamp, "no hash is named") }
        switch try ASN1ObjectIdentifier(derEncoded: first) {
        case [2, 16, 840, 1, 101, 3, 4, 2, 1]: return .sha256
        case [2, 16, 840, 1, 101, 3, 4, 2, 2]: return .sha384
        case [2, 16, 840, 1, 101, 3, 4, 2, 3]: return .sha512
        case let other: throw TrustError(.timestamp, "the hash \(other) is not trusted")
        }
    }

    private static func signer(_ node: ASN1Node) throws -> Signer {
        // SignerInfo ::= SEQUENCE { version, sid, digest, [0] attributes?, algorithm, signature, [1] unsigned? }
        let fields = node.children
        guard fields.count >= 5 else { throw TrustError(.timestamp, "the signer's part is cut") }
        var position = 3
        var attributes: [UInt8]?
        var contentType: ASN1ObjectIdentifier?
        var messageDigest: [UInt8]?
        var certificateHash: (HashFunctionName?, [UInt8])?
        if fields[position].isTagged(0) {
            // They are signed as a SET, though they stand here as [0].
            attributes = [0x31] + fields[position].encodedBytes.dropFirst()
            for attribute in fields[position].children {
                guard attribute.children.count == 2, let value = attribute.children[1].children.first else { continue }
                switch try ASN1ObjectIdentifier(derEncoded: attribute.children[0]) {
                case [1, 2, 840, 113549, 1, 9, 3]: contentType = try ASN1ObjectIdentifier(derEncoded: value)
                case [1, 2, 840, 113549, 1, 9, 4]: messageDigest = value.primitive
                case [1, 2, 840, 113549, 1, 9, 16, 2, 12]:
                    // The first version of the attribute uses SHA-1; nothing is decided by it alone.
                    if certificateHash == nil, let hash = value.children.first?.children.first?.children.first {
                        certificateHash = (nil, hash.primitive)
                    }
                case [1, 2, 840, 113549, 1, 9, 16, 2, 47]:
                    guard let first = value.children.first?.children.first else { continue }
                    // An absent algorithm means SHA-256.
                    if first.identifier == .octetString {
                        certificateHash = (.sha256, first.primitive)
                    } else if let hash = value.children.first?.children.dropFirst().first {
                        certificateHash = (try function(first), hash.primitive)
                    }
                default: continue
                }
            }
            position += 1
        }
        guard fields.count > position + 1, let algorithm = fields[position].children.first else {
            throw TrustError(.timestamp, "the signer's part is cut")
        }
        let identifier = fields[1]
        return Signer(
            issuer: identifier.children.first.map { Array($0.encodedBytes) },
            serial: identifier.children.dropFirst().first.map(\.primitive),
            keyIdentifier: identifier.isTagged(0) ? identifier.primitive : nil, digest: try function(fields[2]),
            attributes: attributes, contentType: contentType, messageDigest: messageDigest,
            certificateHash: certificateHash, algorithm: try ASN1ObjectIdentifier(derEncoded: algorithm),
            signature: fields[position + 1].primitive)
    }

    /// Verifies it against the authorities of the trusted root.
    ///
    /// - Returns: The authority's name, or nothing when no authority of the root could have made it.
    func verify(_ signature: [UInt8], _ root: TrustedRoot) throws(TrustError) -> String? {
        guard imprint == imprintHash.hash(signature) else {
            throw TrustError(.timestamp, "the timestamp is not of this signature")
        }
        guard let signer = signers.first else { return nil }
        var reason: TrustError?
        for authority in root.timestampAuthorities {
            // The certificate may travel with the timestamp; it is believed only for the chain it has.
            let candidates = (authority.chain + embedded).filter { matches(signer, $0) }
            for certificate in candidates {
                do throws(TrustError) {
                    _ = try CertificatePath(certificate, authority: authority.chain, at: moment, for: .timeStamping)
                    try verify(signer, with: certificate)
                    if let problem = authority.validity.problem(at: moment, of: authority.name) {
                        throw TrustError(.timestamp, problem)
                    }
                    return authority.name
                } catch {
                    // Another authority's chain only says that it is not this one.
                    if authority.chain.contains(certificate) || reason == nil { reason = error }
                }
            }
        }
        if let reason { throw TrustError(.timestamp, reason.message) }
        return nil
    }

    private func matches(_ signer: Signer, _ certificate: SignerCertificate) -> Bool {
        if let wanted = signer.keyIdentifier {
            guard let own = try? certificate.certificate.extensions.subjectKeyIdentifier else { return false }
            return Array(own.keyIdentifier) == wanted
        }
        var serializer = DER.Serializer()
        guard (try? serializer.serialize(certificate.certificate.issuer)) != nil else { return false }
        let serial = Array(certificate.certificate.serialNumber.bytes.drop { $0 == 0 })
        return serializer.serializedBytes == signer.issuer && serial == Array((signer.serial ?? []).drop { $0 == 0 })
    }

    private func verify(_ signer: Signer, with certificate: SignerCertificate) throws(TrustError) {
        var signed = content
        if let attributes = signer.attributes {
            guard signer.contentType == Self.timeStatement else {
                throw TrustError(.timestamp, "the signed attributes are of something else")
            }
            guard signer.messageDigest == signer.digest.hash(content) else {
                throw TrustError(.timestamp, "the statement of time was changed after it was signed")
            }
            if case .some((let function?, let hash)) = signer.certificateHash,
                hash != function.hash(certificate.der)
            {
                throw TrustError(.timestamp, "the timestamp names another certificate than the one that fits")
            }
            signed = attributes
        } else if !content.isEmpty {
            // RFC 5652, 5.3: content of another type than plain data needs signed attributes.
            throw TrustError(.timestamp, "the timestamp has no signed attributes")
        }
        let scheme: VerificationKey.Scheme
        switch signer.algorithm {
        case [1, 2, 840, 10045, 4, 3, 2], [1, 2, 840, 113549, 1, 1, 11]: scheme = .hash(.sha256)
        case [1, 2, 840, 10045, 4, 3, 3], [1, 2, 840, 113549, 1, 1, 12]: scheme = .hash(.sha384)
        case [1, 2, 840, 10045, 4, 3, 4], [1, 2, 840, 113549, 1, 1, 13]: scheme = .hash(.sha512)
        case [1, 2, 840, 113549, 1, 1, 1]: scheme = .hash(signer.digest)
        case [1, 2, 840, 113549, 1, 1, 10]: scheme = .pss(signer.digest)
        case [1, 3, 101, 112]: scheme = .envelope
        case let other: throw TrustError(.timestamp, "the signature algorithm \(other) is not known here")
        }
        guard certificate.key.isValid(signer.signature, over: signed, scheme) else {
            throw TrustError(.timestamp, "the authority's signature does not fit the timestamp")
        }
    }
}
