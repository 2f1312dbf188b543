import Documents
import Findings
package import Kubernetes

/// What the checks know beside the object they look at.
package struct RBACContext: Sendable {
    package private(set) var model: AccessModel
    /// By the number of a rule in the model.
    private(set) var traits: [RuleTraits] = []
    let bootstrap: BootstrapPolicy
    /// Minor version the cluster runs, where it is known.
    package let minor: Int?
    /// Whether the inventory is a whole cluster: only then is what is not in it not there.
    package let isCluster: Bool
    /// Kinds that could not be listed.
    package let unlistedKinds: Set<String>
    private(set) var serviceAccounts: Set<ServiceAccountName>
    let isAccountKnown: Bool
    /// What accounts say of mounting their token, where they say anything.
    private(set) var accountMounts: [ServiceAccountName: Bool]

    package init(_ inventory: Inventory, isCluster: Bool, unlistedKinds: Set<String> = [], minor: Int? = nil) {
        self.minor = minor ?? BootstrapPolicy.minor(of: inventory.objects("Node"))
        bootstrap = BootstrapPolicy.of(minor: self.minor)
        var objects: [KubernetesObject] = []
        for kind in ["ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding"] {
            objects += inventory.objects(kind, of: AccessModel.group)
        }
        // Among files Kubernetes' own roles are there all the same.
        let own = isCluster ? [] : bootstrap.objects
        model = AccessModel(own + objects)
        model.extend(&traits)
        self.isCluster = isCluster
        self.unlistedKinds = unlistedKinds
        let accounts = inventory.objects("ServiceAccount")
        serviceAccounts = Set(accounts.map { ServiceAccountName(namespace: $0.namespace, name: $0.name) })
        var mounts: [ServiceAccountName: Bool] = [:]
        for account in accounts {
            mounts[ServiceAccountName(namespace: account.namespace, name: account.name)] =
                account.node["automountServiceAccountToken"].bool
        }
        accountMounts = mounts
        isAccountKnown = isCluster && !unlistedKinds.contains("ServiceAccount")
    }

    /// Takes in what became of one object of a cluster.
    mutating func follow(_ before: KubernetesObject?, _ after: KubernetesObject?) {
        if let object = after ?? before, object.is("ServiceAccount") {
            let name = ServiceAccountName(namespace: object.namespace, name: object.name)
            accountMounts[name] = after?.node["automountServiceAccountToken"].bool
            if after == nil { serviceAccounts.remove(name) } else { serviceAccounts.insert(name) }
        } else if let after {
            model.apply(.modified(after))
        } else if let before {
            model.apply(.deleted(before))
        }
        model.extend(&traits)
    }

    /// Kinds that decide who may do what and could not be listed, for a sentence; nil where all were.
    var hole: String? {
        let missing = ["ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding"].filter(unlistedKinds.contains)
        return missing.isEmpty ? nil : "\(missing.joined(separator: ", ")) objects could not be listed"
    }
}

/// A role or a binding under a check.
package struct RBACSubject: Sendable {
    package let object: KubernetesObject
    let context: RBACContext
    /// The rules written in a role, without those the API server puts there itself. Read once for all checks.
    let addedRules: [Written]

    init(object: KubernetesObject, context: RBACContext) {
        self.init(naming: object, context, rules: Self.addedRules(object, context))
    }

    /// For names and references alone: the rules are not read.
    init(naming object: KubernetesObject, _ context: RBACContext, rules: [Written] = []) {
        self.object = object
        self.context = context
        addedRules = rules
    }

    var node: Node { object.node }
    var isBinding: Bool { object.kind == "ClusterRoleBinding" || object.kind == "RoleBinding" }
    var namespace: String { object.kind == "RoleBinding" || object.kind == "Role" ? object.namespace : "" }

    // MARK: Bindings

    struct Entry {
        var subject: Subject
        var node: Node
    }

    var entries: [Entry] {
        node["subjects"].elements.compactMap { node in
            Subject(node, bindingNamespace: namespace).map { Entry(subject: $0, node: node) }
        }
    }

    var role: RoleReference {
        let kind: RoleReference.Kind = node["roleRef"]["kind"].equals("ClusterRole") ? .clusterRole : .role
        return RoleReference(kind, namespace: namespace, node["roleRef"]["name"].string ?? "")
    }

    /// What the rules of the bound role are together; nothing where it is not there.
    var grantedTraits: RuleTraits { context.model.traits(of: role, context.traits) }

    /// Why it cannot be known what the binding gives; nil where it can.
    var unseenRole: String? {
        guard !context.model.isThere(role), context.unlistedKinds.contains(role.kind.rawValue) else {
            return nil
        }
        return "\(role.kind.rawValue) objects could not be listed"
    }

    /// Entries the API server does not make itself.
    var addedEntries: [Entry] {
        let own = context.bootstrap.subjectsSoFar(of: object.reference, to: role)
        return own.isEmpty ? entries : entries.filter { !own.contains($0.subject) }
    }

    // MARK: Roles

    var reference: RoleReference {
        RoleReference(object.kind == "Role" ? .role : .clusterRole, namespace: namespace, object.name)
    }

    struct Written {
        var rule: PolicyRule
        var node: Node
    }

    private static func addedRules(_ object: KubernetesObject, _ context: RBACContext) -> [Written] {
        let subject = RBACSubject(naming: object, context)
        guard !subject.isBinding else { return [] }
        let own = context.bootstrap.rulesSoFar(of: subject.reference)
        return object.node["rules"].elements.map { Written(rule: PolicyRule($0), node: $0) }.filter { written in
            own.isEmpty || !RuleCovering.covers(own, [written.rule])
        }
    }

    /// Rules of a ClusterRole that its selectors fill in are the business of the roles they come from.
    var isAggregated: Bool { node["aggregationRule"].isObject }

    /// How far the role reaches: nowhere, in some namespaces, everywhere.
    enum Reach: Int { case nowhere, namespaces, cluster }
    var reach: Reach {
        let found = context.model.reach(of: reference)
        // Bindings that were not seen may reach everywhere: nothing is called harmless for that.
        let isUnseen = ["ClusterRoleBinding", "RoleBinding"].contains(where: context.unlistedKinds.contains)
        return isUnseen && found != .cluster ? .cluster : found
    }
}

extension ServiceAccountName {
    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }
}

extension AccessModel {
    func reach(of reference: RoleReference) -> RBACSubject.Reach {
        guard let number = roleNumbers[reference] else { return .nowhere }
        let role = roles[Int(number)]
        func binds(_ numbers: [Int32]) -> Bool { numbers.contains { bindings[Int($0)]?.subjects.isEmpty == false } }
        if binds(role.clusterBindings) { return .cluster }
        if role.namespacedBindings.contains(where: { binds($0.value) }) { return .namespaces }
        // What an aggregated role takes in reaches as far as that role does.
        var best = RBACSubject.Reach.nowhere
        for other in roles where other.reference != reference && other.reference.kind == .clusterRole {
            guard other.rules.contains(where: { $0.source == number }) || aggregates(other, role) else { continue }
            if binds(other.clusterBindings) { return .cluster }
            if other.namespacedBindings.contains(where: { binds($0.value) }) { best = .namespaces }
        }
        return best
    }

    private func aggregates(_ role: RoleEntry, _ member: RoleEntry) -> Bool {
        guard let object = role.object, let labels = member.object?.labels, !labels.isEmpty,
            let rule = AggregationRule(object)
        else { return false }
        return rule.selectors.contains { $0.matches(labels) }
    }

    /// The namespaces of the RoleBindings of a role, sorted.
    func boundNamespaces(of reference: RoleReference) -> [String] {
        guard let number = roleNumbers[reference] else { return [] }
        return roles[Int(number)].namespacedBindings.filter { !$0.value.isEmpty }.map { symbols[$0.key] }.sorted()
    }
}
