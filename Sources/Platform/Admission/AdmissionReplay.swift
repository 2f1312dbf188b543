package import Documents
package import Findings
import Kubernetes

/// Runs recorded requests against a policy: what it would have refused, of whom, how often.
///
/// What was let in becomes part of the cluster as it was then, so that pods find the owners that were told of them.
package struct AdmissionReplay: Sendable {
    /// What one rule would have refused.
    package struct Tally: Sendable {
        package var rule: Rule
        package var count = 0
        package var users: [String: Int] = [:]
        package var subjects: [String: Int] = [:]
    }

    private var reviewer: AdmissionReviewer
    private let images: (any RecalledImages)?
    private let today: CalendarDate
    package private(set) var events = 0
    package private(set) var requests = 0
    package private(set) var refused = 0
    package private(set) var warned = 0
    package private(set) var byRule: [String: Tally] = [:]
    package private(set) var byUser: [String: Int] = [:]
    /// Changes that could not be judged, by reason.
    package private(set) var unseen: [String: Int] = [:]

    /// Names kept of each rule; a log of a year has more than anybody reads.
    private static let mostNames = 1000

    /// - Parameter images: what is remembered of images; nil where nothing is, so that they are counted as not judged.
    package init(_ reviewer: AdmissionReviewer, images: (any RecalledImages)? = nil, today: CalendarDate) {
        self.reviewer = reviewer
        self.images = images
        self.today = today
    }

    /// Takes one line of a log in: an event.
    package mutating func take(_ line: [UInt8]) {
        guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) else { return }
        let root: Node
        do throws(DocumentError) {
            root = try DocumentReader.readJSON(SourceText(name: "", bytes: line))
        } catch {
            unseen["a line that is no JSON", default: 0] += 1
            return
        }
        take(root)
    }

    package mutating func take(_ event: Node) {
        if event["kind"].equals("EventList") {
            for item in event["items"].elements { take(item.asRoot) }
            return
        }
        events += 1
        switch ReviewRequest.recorded(event) {
        case .nothing: return
        case .unseen(let why): unseen[why, default: 0] += 1
        case .request(let request):
            requests += 1
            let answers = images.map { images in
                // What the door said at the time that a tag stood for counts more than what it stands for now.
                let noted = event["annotations"]["admission.martlet.dev/images"].string.map(ImageAnswer.digests) ?? [:]
                return reviewer.answers(for: request, from: images, known: noted)
            }
            let decision = reviewer.decide(request, images: answers ?? [:], today: today)
            note(decision, request)
            // Only what has an identity of the server's can own anything.
            guard let object = request.object, object.uid != nil || object.is("Namespace"), !object.is("Pod"),
                object.is("Namespace") || !object.podTemplates.isEmpty
            else { return }
            reviewer.apply(.modified(object))
        }
    }

    private mutating func note(_ decision: AdmissionDecision, _ request: ReviewRequest) {
        if decision.judged.contains(where: { $0.fate == .warned }) { warned += 1 }
        for judged in decision.judged where judged.fate == .notObservable {
            let id = judged.finding.rule.id
            if id.hasPrefix("custom/") { unseen["an error of evaluation of \(id)", default: 0] += 1 }
            if id == ImageRules.unknown.id { unseen["an image of which nothing is known here", default: 0] += 1 }
        }
        guard decision.outcome == .refused else { return }
        refused += 1
        let user = request.admission.username
        if byUser[user] != nil || byUser.count < Self.mostNames { byUser[user, default: 0] += 1 }
        let subject = (request.object ?? request.oldObject).map { "\($0.reference)" } ?? request.admission.name
        for finding in decision.refusals {
            var tally = byRule[finding.rule.id] ?? Tally(rule: finding.rule)
            tally.count += 1
            if tally.users[user] != nil || tally.users.count < Self.mostNames { tally.users[user, default: 0] += 1 }
            if tally.subjects[subject] != nil || tally.subjects.count < Self.mostNames {
                tally.subjects[subject, default: 0] += 1
            }
            byRule[finding.rule.id] = tally
        }
    }

    /// What a person reads.
    package var text: String {
        var lines = ["\(requests) requests of \(events) events: \(refused) would be refused, \(warned) warned of"]
        for tally in byRule.values.sorted(by: { ($1.count, $0.rule.id) < ($0.count, $1.rule.id) }) {
            lines.append("")
            lines.append("\(tally.rule.id) (\(tally.rule.severity.rawValue)): \(tally.count) refusals")
            lines.append("    by \(Self.top(tally.users))")
            lines.append("    of \(Self.top(tally.subjects))")
        }
        if !unseen.isEmpty {
            lines.append("")
            for (why, count) in unseen.sorted(by: { $0.key < $1.key }) { lines.append("not judged: \(count) × \(why)") }
        }
        return lines.joined(separator: "\n")
    }

    private static func top(_ names: [String: Int]) -> String {
        let sorted = names.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let told = sorted.prefix(5).map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
        return sorted.count > 5 ? "\(told) and \(sorted.count - 5) more" : told
    }
}
