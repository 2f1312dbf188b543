import Kubernetes

/// One family of addresses of a network that follows events, or all of a network that has one.
///
/// An event costs what it touches: a pod of a known kind a few look-ups, a policy its own pods and rules. What changes the
/// meaning of everything (a node, labels of a namespace with pods, a Service that policies name, a policy that cannot be
/// read) makes the model anew, and the difference is found by comparing the two.
struct LiveFamily: Sendable {
    typealias PodDescription = LiveNetwork.PodDescription

    private(set) var model: NetworkModel
    /// Objects that policies speak of: Services, sets of addresses, tiers.
    private var surroundings: [ObjectReference: KubernetesObject]
    private var policyObjects: [ObjectReference: KubernetesObject]
    private var numbers: [ObjectReference: [Int]] = [:]
    private var catalogue: PolicyCatalogue

    var state: NetworkState { model.state }

    /// - Parameters:
    ///   - state: pods, namespaces and nodes; its policies are read from `objects`.
    ///   - objects: policies, and what they speak of.
    init(_ given: NetworkState, objects: [KubernetesObject]) {
        policyObjects = [:]
        surroundings = [:]
        for object in objects {
            if PolicyCatalogue.isPolicy(object) {
                policyObjects[object.reference] = object
            } else {
                surroundings[object.reference] = object
            }
        }
        var state = given
        catalogue = PolicyCatalogue(surroundings.values.sorted { $0.reference < $1.reference }, plugin: state.plugin)
        state.reread(policies: Array(policyObjects.values), with: catalogue)
        model = NetworkModel(following: state)
        number()
    }

    /// The same network, asked over one family of addresses.
    func of(_ family: IPAddress.Family) -> LiveFamily {
        var state = state
        state.family = family
        return LiveFamily(
            state, objects: surroundings.values.sorted { $0.reference < $1.reference } + policyObjects.values)
    }

    private mutating func number() {
        numbers = [:]
        for (number, policy) in model.state.policies.enumerated() {
            numbers[policy.reference, default: []].append(number)
        }
    }

    // MARK: Pods

    /// A pod came, or changed.
    mutating func put(_ description: PodDescription) -> NetworkDelta {
        let name = "\(description.namespace)/\(description.name)"
        let old = model.podsByName[name]
        let isNewNode =
            description.isOnHostNetwork && description.node.map { model.state.nodeIndex[$0] == nil } ?? false
        // Filters of hosts know peers of every class; a model of its own for each state keeps them true.
        guard !isNewNode, model.hosts.isEmpty else {
            return rebuild { state in
                if let old { state.remove(pod: old) }
                let pod = state.makePod(description)
                state.append(pod)
            }
        }
        let pod = model.state.makePod(description)
        var number = -1
        if !pod.isOnHostNetwork {
            if let found = model.findClass(of: pod) {
                number = found
            } else {
                // Every spare number is given out: a model with new ones says the same.
                model = NetworkModel(following: model.state)
                guard let found = model.findClass(of: pod) else { return NetworkDelta() }
                number = found
            }
        }
        let party = model.party(of: pod)
        guard let old else {
            model.state.append(pod)
            let index = model.state.pods.count - 1
            model.space.classes.join(index, number)
            note(pod, index, name)
            guard number >= 0 else { return NetworkDelta() }
            return model.delta(of: party, from: PodReach(), to: model.reach(ofClass: number), ownClass: number)
        }
        let was = Int(model.space.classes.classOfPod[old])
        forget(old, name)
        guard was != number else {
            model.state.replace(pod: old, with: pod)
            note(pod, old, name)
            return NetworkDelta()
        }
        let before = was >= 0 ? model.reach(ofClass: was) : PodReach()
        model.space.classes.leave(old)
        model.state.replace(pod: old, with: pod)
        model.space.classes.join(old, number)
        note(pod, old, name)
        let after = number >= 0 ? model.reach(ofClass: number) : PodReach()
        return model.delta(of: party, from: before, to: after, ownClass: number >= 0 ? number : nil)
    }

    /// A pod of the API: one that has ended takes no traffic and is as good as gone.
    mutating func put(pod object: KubernetesObject, owner: ObjectReference? = nil) -> NetworkDelta {
        let phase = object.node["status"]["phase"]
        guard !phase.equals("Succeeded"), !phase.equals("Failed"),
            let description = NetworkState.describe(pod: object, owner: owner ?? object.reference)
        else { return remove(pod: object.name, in: object.namespace) }
        return put(description)
    }

    mutating func remove(pod: String, in namespace: String) -> NetworkDelta {
        let name = "\(namespace)/\(pod)"
        guard let index = model.podsByName[name] else { return NetworkDelta() }
        guard model.hosts.isEmpty else { return rebuild { $0.remove(pod: index) } }
        let own = Int(model.space.classes.classOfPod[index])
        let party = model.party(of: model.state.pods[index])
        let before = own >= 0 ? model.reach(ofClass: own) : PodReach()
        forget(index, name)
        model.podsByName[name] = nil
        model.space.classes.leave(index)
        model.space.classes.fill(index)
        let last = model.state.pods.count - 1
        model.state.swapOut(pod: index)
        if index != last {
            let moved = model.state.pods[index]
            note(moved, index, "\(model.state.namespaces[moved.namespace].name)/\(moved.name)")
        }
        return model.delta(of: party, from: before, to: PodReach(), ownClass: nil)
    }

    private mutating func note(_ pod: NetworkPod, _ index: Int, _ name: String) {
        model.podsByName[name] = index
        guard !pod.isOnHostNetwork else { return }
        for address in pod.addresses { model.podsByAddress[address] = index }
    }

    private mutating func forget(_ index: Int, _ name: String) {
        for address in model.state.pods[index].addresses where model.podsByAddress[address] == index {
            model.podsByAddress[address] = nil
        }
    }

    // MARK: Policies

    /// A policy came, or changed.
    mutating func put(policy object: KubernetesObject) -> NetworkDelta {
        let isKnown = policyObjects[object.reference] != nil
        policyObjects[object.reference] = object
        var reader = catalogue
        reader.read(object)
        let isPlain = reader.gaps.isEmpty && reader.staged.isEmpty && reader.problems.isEmpty
        let wasPlain = !isKnown || numbers[object.reference] != nil
        let isTouched = model.state.problems.contains { $0.message.hasPrefix("\(object.reference):") }
        let isAboutHosts = reader.policies.contains { $0.hosts != nil } && mayGuardHosts
        guard isPlain, wasPlain, !isTouched, model.enforces, model.hosts.isEmpty, !isAboutHosts else {
            return rebuild()
        }
        if !model.prepare(reader.policies) {
            model = NetworkModel(following: model.state, awaiting: reader.policies)
            guard model.prepare(reader.policies) else { return rebuild() }
        }
        return replace(object.reference, with: reader.policies)
    }

    /// Whether a policy about nodes puts them behind a filter: Cilium's does, Calico's needs a host endpoint.
    private var mayGuardHosts: Bool {
        model.state.plugin.family == .cilium && model.state.plugin.enforcesHostPolicies != false
    }

    mutating func remove(policy reference: ObjectReference) -> NetworkDelta {
        guard policyObjects.removeValue(forKey: reference) != nil else { return NetworkDelta() }
        guard numbers[reference] != nil, model.enforces, model.hosts.isEmpty else { return rebuild() }
        let isTouched = model.state.problems.contains { $0.message.hasPrefix("\(reference):") }
        return isTouched ? rebuild() : replace(reference, with: [])
    }

    private mutating func replace(_ reference: ObjectReference, with policies: [Policy]) -> NetworkDelta {
        var former = FormerGroups()
        let old = numbers[reference] ?? []
        model.remember(old, in: &former)
        for policy in policies { model.remember(policy, in: &former) }
        var own: [Int] = []
        for (index, policy) in policies.enumerated() {
            let number = index < old.count ? old[index] : model.state.policies.count
            model.put(policy, at: number)
            own.append(number)
        }
        numbers[reference] = own.isEmpty ? nil : own
        // What is too much takes the last policy's content, and the last place goes.
        for number in old.dropFirst(policies.count).sorted(by: >) {
            let last = model.state.policies.count - 1
            if number != last {
                let moved = model.state.policies[last]
                model.put(moved, at: number)
                if let place = numbers[moved.reference]?.firstIndex(of: last) {
                    numbers[moved.reference]?[place] = number
                }
            }
            model.removeLastPolicy()
        }
        model.state.policyCount = model.state.policies.count
        return model.delta(since: former)
    }

    // MARK: What changes everything

    mutating func put(namespace name: String, labels: [String: String], object: KubernetesObject? = nil)
        -> NetworkDelta
    {
        if let object, model.state.plugin.family == .calico {
            // Sets of addresses are found by the labels of their namespace.
            surroundings[object.reference] = object
            catalogue = PolicyCatalogue(
                surroundings.values.sorted { $0.reference < $1.reference }, plugin: model.state.plugin)
        }
        let wanted = labels.merging(["kubernetes.io/metadata.name": name]) { $1 }
        if let number = model.state.namespaceNumber(name) {
            if model.state.namespaces[number].labels == wanted { return NetworkDelta() }
            return rebuild { $0.add(namespace: name, labels: labels, object: object) }
        }
        model.state.add(namespace: name, labels: labels, object: object)
        return NetworkDelta()
    }

    mutating func remove(namespace name: String) -> NetworkDelta {
        guard model.state.namespaceNumber(name) != nil else { return NetworkDelta() }
        return put(namespace: name, labels: [:])
    }

    mutating func put(node: NetworkNode) -> NetworkDelta { rebuild { $0.add(node: node) } }

    /// A Service, a set of addresses or a tier came or changed; nil takes it out.
    mutating func put(surrounding reference: ObjectReference, _ object: KubernetesObject?) -> NetworkDelta {
        surroundings[reference] = object
        catalogue = PolicyCatalogue(
            surroundings.values.sorted { $0.reference < $1.reference }, plugin: model.state.plugin)
        return rebuild()
    }

    /// Applies a watch event of any kind; kinds that the network does not look at change nothing.
    mutating func apply(_ event: Inventory.Event, owner: ObjectReference? = nil) -> NetworkDelta {
        let (object, isGone): (KubernetesObject, Bool) =
            switch event {
            case .added(let object), .modified(let object): (object, false)
            case .deleted(let object): (object, true)
            }
        if PolicyCatalogue.isPolicy(object) {
            return isGone ? remove(policy: object.reference) : put(policy: object)
        }
        if PolicyCatalogue.isSurrounding(object) {
            return put(surrounding: object.reference, isGone ? nil : object)
        }
        switch (object.reference.group, object.kind) {
        case ("", "Pod"):
            return isGone
                ? remove(pod: object.name, in: object.namespace) : put(pod: object, owner: owner)
        case ("", "Namespace"):
            return isGone
                ? remove(namespace: object.name)
                : put(namespace: object.name, labels: object.labels, object: object)
        case ("", "Node"): return isGone ? NetworkDelta() : put(node: NetworkNode(object))
        default: return NetworkDelta()
        }
    }

    private mutating func rebuild(_ change: (inout NetworkState) -> Void = { _ in }) -> NetworkDelta {
        let before = model.state
        var state = before
        change(&state)
        state.reread(policies: Array(policyObjects.values), with: catalogue)
        model = NetworkModel(following: state)
        number()
        return NetworkDelta(ConnectivityChange(from: before, to: state))
    }
}

extension NetworkModel {
    /// Whether the plugin acts on policies at all.
    var enforces: Bool {
        state.plugin.enforcesPolicies && !(state.plugin.family == .cilium && state.plugin.enforcement == .never)
    }
}
