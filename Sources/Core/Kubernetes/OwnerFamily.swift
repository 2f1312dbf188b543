/// Which owner: its reference, and its file where it is not of a cluster.
package struct OwnerIdentity: Sendable, Hashable, Comparable {
    package var reference: ObjectReference
    package var file: String

    package init(_ reference: ObjectReference, file: String) {
        self.reference = reference
        self.file = file
    }

    package static func < (a: Self, b: Self) -> Bool { (a.reference, a.file) < (b.reference, b.file) }
}

/// An owner and all that belongs to it: the unit that findings are told of.
///
/// A Deployment's ReplicaSets and pods fold into the Deployment; an object that nothing controls is a family of one.
package struct OwnerFamily: Sendable {
    package let owner: OwnerIdentity
    /// In the order of their keys.
    package let members: [Member]
    /// What installed it, when its labels tell.
    package let origin: ObjectOrigin?

    package struct Member: Sendable {
        package let key: ObjectKey
        package let object: KubernetesObject
        package let templates: [PodTemplate]
        package let role: Role
    }

    package enum Role: Sendable {
        /// What it says counts: the highest controller with a template that says all, or an object without controller.
        case speaker
        /// A pod of a template that was evaluated: only where it differs does it add anything.
        case follower
        /// A ReplicaSet of a Deployment, a Job of a CronJob: says nothing its owner does not say.
        case silent
    }

    /// One object alone, as admission sees it: nothing folds into it.
    package init(alone object: KubernetesObject) {
        owner = OwnerIdentity(object.reference, file: object.file)
        members = [
            Member(
                key: ObjectKey(object.reference), object: object, templates: object.podTemplates, role: .speaker)
        ]
        origin = ObjectOrigin(object)
    }

    fileprivate init(_ owner: OwnerIdentity, _ members: [Member]) {
        self.owner = owner
        // A custom resource that looks like a workload is silent once the real one is there.
        let isRealKnown = members.contains { $0.templates.contains { $0.discovery != .shape } }
        self.members = members.map { member in
            let isShape = member.templates.contains { $0.discovery == .shape }
            guard isShape, isRealKnown, member.role == .speaker else { return member }
            return Member(key: member.key, object: member.object, templates: [], role: .speaker)
        }
        origin = members.lazy.filter { $0.role == .speaker }.compactMap { ObjectOrigin($0.object) }.first
    }

    /// Whether it runs pods.
    package var runsPods: Bool { members.contains { !$0.templates.isEmpty } }
}

extension Inventory {
    /// Every family, in order.
    package func families() -> [OwnerFamily] { families(of: keys) }

    /// The families that touched objects belong to, or belonged to before, whole; and the owners that are gone.
    package func families(
        touchedBy touched: some Sequence<ObjectKey>, before: Inventory
    ) -> (families: [OwnerFamily], gone: [OwnerIdentity]) {
        var keys: Set<ObjectKey> = []
        var owners: Set<OwnerIdentity> = []
        for key in touched {
            for state in [before, self] {
                guard let object = state[key] else { continue }
                owners.insert(OwnerIdentity(state.topmostOwner(of: object), file: object.file))
                keys.formUnion(state.relatives(of: object, key))
            }
        }
        let families = families(of: keys.sorted())
        return (families, owners.subtracting(families.map(\.owner)).sorted())
    }

    private func families(of keys: [ObjectKey]) -> [OwnerFamily] {
        var members: [OwnerIdentity: [OwnerFamily.Member]] = [:]
        members.reserveCapacity(keys.count)
        for key in keys {
            guard let object = self[key] else { continue }
            let owner = object.controller == nil ? object.reference : topmostOwner(of: object)
            let templates = object.podTemplates
            let member = OwnerFamily.Member(
                key: key, object: object, templates: templates, role: role(of: object, key))
            members[OwnerIdentity(owner, file: object.file), default: []].append(member)
        }
        return members.map { OwnerFamily($0.key, $0.value) }.sorted { $0.owner < $1.owner }
    }

    private func role(of object: KubernetesObject, _ key: ObjectKey) -> OwnerFamily.Role {
        guard object.controller != nil else { return .speaker }
        var speaker = key
        var current = object
        for _ in 0..<16 {
            guard let controller = current.controller, let above = self.key(uid: controller.uid),
                let owner = self[above]
            else { break }
            if owner.podTemplates.contains(where: { $0.discovery != .shape }) { speaker = above }
            current = owner
        }
        if speaker == key { return .speaker }
        return object.is("Pod") ? .follower : .silent
    }

    /// The topmost controller of an object and all that it controls.
    private func relatives(of object: KubernetesObject, _ key: ObjectKey) -> [ObjectKey] {
        var top = key
        var current = object
        var uid = object.uid
        for _ in 0..<16 {
            guard let controller = current.controller else { break }
            uid = controller.uid
            guard let above = self.key(uid: controller.uid), let owner = self[above] else { break }
            (top, current) = (above, owner)
        }
        var members: [ObjectKey] = [top]
        var seen: Set<ObjectKey> = [top]
        var queue = [uid].compactMap(\.self)
        while let next = queue.popLast() {
            for child in keys(ownedBy: next) where seen.insert(child).inserted {
                members.append(child)
                if let uid = self[child]?.uid { queue.append(uid) }
            }
        }
        return members
    }
}
