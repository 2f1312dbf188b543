package import CISBenchmark
import Documents
import Kubernetes

/// What to change for a failing control, and what that does.
package struct CISRemedy: Sendable {
    /// The control's advice, or the exact change.
    package var text: String
    /// The file to change, where it is known.
    package var file: String?
    /// The change was written into a copy and everything was judged again; nil where there is no text to write.
    package var effect: Effect?

    package struct Effect: Sendable, Hashable {
        /// Controls that pass afterwards and did not before.
        package var closes: [String]
        /// Controls that fail afterwards and did not before. A change that opens something is not offered as a remedy.
        package var opens: [String]

        package init(closes: [String], opens: [String]) {
            self.closes = closes
            self.opens = opens
        }
    }
}

extension CISPosture {
    /// The remedies of a report's failing controls, by id.
    package static func remedies(_ report: CISReport, _ input: CISInput) -> [String: CISRemedy] {
        var out: [String: CISRemedy] = [:]
        let benchmark = CISBenchmark(input)
        for result in report.results where result.outcome == .fail {
            out[result.control.id] = remedy(result, benchmark, report)
        }
        return out
    }

    private static func remedy(_ result: CISResult, _ benchmark: CISBenchmark, _ report: CISReport) -> CISRemedy {
        let control = result.control
        let files = result.deciding.compactMap { part -> String? in
            if case .fileMode(let path) = part.provenance { return path }
            return nil
        }
        if let command = control.fileCommand, !files.isEmpty {
            return CISRemedy(text: "\(command) \(files.joined(separator: " "))", file: nil, effect: nil)
        }
        guard let change = benchmark.change(for: control) else {
            return CISRemedy(text: control.rule.remedy, file: nil, effect: nil)
        }
        // The change is judged in a copy of everything that was seen.
        let before = Dictionary(report.results.map { ($0.control.id, $0.outcome) }, uniquingKeysWith: { a, _ in a })
        let after = CISBenchmark(change.apply(to: benchmark.input))
        var effect = CISRemedy.Effect(closes: [], opens: [])
        for control in benchmark.catalogue.controls {
            guard let old = before[control.id] else { continue }
            let new = after.result(control).outcome
            if old == .fail, new.isPass { effect.closes.append(control.id) }
            if old != .fail, new == .fail { effect.opens.append(control.id) }
        }
        guard effect.closes.contains(control.id), effect.opens.isEmpty else {
            return CISRemedy(text: control.rule.remedy, file: change.object.file, effect: nil)
        }
        // What writes the manifests anew at each start is told by its own configuration.
        if let told = change.told(by: report.platform) {
            return CISRemedy(text: told.text, file: told.file, effect: effect)
        }
        return CISRemedy(text: change.text, file: change.object.file.isEmpty ? nil : change.object.file, effect: effect)
    }
}
