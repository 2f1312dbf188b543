package import CISBenchmark
import Kubernetes

/// The benchmark with everything that other engines know.
package enum CISPosture {
    /// Judges the whole benchmark.
    ///
    /// - Parameter accepted: subjects that are meant to hold strong rights, as `User alice` or `Group ops-*`.
    package static func report(_ input: CISInput, accepted: [String] = []) -> CISReport {
        CISBenchmark(complete(input, accepted: accepted)).report()
    }

    /// The input with the verdicts of sections 5.1 and 5.2.
    package static func complete(_ input: CISInput, accepted: [String] = []) -> CISInput {
        var input = input
        let instances = CISBenchmark(input).instances
        let rights = CISRights(input, accepted: accepted).verdicts
        let admission = CISAdmission(input, instances: instances).verdicts
        input.verdicts = rights.merging(admission) { $1 }
        return input
    }
}
