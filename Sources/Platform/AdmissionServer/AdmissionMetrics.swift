package import Admission
import Synchronization

/// What the webhook did, in the text form that Prometheus reads.
package final class AdmissionMetrics: Sendable {
    /// Upper bounds of answer times, in seconds.
    private static let bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2]
    /// Rules counted one by one; the rest together, so that nobody's policies fill the memory.
    private static let mostRules = 500

    private struct State {
        var outcomes: [String: Int] = [:]
        var fates: [String: Int] = [:]
        var buckets = [Int](repeating: 0, count: AdmissionMetrics.bounds.count + 1)
        var seconds = 0.0
        var count = 0
        var inFlight = 0
        var rejected: [String: Int] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package func note(_ decision: AdmissionDecision, seconds: Double) {
        state.withLock { state in
            state.outcomes[decision.outcome.rawValue, default: 0] += 1
            for judged in decision.judged where judged.fate == .refused || judged.fate == .warned {
                let key = "rule=\"\(judged.finding.rule.id)\",fate=\"\(judged.fate.word)\""
                let known = state.fates[key] != nil || state.fates.count < Self.mostRules
                state.fates[known ? key : "rule=\"other\",fate=\"\(judged.fate.word)\"", default: 0] += 1
            }
            state.buckets[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
            state.seconds += seconds
            state.count += 1
        }
    }

    /// A request that was not even read: too large, too slow, of a wrong type, one too many.
    package func reject(_ why: String) { state.withLock { $0.rejected[why, default: 0] += 1 } }

    /// Takes a place among those that are answered at once; false where there is none.
    package func enter(most: Int) -> Bool {
        state.withLock { state in
            guard state.inFlight < most else { return false }
            state.inFlight += 1
            return true
        }
    }

    package func leave() { state.withLock { $0.inFlight -= 1 } }

    package var inFlight: Int { state.withLock { $0.inFlight } }
    package func count(of outcome: AdmissionDecision.Outcome) -> Int {
        state.withLock { $0.outcomes[outcome.rawValue] ?? 0 }
    }

    package func text(certificateEnds: Int, rotations: Int, isReady: Bool) -> String {
        let state = state.withLock { $0 }
        var out = ""
        func head(_ name: String, _ type: String, _ help: String) {
            out += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        }
        head("martlet_admission_reviews_total", "counter", "Reviews answered, by outcome.")
        for outcome in AdmissionDecision.Outcome.allCases {
            let count = state.outcomes[outcome.rawValue] ?? 0
            out += "martlet_admission_reviews_total{outcome=\"\(outcome.rawValue)\"} \(count)\n"
        }
        head("martlet_admission_findings_total", "counter", "Findings refused or warned of, by rule.")
        for (key, count) in state.fates.sorted(by: { $0.key < $1.key }) {
            out += "martlet_admission_findings_total{\(key)} \(count)\n"
        }
        head("martlet_admission_rejected_total", "counter", "Requests that were not read, by reason.")
        for (key, count) in state.rejected.sorted(by: { $0.key < $1.key }) {
            out += "martlet_admission_rejected_total{reason=\"\(key)\"} \(count)\n"
        }
        head("martlet_admission_seconds", "histogram", "Time of an answer.")
        var sum = 0
        for (index, bound) in Self.bounds.enumerated() {
            sum += state.buckets[index]
            out += "martlet_admission_seconds_bucket{le=\"\(bound)\"} \(sum)\n"
        }
        out += "martlet_admission_seconds_bucket{le=\"+Inf\"} \(state.count)\n"
        out += "martlet_admission_seconds_sum \(state.seconds)\nmartlet_admission_seconds_count \(state.count)\n"
        head("martlet_admission_in_flight", "gauge", "Reviews being answered.")
        out += "martlet_admission_in_flight \(state.inFlight)\n"
        head("martlet_admission_certificate_end_seconds", "gauge", "When the served certificate ends, since 1970.")
        out += "martlet_admission_certificate_end_seconds \(certificateEnds)\n"
        head("martlet_admission_certificate_rotations_total", "counter", "Authorities that were replaced.")
        out += "martlet_admission_certificate_rotations_total \(rotations)\n"
        head("martlet_admission_ready", "gauge", "Whether reviews are taken.")
        out += "martlet_admission_ready \(isReady ? 1 : 0)\n"
        return out
    }
}
