import Documents

/// The parts of a kubelet's interface that are rights of their own since Kubernetes 1.33 (KEP-2862).
enum KubeletRights {
    private static let parts = ["nodes/metrics", "nodes/stats", "nodes/log", "nodes/healthz"]

    /// Reading in place of `nodes/proxy`, which runs commands too; nothing where a star gives it.
    static func withoutProxy(_ rule: Node) -> [PatchOperation] {
        let resources = rule["resources"]
        let verbs = rule["verbs"].strings
        guard let place = resources.elements.first(where: { $0.equals("nodes/proxy") }),
            !resources.strings.contains(where: { $0 == "*" || $0 == "*/proxy" })
        else { return [] }
        guard verbs.contains("get") || verbs.contains("*") else {
            // Without get there is nothing to read with.
            return resources.count == 1
                ? [PatchOperation(.remove, rule.path)] : [PatchOperation(.remove, place.path)]
        }
        let missing = parts.filter { !resources.strings.contains($0) }
        guard let first = missing.first else { return [PatchOperation(.remove, place.path)] }
        let added = missing.dropFirst().enumerated().map { index, part in
            PatchOperation(.add, resources.path.appending(resources.count + index), .string(part))
        }
        return [PatchOperation(.replace, place.path, .string(first))] + added
    }
}
