import Documents
package import Findings

/// A way from some rights to more than they say.
///
/// Source: `Resources/escalations.json`. What lies outside RBAC is said in `condition` and counts as given.
package struct EscalationEdge: Sendable {
    /// Where a right has to hold.
    enum Place: Sendable, Hashable {
        /// Everywhere: through a ClusterRoleBinding.
        case cluster
        /// In the namespace that is attacked.
        case target
        case namespace(String)
    }

    /// One right, any verb on any resource of it.
    struct Need: Sendable {
        var verbs: [String]
        var group: String
        var resources: [String]
        /// Objects that matter; empty for any.
        var names: [String]
        var paths: [String]
    }

    /// Rights of which one is enough.
    struct Line: Sendable {
        var place: Place
        var alternatives: [Need]
    }

    /// What stands at the end of a path.
    package enum Goal: String, Sendable, Hashable, CaseIterable {
        case clusterAdmin = "cluster-admin"
        case node
        case secrets
        /// Other service accounts of the namespace.
        case accounts
        case cloud
    }

    package let id: String
    package let severity: Severity
    /// What it gives, in a word: `identity`, `code-exec`, `traffic`.
    package let gain: String
    package let goal: Goal?
    /// Whether it takes over pods that run, and with them their accounts, instead of starting new ones.
    let isThroughPods: Bool
    /// Whether a namespace that enforces a level of Pod Security keeps it off.
    let isStoppedByPodSecurity: Bool
    /// All of them are needed; without any, RBAC alone does not tell.
    let lines: [Line]
    /// First and last minor version of Kubernetes it works in.
    package let since: Int?
    package let until: Int?
    package let condition: String?

    package var needsRights: Bool { !lines.isEmpty }

    package func applies(toMinor minor: Int) -> Bool { (since ?? 0) <= minor && minor <= (until ?? .max) }

    /// Every edge, in the order of the file.
    package static let all: [EscalationEdge] =
        FactFile.root(PackageResources.escalations_json, "escalations.json")["edges"].elements.map(EscalationEdge.init)

    private init(_ node: Node) {
        id = node["id"].string ?? ""
        severity = node["severity"].string.flatMap(Severity.init) ?? .medium
        gain = node["gain"].string ?? ""
        goal = node["leads"].string.flatMap(Goal.init)
        isThroughPods = node["through"].equals("pods")
        isStoppedByPodSecurity = node["stoppedBy"].exists
        lines = node["need"].strings.map(Self.line)
        since = node["since"].int
        until = node["until"].int
        condition = node["when"].string
    }

    /// `target create||pods,pods/exec| or create|apps|deployments|`
    private static func line(_ text: String) -> Line {
        let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
        let place: Place =
            switch parts[0] {
            case "cluster": .cluster
            case "target": .target
            default: .namespace(parts[0])
            }
        var needs: [Need] = []
        var rest = (parts.count == 2 ? parts[1] : "")[...]
        while !rest.isEmpty {
            let next = rest.firstRange(of: " or ")
            needs.append(need(rest[..<(next?.lowerBound ?? rest.endIndex)]))
            rest = next.map { rest[$0.upperBound...] } ?? ""
        }
        return Line(place: place, alternatives: needs)
    }

    private static func need(_ text: Substring) -> Need {
        let parts = text.split(separator: "|", omittingEmptySubsequences: false).map { part in
            part.split(separator: ",").map(String.init)
        }
        guard parts.count == 4 else {
            return Need(verbs: parts[0], group: "", resources: [], names: [], paths: parts.last ?? [])
        }
        return Need(verbs: parts[0], group: parts[1].first ?? "", resources: parts[2], names: parts[3], paths: [])
    }
}
