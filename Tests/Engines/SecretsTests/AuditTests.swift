import Documents
import Testing

@testable import Secrets

@Test("A time is read with fractions and offsets")
func eventTime() {
    #expect(EventTime("1970-01-02T00:00:00Z").seconds == 86400)
    #expect(EventTime("2026-11-15T01:12:00.500000Z").seconds == 1_794_705_120.5)
    #expect(EventTime("2026-11-15T03:12:00+02:00").seconds == 1_794_705_120)
    #expect(EventTime("yesterday").seconds == nil)
    #expect(EventTime("2026-13-15T03:12:00Z").seconds == nil)
}
