import Documents

/// Labels and taints of control plane nodes, and the priority classes of Kubernetes' own components.
///
/// Source: `Resources/scheduling.json`.
struct SchedulingFacts: Sendable {
    let controlPlaneLabels: Set<String>
    let controlPlaneTaints: Set<String>
    let systemPriorityClasses: Set<String>
    let systemNamespaces: Set<String>

    static let known: SchedulingFacts = {
        let root = FactFile.root(PackageResources.scheduling_json, "scheduling.json")
        return SchedulingFacts(
            controlPlaneLabels: Set(root["controlPlaneLabels"].strings),
            controlPlaneTaints: Set(root["controlPlaneTaints"].strings),
            systemPriorityClasses: Set(root["systemPriorityClasses"].strings),
            systemNamespaces: Set(root["systemNamespaces"].strings))
    }()

    /// Whether nodes with the label are of the control plane.
    func isControlPlane(_ key: String, _ value: String) -> Bool {
        controlPlaneLabels.contains(key) || controlPlaneLabels.contains("\(key)=\(value)")
    }
}
