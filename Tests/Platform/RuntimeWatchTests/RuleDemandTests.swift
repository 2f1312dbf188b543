import Detection
import Documents
import Sensor
import Testing

@testable import RuntimeWatch

@Suite struct RuleDemandTests {
    private func demand(_ condition: String) -> RuleDemand {
        var set = RuleSet()
        let text = """
            - rule: A
              desc: d
              condition: \(condition)
              output: o
              priority: ERROR
            """
        let result = set.load(SourceText(name: "a.yaml", bytes: Array(text.utf8)))
        #expect(result.isSuccessful)
        return RuleDemand(set.rules)
    }

    @Test func onlyCallsThatRulesNameAreAskedFor() {
        #expect(demand("evt.type in (connect, setuid)").calls == [.connect, .setuid])
        #expect(demand("proc.name = sh").calls == Set(SystemCall.allCases))
    }

    @Test func readingIsAskedForByName() {
        let named = demand("evt.type = openat and evt.is_open_read = true and fd.name startswith /etc/shadow")
        #expect(named.readNames == ["shadow"])
        #expect(named.readersOfAll.isEmpty)
        let excluded = demand("evt.type = openat and evt.is_open_read = true and not fd.name startswith /etc/shadow")
        #expect(excluded.readersOfAll == ["A"])
        let written = demand("evt.type = openat and evt.is_open_write = true and fd.name startswith /etc")
        #expect(written.readNames.isEmpty && written.readersOfAll.isEmpty)
    }
}
