package import Documents
package import Kubernetes

/// When a Secret was written, and by what that is known.
///
/// Kubernetes keeps no history. What is left are the times of `managedFields` (the last write of each manager),
/// annotations of the tools that write Secrets, and the creation.
package struct WriteEvidence: Sendable {
    package struct Mark: Sendable {
        package var time: EventTime
        /// `managedFields of kubectl-create`, `creation`.
        package var what: String
        package var node: Node
        /// Whether the write changed the value itself, as far as the mark tells.
        package var touchedData: Bool
    }

    /// Oldest first.
    package private(set) var marks: [Mark] = []

    package init(_ object: KubernetesObject) { self.init(metadata: object.metadata) }

    package init(metadata: Node) {
        note(metadata["creationTimestamp"], "creation", touchedData: true)
        for entry in metadata["managedFields"].elements {
            let manager = entry["manager"].string ?? "?"
            let operation = entry["operation"].string ?? ""
            let fields = entry["fieldsV1"]
            let touched = fields["f:data"].exists || fields["f:stringData"].exists
            note(entry["time"], "managedFields of \(manager) (\(operation))", touchedData: touched)
        }
        let annotations = metadata["annotations"]
        for name in Self.annotations { note(annotations[name], "annotation \(name)", touchedData: true) }
        marks.sort { ($0.time, $0.what) < ($1.time, $1.what) }
    }

    /// Annotations in which tools write the moment of a refresh or rotation.
    private static let annotations = [
        "reconcile.external-secrets.io/last-refresh", "secrets.hashicorp.com/last-rotation",
        "replicator.v1.mittwald.de/replicated-at", "secret-generator.v1.mittwald.de/autogenerate-generated-at",
    ]

    private mutating func note(_ node: Node, _ what: String, touchedData: Bool) {
        guard let text = node.string, !text.isEmpty else { return }
        let time = EventTime(text)
        guard time.seconds != nil else { return }
        marks.append(Mark(time: time, what: what, node: node, touchedData: touchedData))
    }

    /// The last mark of a write of the value.
    package var lastWrite: Mark? { marks.last { $0.touchedData } }

    /// Whether the value may have been written later than `lastWrite` says: only the creation is known.
    package var isLowerBound: Bool { marks.allSatisfy { $0.what == "creation" } }
}
