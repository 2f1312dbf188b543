package import Documents
package import Findings
package import Kubernetes
import Posture

/// What a policy would say of what is there already: templates, those that run nothing at the moment too.
package struct AdmissionSimulation: Sendable {
    package struct Entry: Sendable {
        package var object: ObjectReference
        package var location: SourceLocation?
        /// "CronJob", "scaled to zero"; empty where pods run or may run.
        package var hiding: String
        package var decision: AdmissionDecision
    }

    /// What is refused or warned of, in order.
    package private(set) var entries: [Entry] = []
    package private(set) var judged = 0
    package private(set) var passed = 0
    package private(set) var exempt = 0
    /// Objects of which something could not be seen, by rule.
    package private(set) var unseen: [String: Int] = [:]

    package var refused: [Entry] { entries.filter { $0.decision.outcome == .refused } }

    /// - Parameters:
    ///   - reviewer: made over the same inventory.
    ///   - images: what is remembered of images; nil where nothing is, so that they are told as not seen.
    ///   - namespace: the only one that is looked at; nil for all.
    package init(
        _ reviewer: AdmissionReviewer, images: (any RecalledImages)? = nil, namespace: String? = nil,
        today: CalendarDate
    ) {
        let inventory = reviewer.scan.inventory
        let running = images == nil ? [:] : RunningDigests(inventory).byName
        let keys = namespace.map { name in inventory.keys(in: name) } ?? inventory.keys
        for key in keys {
            // What a controller made, its owner answers for.
            guard let object = inventory[key], object.controller == nil, Self.isAsked(object) else { continue }
            judged += 1
            let request = ReviewRequest(creating: object)
            let answers = images.map { reviewer.answers(for: request, from: $0, known: running) } ?? [:]
            let decision = reviewer.decide(request, images: answers, today: today)
            for judged in decision.judged where judged.fate == .notObservable {
                unseen[judged.finding.rule.id, default: 0] += 1
            }
            switch decision.outcome {
            case .exempt: exempt += 1
            case .allowed where !decision.judged.contains(where: { $0.fate == .warned }): passed += 1
            default:
                entries.append(
                    Entry(
                        object: object.reference, location: object.node.location, hiding: Self.hiding(object),
                        decision: decision))
            }
        }
    }

    private static let otherKinds: Set<String> = [
        "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "NetworkPolicy", "ConfigMap", "Secret", "Service",
        "Ingress", "ServiceAccount",
    ]

    private static func isAsked(_ object: KubernetesObject) -> Bool {
        otherKinds.contains(object.kind) || !object.podTemplates.isEmpty
    }

    private static func hiding(_ object: KubernetesObject) -> String {
        if object.is("CronJob", of: "batch") { return "CronJob" }
        return object.node["spec"]["replicas"].int == 0 ? "scaled to zero" : ""
    }

    /// What a person reads: each refusal with its reasons and the patch that mends it.
    package var text: String {
        var lines: [String] = []
        for entry in entries {
            let place = entry.location.map { "\($0): " } ?? ""
            let state = entry.hiding.isEmpty ? "" : " (\(entry.hiding))"
            let word = entry.decision.outcome == .refused ? "refused" : "let in with a warning"
            lines.append("\(place)\(entry.object)\(state) would be \(word)")
            if let message = entry.decision.response.status?.message {
                lines += message.split(separator: "\n").map { "    \($0)" }
            }
            lines += entry.decision.response.warnings.map { "    warning: \($0)" }
        }
        lines.append(
            "\(judged) objects: \(refused.count) refused, \(entries.count - refused.count) warned of, \(passed) passed, "
                + "\(exempt) exempt")
        for (rule, count) in unseen.sorted(by: { $0.key < $1.key }) {
            lines.append("not judged: \(rule) of \(count) \(count == 1 ? "object" : "objects"), which was not seen")
        }
        return lines.joined(separator: "\n")
    }
}
