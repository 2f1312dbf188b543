import Documents
import Evidence
import Findings
import Foundation
import Hub
import Store
import Testing

/// Compliance reports that go out by themselves.
@Suite struct ReportTests {
    private static func time(_ text: String) throws -> Milliseconds {
        let day = try #require(CalendarDate(text))
        let clock = text.dropFirst(11).split(separator: ":").compactMap { Int($0) }
        try #require(clock.count == 2)
        return (day.daysSinceEpoch * 1440 + clock[0] * 60 + clock[1]) * 60_000
    }

    @Test(arguments: [
        (ReportSchedule.Rhythm.daily, "2026-11-23T05:59", "2026-11-22T06:00", "2026-11-23T06:00"),
        (.daily, "2026-11-23T06:00", "2026-11-23T06:00", "2026-11-24T06:00"),
        // 2026-11-23 is a Monday.
        (.weekly(weekday: 0), "2026-11-23T05:59", "2026-11-16T06:00", "2026-11-23T06:00"),
        (.weekly(weekday: 0), "2026-11-23T06:00", "2026-11-23T06:00", "2026-11-30T06:00"),
        (.weekly(weekday: 6), "2026-11-23T12:00", "2026-11-22T06:00", "2026-11-29T06:00"),
        (.monthly(day: 1), "2027-01-01T05:59", "2026-12-01T06:00", "2027-01-01T06:00"),
        (.monthly(day: 28), "2027-03-01T00:00", "2027-02-28T06:00", "2027-03-28T06:00"),
        (.monthly(day: 1), "2026-12-31T23:59", "2026-12-01T06:00", "2027-01-01T06:00"),
    ])
    func aReportIsDueWhenItsRhythmSays(
        _ rhythm: ReportSchedule.Rhythm, _ now: String, _ last: String, _ next: String
    ) throws {
        let schedule = ReportSchedule(name: "r", framework: "soc2", rhythm: rhythm, notifiers: ["n"])
        #expect(schedule.due(at: try Self.time(now)) == (try Self.time(last)))
        #expect(schedule.next(after: try Self.time(now)) == (try Self.time(next)))
    }

    private static let head = """
        notifiers:
        - {name: audit, kind: email, url: "smtp://mail", options: {from: a@b.example, to: c@d.example}}
        - {name: chat, kind: slack, url: "https://chat.example"}

        """

    @Test func theSettingsSayWhatGoesWhere() throws {
        var settings = HubSettings(dataFolder: "/nowhere")
        let text = """
            reports:
            - {name: weekly, framework: pci-dss, cluster: prod, every: Monday, at: "07:30", form: pack, notifiers: [audit]}
            - {name: monthly, framework: soc2, every: 1, notifiers: [audit]}
            """
        try settings.read(SourceText(name: "hub.yaml", bytes: Array((Self.head + text).utf8)))
        #expect(
            settings.reports == [
                ReportSchedule(
                    name: "weekly", framework: "pci-dss", cluster: "prod", rhythm: .weekly(weekday: 0), minute: 450,
                    form: .pack, notifiers: ["audit"]),
                ReportSchedule(
                    name: "monthly", framework: "soc2", rhythm: .monthly(day: 1), minute: 360, form: .pdf,
                    notifiers: ["audit"]),
            ])
        #expect(settings.summary.contains("reports      pci-dss of prod every monday at 07:30 UTC to audit"))
    }

    @Test(arguments: [
        ("{name: a, framework: pci, every: day, notifiers: [audit]}", "there is no framework \"pci\""),
        ("{name: a, framework: soc2, every: never, notifiers: [audit]}", "\"every\" is day"),
        ("{name: a, framework: soc2, every: 29, notifiers: [audit]}", "\"every\" is day"),
        ("{name: a, framework: soc2, every: day, at: 25:00, notifiers: [audit]}", "\"at\" is a time of the day"),
        ("{name: a, framework: soc2, every: day, at: \"6:00\", notifiers: [audit]}", "\"at\" is a time of the day"),
        ("{name: a, framework: soc2, every: day, form: word, notifiers: [audit]}", "a form is one of"),
        ("{name: a, framework: soc2, every: day, notifiers: []}", "names nobody"),
        ("{name: a, framework: soc2, every: day, notifiers: [who]}", "there is no notifier \"who\""),
        ("{name: a, framework: soc2, every: day, notifiers: [chat]}", "goes by email or webhook"),
        ("{name: a, framework: soc2, every: day, to: [audit], notifiers: [audit]}", "no setting \"to\""),
    ])
    func aSlipOfThePenIsNamed(_ entry: String, _ message: String) throws {
        var settings = HubSettings(dataFolder: "/nowhere")
        let text = Self.head + "reports:\n- \(entry)\n"
        let error = #expect(throws: SettingsError.self) {
            try settings.read(SourceText(name: "hub.yaml", bytes: Array(text.utf8)))
        }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasPrefix("hub.yaml:") == true)
    }

    @Test func aSignedPackGoesOutOnceWhenItIsDueAndAgainWhenItWasNotTaken() async throws {
        // The first try is refused with a status that asks for another.
        let receiver = try await Receiver(statuses: [503])
        let hook = NotifierSettings(
            name: "hook", kind: .webhook, url: "http://127.0.0.1:\(receiver.port)/reports", secret: "k3y")
        let schedule = ReportSchedule(
            name: "daily", framework: "pci-dss", rhythm: .daily, form: .csv, notifiers: ["hook"])
        try await ExampleTests.withManifests({
            $0.notifiers = [hook]
            $0.reports = [schedule]
        }) { hub, admin, _ in
            let place = "report/daily/demo/hook"
            try await ExampleTests.eventually("what was due before is noted, and not sent") {
                try await hub.hub.store.read { try $0.setting(place) } != nil
            }
            #expect(receiver.messages.isEmpty)
            try await hub.hub.store.write { try $0.set(place, #"{"due":0,"open":false}"#) }
            try await ExampleTests.eventually("the report was refused") { receiver.messages.count == 1 }
            try await ExampleTests.eventually("the refusal is kept") {
                let text = try await hub.hub.store.read { try $0.setting(place) } ?? ""
                return text.contains("answered with status 503")
            }
            let page = try await hub.send("GET", "/compliance?cluster=demo", as: admin)
            #expect(page.text.contains("not taken yet: answered with status 503"))
            let due = schedule.due(at: TimeText.system())
            try await hub.hub.store.write { try $0.set(place, #"{"due":\#(due),"open":true,"tries":1}"#) }
            try await ExampleTests.eventually("the report was taken") { receiver.messages.count == 2 }
            let messages = receiver.messages
            let deliveries = messages.compactMap { $0.headers["x-martlet-delivery"] }
            #expect(deliveries == Array(repeating: "report daily demo \(due)", count: 2))
            #expect(messages[1].headers["content-disposition"] == "attachment; filename=\"pci-dss-demo-csv.csv\"")
            #expect(messages[1].headers["x-martlet-signature"]?.hasPrefix("sha256=") == true)
            #expect(messages[1].body.contains("1.2.1"))
            try await ExampleTests.eventually("it is remembered as sent") {
                try await hub.send("GET", "/compliance?cluster=demo", as: admin).text.contains("<td>sent <time")
            }
        }
        try await receiver.close()
    }

    @Test func thePackOfAHubIsSignedWithTheKeyItShows() async throws {
        try await ExampleTests.withManifests { hub, admin, folder in
            let key = try await hub.send("GET", "/evidence-key.pem", as: admin)
            #expect(key.status == 200 && key.text.hasPrefix("-----BEGIN PUBLIC KEY-----"))
            let pack = try await hub.bytes("/compliance/pci-dss/report?cluster=demo&format=pack", as: admin)
            let archive = folder.appending(path: "pack.tar")
            try Data(pack).write(to: archive)
            let tar = Process()
            tar.executableURL = URL(filePath: "/usr/bin/env")
            tar.arguments = ["tar", "-xf", archive.path, "-C", folder.path]
            try tar.run()
            tar.waitUntilExit()
            #expect(tar.terminationStatus == 0)
            let found = try EvidencePack.verify(folder.appending(path: "pci-dss-demo").path, publicKey: key.text)
            #expect(found.problems.isEmpty && found.isKeyPinned && found.files > 8)
        }
    }

    @Test func aLetterCarriesItsFile() async throws {
        let stream = ScriptedStream(
            ["220 mail", "250 mail", "250 ok", "250 ok", "354 go", "250 kept", "221 bye"])
        let settings = NotifierSettings(
            name: "m", kind: .email, url: "smtp://mail.example",
            options: ["from": "martlet@shop.example", "to": "audit@shop.example"])
        let bytes = Array(repeating: UInt8(ascii: "a"), count: 100)
        let letter = Letter(
            subject: "PCI DSS: prod", text: "attached", id: "report daily prod 1", at: 1_795_000_000_000,
            attachment: ReportFile(name: "pci.csv", type: "text/csv", bytes: bytes))
        try await letter.send(to: settings, over: RecordingWire(stream))
        let heard = stream.heard.withLock { $0 }
        #expect(heard.contains("Message-ID: <report.daily.prod.1@shop.example>\r\n"))
        let parts = heard.components(separatedBy: "--martlet-part")
        try #require(parts.count == 4)
        #expect(parts[1].contains("Content-Type: text/plain; charset=utf-8\r\n"))
        #expect(parts[2].contains("Content-Disposition: attachment; filename=\"pci.csv\"\r\n"))
        let body = parts[2].components(separatedBy: "\r\n\r\n").last?.filter { $0 != "\r\n" } ?? ""
        #expect(Data(base64Encoded: body) == Data(bytes))
        #expect(parts[3].hasPrefix("--\r\n.\r\n"))
        #expect(heard.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 998 })
    }
}
