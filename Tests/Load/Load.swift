import Foundation

/// One load and the figures it gives.
struct Load: Sendable {
    var name: String
    var run: @Sendable () async throws -> [String]

    static let all: [Load] = [.reviews, .policies, .serving, .images, .simulation, .replay]

    static func line(_ name: String, _ figure: Double, _ unit: String, goal: String) -> String {
        "load \(name): \(String(format: figure < 10 ? "%.3f" : "%.0f", figure)) \(unit), goal \(goal)"
    }

    /// CPU time of the process, in seconds.
    static func cpu() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// Memory in use at most since the program began, in MiB.
    static func peak() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_maxrss) / 1024
    }

    static func percentile(_ values: [Double], _ part: Double) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
    }
}
