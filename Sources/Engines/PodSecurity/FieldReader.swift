import Documents

/// Reads fields as the API server's types do, and keeps note of those that hold something else.
///
/// Absent and null read alike, as nothing.
struct FieldReader {
    private(set) var problems: [PodSecurityProblem] = []

    static let everyCheck = Set(PodSecurityCheck.ID.allCases)
    /// Checks that read containers.
    static let containerChecks = everyCheck.subtracting([.hostNamespaces, .hostPath, .volumeTypes, .sysctls])
    /// Checks that read security contexts.
    static let contextChecks = everyCheck.subtracting([
        .hostNamespaces, .hostPath, .volumeTypes, .hostPort, .hostProbes,
    ])
    /// Checks that let Windows pods pass.
    static let windowsChecks: Set<PodSecurityCheck.ID> = [
        .allowPrivilegeEscalation, .capabilitiesRestricted, .seccompRestricted,
    ]

    static let capabilityChecks: Set<PodSecurityCheck.ID> = [.capabilitiesBaseline, .capabilitiesRestricted]
    static let int32 = Int(Int32.min)...Int(Int32.max)

    mutating func bool(_ node: Node, _ checks: @autoclosure () -> Set<PodSecurityCheck.ID>) -> Bool? {
        guard !node.isNull else { return nil }
        if let bool = node.bool { return bool }
        note(node, "a boolean", checks())
        return nil
    }

    mutating func int(
        _ node: Node, in range: ClosedRange<Int> = Int.min...Int.max,
        _ checks: @autoclosure () -> Set<PodSecurityCheck.ID>
    ) -> Int? {
        guard !node.isNull else { return nil }
        if let int = node.int, range.contains(int) { return int }
        note(node, "a whole number", checks())
        return nil
    }

    /// Whether the field reads as a text, the empty one for null.
    mutating func isString(_ node: Node, _ checks: @autoclosure () -> Set<PodSecurityCheck.ID>) -> Bool {
        if node.isNull || node.kind == .string { return true }
        note(node, "a string", checks())
        return false
    }

    /// Whether the field reads as an object, the empty one for null.
    mutating func isObject(_ node: Node, _ checks: @autoclosure () -> Set<PodSecurityCheck.ID>) -> Bool {
        if node.isNull || node.isObject { return true }
        note(node, "an object", checks())
        return false
    }

    mutating func elements(_ node: Node, _ checks: @autoclosure () -> Set<PodSecurityCheck.ID>) -> Node.Elements {
        if !node.isNull, !node.isArray { note(node, "a list", checks()) }
        return node.elements
    }

    private mutating func note(_ node: Node, _ expected: String, _ checks: Set<PodSecurityCheck.ID>) {
        let found = node.kind.phrase
        let reason = "\(node.path) holds \(found) where Kubernetes takes \(expected); an API server refuses the object"
        problems.append(PodSecurityProblem(node: node, reason: reason, checks: checks))
    }
}
