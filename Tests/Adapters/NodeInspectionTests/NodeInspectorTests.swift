import Testing

@testable import NodeInspection

@Suite("Patterns of paths") struct PatternTests {
    @Test(arguments: [
        ("a.crt", "*.crt", true), ("a.crt.bak", "*.crt", false), ("x", "*", true), ("master-vol-1", "master-vol-*", true),
        ("ab", "a*b", true), ("a", "a*a", false), ("axxbyyc", "a*b*c", true), ("axxc", "a*b*c", false),
    ])
    func match(_ name: String, _ pattern: String, _ wanted: Bool) {
        #expect(NodeInspector.matches(name, pattern) == wanted)
    }
}
