/// Whether somebody's rights are enough for an edge, and for which objects.
package enum EscalationReach: Sendable, Hashable {
    case none
    /// For objects of these names only.
    case names(Set<String>)
    case any

    package var isReached: Bool { self != .none }
}

extension AccessModel {
    /// Whether `identity` has what `edge` needs against a namespace. Conditions outside RBAC count as given.
    package func reach(of identity: Identity, _ edge: EscalationEdge, against namespace: String) -> EscalationReach {
        guard edge.needsRights else { return .none }
        var result = EscalationReach.any
        var held: [String: [PolicyRule]] = [:]
        for line in edge.lines {
            let place =
                switch line.place {
                case .cluster: ""
                case .target: namespace
                case .namespace(let name): name
                }
            let rules = held[place] ?? self.rules(of: identity, in: place)
            held[place] = rules
            var best = EscalationReach.none
            for need in line.alternatives { best = Self.wider(best, need.reach(rules)) }
            switch (result, best) {
            case (_, .none): return .none
            case (.any, _): result = best
            case (_, .any): break
            case (.names(let a), .names(let b)):
                // Two lines may be about objects of two kinds; what both name is reached for sure.
                let common = a.intersection(b)
                result = .names(common.isEmpty ? a.union(b) : common)
            case (.none, _): return .none
            }
        }
        return result
    }

    private static func wider(_ a: EscalationReach, _ b: EscalationReach) -> EscalationReach {
        switch (a, b) {
        case (.any, _), (_, .any): .any
        case (.names(let a), .names(let b)): .names(a.union(b))
        case (.none, let other), (let other, .none): other
        }
    }
}

extension EscalationEdge.Need {
    /// Stands for a word that depends on what is done: the verb or resource of the impersonated request.
    private static let anyAction = "*action*"

    func reach(_ rules: [PolicyRule]) -> EscalationReach {
        var names: Set<String> = []
        for rule in rules {
            switch reach(rule) {
            case .any: return .any
            case .names(let found): names.formUnion(found)
            case .none: continue
            }
        }
        return names.isEmpty ? .none : .names(names)
    }

    /// A single rule decides: the authorizer never puts two together.
    private func reach(_ rule: PolicyRule) -> EscalationReach {
        if !paths.isEmpty {
            return verbs.contains { verb in paths.contains { rule.allows(AccessRequest(verb, path: $0)) } }
                ? .any : .none
        }
        guard group == Self.anyAction || rule.apiGroups.contains("*") || rule.apiGroups.contains(group) else {
            return .none
        }
        guard resources.contains(where: { covers($0, rule) }) else { return .none }
        if rule.resourceNames.isEmpty { return verbs.contains { has($0, rule) } ? .any : .none }
        // A right on named objects: enough where it names one that matters, by a verb that carries a name at all.
        let carrying = verbs.filter { has($0, rule) && carriesName($0) }
        guard !carrying.isEmpty else { return .none }
        if names.isEmpty { return .names(Set(rule.resourceNames)) }
        return names.contains(where: rule.resourceNames.contains) ? .any : .none
    }

    /// The server asks without a name when something is created and when all are deleted; a subresource is created
    /// below a name.
    private func carriesName(_ verb: String) -> Bool {
        switch verb {
        case "deletecollection": false
        case "create": resources.contains { $0.contains("/") }
        default: true
        }
    }

    private func has(_ verb: String, _ rule: PolicyRule) -> Bool {
        if rule.verbs.contains("*") || rule.verbs.contains(verb) { return true }
        guard let star = verb.range(of: "*verb*") else { return false }
        return rule.verbs.contains { $0.hasPrefix(verb[..<star.lowerBound]) }
    }

    private func covers(_ resource: String, _ rule: PolicyRule) -> Bool {
        if rule.resources.contains("*") || rule.resources.contains(resource) { return true }
        if resource == Self.anyAction { return !rule.resources.isEmpty }
        if resource.hasSuffix("/*key*") {
            let prefix = resource.dropLast("*key*".count)
            return rule.resources.contains { $0.hasPrefix(prefix) }
        }
        guard let slash = resource.firstIndex(of: "/") else { return false }
        return rule.resources.contains("*\(resource[slash...])")
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<String.Index>? { firstRange(of: text) }
}
