import Findings
import FoundationEssentials

/// Mail over SMTP: `smtp://host:587` asks for TLS when the server offers it, `smtps://host:465` begins with it.
///
/// A password is never sent without TLS.
struct EmailTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        let letter = Letter(
            subject: notification.headline, text: "\(notification.headline)\n\n\(notification.text)",
            id: notification.dedup, at: notification.at)
        try await send(letter, over: wire)
    }

    func send(_ letter: Letter, over wire: any Wire) async throws {
        guard let (_, address) = StreamAddress.parse(settings.url, ports: ["smtp": 587, "smtps": 465]) else {
            throw DeliveryFailure("the address is like smtp://host:587 or smtps://host:465", isTransient: false)
        }
        let stream = try await wire.open(address)
        do {
            try await talk(letter, stream, address)
        } catch {
            await stream.close()
            throw error
        }
        await stream.close()
    }

    private func talk(_ letter: Letter, _ stream: any WireStream, _ address: StreamAddress) async throws {
        let from = settings.options["from"] ?? ""
        let recipients = (settings.options["to"] ?? "").split(separator: ",").map { $0.filter { $0 != " " } }
        guard !recipients.isEmpty, ([from] + recipients).allSatisfy(Self.isPlain) else {
            throw DeliveryFailure("an address of \"from\" or \"to\" is none", isTransient: false)
        }
        _ = try await expect(2, stream)
        var offers = try await say("EHLO martlet", 2, stream)
        var isSafe = address.usesTLS
        if !isSafe, offers.contains(where: { $0.uppercased().hasPrefix("STARTTLS") }) {
            _ = try await say("STARTTLS", 2, stream)
            try await stream.startTLS(address.host)
            isSafe = true
            offers = try await say("EHLO martlet", 2, stream)
        }
        if let user = settings.options["user"] {
            guard isSafe else {
                throw DeliveryFailure("the server offers no TLS; the password was not sent", isTransient: false)
            }
            let secret = Data("\0\(user)\0\(settings.secret)".utf8).base64EncodedString()
            _ = try await say("AUTH PLAIN \(secret)", 2, stream)
        }
        _ = try await say("MAIL FROM:<\(from)>", 2, stream)
        for recipient in recipients { _ = try await say("RCPT TO:<\(recipient)>", 2, stream) }
        _ = try await say("DATA", 3, stream)
        try await stream.write(Array(Self.mail(letter, from: from, to: recipients).utf8))
        _ = try await say("\r\n.", 2, stream)
        _ = try? await say("QUIT", 2, stream)
    }

    private func say(_ line: String, _ kind: Int, _ stream: any WireStream) async throws -> [String] {
        try await stream.write(Array("\(line)\r\n".utf8))
        return try await expect(kind, stream)
    }

    /// The lines of an answer whose code begins with `kind`; several have a `-` behind the code.
    private func expect(_ kind: Int, _ stream: any WireStream) async throws -> [String] {
        var lines: [String] = []
        while lines.count < 100 {
            let line = try await stream.readLine()
            guard line.utf8.count >= 3, let code = Int(line.prefix(3)) else {
                throw DeliveryFailure("this is no mail server")
            }
            guard code / 100 == kind else {
                throw DeliveryFailure("the mail server refuses: \(line.prefix(200))", isTransient: code / 100 == 4)
            }
            lines.append(String(line.dropFirst(4)))
            if line.dropFirst(3).first != "-" { break }
        }
        return lines
    }

    /// Nothing that could end a line or an address.
    private static func isPlain(_ address: String) -> Bool {
        address.contains("@") && address.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3C && $0 != 0x3E }
    }

    /// The letter as it goes out (RFC 5322), with its file behind it where it has one (RFC 2046, multipart/mixed).
    static func mail(_ letter: Letter, from: String, to recipients: [String]) -> String {
        let domain = from.split(separator: "@").last ?? "localhost"
        let subject = "=?utf-8?B?\(Data(letter.subject.prefix(150).utf8).base64EncodedString())?="
        let id = letter.id.map { $0.isLetter || $0.isNumber ? String($0) : "." }.joined()
        var lines = [
            "Date: \(date(letter.at))", "From: Martlet <\(from)>", "To: \(recipients.joined(separator: ", "))",
            "Message-ID: <\(id)@\(domain)>", "Subject: \(subject)", "MIME-Version: 1.0",
            "Auto-Submitted: auto-generated",
        ]
        let text = ["Content-Type: text/plain; charset=utf-8"] + encoded(Array("\(letter.text)\n".utf8))
        guard let file = letter.attachment else { return (lines + text).joined(separator: "\r\n") }
        // No line of Base64 begins with two hyphens.
        let boundary = "martlet-part"
        lines += ["Content-Type: multipart/mixed; boundary=\"\(boundary)\"", "", "--\(boundary)"] + text
        lines += [
            "--\(boundary)", "Content-Type: \(file.type)",
            "Content-Disposition: attachment; filename=\"\(file.name)\"",
        ]
        lines += encoded(file.bytes) + ["--\(boundary)--"]
        return lines.joined(separator: "\r\n")
    }

    /// The last header and the body behind it.
    private static func encoded(_ bytes: [UInt8]) -> [String] {
        var lines = ["Content-Transfer-Encoding: base64", ""]
        var rest = Data(bytes).base64EncodedString()[...]
        while !rest.isEmpty {
            lines.append(String(rest.prefix(76)))
            rest = rest.dropFirst(76)
        }
        return lines
    }

    /// `Mon, 23 Nov 2026 11:00:00 +0000` (RFC 5322).
    static func date(_ time: Int) -> String {
        let text = TimeText.rfc3339(time)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        guard let day = CalendarDate(text) else { return text }
        let weekday = days[((day.daysSinceEpoch % 7) + 7) % 7]
        let clock = text.dropFirst(11).prefix(8)
        return "\(weekday), \(day.day) \(months[day.month - 1]) \(day.year) \(clock) +0000"
    }
}
