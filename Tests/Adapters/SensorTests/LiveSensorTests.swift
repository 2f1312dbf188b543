import Foundation
import SensorObject
import Testing

@testable import Sensor

/// What the kernel lets this process do, asked once.
enum Kernel {
    static let refusal: String? = {
        do throws(SensorError) {
            _ = try Sensor(SensorOptions())
            return nil
        } catch {
            return error.message
        }
    }()

    static var isWilling: Bool {
        if let refusal { print("skipped: \(refusal)") }
        return refusal == nil
    }
}

@Suite(.serialized, .enabled(if: Kernel.isWilling)) struct LiveSensorTests {
    /// Runs a program to its end, then takes events until they say so.
    private func events(
        of arguments: [String], _ options: SensorOptions = SensorOptions()
    ) throws -> (events: [SensorEvent], ledger: SensorLedger, pid: UInt32) {
        let sensor = try Sensor(options)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        sensor.stop()
        var found: [SensorEvent] = []
        while sensor.poll(milliseconds: 0, { found.append($0) }) > 0 {}
        return (found, sensor.ledger, UInt32(process.processIdentifier))
    }

    private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    @Test func aProgramIsSeenWithItsArgumentsParentAndEnd() throws {
        let (events, ledger, pid) = try events(of: ["/bin/sh", "-c", "/bin/echo one two; exit 3"])
        let shell = events.filter { $0.process.id == pid }
        #expect(shell.contains { $0.kind == .exec && text($0.path) == text($0.process.executablePath) })
        let echo = try #require(
            events.first { $0.kind == .exec && $0.process.arguments.map { text($0) } == ["/bin/echo", "one", "two"] })
        #expect(text(echo.process.executablePath)?.hasSuffix("/echo") == true)
        #expect(echo.process.parent?.id == pid)
        #expect(text(echo.process.parent?.name) == "sh")
        #expect(echo.process.uid == 0)
        #expect(shell.contains { $0.kind == .exit && $0.result == 3 << 8 })
        #expect(ledger.counts.allSatisfy { $0.isExact })
    }

    @Test func filesAreNamedByWhatWasOpened() throws {
        let folder = NSTemporaryDirectory() + "martlet-sensor-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = "cd \(folder) && ln -s real link && echo x > link && mv real other && chmod 4755 other && rm other"
        let (events, _, _) = try events(of: ["/bin/sh", "-c", script])
        let opened = events.first { event in
            if case .call(let call) = event.kind { call.isOpen && text(event.written1) == "link" } else { false }
        }
        #expect(text(opened?.path) == "\(folder)/real")
        let calls = events.compactMap { event -> String? in
            guard case .call(let call) = event.kind, let path = text(event.text1), path.contains("martlet-sensor")
            else { return nil }
            return "\(call.name) \(path.dropFirst(folder.count)) \(text(event.text2)?.dropFirst(folder.count) ?? "")"
        }
        #expect(calls.contains { $0.hasPrefix("rename") && $0.contains("/real /other") })
        #expect(calls.contains { $0.hasPrefix("unlink") && $0.contains("/other") })
        #expect(calls.contains { $0.contains("chmod") && $0.contains("/other") })
    }

    @Test func readingIsHandedOverOnlyForNamesThatAreAskedAbout() throws {
        var options = SensorOptions()
        options.readNames = ["shadow"]
        let (events, ledger, _) = try events(of: ["/bin/cat", "/etc/shadow", "/etc/hostname"], options)
        let read = events.compactMap { event -> String? in
            guard case .call(let call) = event.kind, call.isOpen, event.arguments[5] & 3 == 0 else { return nil }
            return text(event.path)
        }
        #expect(read.contains("/etc/shadow"))
        #expect(!read.contains("/etc/hostname"))
        let reads = ledger.counts[SensorLedger.Group.read.rawValue]
        #expect(reads.filtered > 0)
        #expect(reads.isExact)
    }

    @Test func connectionsHaveBothEnds() throws {
        let script =
            "import socket; s=socket.socket(); s.bind(('127.0.0.1',0)); s.listen(); "
            + "c=socket.create_connection(s.getsockname()); s.accept()"
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/python3") else {
            print("skipped: no python3 to connect with")
            return
        }
        // Others on this machine make connections too.
        let events = try events(of: ["/usr/bin/python3", "-c", script]).0.filter { event in
            event.process.arguments.contains { $0.starts(with: Array("import socket".utf8)) }
        }
        let connect = try #require(events.first { $0.kind == .call(.connect) && $0.socket?.remote != nil }?.socket)
        let accept = try #require(events.first { $0.kind == .call(.accept4) || $0.kind == .call(.accept) }?.socket)
        #expect(connect.remote?.bytes == [127, 0, 0, 1])
        #expect(connect.remote?.port == accept.local?.port)
        #expect(connect.local?.port == accept.remote?.port)
        #expect(accept.isServer && !connect.isServer)
        #expect(events.contains { $0.kind == .call(.listen) })
    }

    @Test func hostileNamesAndLongArgumentsAreCutAndMarked() throws {
        // A megabyte of arguments, in pieces the kernel takes.
        let long = [String](repeating: String(repeating: "a", count: 100_000), count: 10)
        let (events, _, _) = try events(of: ["/bin/echo", "\u{1B}[31m\n"] + long)
        let echo = try #require(
            events.first { $0.kind == .exec && $0.process.arguments.count > 1 && $0.process.arguments[1].first == 0x1B }
        )
        #expect(echo.isIncomplete)
        #expect(echo.process.arguments.last.map { $0.count < 5000 } == true)
    }

    @Test func theLedgerIsExactWhenTheRingOverflows() throws {
        var options = SensorOptions()
        options.ringBytes = 64 << 10
        let script = "i=0; while [ $i -lt 5000 ]; do : > /dev/null; : > /tmp/martlet-ledger; i=$((i+1)); done"
        let (events, ledger, _) = try events(of: ["/bin/sh", "-c", script], options)
        let changes = ledger.counts[SensorLedger.Group.change.rawValue]
        #expect(changes.lost > 0)
        #expect(ledger.counts.allSatisfy { $0.isExact })
        for group in SensorLedger.Group.allCases {
            #expect(ledger.received[group.rawValue] == ledger.counts[group.rawValue].delivered)
        }
        #expect(!events.isEmpty)
    }

    @Test func bytesThatAreNoRecordAreRefused() {
        var generator = SystemRandomNumberGenerator()
        let decoder = EventDecoder()
        for _ in 0..<20_000 {
            let length = Int.random(in: 0...700, using: &generator)
            var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            // Parts with believable tags and lengths behind a header go deeper.
            if length > 300 {
                bytes[200] = UInt8.random(in: 0...15, using: &generator)
                bytes[202] = UInt8.random(in: 0...100, using: &generator)
                bytes[203] = 0
            }
            _ = decoder.event(bytes)
        }
    }

    /// The clock of the day may be set while the sensor runs; that of the machine only goes on.
    @Test func timesGoOnWithTheMachinesClock() {
        var clock = MachineClock()
        let now = UInt64(MachineClock.nanoseconds(CLOCK_BOOTTIME))
        let first = clock.time(ofMachine: now)
        #expect(clock.time(ofMachine: now + 1000) == first + 1000)
        // Records of two processors come out of order, and one may be of any time at all.
        #expect(clock.time(ofMachine: now - 5000) == first - 5000)
        for strange in [0, 1, UInt64.max, UInt64.max / 2] { _ = clock.time(ofMachine: strange) }
        let later = clock.time(ofMachine: now + 2000)
        #expect(later > first && later < first + 1_000_000_000)
    }

    @Test func aProcessesNumberGivenAgainIsAnothers() throws {
        let table = ProcessTable(groups: ControlGroups(names: []))
        let first = SensorProcess(id: 7, start: 100, parentID: 1)
        table.insert(first)
        var header = SensorObject.header()
        header.process = 7
        header.thread = 7
        header.start = 200
        #expect(table.process(header) !== first)
        header.start = 100
        #expect(table.process(header) !== first)
    }
}
