package import Kubernetes

/// What the checks need to know of the rest of the cluster, read from the inventory once.
///
/// A caller that follows a cluster keeps it while none of the kinds in `kindsRead` changes.
package struct WorkloadContext: Sendable {
    package private(set) var inventory: Inventory
    package let options: WorkloadOptions
    private(set) var accounts: AccountBindings
    let containerDefaults: ContainerDefaults
    let availability: Availability

    /// Objects of these kinds decide over findings on others: when one changes, make a new context.
    package static let kindsRead: Set<String> = [
        "LimitRange", "PodDisruptionBudget", "HorizontalPodAutoscaler",
    ]
    /// Objects of these kinds decide over findings on those whose accounts they name: `follow` says which.
    static let bindingKinds: Set<String> = ["RoleBinding", "ClusterRoleBinding"]

    /// Takes in a change of a cluster, and says whose findings it may alter beside the touched objects' own; nil for
    /// everybody's.
    package mutating func follow(_ touched: Set<ObjectKey>, before: Inventory, after: Inventory) -> Set<ObjectKey>? {
        inventory = after
        let kinds = Set(touched.map(\.reference.kind))
        let bindings = touched.filter {
            Self.bindingKinds.contains($0.reference.kind) && $0.reference.group == "rbac.authorization.k8s.io"
        }
        let objects = bindings.flatMap { [before[$0], after[$0]] }.compactMap(\.self)
        // Among files a binding near by counts for whom it does not name.
        guard kinds.isDisjoint(with: Self.kindsRead), objects.allSatisfy(\.file.isEmpty) else {
            self = WorkloadContext(after, options: options)
            return nil
        }
        for key in bindings { accounts.follow(before[key], after[key]) }
        var reached: Set<ObjectKey> = []
        for object in objects {
            guard let keys = AccountBindings.keys(of: object, in: after) else { return nil }
            reached.formUnion(keys)
        }
        return reached
    }

    package init(_ inventory: Inventory, options: WorkloadOptions = WorkloadOptions()) {
        self.inventory = inventory
        self.options = options
        accounts = AccountBindings(inventory, unlistedKinds: options.unlistedKinds)
        containerDefaults = ContainerDefaults(inventory)
        availability = options.includesReliability ? Availability(inventory) : Availability()
    }

    /// The same surroundings over an inventory in which none of `kindsRead` has changed.
    package func over(_ inventory: Inventory) -> WorkloadContext { WorkloadContext(replacing: inventory, in: self) }

    private init(replacing inventory: Inventory, in context: WorkloadContext) {
        self.inventory = inventory
        options = context.options
        accounts = context.accounts
        containerDefaults = context.containerDefaults
        availability = context.availability
    }
}
