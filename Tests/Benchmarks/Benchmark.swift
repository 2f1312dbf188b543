import Foundation

/// One line of the table that `make bench` prints.
///
/// A benchmark is a value in the list of its own file; `Bench` names the lists.
struct Benchmark: Sendable {
    let name: String
    /// What the figure must reach, with its unit: `>= 300 MB/s`.
    let goal: String
    /// Measures, or says why it cannot be measured here.
    let measure: @Sendable () throws -> Outcome

    enum Outcome: Sendable {
        case figure(Double, unit: String, peer: Peer? = nil)
        case skipped(String)
    }

    /// The same work done by another program in the same run.
    struct Peer: Sendable {
        let name: String
        let figure: Double
        /// Above one where we are better.
        let ratio: Double
    }

    init(_ name: String, goal: String, measure: @escaping @Sendable () throws -> Outcome) {
        self.name = name
        self.goal = goal
        self.measure = measure
    }

    /// The line: `bench <name>: <figure> <unit>, goal <goal>[, peer <name> <figure>, ratio <r>]`.
    func line() throws -> String {
        switch try measure() {
        case .skipped(let why): return "bench \(name): skipped: \(why)"
        case .figure(let figure, let unit, let peer):
            var line = "bench \(name): \(Self.number(figure)) \(unit), goal \(goal)"
            if let peer {
                line += ", peer \(peer.name) \(Self.number(peer.figure)), ratio \(Self.number(peer.ratio))"
            }
            return line
        }
    }

    private static func number(_ value: Double) -> String {
        switch abs(value) {
        case 100...: String(format: "%.0f", value)
        case 10..<100: String(format: "%.1f", value)
        case 0.1..<10: String(format: "%.2f", value)
        default: String(format: "%.4f", value)
        }
    }
}
