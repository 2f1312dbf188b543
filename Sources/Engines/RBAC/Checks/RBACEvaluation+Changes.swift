import Documents
package import Findings
package import Kubernetes

extension RBACEvaluation {
    /// How far a change of rights reaches.
    package enum Reach: Sendable, Equatable {
        case nothing
        /// These objects, beside those that changed.
        case objects(Set<ObjectKey>)
        /// A group everybody is in gained or lost something.
        case everything
    }

    /// Takes a change in and says whose results it may alter: bindings' roles, other bindings of the same role,
    /// workloads that run as those bound. The cost is that of what it touches.
    package mutating func follow(_ touched: Set<ObjectKey>, from before: Inventory, to after: Inventory) -> Reach {
        let own = touched.filter { Self.kindsRead.contains($0.reference.kind) }
        guard !own.isEmpty else { return .nothing }
        // Among files an object may stand twice, and aggregated roles are ours to compute: then all is built anew.
        guard context.isCluster, own.allSatisfy({ $0.copy == 0 }) else {
            let chosen = selected
            self = RBACEvaluation(
                after, isCluster: context.isCluster, unlistedKinds: context.unlistedKinds, minor: context.minor)
            selected = chosen
            return .everything
        }
        var reach = Reaching(inventory: after)
        for key in own.sorted() {
            let (old, new) = (before[key], after[key])
            for object in [old, new].compactMap(\.self) { reach.add(object, context) }
            context.follow(old, new)
            for object in [old, new].compactMap(\.self) { reach.add(object, context) }
        }
        return reach.isEverybody ? .everything : .objects(reach.keys)
    }

    /// Gathers what depends on an object, in the model as it is at the moment.
    private struct Reaching {
        let inventory: Inventory
        var keys: Set<ObjectKey> = []
        var isEverybody = false

        init(inventory: Inventory) { self.inventory = inventory }

        mutating func add(_ object: KubernetesObject, _ context: RBACContext) {
            switch object.kind {
            case "ServiceAccount":
                let subject = Subject(.serviceAccount, namespace: object.namespace, object.name)
                for (binding, _) in context.model.bindings(of: subject) { keys.insert(ObjectKey(binding.reference)) }
                workloads(of: subject)
            case "ClusterRole", "Role": role(RBACSubject(naming: object, context).reference, context, object)
            default:
                let subject = RBACSubject(naming: object, context)
                let role = subject.role
                keys.insert(Self.key(role))
                for reference in context.model.sources(of: role) { keys.insert(Self.key(reference)) }
                for entry in subject.entries {
                    workloads(of: entry.subject)
                    // Which of two bindings is the one too many depends on both.
                    for (binding, other) in context.model.bindings(of: entry.subject) where other == role {
                        keys.insert(ObjectKey(binding.reference))
                    }
                }
            }
        }

        private mutating func role(_ reference: RoleReference, _ context: RBACContext, _ object: KubernetesObject) {
            for other in context.model.sources(of: reference) + context.model.takers(of: reference) {
                keys.insert(Self.key(other))
            }
            for holder in [reference] + context.model.takers(of: reference) {
                for binding in context.model.bindings(to: holder) {
                    keys.insert(ObjectKey(binding.reference))
                    for subject in context.model.subjects(of: binding) { workloads(of: subject) }
                }
            }
        }

        private mutating func workloads(of subject: Subject) {
            switch subject.kind {
            case .serviceAccount:
                keys.formUnion(inventory.keys(usingServiceAccount: subject.name, in: subject.namespace))
            case .user:
                guard let account = ServiceAccountName(userName: subject.name) else { return }
                keys.formUnion(inventory.keys(usingServiceAccount: account.name, in: account.namespace))
            case .group:
                let prefix = "system:serviceaccounts:"
                if subject.name.hasPrefix(prefix) {
                    keys.formUnion(inventory.keys(in: String(subject.name.dropFirst(prefix.count))))
                } else if subject.name == "system:serviceaccounts" || subject.name == "system:authenticated" {
                    isEverybody = true
                }
            }
        }

        private static func key(_ role: RoleReference) -> ObjectKey {
            ObjectKey(
                ObjectReference(
                    group: AccessModel.group, kind: role.kind.rawValue, namespace: role.namespace, name: role.name))
        }
    }

    /// What could not be looked at as a whole: a kind that nobody was allowed to list has no object to say it at.
    package func wholeResults() -> (findings: [Finding], coverage: Coverage) {
        var findings: [Finding] = []
        var coverage = Coverage()
        guard context.isCluster else { return (findings, coverage) }
        for (kind, rule) in [
            ("ClusterRoleBinding", RBACChecks.clusterAdmin.rule), ("RoleBinding", RBACChecks.namespaceAdmin.rule),
            ("ClusterRole", RBACChecks.wildcard.rule), ("Role", RBACChecks.wildcard.rule),
        ] where context.unlistedKinds.contains(kind) && (selected?.contains(rule.id) ?? true) {
            coverage.notObservable += 1
            let place = KubernetesObject.made(kind, []).node
            findings.append(
                Finding(
                    rule: rule, outcome: .notObservable,
                    subject: ObjectReference(group: AccessModel.group, kind: kind, namespace: "", name: "*"),
                    evidence: [Evidence(node: place["metadata"], message: "\(kind) objects could not be listed")]))
        }
        return (findings, coverage)
    }
}

extension AccessModel {
    /// Roles whose rules an aggregated role took in, or would by its selectors.
    func sources(of reference: RoleReference) -> [RoleReference] {
        guard reference.kind == .clusterRole, let number = roleNumbers[reference],
            let object = roles[Int(number)].object, let rule = AggregationRule(object)
        else { return [] }
        return roles.filter { role in
            guard role.reference.kind == .clusterRole, role.reference != reference, let labels = role.object?.labels,
                !labels.isEmpty
            else { return false }
            return rule.selectors.contains { $0.matches(labels) }
        }.map(\.reference)
    }

    /// Aggregated roles that take a role in.
    func takers(of reference: RoleReference) -> [RoleReference] {
        guard reference.kind == .clusterRole, let number = roleNumbers[reference],
            let labels = roles[Int(number)].object?.labels, !labels.isEmpty
        else { return [] }
        return roles.filter { role in
            guard role.reference != reference, let object = role.object, let rule = AggregationRule(object) else {
                return false
            }
            return rule.selectors.contains { $0.matches(labels) }
        }.map(\.reference)
    }

    func bindings(to reference: RoleReference) -> [KubernetesObject] {
        guard let number = roleNumbers[reference] else { return [] }
        let entry = roles[Int(number)]
        return (entry.clusterBindings + entry.namespacedBindings.values.flatMap(\.self)).compactMap {
            bindings[Int($0)]?.object
        }
    }
}
