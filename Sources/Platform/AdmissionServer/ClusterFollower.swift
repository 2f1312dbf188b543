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
    private let retryPause: Duration
    private let onGap: @Sendable (String) -> Void

    /// - Parameter onGap: told what could not be followed.
    package init(
        _ service: AdmissionService, pause: Duration = .milliseconds(200), retryPause: Duration = .seconds(5),
        onGap: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.service = service
        self.retryPause = retryPause
        self.onGap = onGap
        reviewer = service.current
        self.pause = pause
    }

    /// What the door has to know of a cluster: what selects, what owns, and what rights are made of. Pods only where
    /// a namespace's new level is held to them.
    ///
    /// - Parameter networkGroups: groups whose policies of the network are followed too.
    package static func resources(withPods: Bool, networkGroups: Set<String> = []) -> ResourceSet {
        let wanted: Set<String> = [
            "namespaces", "serviceaccounts", "limitranges", "deployments", "replicasets", "statefulsets", "daemonsets",
            "jobs", "cronjobs", "replicationcontrollers", "roles", "rolebindings", "clusterroles",
            "clusterrolebindings",
        ]
        return ResourceSet(
            ResourceSet.standard.entries.filter {
                $0.isBuiltIn && (wanted.contains($0.name) || withPods && $0.name == "pods")
                    || networkGroups.contains($0.group) && $0.name != "ingresses"
            })
    }

    /// Watches until it is cancelled, or until the cluster refuses for good.
    ///
    /// - Parameter parameters: kinds that custom policies take parameters of, as `apiVersion` and `kind`.
    package nonisolated func run(
        _ client: APIClient, set: ResourceSet, parameters: [(apiVersion: String, kind: String)] = []
    ) async throws {
        let discovery = try await client.discover()
        var watched = set.entries.compactMap { entry in
            discovery.resource(entry.name, in: entry.group).map { (resource: $0, form: entry.form) }
        }
        for (apiVersion, kind) in parameters {
            let found = discovery.resources.first { $0.apiVersion == apiVersion && $0.kind == kind }
            // Secrets are read in no form but their metadata, which no policy can take parameters of.
            guard let found, !found.isSecrets,
                !watched.contains(where: { $0.resource.group == found.group && $0.resource.name == found.name })
            else { continue }
            watched.append((found, .full))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (resource, form) in watched {
                group.addTask { try await self.follow(client, resource, form) }
            }
            try await group.waitForAll()
        }
    }

    /// Follows one resource for good. What is refused, or broken for longer, is told and tried again: a door that knows
    /// of an older state answers, and one that has ended does not.
    private nonisolated func follow(_ client: APIClient, _ resource: APIResource, _ form: ObjectForm) async throws {
        while true {
            do {
                for try await event in client.watch(resource, form: form) {
                    switch event {
                    case .listed(let objects):
                        await relisted(objects, group: resource.group, kind: resource.kind)
                    case .changed(let change): await take([change])
                    case .bookmark: continue
                    }
                }
            } catch let error as ClientError {
                onGap("\(resource) is not followed at the moment: \(error.message)")
            }
            try await Task.sleep(for: retryPause)
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
