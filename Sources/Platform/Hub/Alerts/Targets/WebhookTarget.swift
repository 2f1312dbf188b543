import Crypto
import Documents
import Encodings
import Store

/// Any address that takes a POST: the generic JSON, or a template of the user's; signed when there is a secret.
struct WebhookTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        var json = JSONWriter()
        json.object { notification.write(to: &$0) }
        var request = settings.request("", json)
        if let template = settings.options["template"] {
            request.body = Array(Self.fill(template, notification).utf8)
        }
        if let type = settings.options["contentType"] { request.headers["Content-Type"] = type }
        try await post(&request, id: notification.dedup, at: notification.at, over: wire)
    }

    /// A file is the body as it is, and the rest stands in headers.
    func send(_ letter: Letter, over wire: any Wire) async throws {
        guard let file = letter.attachment else {
            throw DeliveryFailure("there is no file to send", isTransient: false)
        }
        var request = settings.request("", JSONWriter())
        request.body = file.bytes
        request.headers["Content-Type"] = file.type
        request.headers["Content-Disposition"] = "attachment; filename=\"\(file.name)\""
        try await post(&request, id: letter.id, at: letter.at, over: wire)
    }

    private func post(
        _ request: inout OutgoingRequest, id: String, at now: Milliseconds, over wire: any Wire
    ) async throws {
        request.headers["X-Martlet-Delivery"] = id
        if !settings.secret.isEmpty {
            let time = String(now / 1000)
            request.headers["X-Martlet-Timestamp"] = time
            request.headers["X-Martlet-Signature"] = Self.signature(settings.secret, time, request.body)
        }
        try await wire.post(request)
    }

    /// HMAC-SHA-256 over the time, a dot and the body; the time keeps old requests from being sent again by others.
    static func signature(_ secret: String, _ time: String, _ body: [UInt8]) -> String {
        let key = SymmetricKey(data: Array(secret.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Array("\(time).".utf8) + body, using: key)
        return "sha256=" + Hexadecimal.text(code)
    }

    /// Puts values in place of `{{title}}`, escaped for the inside of a JSON text.
    static func fill(_ template: String, _ notification: AlertNotification) -> String {
        let alert = notification.alert
        let values = [
            "id": alert.id, "dedup": notification.dedup, "state": notification.word, "title": alert.title,
            "severity": alert.severity.rawValue, "cluster": alert.cluster, "namespace": alert.namespace,
            "rule": alert.rule, "total": String(alert.total), "text": notification.text,
            "headline": notification.headline, "startedAt": TimeText.rfc3339(alert.startedAt),
        ]
        var out = ""
        var rest = template[...]
        while let open = rest.firstRange(of: "{{") {
            out += rest[..<open.lowerBound]
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else {
                out += "{{"
                break
            }
            let name = rest[..<close.lowerBound].filter { $0 != " " }
            var writer = JSONWriter()
            writer.value(values[String(name)] ?? "")
            out += writer.string.dropFirst().dropLast()
            rest = rest[close.upperBound...]
        }
        return out + rest
    }
}
