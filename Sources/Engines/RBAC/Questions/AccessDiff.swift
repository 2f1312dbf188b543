package import Kubernetes

/// Who gains and who loses what between two states.
package struct AccessDiff: Sendable {
    package struct Change: Sendable, Hashable {
        package var subject: Subject
        /// Where it holds; empty for everywhere.
        package var namespace: String
        /// The smallest rules held now and not before, and the other way round, put together again.
        package var gained: [PolicyRule]
        package var lost: [PolicyRule]
    }

    package let changes: [Change]

    /// Compares what each subject is given directly; what comes by a group is the group's own line.
    package init(from before: AccessModel, to after: AccessModel) {
        var out: [Change] = []
        for subject in Set(before.subjects + after.subjects).sorted() {
            let identity =
                subject.kind == .group
                ? Identity(user: "", groups: [subject.name]) : Identity(user: subject.matchedName)
            let places = Set(before.namespaces(boundTo: subject) + after.namespaces(boundTo: subject))
            for namespace in [""] + places.sorted() {
                let old = before.rules(of: identity, in: namespace)
                let new = after.rules(of: identity, in: namespace)
                guard old != new else { continue }
                // What already holds everywhere is said once, in the line for everywhere.
                let oldWide = namespace.isEmpty ? [] : before.rules(of: identity, in: "")
                let newWide = namespace.isEmpty ? [] : after.rules(of: identity, in: "")
                let gained = RuleCovering.uncovered(RuleCovering.uncovered(new, by: old), by: newWide)
                let lost = RuleCovering.uncovered(RuleCovering.uncovered(old, by: new), by: oldWide)
                guard !gained.isEmpty || !lost.isEmpty else { continue }
                out.append(
                    Change(
                        subject: subject, namespace: namespace, gained: PolicyRule.joined(gained),
                        lost: PolicyRule.joined(lost)))
            }
        }
        changes = out
    }
}

extension AccessModel {
    /// Namespaces in which a RoleBinding names the subject, sorted.
    package func namespaces(boundTo subject: Subject) -> [String] {
        guard let number = principal(isGroup: subject.kind == .group, subject.matchedName) else { return [] }
        return principals[Int(number)].namespacedBindings.filter { !$0.value.isEmpty }.map { symbols[$0.key] }.sorted()
    }
}

extension AccessModel {
    /// Namespaces in which a RoleBinding names somebody or a group of theirs, sorted.
    package func namespaces(of identity: Identity) -> [String] {
        var out: Set<String> = []
        out.formUnion(namespaces(boundTo: Subject(.user, identity.user)))
        for group in identity.groups { out.formUnion(namespaces(boundTo: Subject(.group, group))) }
        return out.sorted()
    }

    /// The bindings that name a subject, in order of their names, with the roles they give.
    package func bindings(of subject: Subject) -> [(binding: KubernetesObject, role: RoleReference)] {
        guard let number = principal(isGroup: subject.kind == .group, subject.matchedName) else { return [] }
        let entry = principals[Int(number)]
        let numbers = entry.clusterBindings + entry.namespacedBindings.values.flatMap(\.self)
        return numbers.compactMap { bindings[Int($0)] }.map { ($0.object, roles[Int($0.role)].reference) }
            .sorted { $0.binding.reference < $1.binding.reference }
    }
}

extension PolicyRule {
    /// Single parts put together: verbs of one target, then resources with the same verbs, then groups.
    package static func joined(_ parts: [PolicyRule]) -> [PolicyRule] {
        func merge(_ rules: [PolicyRule], _ field: WritableKeyPath<PolicyRule, [String]>) -> [PolicyRule] {
            var places: [PolicyRule: Int] = [:]
            var out: [PolicyRule] = []
            for rule in rules {
                var key = rule
                key[keyPath: field] = []
                // Named objects and paths are of one resource only; rules without the field are of another kind.
                guard !rule[keyPath: field].isEmpty else {
                    out.append(rule)
                    continue
                }
                if let place = places[key] {
                    for word in rule[keyPath: field] where !out[place][keyPath: field].contains(word) {
                        out[place][keyPath: field].append(word)
                    }
                } else {
                    places[key] = out.count
                    out.append(rule)
                }
            }
            return out.map { rule in
                var rule = rule
                rule[keyPath: field].sort()
                return rule
            }
        }
        var rules = merge(parts, \.verbs)
        rules = merge(rules, \.resourceNames)
        rules = merge(rules, \.resources)
        rules = merge(rules, \.nonResourceURLs)
        return merge(rules, \.apiGroups)
    }
}
