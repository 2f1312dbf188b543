import Documents

/// 2.7: whether etcd trusts the CA that signs the cluster's client certificates.
///
/// The names of the files say little: two paths can hold one CA, and one CA can be signed anew. What counts is the
/// subject and the key.
struct EtcdAuthority {
    let etcd: ComponentInstance
    /// The API servers of the same node, or of the cluster.
    let servers: [ComponentInstance]

    func evaluate() -> CISPart {
        let control = SettingControl(instance: etcd)
        let own = etcd.setting("trusted-ca-file")
        if case .unknown(let reason) = own.value { return control.part(.notObservable, reason, own) }
        guard let ownPath = own.text, !ownPath.isEmpty else {
            return control.part(.fail, "\(control.label(own)) is not set: etcd trusts no CA of its own", own)
        }
        guard !servers.isEmpty else {
            return control.part(.notObservable, "no API server was seen whose CA could be compared", own)
        }
        for server in servers {
            let other = server.setting("client-ca-file")
            if case .unknown(let reason) = other.value { return control.part(.notObservable, reason, own) }
            guard let otherPath = other.text, !otherPath.isEmpty else { continue }
            let path = etcd.files.onNode(ownPath)
            if path == server.files.onNode(otherPath),
                etcd.node == server.node || etcd.node.isEmpty || server.node.isEmpty
            {
                return control.part(.fail, "etcd and the API server trust the same CA: \(path)", own)
            }
            guard case .found(let mine) = etcd.files.look(ownPath),
                case .found(let theirs) = server.files.look(otherPath)
            else { continue }
            let keys = Set(CertificateIdentity.all(mine.bytes))
            guard !keys.isEmpty else { return control.part(.notObservable, "\(ownPath) holds no certificate", own) }
            if !keys.isDisjoint(with: CertificateIdentity.all(theirs.bytes)) {
                return control.part(
                    .fail, "\(ownPath) holds the CA of \(otherPath): etcd trusts every client of the cluster", own)
            }
        }
        return control.part(.pass, "etcd trusts \(ownPath), which is not the API server's CA", own)
    }
}

/// Who a certificate is: its subject and its key, as they are encoded.
///
/// Standard: X.509 (RFC 5280), PEM (RFC 7468).
struct CertificateIdentity: Hashable {
    var subject: [UInt8]
    var key: [UInt8]

    /// The identities of all certificates of a PEM text; those that cannot be read are left out.
    static func all(_ pem: [UInt8]) -> [CertificateIdentity] {
        var out: [CertificateIdentity] = []
        var body: String?
        for line in String(decoding: pem, as: UTF8.self).split(whereSeparator: \.isNewline) {
            if line.hasPrefix("-----BEGIN CERTIFICATE") || line.hasPrefix("-----BEGIN TRUSTED CERTIFICATE") {
                body = ""
            } else if line.hasPrefix("-----END"), let text = body {
                if let der = Base64.decoded(text.utf8.span), let identity = CertificateIdentity(der: der) {
                    out.append(identity)
                }
                body = nil
            } else if body != nil {
                body? += line.filter { !$0.isWhitespace }
            }
        }
        return out
    }

    init?(der: [UInt8]) {
        // Certificate ::= SEQUENCE { tbs SEQUENCE { [0] version?, serial, signature, issuer, validity, subject, key …
        guard let certificate = Element(der[...], tag: 0x30), let body = Element(certificate.content, tag: 0x30) else {
            return nil
        }
        var rest = body.content
        var parts: [ArraySlice<UInt8>] = []
        while parts.count < 7, let element = Element(rest) {
            // The version is optional.
            if !(parts.isEmpty && element.tag == 0xA0) { parts.append(element.whole) }
            rest = rest[element.whole.endIndex...]
        }
        guard parts.count >= 6 else { return nil }
        subject = Array(parts[4])
        key = Array(parts[5])
    }

    /// A DER element: tag, length, content.
    private struct Element {
        var tag: UInt8
        var content: ArraySlice<UInt8>
        var whole: ArraySlice<UInt8>

        init?(_ bytes: ArraySlice<UInt8>, tag wanted: UInt8? = nil) {
            guard bytes.count >= 2 else { return nil }
            tag = bytes[bytes.startIndex]
            if let wanted, wanted != tag { return nil }
            var position = bytes.startIndex + 1
            var length = Int(bytes[position])
            position += 1
            if length & 0x80 != 0 {
                let count = length & 0x7F
                guard count >= 1, count <= 4, bytes.endIndex - position >= count else { return nil }
                length = bytes[position..<position + count].reduce(0) { $0 << 8 | Int($1) }
                position += count
            }
            guard length <= bytes.endIndex - position else { return nil }
            content = bytes[position..<position + length]
            whole = bytes[bytes.startIndex..<position + length]
        }
    }
}
