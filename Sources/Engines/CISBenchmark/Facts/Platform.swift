import Documents
import Findings
package import Kubernetes

/// What built the cluster: it decides where files lie, who runs the control plane, and which benchmark is meant.
///
/// Source: `Resources/platforms.json`, `Resources/places.json`.
package struct Platform: Sendable {
    /// `standard`, `eks`, `gke`, `aks`, `k3s`, `rke2`, `kops`, `openshift`.
    package let id: String
    package let title: String
    /// The benchmark written for the platform.
    package private(set) var benchmark: String
    package let note: String
    /// The command that prints what the provider's API says of the cluster; empty where there is no provider.
    package let describe: String
    /// What is to be said beside every report of the platform.
    package let remark: String
    /// Sections and controls that are the provider's business.
    private let providerRuns: [String]
    /// The platform's own control ids, and the modes it allows, by ours.
    private var own: [String: (id: String, value: String?)]
    /// Which of ``ProviderControls`` are the platform's own.
    private(set) var ownControlsKey: String
    /// Newer benchmarks of the platform, by the version of Kubernetes from which they are meant, oldest first.
    private let editions: [Edition]
    private let versionMarks: [String]
    private let providerMarks: [String]
    private let labelMarks: [String]
    private let groupMarks: [String]
    private let places: [String: [String]]

    private struct Edition: Sendable {
        var from: ComponentVersion
        var id: String
        var benchmark: String
        var own: [String: (id: String, value: String?)]
    }

    package static let all: [Platform] = {
        let root = FactFile.root(PackageResources.platforms_json, "platforms.json")
        let places = FactFile.root(PackageResources.places_json, "places.json")
        return root["platforms"].elements.map { Platform($0, places) }
    }()

    package static let standard: Platform = {
        guard let platform = all.first(where: { $0.id == "standard" }) else {
            preconditionFailure("platforms.json names the standard platform")
        }
        return platform
    }()

    package static func named(_ id: String) -> Platform? { all.first { $0.id == id } }

    private init(_ node: Node, _ places: Node) {
        id = node["id"].string ?? ""
        title = node["title"].string ?? ""
        benchmark = node["benchmark"].string ?? ""
        note = node["note"].string ?? ""
        describe = node["describe"].string ?? ""
        remark = node["remark"].string ?? ""
        providerRuns = node["providerRuns"].strings
        own = Self.ids(node["controls"])
        ownControlsKey = id
        editions = node["editions"].elements.compactMap { edition in
            ComponentVersion(edition["from"].string ?? "").map {
                Edition(
                    from: $0, id: edition["id"].string ?? "", benchmark: edition["benchmark"].string ?? "",
                    own: Self.ids(edition["controls"]))
            }
        }
        versionMarks = node["detect"]["version"].strings
        providerMarks = node["detect"]["provider"].strings
        labelMarks = node["detect"]["labels"].strings
        groupMarks = node["detect"]["groups"].strings
        var merged: [String: [String]] = [:]
        for member in places["standard"].members { merged[member.key] = member.value.strings }
        for member in places[id].members where id != "standard" { merged[member.key] = member.value.strings }
        self.places = merged
    }

    private static func ids(_ controls: Node) -> [String: (id: String, value: String?)] {
        var out: [String: (id: String, value: String?)] = [:]
        for entry in controls.elements {
            if let ours = entry[1].string { out[ours] = (entry[0].string ?? "", entry[2].string) }
        }
        return out
    }

    /// The platform by the benchmark that is meant for a version of Kubernetes; the oldest where none is known.
    package func edition(for version: ComponentVersion?) -> Platform {
        guard let version, let edition = editions.last(where: { $0.from <= version }) else { return self }
        return with(edition)
    }

    /// The platform by the benchmark that a tool names, such as `eks-2.0.0`.
    package func edition(called name: String) -> Platform {
        editions.first { name.hasPrefix($0.id) }.map(with) ?? self
    }

    private func with(_ edition: Edition) -> Platform {
        var platform = self
        platform.benchmark = edition.benchmark
        platform.own = edition.own
        platform.ownControlsKey = edition.id
        return platform
    }

    /// Whether nobody outside the provider can see or change what the control is about.
    package func isProvidersBusiness(_ control: CISControl) -> Bool {
        providerRuns.contains { $0 == control.id || $0 == control.section }
    }

    /// The control's id in the platform's own benchmark.
    package func ownID(_ control: CISControl) -> String? { own[control.id]?.id }

    /// The mode the platform's own benchmark allows, where it differs.
    func mode(_ control: CISControl) -> Int? { own[control.id]?.value.flatMap { Int($0, radix: 8) } }

    /// Where the files of a place lie.
    package func paths(of place: String) -> [String] { places[place] ?? [] }

    /// What built a cluster, by its nodes; `standard` when nothing tells.
    package static func detect(nodes: [KubernetesObject], version: String?, groups: Set<String> = []) -> Platform {
        let versions =
            nodes.compactMap { $0.node["status"]["nodeInfo"]["kubeletVersion"].string } + (version.map { [$0] } ?? [])
        let providers = nodes.compactMap { $0.node["spec"]["providerID"].string }
        let labels = Set(nodes.flatMap { $0.metadata["labels"].members.map(\.key) })
        // The more particular first: a cluster on EC2 need not be EKS.
        for platform in all where platform.id != "standard" {
            if versions.contains(where: { version in platform.versionMarks.contains { version.contains($0) } })
                || platform.labelMarks.contains(where: labels.contains)
                || !groups.isDisjoint(with: platform.groupMarks)
                || (platform.versionMarks.isEmpty && platform.labelMarks.isEmpty
                    && providers.contains { id in platform.providerMarks.contains { id.hasPrefix($0) } })
            {
                return platform
            }
        }
        return .standard
    }

    /// What built the cluster of a single node, by its files and processes.
    package static func detect(_ capture: NodeCapture) -> Platform {
        let names = Set(
            capture.processes.compactMap { process in
                // Both write their role behind their name, over their arguments.
                process.arguments.first?.prefix { $0 != " " }.split(separator: "/").last.map(String.init)
            })
        if names.contains("rke2") { return named("rke2") ?? .standard }
        if names.contains("k3s") || names.contains("k3s-server") { return named("k3s") ?? .standard }
        func has(_ path: String) -> Bool {
            guard let file = capture[path] else { return false }
            return file.kind != .absent && file.kind != .unreadable
        }
        for (mark, id) in marks where has(mark) { return named(id) ?? .standard }
        return .standard
    }

    /// Paths that only one platform has.
    package static let marks: [(path: String, id: String)] = [
        ("/var/lib/rancher/rke2", "rke2"), ("/var/lib/rancher/k3s", "k3s"), ("/etc/eks", "eks"),
        ("/home/kubernetes/kubelet-config.yaml", "gke"), ("/etc/kubernetes/azure.json", "aks"),
        ("/etc/kubernetes/static-pod-resources", "openshift"), ("/srv/kubernetes/kube-apiserver", "kops"),
    ]
}
