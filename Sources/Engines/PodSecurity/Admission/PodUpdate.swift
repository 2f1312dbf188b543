package import Documents

/// Which changes to a pod have it evaluated again.
package enum PodUpdate {
    /// Whether an image changed or a container came or went.
    ///
    /// All else that matters cannot be changed in a pod, so a pod older than its namespace's level may still be
    /// labelled and deleted.
    package static func isSignificant(from old: Node, to new: Node) -> Bool {
        for list in ["containers", "initContainers"] {
            let before = Array(old[list].elements)
            let after = Array(new[list].elements)
            guard before.count == after.count else { return true }
            if zip(before, after).contains(where: { image($0) != image($1) }) { return true }
        }
        return new["ephemeralContainers"].elements.contains { container in
            let name = container["name"].string ?? ""
            let same = old["ephemeralContainers"].elements.first { ($0["name"].string ?? "") == name }
            return same.map { image($0) != image(container) } ?? true
        }
    }

    private static func image(_ container: Node) -> String { container["image"].string ?? "" }
}
