/// What a run asks of the workload checks.
package struct WorkloadOptions: Sendable, Hashable {
    /// The version the objects are to run on.
    package var target: TargetVersion
    /// Evaluate the checks of category `reliability` too.
    package var includesReliability: Bool
    /// Kinds that could not be listed from the cluster. A check that needs one says `notObservable`, not pass.
    package var unlistedKinds: Set<String>

    package init(
        target: TargetVersion = .newest, includesReliability: Bool = false, unlistedKinds: Set<String> = []
    ) {
        self.target = target
        self.includesReliability = includesReliability
        self.unlistedKinds = unlistedKinds
    }
}
