import Encodings
import Foundation
import SwiftASN1

/// What a certificate transparency log promised about a certificate (RFC 6962, 3.2).
struct CertificateTimestamp {
    var logID: [UInt8]
    var milliseconds: UInt64
    var extensions: [UInt8]
    var hash: UInt8
    var algorithm: UInt8
    var signature: [UInt8]

    var moment: Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }
}

extension SignerCertificate {
    private static let timestampList: ASN1ObjectIdentifier = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2]

    /// The timestamps embedded in the certificate.
    func certificateTimestamps() throws(TrustError) -> [CertificateTimestamp] {
        guard let found = certificate.extensions[oid: Self.timestampList] else { return [] }
        guard let node = try? DER.parse(found.value), node.identifier == .octetString else {
            throw TrustError(.certificateTransparency, "the list of timestamps cannot be read")
        }
        var list = WireReader(node.primitive)
        guard let all = list.vector16(), list.isAtEnd else {
            throw TrustError(.certificateTransparency, "the list of timestamps is cut")
        }
        var timestamps: [CertificateTimestamp] = []
        var items = WireReader(all)
        while !items.isAtEnd {
            guard let item = items.vector16() else {
                throw TrustError(.certificateTransparency, "the list of timestamps is cut")
            }
            var reader = WireReader(item)
            guard let version = reader.number(1) else {
                throw TrustError(.certificateTransparency, "a timestamp is empty")
            }
            // A version from the future says nothing we could verify.
            if version != 0 { continue }
            guard let logID = reader.take(32), let milliseconds = reader.number(8), let extensions = reader.vector16(),
                let hash = reader.number(1), let algorithm = reader.number(1), let signature = reader.vector16(),
                reader.isAtEnd
            else { throw TrustError(.certificateTransparency, "a timestamp is cut") }
            timestamps.append(
                CertificateTimestamp(
                    logID: logID, milliseconds: milliseconds, extensions: extensions, hash: UInt8(hash),
                    algorithm: UInt8(algorithm), signature: signature))
        }
        return timestamps
    }

    /// The body of the certificate as the log saw it: without the list of timestamps.
    func bodyBeforeTimestamps() throws(TrustError) -> [UInt8] {
        guard let root = try? DER.parse(der), let body = root.children.first else {
            throw TrustError(.certificateTransparency, "the certificate cannot be read")
        }
        var fields: [UInt8] = []
        for field in body.children {
            guard field.isTagged(3), let extensions = field.children.first else {
                fields += field.encodedBytes
                continue
            }
            let kept = extensions.children.filter { node in
                guard let first = node.children.first else { return true }
                return (try? ASN1ObjectIdentifier(derEncoded: first)) != Self.timestampList
            }
            guard !kept.isEmpty else { continue }
            fields += DERText.wrap(0xA3, DERText.wrap(0x30, kept.flatMap { Array($0.encodedBytes) }))
        }
        return DERText.wrap(0x30, fields)
    }

    /// Verifies that enough logs of the trusted root have seen the certificate.
    func verifyTransparency(issuer: SignerCertificate, _ root: TrustedRoot, threshold: Int) throws(TrustError) {
        let timestamps = try certificateTimestamps()
        guard !timestamps.isEmpty else {
            throw TrustError(.certificateTransparency, "the certificate holds no timestamp of a log")
        }
        let body = try bodyBeforeTimestamps()
        var verified: Set<[UInt8]> = []
        var reasons: [String] = []
        for timestamp in timestamps {
            let logs = root.certificateLogs.filter { $0.id == timestamp.logID }
            guard !logs.isEmpty else {
                reasons.append("the log \(Hexadecimal.text(timestamp.logID.prefix(8)))… is not in the trusted root")
                continue
            }
            var signed = WireWriter()
            signed.number(0, 1)  // version 1
            signed.number(0, 1)  // a timestamp of a certificate
            signed.number(timestamp.milliseconds, 8)
            signed.number(1, 2)  // a certificate before its timestamps
            signed.bytes += HashFunctionName.sha256.hash(issuer.subjectKeyInfo)
            signed.number(UInt64(body.count), 3)
            signed.bytes += body
            signed.number(UInt64(timestamp.extensions.count), 2)
            signed.bytes += timestamp.extensions
            for log in logs {
                if let problem = log.problem(at: timestamp.moment) {
                    reasons.append(problem)
                } else if timestamp.hash != 4 {
                    reasons.append("the timestamp of \(log.name) is not over SHA-256")
                } else if log.key.isValid(timestamp.signature, over: signed.bytes, .hash(.sha256)) {
                    verified.insert(log.id)
                } else {
                    reasons.append("the timestamp of \(log.name) does not fit the certificate")
                }
            }
        }
        if verified.count < threshold {
            throw TrustError(.certificateTransparency, reasons.joined(separator: "; "))
        }
    }
}

enum DERText {
    static func wrap(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var bytes = [tag]
        if content.count < 0x80 {
            bytes.append(UInt8(content.count))
        } else {
            var length: [UInt8] = []
            var rest = content.count
            while rest > 0 {
                length.insert(UInt8(rest & 0xFF), at: 0)
                rest >>= 8
            }
            bytes.append(0x80 | UInt8(length.count))
            bytes += length
        }
        return bytes + content
    }
}

/// Big-endian numbers and vectors with their length before them, as TLS writes them.
struct WireReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ count: Int) -> [UInt8]? {
        guard count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func number(_ bytes: Int) -> UInt64? { take(bytes)?.reduce(0) { $0 << 8 | UInt64($1) } }

    mutating func vector16() -> [UInt8]? { number(2).flatMap { take(Int($0)) } }
}

struct WireWriter {
    var bytes: [UInt8] = []

    mutating func number(_ value: UInt64, _ count: Int) {
        for position in (0..<count).reversed() {
            bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(position))))
        }
    }
}
