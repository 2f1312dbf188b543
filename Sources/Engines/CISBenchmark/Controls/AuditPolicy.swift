import Documents

/// An audit policy, asked what it does with a request.
///
/// Standard: `audit.k8s.io/v1`, `Policy`: the first rule that matches decides; what no rule matches is not logged. A rule
/// without users, verbs, namespaces or resources matches all of them.
struct AuditPolicy {
    enum Level: String, Comparable {
        case none = "None"
        case metadata = "Metadata"
        case request = "Request"
        case requestResponse = "RequestResponse"

        private var rank: Int {
            switch self {
            case .none: 0
            case .metadata: 1
            case .request: 2
            case .requestResponse: 3
            }
        }
        static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
    }

    struct Request {
        var verb: String
        var group: String
        var resource: String
        var subresource = ""
    }

    struct Gap {
        var message: String
        var rule: Node?
    }

    private let rules: [Node]

    init(_ root: Node) { rules = Array(root["rules"].elements) }

    /// The level of a request by any user in any namespace, and the rule that gives it.
    ///
    /// A rule that names users, groups or namespaces speaks of some requests only, so the request passes it by; what
    /// it drops for those is the business of whoever wrote their names.
    func level(_ request: Request) -> (level: Level, rule: Node?) {
        for rule in rules where matches(rule, request) {
            return (rule["level"].string.flatMap(Level.init) ?? .none, rule)
        }
        return (.none, nil)
    }

    private func matches(_ rule: Node, _ request: Request) -> Bool {
        guard rule["users"].isEmpty, rule["userGroups"].isEmpty, rule["namespaces"].isEmpty else { return false }
        let verbs = rule["verbs"].strings
        guard verbs.isEmpty || verbs.contains(request.verb) else { return false }
        let resources = Array(rule["resources"].elements)
        guard !resources.isEmpty else { return rule["nonResourceURLs"].isEmpty }
        return resources.contains { entry in
            guard (entry["group"].string ?? "") == request.group, entry["resourceNames"].isEmpty else { return false }
            let names = entry["resources"].strings
            guard !names.isEmpty else { return true }
            return names.contains { Self.covers($0, request) }
        }
    }

    /// `pods`, `pods/log`, `pods/*`, `*/scale`, `*`. A bare name does not cover subresources.
    private static func covers(_ pattern: String, _ request: Request) -> Bool {
        if pattern == "*" { return true }
        let full = request.subresource.isEmpty ? request.resource : "\(request.resource)/\(request.subresource)"
        if pattern == full { return true }
        guard !request.subresource.isEmpty else { return false }
        return pattern == "\(request.resource)/*" || pattern == "*/\(request.subresource)"
    }

    /// What the benchmark asks for and the policy does not give.
    var gaps: [Gap] {
        var gaps: [Gap] = []
        func ask(_ name: String, _ request: Request, exactly wanted: Bool) {
            let (level, rule) = level(request)
            if level == .none {
                gaps.append(Gap(message: "\(name) (\(request.verb)) is not logged", rule: rule))
            } else if wanted, level > .metadata {
                gaps.append(Gap(message: "\(name) (\(request.verb)) is logged with its content", rule: rule))
            }
        }
        for verb in ["get", "list", "create", "update"] {
            ask("access to secrets", Request(verb: verb, group: "", resource: "secrets"), exactly: true)
            ask("access to configmaps", Request(verb: verb, group: "", resource: "configmaps"), exactly: true)
        }
        ask(
            "a token review", Request(verb: "create", group: "authentication.k8s.io", resource: "tokenreviews"),
            exactly: true)
        for verb in ["create", "update", "patch", "delete"] {
            ask("a change of pods", Request(verb: verb, group: "", resource: "pods"), exactly: false)
            ask("a change of deployments", Request(verb: verb, group: "apps", resource: "deployments"), exactly: false)
        }
        for (resource, subresource) in [
            ("pods", "exec"), ("pods", "portforward"), ("pods", "proxy"), ("services", "proxy"),
        ] {
            for verb in ["get", "create"] {
                ask(
                    "\(resource)/\(subresource)",
                    Request(verb: verb, group: "", resource: resource, subresource: subresource), exactly: false)
            }
        }
        // One gap of each kind is enough to tell.
        var seen: Set<String> = []
        return gaps.filter { gap in seen.insert(String(gap.message.prefix { $0 != "(" })).inserted }
    }

    /// The verdict on a policy.
    static func judged(_ root: Node, _ part: (CISOutcome, String, Node) -> CISPart) -> CISPart {
        let gaps = AuditPolicy(root).gaps
        guard let gap = gaps.first else {
            return part(.pass, "the audit policy covers what matters and logs no secret", root["rules"])
        }
        return part(.fail, gaps.map(\.message).joined(separator: "; "), gap.rule ?? root["rules"])
    }
}
