import Crypto
import Encodings

/// Signs requests to AWS.
///
/// Standard: AWS Signature Version 4, as its reference describes it for requests with a body.
struct AWSSignature: Sendable {
    var accessKey: String
    var secretKey: String
    var sessionToken: String
    var region: String
    var service: String

    /// The headers to add to a request, `Authorization` among them.
    ///
    /// - Parameter time: `20261123T080000Z`.
    func headers(
        method: String, path: String, query: String = "", host: String, extra: [(name: String, value: String)],
        body: [UInt8], time: String
    ) -> [(name: String, value: String)] {
        let day = String(time.prefix(8))
        let digest = Hexadecimal.text(SHA256.hash(data: body))
        var headers = extra + [("host", host), ("x-amz-date", time), ("x-amz-content-sha256", digest)]
        if !sessionToken.isEmpty { headers.append(("x-amz-security-token", sessionToken)) }
        let canonical = headers.map { ($0.0.lowercased(), Self.collapsed($0.1)) }.sorted { $0.0 < $1.0 }
        let signed = canonical.map(\.0).joined(separator: ";")
        let request = [
            method, path.isEmpty ? "/" : path, Self.sorted(query),
            canonical.map { "\($0.0):\($0.1)\n" }.joined(), signed, digest,
        ].joined(separator: "\n")
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let text = ["AWS4-HMAC-SHA256", time, scope, Hexadecimal.text(SHA256.hash(data: Array(request.utf8)))]
            .joined(separator: "\n")
        var key = Self.hmac(Array("AWS4\(secretKey)".utf8), day)
        for part in [region, service, "aws4_request"] { key = Self.hmac(key, part) }
        let signature = Hexadecimal.text(Self.hmac(key, text))
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(accessKey)/\(scope), SignedHeaders=\(signed), Signature=\(signature)"
        return headers.filter { $0.0 != "host" }.map { (name: $0.0, value: $0.1) }
            + [(name: "Authorization", value: authorization)]
    }

    private static func hmac(_ key: [UInt8], _ text: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: key)))
    }

    private static func collapsed(_ value: String) -> String {
        value.split(separator: " ").joined(separator: " ")
    }

    private static func sorted(_ query: String) -> String {
        query.split(separator: "&").map { $0.contains("=") ? String($0) : "\($0)=" }.sorted().joined(separator: "&")
    }
}
