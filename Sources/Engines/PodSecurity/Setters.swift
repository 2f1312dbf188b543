import Documents

/// Who sets a field wrongly: the pod for all of its containers, containers for themselves.
struct Setters {
    var pod: Bool
    var containers: [ContainerInput]

    init(_ input: PodSecurityInput, where isBad: (SecurityContextInput) -> Bool) {
        pod = isBad(input.securityContext)
        containers = input.containers.filter { isBad($0.securityContext) }
    }

    var isEmpty: Bool { !pod && containers.isEmpty }

    /// `pod and containers "a", "b"`
    var text: String { words.joined(separator: " and ") }

    var words: [String] {
        (pod ? ["pod"] : []) + (containers.isEmpty ? [] : [GoText.named("container", containers.map(\.name))])
    }

    /// The field of each setter's security context.
    func fields(in input: PodSecurityInput, _ field: (Node) -> Node) -> [(who: String, node: Node)] {
        (pod ? [("the pod", field(input.spec["securityContext"]))] : [])
            + containers.map { ("container \(GoText.quoted($0.name))", field($0.node["securityContext"])) }
    }
}
