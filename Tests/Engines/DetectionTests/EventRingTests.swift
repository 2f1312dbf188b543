import Documents
import Testing

@testable import Detection

@Suite struct EventRingTests {
    private static func event(_ number: Int) -> [String: [FieldValue]] {
        [
            "evt.type": [FieldValue("openat")], "fd.name": [FieldValue("/data/\(number)")],
            "proc.aname": [FieldValue("sh"), FieldValue("init")], "user.uid": [.number(1000)],
            "evt.is_open_write": [.number(1)], "fd.sip": [.bytes([10, 0, 0, 1])],
        ]
    }

    private static func ring(limit: Int, events: Int) -> EventRing {
        var ring = EventRing(
            fields: EventRing.usualFields(.syscall) + [FieldReference("no.such")], catalogue: .syscall, limit: limit)
        let fields = ring.fields
        for number in 0..<events {
            let values = event(number)
            ring.add(type: "openat") { values[fields[$0].field.description] }
        }
        return ring
    }

    @Test func whatWasKeptIsAskedAgainWithTheSameAnswer() throws {
        let ring = Self.ring(limit: 1 << 20, events: 3)
        var bytes: [UInt8] = []
        ring.lines { bytes += $0 + [0x0A] }
        let stream = EventStream.read(bytes)
        #expect(stream.events.count == 3 && stream.unreadable == 0 && stream.unknown == 0)
        var set = RuleSet()
        _ = set.load(
            SourceText(
                name: "r.yaml",
                bytes: Array(
                    """
                    - rule: Second
                      desc: One of the files.
                      condition: >
                        evt.type = openat and evt.is_open_write = true and fd.name = /data/1 and proc.aname = init
                        and user.uid = 1000 and fd.sip = 10.0.0.1
                      output: "%fd.name"
                      priority: NOTICE
                    """.utf8)))
        var replay = Replay(set)
        #expect(stream.events.flatMap { replay.alerts($0) }.map(\.message) == ["/data/1"])
    }

    @Test func memoryIsBoundedAndWhatGoesIsCounted() {
        let ring = Self.ring(limit: 400_000, events: 30_000)
        #expect(ring.bytes <= 400_000 + 2 * 1024 * 1024)
        #expect(ring.dropped > 0)
        #expect(ring.count + Int(ring.dropped) == 30_000)
    }
}
