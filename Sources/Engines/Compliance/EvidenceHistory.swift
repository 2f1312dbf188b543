package import Documents
package import Findings

/// What was found over time: when scans ran, and what changed from one to the next.
///
/// The hub's store keeps it; a file gives it in the same form:
///
/// ```yaml
/// scans:
/// - {at: "2026-01-01T02:00:00Z", version: 0.9.0, complete: true}
/// changes:
/// - at: "2026-01-14T10:03:00Z"
///   check: pod/host-port
///   subject: Deployment shop/web
///   outcome: fail                 # fail, pass, waived, notObservable
///   actor: ada                    # who changed the object, where it is known
/// ```
package struct EvidenceHistory: Sendable {
    package struct Scan: Sendable, Hashable {
        package var at: Moment
        package var version: String
        /// Whether everything that was to be seen was seen.
        package var isComplete: Bool

        package init(at: Moment, version: String = "", isComplete: Bool = true) {
            self.at = at
            self.version = version
            self.isComplete = isComplete
        }
    }

    /// A check came to another outcome on one subject.
    package struct Change: Sendable, Hashable {
        package var at: Moment
        package var check: String
        package var subject: String
        package var outcome: Outcome
        package var actor: String?

        package init(at: Moment, check: String, subject: String, outcome: Outcome, actor: String? = nil) {
            self.at = at
            self.check = check
            self.subject = subject
            self.outcome = outcome
            self.actor = actor
        }
    }

    /// By time.
    package let scans: [Scan]
    /// By time, then check and subject.
    package let changes: [Change]
    /// The longest time between two scans that still counts as watched.
    package let greatestGap: Int

    /// - Parameter greatestGap: seconds; 26 hours let a daily scan be two hours late.
    package init(scans: [Scan], changes: [Change], greatestGap: Int = 26 * 3600) {
        self.scans = scans.sorted { ($0.at, $0.version) < ($1.at, $1.version) }
        self.changes = changes.sorted { ($0.at, $0.check, $0.subject) < ($1.at, $1.check, $1.subject) }
        self.greatestGap = greatestGap
    }

    package static func read(_ source: SourceText) -> (history: EvidenceHistory, problems: [Problem]) {
        let set = DocumentReader.read(source)
        var problems = set.problems.map {
            Problem(.invalid, code: $0.code.rawValue, $0.message, location: $0.location)
        }
        func report(_ node: Node, _ message: String) {
            problems.append(Problem(.invalid, code: "history", message, location: node.location))
        }
        var scans: [Scan] = []
        var changes: [Change] = []
        for root in set.documents.map(\.root) where !root.isNull {
            if !root["scans"].isArray { report(root["scans"], "expected a list \"scans\"") }
            for node in root["scans"].elements {
                guard let at = Moment(node["at"].text ?? "") else {
                    report(node["at"], "expected \"at\": when the scan ran, such as 2026-01-01T02:00:00Z")
                    continue
                }
                scans.append(
                    Scan(at: at, version: node["version"].text ?? "", isComplete: node["complete"].bool ?? true))
            }
            for node in root["changes"].elements {
                guard let at = Moment(node["at"].text ?? "") else {
                    report(node["at"], "expected \"at\": when it changed")
                    continue
                }
                guard let check = node["check"].string, let subject = node["subject"].string,
                    let outcome = node["outcome"].string.flatMap(Outcome.init)
                else {
                    report(node, "expected \"check\", \"subject\" and \"outcome\": pass, fail, waived or notObservable")
                    continue
                }
                changes.append(
                    Change(at: at, check: check, subject: subject, outcome: outcome, actor: node["actor"].string))
            }
        }
        return (EvidenceHistory(scans: scans, changes: changes), problems)
    }
}

/// Why a period cannot be told of.
package struct PeriodError: Error, Equatable {
    package enum Code: Sendable { case noData, beforeData, afterData }
    package var code: Code
    package var message: String
}

/// How long a control was in which state.
package struct StateTime: Sendable, Hashable {
    /// A stretch of one state.
    package struct Stretch: Sendable, Hashable {
        package var from: Moment
        package var to: Moment
        package var state: ControlOutcome
        /// What failed, as `check subject`, at most the first of many.
        package var because: String
        package var seconds: Int { to.seconds - from.seconds }
    }

    package var stretches: [Stretch]
    /// Scans in the period.
    package var scans: Int

    package func seconds(_ state: ControlOutcome) -> Int {
        stretches.reduce(0) { $0 + ($1.state == state ? $1.seconds : 0) }
    }
}

extension EvidenceHistory {
    /// The state of a set of checks over a period, second by second.
    ///
    /// It fails while any of them fails somewhere, is waived while the rest is, and passes otherwise. What lies before
    /// the first scan, behind the last, or in a gap longer than `greatestGap`, is not observable: nobody looked.
    package func states(of isWanted: (String) -> Bool, over period: Period) throws(PeriodError) -> StateTime {
        guard let first = scans.first, let last = scans.last else {
            throw PeriodError(code: .noData, message: "there is no history; a period needs the scans of that time")
        }
        guard first.at < period.end else {
            throw PeriodError(
                code: .beforeData,
                message: "the period \(period.description) ends before the first scan on \(first.at.day)")
        }
        guard last.at.seconds + greatestGap > period.start.seconds else {
            throw PeriodError(
                code: .afterData,
                message: "the period \(period.description) begins after the last scan on \(last.at.day)")
        }
        var timeline = Timeline(period: period)
        let watched = watchedTimes()
        var next = 0
        var position = 0
        let own = changes.filter { isWanted($0.check) && $0.outcome != .notApplicable }
        var marks: Set<Moment> = [period.start, period.end]
        for change in own where period.contains(change.at) { marks.insert(change.at) }
        for stretch in watched {
            for moment in [stretch.start, stretch.end] where period.contains(moment) { marks.insert(moment) }
        }
        let times = marks.sorted()
        for (from, to) in zip(times, times.dropFirst()) {
            while position < own.count, own[position].at <= from {
                timeline.take(own[position])
                position += 1
            }
            while next < watched.count, watched[next].end <= from { next += 1 }
            let isWatched = next < watched.count && watched[next].start <= from
            timeline.add(from, to, isWatched: isWatched)
        }
        return StateTime(
            stretches: timeline.stretches, scans: scans.count { period.contains($0.at) })
    }

    /// From each scan until the next, or until it is too old.
    private func watchedTimes() -> [(start: Moment, end: Moment)] {
        var out: [(start: Moment, end: Moment)] = []
        for scan in scans {
            let end = Moment(seconds: scan.at.seconds + greatestGap)
            if let last = out.last, scan.at <= last.end {
                out[out.count - 1].end = end
            } else {
                out.append((scan.at, end))
            }
        }
        return out
    }

    /// What is wrong at the moment, and the stretches so far.
    private struct Timeline {
        let period: Period
        var failing: Set<String> = []
        var waived: Set<String> = []
        var unseen: Set<String> = []
        var stretches: [StateTime.Stretch] = []

        mutating func take(_ change: Change) {
            let key = "\(change.check) \(change.subject)"
            failing.remove(key)
            waived.remove(key)
            unseen.remove(key)
            switch change.outcome {
            case .fail: failing.insert(key)
            case .waived: waived.insert(key)
            case .notObservable: unseen.insert(key)
            case .pass, .notApplicable: break
            }
        }

        mutating func add(_ from: Moment, _ to: Moment, isWatched: Bool) {
            let state: ControlOutcome
            var because = ""
            if !isWatched {
                state = .notObservable
                because = "no scan"
            } else if let first = failing.min() {
                state = .fail
                because = failing.count == 1 ? first : "\(first) and \(failing.count - 1) more"
            } else if let first = unseen.min() {
                state = .partly
                because = first
            } else if let first = waived.min() {
                state = .waived
                because = first
            } else {
                state = .pass
            }
            if let last = stretches.last, last.state == state, last.because == because {
                stretches[stretches.count - 1].to = to
            } else {
                stretches.append(StateTime.Stretch(from: from, to: to, state: state, because: because))
            }
        }
    }
}
