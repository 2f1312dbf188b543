extension PolicyRule {
    /// The same rights in fewer rules: rules for one resource that differ in their verbs only become one.
    ///
    /// Source: `CompactRules` of `component-helpers/auth/rbac/validation`; the order is that of the first of each.
    package static func compacted(_ rules: [PolicyRule]) -> [PolicyRule] {
        struct Key: Hashable {
            var group: String
            var resource: String
            var name: String?
        }
        var out: [PolicyRule] = []
        var places: [Key: Int] = [:]
        for rule in rules {
            guard let key = rule.simpleResource.map({ Key(group: $0.group, resource: $0.resource, name: $0.name) })
            else {
                out.append(rule)
                continue
            }
            if let place = places[key] {
                for verb in rule.verbs where !out[place].verbs.contains(verb) { out[place].verbs.append(verb) }
            } else {
                places[key] = out.count
                out.append(rule)
            }
        }
        return out
    }

    /// The one resource of a rule for one group, one resource and at most one name, and no paths.
    private var simpleResource: (group: String, resource: String, name: String?)? {
        guard apiGroups.count == 1, resources.count == 1, resourceNames.count <= 1, nonResourceURLs.isEmpty else {
            return nil
        }
        return (apiGroups[0], resources[0], resourceNames.first)
    }

    /// The rule with the words of each list in order: for comparing.
    package var withSortedLists: PolicyRule {
        PolicyRule(
            verbs: verbs.sorted(), apiGroups: apiGroups.sorted(), resources: resources.sorted(),
            resourceNames: resourceNames.sorted(), nonResourceURLs: nonResourceURLs.sorted())
    }
}
