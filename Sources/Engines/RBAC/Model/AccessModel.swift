import Documents
package import Kubernetes

/// All roles and bindings of a cluster or a set of files, ready to be asked.
///
/// A value: what-if is a copy and an `apply`. Bindings and roles keep their objects, so that every answer can name
/// binding, role and rule with their places.
package struct AccessModel: Sendable {
    /// Which rules an aggregated ClusterRole has.
    package enum Aggregation: Sendable {
        /// Those it was stored with: an API server's controller has filled them in.
        case stored
        /// Those its selectors find now.
        case recomputed
        /// As `recomputed`, and a role whose selectors find nothing has none: what the controller computes, before
        /// server-side apply leaves a rule somebody wrote by hand where it is.
        case controller
        /// `stored` for objects an API server gave (they have a UID), `recomputed` for files.
        case automatic
    }

    /// A rule of a role and where it is written: in the role itself, or in the one it was aggregated from.
    struct RuleUse: Sendable, Hashable {
        var rule: Int32
        var source: Int32
        var index: Int32
    }

    struct RoleEntry: Sendable {
        var reference: RoleReference
        /// Nil for a role that bindings name and that is not there.
        var object: KubernetesObject?
        var rules: [RuleUse] = []
        var clusterBindings: [Int32] = []
        var namespacedBindings: [Int32: [Int32]] = [:]
    }

    struct BindingSubject: Sendable {
        var principal: Int32
        var index: Int32
    }

    struct BindingEntry: Sendable {
        var object: KubernetesObject
        var role: Int32
        /// Nil for a ClusterRoleBinding.
        var namespace: Int32?
        var subjects: [BindingSubject]
    }

    /// A user name or a group that some binding names.
    struct PrincipalEntry: Sendable {
        var isGroup: Bool
        var name: Int32
        var clusterBindings: [Int32] = []
        var namespacedBindings: [Int32: [Int32]] = [:]
    }

    /// A role's rule: where `who can` begins.
    struct RoleRule: Sendable, Hashable {
        var role: Int32
        var use: Int32
    }

    package let aggregation: Aggregation
    var symbols = Symbols()
    var rules = RuleStore()
    var roles: [RoleEntry] = []
    var roleNumbers: [RoleReference: Int32] = [:]
    var bindings: [BindingEntry?] = []
    var bindingNumbers: [ObjectReference: Int32] = [:]
    var freeBindings: [Int32] = []
    var principals: [PrincipalEntry] = []
    var principalNumbers: [UInt64: Int32] = [:]
    var rulesByResource: [Int32: [RoleRule]] = [:]
    var urlRules: [RoleRule] = []
    /// ClusterRoles with an aggregation rule that is ours to compute.
    var aggregated: Set<Int32> = []

    package static let group = "rbac.authorization.k8s.io"

    /// Takes the roles and bindings among `objects`; everything else is passed over.
    ///
    /// Where files hold an object twice, the last one counts, as when they are applied in turn.
    package init(_ objects: some Sequence<KubernetesObject>, aggregation: Aggregation = .automatic) {
        self.aggregation = aggregation
        for object in objects { store(object) }
        aggregate()
    }

    /// Whether an object is one this model is made of.
    package static func concerns(_ object: KubernetesObject) -> Bool {
        object.apiVersion.group == group
            && (object.kind == "ClusterRoleBinding" || object.kind == "RoleBinding" || object.kind == "ClusterRole"
                || object.kind == "Role")
    }

    /// Follows a watch event; the cost is that of the object, not of the cluster.
    package mutating func apply(_ event: Inventory.Event) {
        switch event {
        case .added(let object), .modified(let object): store(object)
        case .deleted(let object): remove(object.reference)
        }
        aggregate()
    }

    // MARK: Storing

    private mutating func store(_ object: KubernetesObject) {
        guard Self.concerns(object) else { return }
        switch object.kind {
        case "ClusterRole": storeRole(object, RoleReference(.clusterRole, object.name))
        case "Role": storeRole(object, RoleReference(.role, namespace: object.namespace, object.name))
        default: storeBinding(object)
        }
    }

    private mutating func remove(_ reference: ObjectReference) {
        guard reference.group == Self.group else { return }
        switch reference.kind {
        case "ClusterRole", "Role":
            let kind: RoleReference.Kind = reference.kind == "Role" ? .role : .clusterRole
            let own = RoleReference(kind, namespace: reference.namespace, reference.name)
            guard let number = roleNumbers[own] else { return }
            setRules([], of: number)
            roles[Int(number)].object = nil
            aggregated.remove(number)
        default:
            guard let number = bindingNumbers.removeValue(forKey: reference) else { return }
            unlink(number)
            bindings[Int(number)] = nil
            freeBindings.append(number)
        }
    }

    mutating func roleNumber(_ reference: RoleReference) -> Int32 {
        if let number = roleNumbers[reference] { return number }
        let number = Int32(roles.count)
        roleNumbers[reference] = number
        roles.append(RoleEntry(reference: reference))
        return number
    }

    private mutating func storeRole(_ object: KubernetesObject, _ reference: RoleReference) {
        let number = roleNumber(reference)
        roles[Int(number)].object = object
        var uses: [RuleUse] = []
        for (index, node) in object.node["rules"].elements.enumerated() {
            uses.append(
                RuleUse(rule: rules.intern(PolicyRule(node), &symbols), source: number, index: Int32(index)))
        }
        setRules(uses, of: number)
        let isOurs: Bool
        switch aggregation {
        case .stored: isOurs = false
        case .recomputed, .controller: isOurs = true
        case .automatic: isOurs = object.uid == nil
        }
        if isOurs, reference.kind == .clusterRole, AggregationRule(object) != nil {
            aggregated.insert(number)
        } else {
            aggregated.remove(number)
        }
    }

    mutating func setRules(_ uses: [RuleUse], of number: Int32) {
        guard roles[Int(number)].rules != uses else { return }
        // Each word once: a role may have a million rules for one resource.
        var words: Set<Int32> = []
        var hasURLs = false
        for use in roles[Int(number)].rules {
            words.formUnion(rules.resources(of: use.rule))
            hasURLs = hasURLs || rules.hasURLs(use.rule)
        }
        for word in words { rulesByResource[word]?.removeAll { $0.role == number } }
        if hasURLs { urlRules.removeAll { $0.role == number } }
        roles[Int(number)].rules = uses
        for (position, use) in uses.enumerated() {
            let entry = RoleRule(role: number, use: Int32(position))
            for word in rules.resources(of: use.rule) {
                if rulesByResource[word]?.last != entry { rulesByResource[word, default: []].append(entry) }
            }
            if rules.hasURLs(use.rule) { urlRules.append(entry) }
        }
    }

    private mutating func storeBinding(_ object: KubernetesObject) {
        let isCluster = object.kind == "ClusterRoleBinding"
        let namespace = isCluster ? "" : object.namespace
        let roleRef = object.node["roleRef"]
        // A ClusterRoleBinding to a Role, and kinds nobody knows, point to nothing.
        let kind: RoleReference.Kind = roleRef["kind"].equals("ClusterRole") ? .clusterRole : .role
        let reference = RoleReference(kind, namespace: namespace, roleRef["name"].string ?? "")
        let role = roleNumber(reference)
        var subjects: [BindingSubject] = []
        for (index, node) in object.node["subjects"].elements.enumerated() {
            guard let subject = Subject(node, bindingNamespace: namespace) else { continue }
            let principal = principalNumber(isGroup: subject.kind == .group, subject.matchedName)
            guard !subjects.contains(where: { $0.principal == principal }) else { continue }
            subjects.append(BindingSubject(principal: principal, index: Int32(index)))
        }
        let number: Int32
        if let known = bindingNumbers[object.reference] {
            number = known
            unlink(number)
        } else if let free = freeBindings.popLast() {
            number = free
        } else {
            number = Int32(bindings.count)
            bindings.append(nil)
        }
        bindingNumbers[object.reference] = number
        let place = isCluster ? nil : symbols.intern(namespace)
        bindings[Int(number)] = BindingEntry(object: object, role: role, namespace: place, subjects: subjects)
        link(number)
    }

    private mutating func principalNumber(isGroup: Bool, _ name: String) -> Int32 {
        let word = symbols.intern(name)
        let key = Self.principalKey(isGroup: isGroup, word)
        if let number = principalNumbers[key] { return number }
        let number = Int32(principals.count)
        principalNumbers[key] = number
        principals.append(PrincipalEntry(isGroup: isGroup, name: word))
        return number
    }

    static func principalKey(isGroup: Bool, _ word: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: word)) << 1 | (isGroup ? 1 : 0)
    }

    /// The number of a user name or group; nil when no binding names it.
    func principal(isGroup: Bool, _ name: String) -> Int32? {
        let word = symbols.find(name)
        return word == Symbols.unknown ? nil : principalNumbers[Self.principalKey(isGroup: isGroup, word)]
    }

    private mutating func link(_ number: Int32) {
        guard let binding = bindings[Int(number)] else { return }
        if let namespace = binding.namespace {
            roles[Int(binding.role)].namespacedBindings[namespace, default: []].append(number)
            for subject in binding.subjects {
                principals[Int(subject.principal)].namespacedBindings[namespace, default: []].append(number)
            }
        } else {
            roles[Int(binding.role)].clusterBindings.append(number)
            for subject in binding.subjects { principals[Int(subject.principal)].clusterBindings.append(number) }
        }
    }

    private mutating func unlink(_ number: Int32) {
        guard let binding = bindings[Int(number)] else { return }
        if let namespace = binding.namespace {
            roles[Int(binding.role)].namespacedBindings[namespace]?.removeAll { $0 == number }
            for subject in binding.subjects {
                principals[Int(subject.principal)].namespacedBindings[namespace]?.removeAll { $0 == number }
            }
        } else {
            roles[Int(binding.role)].clusterBindings.removeAll { $0 == number }
            for subject in binding.subjects {
                principals[Int(subject.principal)].clusterBindings.removeAll { $0 == number }
            }
        }
    }
}
