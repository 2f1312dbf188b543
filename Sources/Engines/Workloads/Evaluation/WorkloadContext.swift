package import Kubernetes

/// What the checks need to know of the rest of the cluster, read from the inventory once.
///
/// A caller that follows a cluster keeps it while none of the kinds in `kindsRead` changes.
package struct WorkloadContext: Sendable {
    package let inventory: Inventory
    package let options: WorkloadOptions
    let accounts: AccountBindings
    let containerDefaults: ContainerDefaults
    let availability: Availability

    /// Objects of these kinds decide over findings on others: when one changes, make a new context.
    package static let kindsRead: Set<String> = [
        "RoleBinding", "ClusterRoleBinding", "LimitRange", "PodDisruptionBudget", "HorizontalPodAutoscaler",
    ]

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
