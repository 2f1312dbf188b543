import Documents
import Findings
import Testing

@testable import Compliance

@Suite struct HistoryTests {
    private static func moment(_ text: String) throws -> Moment { try #require(Moment(text)) }

    private static func period(_ start: String, _ end: String) throws -> Period {
        try #require(Period(from: moment(start), to: moment(end)))
    }

    /// A scan at midnight of every day of January 2026.
    private static func january(_ changes: [(String, String, Outcome)] = [], without days: Set<Int> = []) throws
        -> EvidenceHistory
    {
        let first = try moment("2026-01-01")
        return EvidenceHistory(
            scans: (0..<31).filter { !days.contains($0 + 1) }.map {
                .init(at: Moment(seconds: first.seconds + $0 * 86_400))
            },
            changes: try changes.map { .init(at: try moment($0.0), check: "pod/x", subject: $0.1, outcome: $0.2) })
    }

    @Test(arguments: [
        ("2026-01-31", 1_769_817_600), ("2026-01-31T00:00:00Z", 1_769_817_600),
        ("2026-01-31T02:00:00+02:00", 1_769_817_600), ("2026-01-30T20:30:00.25-03:30", 1_769_817_600),
        ("1969-12-31T23:59:59Z", -1), ("2000-02-29T12:00:01Z", 951_825_601),
    ])
    func aMomentIsReadAndWritten(_ text: String, _ seconds: Int) throws {
        let read = try Self.moment(text)
        #expect(read.seconds == seconds)
        #expect(Moment(read.description) == read)
    }

    @Test(arguments: [
        "", "2026", "2026-02-29", "2026-01-31T", "2026-01-31T25:00:00Z", "2026-01-31T00:00:00", "2026-01-31T00:00:00Zx",
        "2026-01-31T00:00:00+2", "2026-01-31Tab:cd:efZ", "２０２６-01-31",
    ])
    func whatIsNoMomentIsNone(_ text: String) { #expect(Moment(text) == nil) }

    @Test func everyDayThereAndBack() {
        for day in stride(from: -200_000, to: 200_000, by: 97) {
            let moment = Moment(seconds: day * 86_400 + 3661)
            #expect(Moment(moment.description) == moment)
        }
    }

    @Test func timeInEachStateAddsUpToThePeriod() throws {
        let history = try Self.january([
            ("2026-01-05", "a", .fail), ("2026-01-06", "b", .fail), ("2026-01-07", "a", .pass),
            ("2026-01-10", "b", .waived), ("2026-01-20", "b", .pass),
        ])
        let time = try history.states(of: { $0 == "pod/x" }, over: Self.period("2026-01-01", "2026-02-01"))
        #expect(time.seconds(.fail) == 5 * 86_400)
        #expect(time.seconds(.waived) == 10 * 86_400)
        #expect(time.seconds(.pass) == 16 * 86_400)
        #expect(time.stretches.reduce(0) { $0 + $1.seconds } == 31 * 86_400)
        #expect(time.scans == 31)
        #expect(time.stretches.map(\.because) == ["", "pod/x a", "pod/x a and 1 more", "pod/x b", "pod/x b", ""])
    }

    @Test func whatFailedBeforeThePeriodStillFailsInIt() throws {
        let history = try Self.january([("2026-01-05", "a", .fail)])
        let time = try history.states(of: { _ in true }, over: Self.period("2026-01-10", "2026-01-12"))
        #expect(time.seconds(.fail) == 2 * 86_400)
    }

    @Test func aGapWithoutScansIsNotObservable() throws {
        let history = try Self.january(without: [10, 11, 12])
        let time = try history.states(of: { _ in true }, over: Self.period("2026-01-01", "2026-02-01"))
        // The scan of the 9th counts for 26 hours; the next is on the 13th.
        #expect(time.seconds(.notObservable) == 4 * 86_400 - 26 * 3600)
        let early = try history.states(of: { _ in true }, over: Self.period("2025-12-30", "2026-01-02"))
        #expect(early.seconds(.notObservable) == 2 * 86_400)
    }

    @Test(arguments: [
        ("2025-01-01", "2025-06-01", PeriodError.Code.beforeData), ("2026-03-01", "2026-04-01", .afterData),
    ])
    func aPeriodWithoutDataIsRefused(_ start: String, _ end: String, _ code: PeriodError.Code) throws {
        let history = try Self.january()
        let period = try Self.period(start, end)
        let error = #expect(throws: PeriodError.self) { try history.states(of: { _ in true }, over: period) }
        #expect(error?.code == code)
        let empty = EvidenceHistory(scans: [], changes: [])
        let none = #expect(throws: PeriodError.self) { try empty.states(of: { _ in true }, over: period) }
        #expect(none?.code == .noData)
    }

    @Test func historyIsReadAndWhatIsWrongIsNamed() {
        let text = """
            scans: [{at: "2026-01-01T02:00:00Z", version: 0.9.0}, {at: yesterday}]
            changes:
            - {at: "2026-01-14T10:03:00Z", check: pod/host-port, subject: Deployment shop/web, outcome: fail, actor: ada}
            - {at: "2026-01-14T10:03:00Z", check: pod/host-port, subject: x, outcome: broken}
            """
        let (history, problems) = EvidenceHistory.read(SourceText(name: "h.yaml", bytes: Array(text.utf8)))
        #expect(history.scans.count == 1)
        #expect(history.changes.first?.actor == "ada")
        #expect(problems.map { $0.location?.line } == [1, 4])
    }
}

@Suite struct AttestationTests {
    private static let good = """
        attestations:
        - control: soc2/CC1.1
          owner: Ada
          statement: signed by everybody
          file: conduct.pdf
          sha256: 9F86D081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
          date: 2026-02-01
          expires: 2027-01-31

        """

    private static func read(_ text: String) -> (attestations: [Attestation], problems: [Problem]) {
        AttestationFile.read(SourceText(name: "a.yaml", bytes: Array(text.utf8)), catalogue: .builtIn)
    }

    @Test func aGoodOneIsRead() throws {
        let (attestations, problems) = Self.read(Self.good)
        #expect(problems.isEmpty, "\(problems)")
        let one = try #require(attestations.first)
        #expect(one.sha256.hasPrefix("9f86d0"))
        for (text, holds) in [
            ("2027-01-31T23:59:59Z", true), ("2027-02-01T00:00:00Z", false), ("2026-01-31T00:00:00Z", false),
        ] {
            let moment = try #require(Moment(text))
            #expect(one.holds(at: moment) == holds)
        }
    }

    @Test(arguments: [
        ("soc2/CC1.1", "soc2/CC77", "unknown control \"soc2/CC77\""), ("  owner: Ada", "  owner: ''", "\"owner\""),
        ("9F86", "zz", "64 hexadecimal digits"), ("2027-01-31", "2025-01-31", "ends before"),
        ("2027-01-31", "soon", "\"expires\""), ("  file:", "  files:", "unknown field \"files\""),
        ("control: soc2/CC1.1", "family: nothing", "unknown family"),
    ])
    func aWrongOneIsNamedAndLeftOut(_ part: String, _ other: String, _ message: String) {
        let (attestations, problems) = Self.read(Self.good.replacing(part, with: other))
        #expect(attestations.isEmpty)
        #expect(problems.contains { $0.message.contains(message) }, "\(problems)")
    }
}

@Suite struct ObservationTests {
    @Test func observationsAreReadAndWhatIsWrongIsNamed() {
        let text = """
            observations:
            - {family: malware, outcome: pass, message: no alert, at: 2026-11-23}
            - {family: nothing, outcome: pass, message: x, at: 2026-11-23}
            - {family: malware, outcome: fine, message: x, at: 2026-11-23}
            - {family: malware, outcome: fail, message: x, at: soon}
            """
        let (found, problems) = ObservationFile.read(
            SourceText(name: "o.yaml", bytes: Array(text.utf8)), catalogue: .builtIn)
        #expect(found.map(\.message) == ["no alert"])
        #expect(problems.map { $0.location?.line } == [3, 4, 5])
    }
}
