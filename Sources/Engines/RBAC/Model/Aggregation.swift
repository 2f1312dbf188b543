import Kubernetes

/// `aggregationRule` of a ClusterRole: its rules are those of the roles it selects.
struct AggregationRule: Sendable {
    /// In the order written.
    var selectors: [LabelSelector]

    /// Nil where there is none, or none with a selector: such a role keeps the rules written in it.
    init?(_ object: KubernetesObject) {
        selectors = object.node["aggregationRule"]["clusterRoleSelectors"].elements.compactMap(LabelSelector.init)
        guard !selectors.isEmpty else { return nil }
    }
}

extension AccessModel {
    /// Fills in the rules of aggregated ClusterRoles as the controller does, again and again until nothing changes.
    ///
    /// Source: `pkg/controller/clusterroleaggregation`: selectors in order, what each selects by name, each rule once,
    /// never the role itself. Roles that select one another end with the same rules; sets only grow, so this ends. A
    /// role whose selectors find nothing keeps what is written in it.
    mutating func aggregate() {
        guard !aggregated.isEmpty else { return }
        let order = aggregated.sorted { roles[Int($0)].reference < roles[Int($1)].reference }
        let clusterRoles = roles.indices.filter {
            roles[$0].reference.kind == .clusterRole && roles[$0].object != nil
        }.sorted { roles[$0].reference < roles[$1].reference }
        let labels = clusterRoles.map { roles[$0].object?.labels ?? [:] }
        let selected: [[Int]] = order.map { number in
            guard let object = roles[Int(number)].object, let rule = AggregationRule(object) else { return [] }
            return rule.selectors.flatMap { selector in
                zip(clusterRoles, labels).filter { $0.0 != Int(number) && selector.matches($0.1) }.map(\.0)
            }
        }
        func aggregates(_ members: [Int]) -> Bool { !members.isEmpty || aggregation == .controller }
        // From the start: what was aggregated before may be gone.
        for (number, members) in zip(order, selected) where aggregates(members) { setRules([], of: number) }
        var changed = true
        while changed {
            changed = false
            for (number, members) in zip(order, selected) where aggregates(members) {
                var seen: Set<Int32> = []
                var uses: [RuleUse] = []
                for member in members {
                    for use in roles[member].rules where seen.insert(use.rule).inserted { uses.append(use) }
                }
                if uses.count != roles[Int(number)].rules.count {
                    setRules(uses, of: number)
                    changed = true
                }
            }
        }
    }
}
