import Documents
import Testing

@testable import Detection

@Suite struct RuleFileTests {
    private static func load(_ texts: String...) -> (RuleSet, [RuleFileResult]) {
        var set = RuleSet()
        let results = texts.enumerated().map { i, text in
            set.load(SourceText(name: "rules\(i).yaml", bytes: Array(text.utf8)))
        }
        return (set, results)
    }

    private static let base = """
        - list: shells
          items: [bash, sh]
        - macro: started
          condition: evt.type = execve
        - rule: Shell
          desc: A shell started.
          condition: started and proc.name in (shells)
          output: "shell %proc.name by %user.name"
          priority: WARNING
          tags: [T1059]
          exceptions:
          - name: cron
            fields: [proc.pname, user.name]
            comps: [=, =]
            values:
            - [crond, root]
        """

    private static func event(_ fields: [String: String]) -> (FieldReference, FieldInfo) -> [FieldValue]? {
        { field, _ in fields[field.description].map { [FieldValue($0)] } }
    }

    @Test func aRuleMatchesWithItsMacroListAndException() throws {
        let (set, results) = Self.load(Self.base)
        #expect(results[0].errors.isEmpty && results[0].warnings.isEmpty)
        var detector = try #require(set.detector("syscall"))
        var fields = ["evt.type": "execve", "proc.name": "sh", "proc.pname": "nginx", "user.name": "root"]
        #expect(detector.match(Self.event(fields)).map(\.name) == ["Shell"])
        #expect(set.rules[0].output.text(Self.event(fields)) == "shell sh by root")
        fields["proc.pname"] = "crond"
        #expect(detector.match(Self.event(fields)).isEmpty)
        fields["proc.pname"] = "nginx"
        fields["evt.type"] = "open"
        #expect(detector.match(Self.event(fields)).isEmpty)
    }

    @Test func ofAKeyThatStandsTwiceTheFirstCounts() throws {
        let (set, results) = Self.load(
            """
            - rule: Twice
              desc: A condition stands twice.
              condition: evt.type = execve
              condition: evt.type = open
              output: first
              output: second
              priority: WARNING
            """)
        #expect(results[0].errors.isEmpty)
        var detector = try #require(set.detector("syscall"))
        #expect(detector.match(Self.event(["evt.type": "execve"])).map(\.name) == ["Twice"])
        #expect(set.rules[0].output.template == "first")
    }

    @Test func anExplanationNamesMacroListAndTheNearestException() throws {
        let (set, _) = Self.load(Self.base)
        var detector = try #require(set.detector("syscall"))
        let fields = ["evt.type": "execve", "proc.name": "sh", "proc.pname": "cron", "user.name": "root"]
        let explanation = detector.explain(set.rules[0], lists: set.lists, Self.event(fields))
        #expect(explanation.matches)
        #expect(explanation.steps.contains { $0.macro == "started" && $0.text == "evt.type = execve" })
        #expect(explanation.steps.contains { $0.list == "shells" })
        #expect(explanation.nearest?.name == "cron" && explanation.nearest?.missing == ["proc.pname = crond"])
    }

    @Test func laterFilesAppendAndOverride() throws {
        let (set, results) = Self.load(
            Self.base,
            """
            - list: shells
              items: [zsh]
              override: {items: append}
            - rule: Shell
              condition: and user.name != build
              priority: CRITICAL
              override: {condition: append, priority: replace}
            """)
        #expect(results.allSatisfy { $0.errors.isEmpty })
        #expect(set.rules[0].priority == .critical)
        var detector = try #require(set.detector("syscall"))
        var fields = ["evt.type": "execve", "proc.name": "zsh", "proc.pname": "x", "user.name": "root"]
        #expect(detector.match(Self.event(fields)).count == 1)
        fields["user.name"] = "build"
        #expect(detector.match(Self.event(fields)).isEmpty)
    }

    @Test(arguments: [
        ("- rule: a", "LOAD_ERR_YAML_VALIDATE", 1, 3),
        ("a: b", "LOAD_ERR_YAML_VALIDATE", 1, 1),
        ("- macro: [", "LOAD_ERR_YAML_PARSE", 1, 11),
        ("- macro: m\n  condition: other", "LOAD_ERR_VALIDATE", 1, 3),
        (
            "- rule: a\n  desc: b\n  condition: proc.none = 1\n  output: c\n  priority: INFO",
            "LOAD_ERR_COMPILE_CONDITION", 3, 14
        ),
        (
            "- rule: a\n  desc: b\n  condition: evt.num = 1\n  output: \"%none.field\"\n  priority: INFO",
            "LOAD_ERR_COMPILE_OUTPUT", 4, 11
        ),
        ("- required_engine_version: 99.0.0", "LOAD_ERR_VALIDATE", 1, 3),
        (
            "- rule: a\n  desc: b\n  condition: evt.num = 1\n  output: c\n  priority: loud", "LOAD_ERR_YAML_VALIDATE",
            5, 13
        ),
    ])
    func aBrokenFileIsRefusedWithItsCodeAndPlace(_ text: String, _ code: String, _ line: Int, _ column: Int) {
        let (_, results) = Self.load(text)
        let error = results[0].errors.first
        #expect(error?.code.rawValue == code)
        #expect([error?.line, error?.column].map { $0 ?? 0 } == [line, column])
    }

    @Test func aFailedFileLeavesTheRulesAsTheyWere() {
        let (set, results) = Self.load(Self.base, "- macro: [")
        #expect(!results[1].isSuccessful)
        #expect(set.rules.map(\.name) == ["Shell"])
    }

    @Test func anUnknownFieldIsSkippedWhereTheRuleAsksForIt() {
        let (set, results) = Self.load(
            """
            - rule: a
              desc: b
              condition: proc.none = 1
              output: c
              priority: INFO
              skip-if-unknown-filter: true
            """)
        #expect(set.rules.isEmpty && results[0].warnings.map(\.code) == [.unknownFilter])
    }

    @Test func ourOwnRulesLoadWithoutAWord() {
        var set = RuleSet(appendedOutput: RuleSet.containerOutput)
        for source in OwnRules.sources {
            let result = set.load(source)
            #expect(result.errors.isEmpty && result.warnings.isEmpty, "\(result.errors) \(result.warnings)")
        }
        #expect(set.rules.allSatisfy { !$0.techniques.isEmpty })
    }

    @Test func macrosThatDoubleAtEveryLevelCostNoMoreThanTheyAreLong() throws {
        var text = "- macro: m0\n  condition: evt.type = execve and proc.name regex abc\n"
        for i in 1...200 { text += "- macro: m\(i)\n  condition: (m\(i - 1) and m\(i - 1)) or m\(i - 1)\n" }
        text += "- rule: r\n  desc: d\n  condition: m200\n  output: o\n  priority: INFO\n"
        let (set, results) = Self.load(text)
        #expect(results[0].errors.isEmpty)
        var detector = try #require(set.detector("syscall"))
        #expect(detector.match(Self.event(["evt.type": "execve", "proc.name": "abc"])).count == 1)
    }

    @Test func listsThatDoubleAtEveryLevelAreRefused() {
        var text = ""
        for i in 0..<40 { text += "- list: l\(i)\n  items: [l\(i + 1), l\(i + 1)]\n" }
        text += "- list: l40\n  items: [x]\n"
        text += "- rule: r\n  desc: d\n  condition: proc.name in (l0)\n  output: o\n  priority: INFO\n"
        let (set, results) = Self.load(text)
        #expect(results[0].errors.map(\.code) == [.compileCondition])
        #expect(set.rules.isEmpty)
    }

    /// Everything a hand can break in a rule file, with Falco's code for it.
    @Test(arguments: [
        ("foo: bar", "LOAD_ERR_YAML_VALIDATE"), ("text", "LOAD_ERR_YAML_VALIDATE"), ("- [1", "LOAD_ERR_YAML_PARSE"),
        ("- 7", "LOAD_ERR_YAML_VALIDATE"), ("- rule:\n  desc: d", "LOAD_ERR_YAML_VALIDATE"),
        ("- list: l\n  items: 3", "LOAD_ERR_YAML_VALIDATE"),
        ("- macro: m\n  condition: (evt.type = open", "LOAD_ERR_COMPILE_CONDITION"),
        (rule("evt.type = "), "LOAD_ERR_COMPILE_CONDITION"), (rule("no.such = 1"), "LOAD_ERR_COMPILE_CONDITION"),
        (rule("unknown_macro"), "LOAD_ERR_VALIDATE"), (rule("proc.pid = x"), "LOAD_ERR_COMPILE_CONDITION"),
        (rule("proc.name regex '('"), "LOAD_ERR_COMPILE_CONDITION"),
        (rule("proc.name = a", output: "%no.such"), "LOAD_ERR_COMPILE_OUTPUT"),
        (rule("proc.name = a", priority: "LOUD"), "LOAD_ERR_YAML_VALIDATE"),
        ("- required_engine_version: 99.0.0", "LOAD_ERR_VALIDATE"),
        (rule(String(repeating: "(", count: 5000) + "evt.num = 1"), "LOAD_ERR_COMPILE_CONDITION"),
    ])
    func whatIsBrokenHasFalcosCodeAndAPlace(_ text: String, _ code: String) throws {
        let (set, results) = Self.load(text)
        let error = try #require(results[0].errors.first)
        #expect(error.code.rawValue == code)
        #expect(error.line >= 1 && error.column >= 1)
        #expect(set.rules.isEmpty)
    }

    private static func rule(_ condition: String, output: String = "o", priority: String = "INFO") -> String {
        "- rule: r\n  desc: d\n  condition: \(condition)\n  output: \"\(output)\"\n  priority: \(priority)\n"
    }

    @Test(arguments: [
        (base, "ok"), ("", "none"), ("a: 1", "failed for <root>: Value type not permitted by 'type' constraint."),
        ("- macro: m\n  nope: 1", unknown("<root>[0]", "nope")),
        (
            "- rule: r\n  priority: error",
            "failed for <root>[0][priority]: Failed to match against any enum values."
        ),
        (
            "- rule: r\n  exceptions:\n  - fields: a",
            "failed for <root>[0][exceptions][0]: Missing required property 'name'."
        ),
        (
            "- rule: r\n  override: {condition: replce}",
            "failed for <root>[0][override][condition]: Failed to match against any enum values."
        ),
        ("- rule: r\n- list: l\n  items: [a]\n  x: 1", unknown("<root>[1]", "x")),
        (
            "- rule: r\n  enabled: maybe",
            "failed for <root>[0][enabled]: Value type not permitted by 'type' constraint."
        ),
    ])
    func theShapeOfAFileIsToldAsFalcoTellsIt(_ text: String, _ status: String) {
        #expect(Self.load(text).1[0].schema.description == status)
    }

    private static func unknown(_ place: String, _ key: String) -> String {
        "failed for \(place): Object contains a property that could not be validated using 'properties' or "
            + "'additionalProperties' constraints: '\(key)'."
    }

    @Test func endlessNewValuesTakeBoundedRoom() throws {
        let (set, _) = Self.load(
            """
            - rule: r
              desc: d
              condition: proc.name = val(proc.pname) and fd.name startswith /tmp
              output: o
              priority: INFO
            """)
        var detector = try #require(set.detector("syscall"))
        func run(_ range: Range<Int>) -> Int {
            range.count { i in
                detector.match(
                    Self.event(["proc.name": "p\(i)", "proc.pname": "p\(i / 2 * 2)", "fd.name": "/tmp/\(i)"])
                ).count == 1
            }
        }
        let first = run(0..<10_000)
        let room = detector.matcher.footprint
        let second = run(10_000..<20_000)
        #expect(first == 5000 && second == 5000)
        #expect(detector.matcher.footprint < room + 1000)
    }

    /// Rows and nodes, whatever the cache holds, answer as the tree does.
    @Test func theMatcherAgreesWithTheTree() throws {
        let fields = ["proc.name", "fd.name", "user.name", "proc.pname"]
        let values = ["sh", "bash", "/etc/passwd", "/etc/x", "root", ""]
        var state: UInt64 = 7
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        func condition(_ depth: Int) -> String {
            switch depth > 3 ? 3 : next(4) {
            case 0: return "(\(condition(depth + 1)) and \(condition(depth + 1)))"
            case 1: return "(\(condition(depth + 1)) or \(condition(depth + 1)))"
            case 2: return "not (\(condition(depth + 1)))"
            default:
                let field = fields[next(fields.count)]
                let value = "\"\(values[next(values.count)])\""
                return [
                    "\(field) = \(value)", "\(field) startswith \(value)", "\(field) contains \(value)",
                    "\(field) != \(value)", "\(field) exists", "\(field) in (\(value), zz)",
                    "\(field) endswith \(value)",
                ][next(7)]
            }
        }
        func holds(_ condition: Condition, _ event: [String: String]) -> Bool {
            switch condition {
            case .and(let children, _): return children.allSatisfy { holds($0, event) }
            case .or(let children, _): return children.contains { holds($0, event) }
            case .not(let child, _): return !holds(child, event)
            case .exists(.field(let field, _), _): return event[field.name] != nil
            case .check(.field(let field, _), let comparison, let right, _):
                guard let value = event[field.name] else { return false }
                let wanted: [String]
                switch right {
                case .value(let bytes, _): wanted = [bytes.asText]
                case .values(let all, _): wanted = all.map(\.asText)
                case .operand: return false
                }
                switch comparison.operator {
                case .equal: return value == wanted[0]
                case .notEqual: return value != wanted[0]
                case .startswith: return value.hasPrefix(wanted[0])
                case .endswith: return value.hasSuffix(wanted[0])
                case .contains: return wanted[0].isEmpty || value.contains(wanted[0])
                case .in: return wanted.contains(value)
                default: return false
                }
            default: return false
            }
        }
        for _ in 0..<300 {
            let conditions = try (0..<70).map { _ in try ConditionParser.parse(condition(0)) }
            var builder = ProgramBuilder(.syscall)
            var roots: [Int] = []
            for condition in conditions { roots.append(try builder.compile(condition)) }
            var matcher = Matcher(builder.program, roots: roots, largestTable: 2)
            for _ in 0..<10 {
                var event: [String: String] = [:]
                for field in fields where next(5) > 0 { event[field] = values[next(values.count)] }
                var record = matcher.blank
                for (slot, info) in builder.program.slots.enumerated() {
                    if let value = event[info.field.name] { matcher.set(slot, [FieldValue(value)], in: &record) }
                }
                let found = matcher.match(record)
                #expect(found == conditions.indices.filter { holds(conditions[$0], event) })
            }
        }
    }
}
