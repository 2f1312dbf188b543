import Findings
import Foundation
import Hub
import Store
import Synchronization
import Testing

/// What would have been sent.
final class RecordingWire: Wire {
    let sent = Mutex<[String]>([])
    let stream: ScriptedStream?

    init(_ stream: ScriptedStream? = nil) { self.stream = stream }

    func post(_ request: OutgoingRequest) async throws {
        let headers = request.headers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        let body = String(decoding: request.body, as: UTF8.self)
        let lines = ["\(request.method) \(request.url)"] + headers + ["", body]
        let text = lines.joined(separator: "\n")
        sent.withLock { $0.append(text) }
    }

    func open(_ address: StreamAddress) async throws -> any WireStream {
        sent.withLock { $0.append("open \(address.host):\(address.port)\(address.usesTLS ? " TLS" : "")") }
        return try #require(stream)
    }

    func datagram(_ bytes: [UInt8], to address: StreamAddress) async throws {
        let text = "datagram \(address.host):\(address.port)\n\(String(decoding: bytes, as: UTF8.self))"
        sent.withLock { $0.append(text) }
    }
}

/// A server that says its lines and writes down what it hears.
final class ScriptedStream: WireStream {
    private let lines: Mutex<[String]>
    let heard = Mutex<String>("")

    init(_ lines: [String] = []) { self.lines = Mutex(lines) }

    func write(_ bytes: [UInt8]) async throws {
        heard.withLock { $0 += String(decoding: bytes, as: UTF8.self) }
    }
    func readLine() async throws -> String {
        guard let line = lines.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
            throw DeliveryFailure("nothing more is said")
        }
        return line
    }
    func startTLS(_ host: String) async throws { heard.withLock { $0 += "<TLS with \(host)>\n" } }
    func close() async {}
}

@Suite struct TargetTests {
    static func notification(isResolved: Bool = false) -> AlertNotification {
        let items = [
            AlertNotification.Item(
                fingerprint: "00000000000000aa", rule: "pod/privileged", subject: "Deployment shop/cart",
                message: "container \"app\" runs <privileged> | a=b", severity: "critical")
        ]
        var alert = AlertRow(
            cluster: "prod", id: "a1", rule: "worst", groupKey: "prod|shop|pod/privileged", severity: .critical,
            title: "A container runs privileged", content: AlertNotification.json(items), namespace: "shop", total: 1,
            startedAt: 1_795_000_000_000)
        if isResolved { alert.state = .resolved }
        return AlertNotification(
            alert: alert, isResolved: isResolved, dedup: "a1 firing critical hook", at: 1_795_000_005_000,
            version: "0.1.0")
    }

    @Test func everyTargetSendsWhatItsGoldenFileShows() async throws {
        var text = ""
        for kind in NotifierSettings.Kind.allCases where kind != .email {
            for isResolved in [false, true] {
                let wire = RecordingWire(ScriptedStream())
                let options = ["project": "SEC", "repository": "shop/cart", "index": "sec"]
                let settings = NotifierSettings(
                    name: kind.rawValue, kind: kind, url: kind == .syslog ? "udp://logs" : "https://to.example",
                    secret: "k3y", options: options)
                try await Deliverer.target(settings).send(Self.notification(isResolved: isResolved), over: wire)
                text += "=== \(kind.rawValue), \(isResolved ? "resolved" : "firing")\n"
                text += wire.sent.withLock { $0.joined(separator: "\n") } + "\n\n"
            }
        }
        try expectGolden(text, "targets.txt")
    }

    @Test func aTemplateIsFilledWithoutBreakingItsJSON() async throws {
        let wire = RecordingWire()
        let settings = NotifierSettings(
            name: "w", kind: .webhook, url: "https://to.example",
            options: ["template": #"{"say":"{{ text }}","who":"{{nobody}}","open":"{{"}"#])
        try await Deliverer.target(settings).send(Self.notification(), over: wire)
        let sent = try #require(wire.sent.withLock { $0.first })
        #expect(sent.contains(#"\"app\" runs <privileged>"#))
        #expect(sent.contains(#""who":"""#))
    }

    @Test func mailIsSentOverTLSWhenItIsOffered() async throws {
        let stream = ScriptedStream([
            "220 mail", "250-mail", "250 STARTTLS", "220 go", "250-mail", "250 AUTH PLAIN", "235 in", "250 ok",
            "250 ok",
            "250 ok", "354 go", "250 kept", "221 bye",
        ])
        let settings = NotifierSettings(
            name: "m", kind: .email, url: "smtp://mail.example", secret: "pw",
            options: ["from": "martlet@shop.example", "to": "ops@shop.example, sec@shop.example", "user": "martlet"])
        try await Deliverer.target(settings).send(Self.notification(), over: RecordingWire(stream))
        let heard = stream.heard.withLock { $0 }
        #expect(heard.hasPrefix("EHLO martlet\r\nSTARTTLS\r\n<TLS with mail.example>\nEHLO martlet\r\nAUTH PLAIN "))
        #expect(heard.contains("MAIL FROM:<martlet@shop.example>\r\nRCPT TO:<ops@shop.example>\r\n"))
        #expect(heard.contains("\r\nDate: Wed, 18 Nov 2026 ") || heard.contains("Date: "))
        #expect(heard.hasSuffix("\r\n.\r\nQUIT\r\n"))
    }

    @Test func aPasswordIsNotSentInTheOpen() async throws {
        let stream = ScriptedStream(["220 mail", "250 AUTH PLAIN"])
        let settings = NotifierSettings(
            name: "m", kind: .email, url: "smtp://mail.example", secret: "pw",
            options: ["from": "a@b.example", "to": "c@d.example", "user": "a"])
        await #expect(throws: DeliveryFailure.self) {
            try await Deliverer.target(settings).send(Self.notification(), over: RecordingWire(stream))
        }
        #expect(!stream.heard.withLock { $0 }.contains("AUTH"))
    }

    @Test func quietHoursEndWhereTheySay() {
        let night = AlertRule.QuietHours(from: 22 * 60, to: 7 * 60, except: .critical)
        let hour = 3_600_000
        let morning = 31 * hour
        #expect(night.end(at: 12 * hour) == nil)
        #expect(night.end(at: 23 * hour) == morning)
        #expect(night.end(at: 27 * hour) == morning)
    }
}

/// Compares with a golden file; writes it when MARTLET_UPDATE_GOLDEN is set.
func expectGolden(_ text: String, _ name: String, file: String = #filePath) throws {
    let url = URL(filePath: file).deletingLastPathComponent().appending(path: "Golden/\(name)")
    if ProcessInfo.processInfo.environment["MARTLET_UPDATE_GOLDEN"] == "1" {
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }
    let golden = try String(contentsOf: url, encoding: .utf8)
    #expect(text == golden, "differs from Golden/\(name); MARTLET_UPDATE_GOLDEN=1 writes it anew")
}
