import Admission
package import Kubernetes
package import KubernetesClient
import Synchronization

/// Keeps the state that reviews are answered by as the cluster is.
///
/// Events are gathered for a moment and taken in together, beside the requests: whoever asks sees the state before or
/// after, never in between, and never waits.
package actor ClusterFollower {
    private let service: AdmissionService
    private var reviewer: AdmissionReviewer
    private var pending: [Inventory.Event] = []
    private var isScheduled = false
    /// How long events are gathered.
    private let pause: Duration

    package init(_ service: AdmissionService, pause: Duration = .milliseconds(200)) {
        self.service = service
        reviewer = service.current
        self.pause = pause
    }

    /// What the door has to know of a cluster: what selects, what owns, and what rights are made of. Pods only where
    /// a namespace's new level is held to them.
    package static func resources(withPods: Bool) -> ResourceSet {
        let wanted: Set<String> = [
            "namespaces", "serviceaccounts", "limitranges", "deployments", "replicasets", "statefulsets", "daemonsets",
            "jobs", "cronjobs", "replicationcontrollers", "roles", "rolebindings", "clusterroles",
            "clusterrolebindings",
        ]
        return ResourceSet(
            ResourceSet.standard.entries.filter {
                $0.isBuiltIn && (wanted.contains($0.name) || withPods && $0.name == "pods")
            })
    }

    /// Watches until it is cancelled, or until the cluster refuses for good.
    package nonisolated func run(_ client: APIClient, set: ResourceSet) async throws {
        let discovery = try await client.discover()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for entry in set.entries {
                guard let resource = discovery.resource(entry.name, in: entry.group) else { continue }
                group.addTask {
                    for try await event in client.watch(resource, form: entry.form) {
                        switch event {
                        case .listed(let objects):
                            await self.relisted(objects, group: resource.group, kind: resource.kind)
                        case .changed(let change): await self.take([change])
                        case .bookmark: continue
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func relisted(_ objects: [KubernetesObject], group: String, kind: String) {
        let there = Set(objects.map(\.reference))
        let gone = reviewer.scan.inventory.objects(kind, of: group).filter { !there.contains($0.reference) }
        take(gone.map { .deleted($0) } + objects.map { .modified($0) })
    }

    /// Takes events in, soon.
    package func take(_ events: [Inventory.Event]) {
        pending += events
        guard !isScheduled, !pending.isEmpty else { return }
        isScheduled = true
        Task {
            try? await Task.sleep(for: pause)
            self.settle()
        }
    }

    /// Takes in what was gathered, now.
    package func settle() {
        isScheduled = false
        let events = pending
        pending = []
        for event in events { reviewer.apply(event) }
        service.replace(reviewer)
    }
}
