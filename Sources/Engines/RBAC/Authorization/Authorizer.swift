package import Documents
package import Kubernetes

/// Why somebody may: the binding, the role it gives and the rule of the role, each with its place.
package struct Grant: Sendable {
    package var binding: KubernetesObject
    /// The entry of `subjects` that matches.
    package var subject: Subject
    package var subjectNode: Node
    package var role: RoleReference
    /// The role's object; for an aggregated role, the one the rule comes from.
    package var source: KubernetesObject
    package var rule: PolicyRule
    package var ruleNode: Node
}

extension Grant: CustomStringConvertible {
    /// `ClusterRoleBinding ops → ClusterRole view → get, list pods`.
    package var description: String {
        let through = source.name == role.name ? "" : " (from \(source.name))"
        return "\(binding.reference) → \(role)\(through) → \(rule)"
    }
}

/// The answer to "may they?".
package enum Decision: Sendable {
    /// A member of `system:masters`: nobody is asked further.
    case masters
    /// The Node authorizer says yes.
    case node
    case granted(Grant)
    /// No, and the roles that bindings of theirs name and that are not there.
    case denied(missing: [RoleReference])

    package var isAllowed: Bool {
        if case .denied = self { return false }
        return true
    }
}

extension AccessModel {
    /// Where a yes comes from, in numbers.
    struct GrantPath {
        var binding: Int32
        var principal: Int32
        var use: Int32
    }

    /// Whether RBAC (or membership of `system:masters`) allows a request. Nodes are asked of `NodeAuthorizer` too.
    package func isAllowed(_ identity: Identity, _ request: AccessRequest) -> Bool {
        identity.isMaster || firstGrant(identity, NumberedRequest(request, symbols)) != nil
    }

    /// The same with the reason.
    package func decide(_ identity: Identity, _ request: AccessRequest) -> Decision {
        if identity.isMaster { return .masters }
        if let path = firstGrant(identity, NumberedRequest(request, symbols)), let grant = grant(path) {
            return .granted(grant)
        }
        let missing = bindingsFor(identity, in: request.namespace).map { roles[Int($0.role)] }
            .filter { $0.object == nil }.map(\.reference)
        return .denied(missing: Array(Set(missing)).sorted())
    }

    private func firstGrant(_ identity: Identity, _ request: NumberedRequest) -> GrantPath? {
        if let principal = principal(isGroup: false, identity.user), let path = firstGrant(principal, request) {
            return path
        }
        for group in identity.groups {
            if let principal = principal(isGroup: true, group), let path = firstGrant(principal, request) {
                return path
            }
        }
        return nil
    }

    private func firstGrant(_ principal: Int32, _ request: NumberedRequest) -> GrantPath? {
        let entry = principals[Int(principal)]
        if let path = firstGrant(entry.clusterBindings, principal, request) { return path }
        guard let namespace = request.namespace, let own = entry.namespacedBindings[namespace] else { return nil }
        return firstGrant(own, principal, request)
    }

    private func firstGrant(_ numbers: [Int32], _ principal: Int32, _ request: NumberedRequest) -> GrantPath? {
        let words = rules.words.span
        for number in numbers {
            guard let binding = bindings[Int(number)] else { continue }
            for (position, use) in roles[Int(binding.role)].rules.enumerated()
            where RuleStore.allows(rules.entries[Int(use.rule)], words, symbols, request) {
                return GrantPath(binding: number, principal: principal, use: Int32(position))
            }
        }
        return nil
    }

    func grant(_ path: GrantPath) -> Grant? {
        guard let binding = bindings[Int(path.binding)] else { return nil }
        let role = roles[Int(binding.role)]
        let use = role.rules[Int(path.use)]
        guard let source = roles[Int(use.source)].object ?? role.object,
            let entry = binding.subjects.first(where: { $0.principal == path.principal })
        else { return nil }
        let subjectNode = binding.object.node["subjects"][Int(entry.index)]
        let namespace = binding.object.kind == "RoleBinding" ? binding.object.namespace : ""
        guard let subject = Subject(subjectNode, bindingNamespace: namespace) else { return nil }
        return Grant(
            binding: binding.object, subject: subject, subjectNode: subjectNode, role: role.reference, source: source,
            rule: rules.rule(use.rule, symbols), ruleNode: source.node["rules"][Int(use.index)])
    }

    /// Every binding that applies to somebody in a namespace ("" for cluster-wide ones only), each once, in order.
    func bindingsFor(_ identity: Identity, in namespace: String) -> [BindingEntry] {
        bindingNumbersFor(identity, in: namespace).compactMap { bindings[Int($0.binding)] }
    }

    func bindingNumbersFor(_ identity: Identity, in namespace: String) -> [(binding: Int32, principal: Int32)] {
        var own: [Int32] = []
        if let principal = principal(isGroup: false, identity.user) { own.append(principal) }
        own += identity.groups.compactMap { principal(isGroup: true, $0) }
        let place = namespace.isEmpty ? nil : symbols.find(namespace)
        var seen: Set<Int32> = []
        var out: [(binding: Int32, principal: Int32)] = []
        for principal in own {
            for number in principals[Int(principal)].clusterBindings where seen.insert(number).inserted {
                out.append((number, principal))
            }
        }
        if let place {
            for principal in own {
                for number in principals[Int(principal)].namespacedBindings[place] ?? []
                where seen.insert(number).inserted {
                    out.append((number, principal))
                }
            }
        }
        return out
    }

    /// The rules somebody holds in a namespace: the server's own resolver, order included up to that of bindings.
    package func rules(of identity: Identity, in namespace: String) -> [PolicyRule] {
        bindingsFor(identity, in: namespace).flatMap { binding in
            roles[Int(binding.role)].rules.map { rules.rule($0.rule, symbols) }
        }
    }

    /// The rules of a role; nil when it is not there.
    package func rules(of role: RoleReference) -> [PolicyRule]? {
        guard let number = roleNumbers[role], roles[Int(number)].object != nil else { return nil }
        return roles[Int(number)].rules.map { rules.rule($0.rule, symbols) }
    }

    /// The rules somebody holds, each with the chain that gives it.
    package func grants(of identity: Identity, in namespace: String) -> [Grant] {
        bindingNumbersFor(identity, in: namespace).flatMap { number, principal in
            let role = bindings[Int(number)].map { roles[Int($0.role)] }
            return (role?.rules.indices ?? 0..<0).compactMap {
                grant(GrantPath(binding: number, principal: principal, use: Int32($0)))
            }
        }
    }

    /// What `SelfSubjectRulesReview` lists: resource and path rules apart.
    package func rulesReview(of identity: Identity, in namespace: String) -> (
        resources: [PolicyRule], paths: [PolicyRule]
    ) {
        var resources: [PolicyRule] = []
        var paths: [PolicyRule] = []
        for rule in rules(of: identity, in: namespace) {
            if !rule.resources.isEmpty {
                var own = rule
                own.nonResourceURLs = []
                resources.append(own)
            }
            if !rule.nonResourceURLs.isEmpty {
                paths.append(PolicyRule(verbs: rule.verbs, nonResourceURLs: rule.nonResourceURLs))
            }
        }
        return (resources, paths)
    }
}
