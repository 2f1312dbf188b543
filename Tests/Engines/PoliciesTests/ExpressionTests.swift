import Documents
import Policies
import Testing

struct ExpressionTests {
    private static let environment: CELEnvironment = {
        var environment = CELEnvironment.kubernetes
        environment.variables["object"] = .dyn
        return environment
    }()

    private static func evaluate(_ text: String, object: String = "{}") throws -> CELResult {
        let node = try DocumentReader.readJSON(SourceText(name: "object", bytes: Array(object.utf8)))
        let program = try CELProgram(environment.check(text), in: environment)
        return program.evaluate(["object": CELValue(node)])
    }

    @Test(arguments: [
        ("1 + 2 * 3", "7"), ("'a' + 'b'", "ab"), ("[1, 2, 3].map(x, x * 2)", "[2, 4, 6]"),
        ("[1, 2, 3].filter(x, x > 1).size()", "2"), ("{'a': 1}.all(k, k == 'a')", "true"),
        ("has(object.spec)", "false"), ("object.?spec.?replicas.orValue(1)", "1"),
        ("true || 1 / 0 == 1", "true"), ("1 / 0 == 1 || true", "true"),
        ("quantity('1Gi').isGreaterThan(quantity('1000Mi'))", "true"), ("quantity('100m').asApproximateFloat()", "0.1"),
        ("ip('2001:DB8::1') == ip('2001:db8::1')", "true"), ("cidr('10.0.0.0/8').containsIP('10.1.2.3')", "true"),
        ("url('https://a.example:8443/p?x=1').getPort()", "8443"), ("'abc123'.find('[0-9]+')", "123"),
        ("semver('1.10.0').isGreaterThan(semver('1.9.0'))", "true"), ("'a,b,c'.split(',').join('-')", "a-b-c"),
        ("duration('90m') == duration('1h30m')", "true"), ("timestamp('2024-02-29T00:00:00Z').getDayOfYear()", "59"),
        ("-9223372036854775808", "-9223372036854775808"), ("'%s has %d'.format(['x', 3])", "x has 3"),
    ])
    func valuesAreTheLanguagesOwn(_ text: String, _ expected: String) throws {
        #expect(try Self.evaluate(text).value.plainText == expected)
    }

    @Test(arguments: [
        ("9223372036854775807 + 1", "integer overflow"), ("[1][3]", "index out of bounds: 3"),
        ("object.spec.replicas", "no such key: spec"), ("1 % 0", "modulus by zero"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "timestamp overflow"),
    ])
    func whatHasNoValueSaysWhy(_ text: String, _ expected: String) throws {
        #expect(try Self.evaluate(text).value.plainText == expected)
    }

    @Test(arguments: [
        ("1 + 'a'", "found no matching overload for '_+_' applied to '(int, string)'"),
        ("missing", "undeclared reference to 'missing' (in container '')"),
        ("duration('1d')", "invalid duration argument"),
        ("'a'.matches('(')", "invalid matches argument"), ("[1, 'a']", "expected type 'int' but found 'string'"),
        ("1 +", "Syntax error: unexpected the end"), ("if", "Syntax error: reserved identifier: if"),
    ])
    func whatDoesNotCompileSaysWhy(_ text: String, _ expected: String) {
        #expect {
            try Self.environment.check(text)
        } throws: { error in
            (error as? CELIssues)?.all.map(\.message) == [expected]
        }
    }

    @Test(arguments: [("1 + 1", 1), ("object.a.b", 3), ("[1, 2].exists(x, x == 2)", 13), ("'a' in ['a', 'b']", 0)])
    func costsAreTheServers(_ text: String, _ expected: UInt64) throws {
        #expect(try Self.evaluate(text, object: #"{"a": {"b": 1}}"#).cost == expected)
    }

    @Test func anExpressionThatCostsTooMuchIsStopped() throws {
        let list = "[\((0..<60).map(String.init).joined(separator: ","))]"
        let text = "\(list).all(a, \(list).all(b, \(list).all(c, a + b + c >= 0)))"
        #expect(try Self.evaluate(text).value.plainText == CELError.costLimit.message)
    }

    @Test(arguments: ["(", "[", "{", "has("])
    func deepNestingIsRefused(_ opening: String) {
        let text = String(repeating: opening, count: 5000) + "1"
        #expect(throws: CELIssues.self) { try Self.environment.check(text) }
    }

    @Test func noTextTraps() {
        var generator = SystemSeed(state: 7)
        let pieces = [
            "object", ".", "a", "1", "'x'", "+", "(", ")", "[", "]", "{", "}", "has(", ".all(x,", "?", ":", "\\", "\"",
            "in ", "u", "0x",
        ]
        for _ in 0..<4000 {
            let text = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &generator)]
            }.joined()
            guard let checked = try? Self.environment.check(text),
                let program = try? CELProgram(checked, in: Self.environment)
            else { continue }
            _ = program.evaluate([:])
        }
    }
}

/// A small generator that gives the same numbers every time.
struct SystemSeed: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}
