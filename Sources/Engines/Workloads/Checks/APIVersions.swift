import Documents
import Findings
import Kubernetes

extension WorkloadChecks {
    static let removedVersion = Check<ObjectSubject>(
        Rule(
            "api/removed-version", .medium, [.nsa("ops-patch")], category: .hygiene,
            title: "An object is written in a version of the API that is gone",
            why: "The API server of the cluster's version does not know it: applying the manifest fails.",
            remedy: "Write the object in the version that took its place; mind fields that changed.",
        ), fix: rename
    ) { subject, report in
        for use in subject.versionUses {
            guard let removed = use.lifecycle.removed, removed <= subject.context.options.target else { continue }
            report.fail(
                at: subject.node["apiVersion"], "\(use.phrase) was removed in \(removed)\(use.lifecycle.advice)")
        }
    }

    static let deprecatedVersion = Check<ObjectSubject>(
        Rule(
            "api/deprecated-version", .low, [.nsa("ops-patch")], category: .hygiene,
            title: "An object is written in a version of the API that is going away",
            why: "The manifest stops working with the upgrade that removes the version.",
            remedy: "Write the object in the version that takes its place; mind fields that changed."
        ), fix: rename
    ) { subject, report in
        let target = subject.context.options.target
        for use in subject.versionUses where use.lifecycle.deprecated <= target {
            if let removed = use.lifecycle.removed, removed <= target { continue }
            let end = use.lifecycle.removed.map { " and is removed in \($0)" } ?? ""
            report.fail(
                at: subject.node["apiVersion"],
                "\(use.phrase) is deprecated since \(use.lifecycle.deprecated)\(end)\(use.lifecycle.advice)")
        }
    }

    /// Another `apiVersion`, where that is all it takes.
    private static let rename: @Sendable (ObjectSubject, Evidence) -> [PatchOperation] = { subject, _ in
        guard let lifecycle = APILifecycles.known[subject.object.apiVersion, subject.object.kind],
            let replacement = lifecycle.replacement
        else { return [] }
        switch lifecycle.rename {
        case .byHand: return []
        case .selector where subject.node["spec"]["selector"].isEmpty: return []
        case .same, .selector: return [PatchOperation(.replace, "apiVersion", .string(replacement))]
        }
    }
}

/// A version of the API that somebody writes an object in.
private struct VersionUse {
    let phrase: String
    let lifecycle: APILifecycles.Lifecycle
}

extension ObjectSubject {
    /// The versions the object is known to be written in: its own in a file; in a cluster, where the server answers in
    /// a version of its choice, the one kubectl noted when it was last applied.
    fileprivate var versionUses: [VersionUse] {
        guard object.file.isEmpty else {
            return use(object.apiVersion).map {
                [VersionUse(phrase: "\(object.apiVersion) \(object.kind)", lifecycle: $0)]
            }
                ?? []
        }
        guard let version = lastApplied, let lifecycle = use(version) else { return [] }
        return [VersionUse(phrase: "it was last applied as \(version) \(object.kind), which", lifecycle: lifecycle)]
    }

    private func use(_ version: GroupVersion) -> APILifecycles.Lifecycle? { APILifecycles.known[version, object.kind] }

    /// `apiVersion` of kubectl's note, which kubectl always writes first.
    private var lastApplied: GroupVersion? {
        let note = object.metadata["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
        let start = "{\"apiVersion\":\""
        guard let text = note.string, text.hasPrefix(start) else { return nil }
        return GroupVersion(String(text.dropFirst(start.utf8.count).prefix { $0 != "\"" }))
    }
}

extension APILifecycles.Lifecycle {
    fileprivate var advice: String { replacement.map { "; write \($0)" } ?? "; nothing takes its place" }
}
