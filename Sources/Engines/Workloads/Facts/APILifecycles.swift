import Documents
import Kubernetes

/// When versions of Kubernetes' own API were deprecated and removed, and what takes their place.
///
/// Source: `Resources/deprecated-apis.json`.
struct APILifecycles: Sendable {
    struct Lifecycle: Sendable {
        var deprecated: TargetVersion
        /// Nil where no removal is planned.
        var removed: TargetVersion?
        /// The `apiVersion` to write instead; nil where nothing takes its place.
        var replacement: String?
        var rename: Rename
    }

    /// Whether another `apiVersion` is all that has to be written.
    enum Rename: String, Sendable {
        /// Fields differ; a person has to look.
        case byHand
        /// The fields are the same.
        case same
        /// The fields are the same, but `spec.selector` has no default any more.
        case selector
    }

    private let lifecycles: [String: Lifecycle]

    static let known: APILifecycles = {
        let root = FactFile.root(PackageResources.deprecated_apis_json, "deprecated-apis.json")
        var lifecycles: [String: Lifecycle] = [:]
        for entry in root["apis"].elements {
            let lifecycle = Lifecycle(
                deprecated: TargetVersion(minor: entry["deprecated"].int ?? 0),
                removed: entry["removed"].int.map(TargetVersion.init(minor:)), replacement: entry["use"].string,
                rename: entry["fix"].string.flatMap(Rename.init) ?? .byHand)
            for kind in (entry["kinds"].string ?? "").split(separator: " ") {
                lifecycles["\(entry["version"].string ?? "")/\(kind)"] = lifecycle
            }
        }
        return APILifecycles(lifecycles: lifecycles)
    }()

    subscript(_ version: GroupVersion, _ kind: String) -> Lifecycle? { lifecycles["\(version)/\(kind)"] }
}
