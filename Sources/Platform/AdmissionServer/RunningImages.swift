package import Admission
package import Kubernetes
package import KubernetesClient
import Synchronization

/// Compares what pods run with what was judged when they came in: a tag can be moved after the verdict and before the
/// pull, and nothing but the image's id in the pod's status tells.
///
/// Closes that gap without changing anybody's objects. Pods are remembered while they live, since a container that
/// starts again may pull again.
package final class RunningImages: Sendable {
    package struct Moved: Sendable, Hashable {
        package var namespace: String
        package var pod: String
        package var container: String
        package var image: String
        /// The digest that the name stood for when the pod came in.
        package var judged: String
        package var runs: String
        /// Ids of the rules that what runs breaks; nil where nothing is known of it yet.
        package var breaks: [String]?

        /// One line for a log.
        package var text: String {
            let verdict: String
            switch breaks {
            case nil: verdict = "what runs was not scanned yet"
            case []?: verdict = "what runs would have been let in too"
            case let ids?: verdict = "what runs would have been refused: \(ids.joined(separator: ", "))"
            }
            return
                "pod \(namespace)/\(pod), container \(container): image \(image) was judged as \(judged) and runs as "
                + "\(runs): the tag was moved; \(verdict)"
        }
    }

    private struct Open: Hashable {
        var uid: String
        var container: String
        var runs: String
    }

    private struct State {
        var judged: [String: JudgedPod] = [:]
        /// Differences of which it is not known whether they are one image.
        var open: [Open: Moved] = [:]
        var told: Set<Open> = []
        var moved = 0
        var agreed = 0
    }

    private static let most = 50_000

    private let images: any ImageVerdicts
    private let judge: ImageJudge
    private let onMoved: @Sendable (Moved) -> Void
    private let state = Mutex(State())

    package init(
        _ images: any ImageVerdicts, policy: ImagePolicy, onMoved: @escaping @Sendable (Moved) -> Void
    ) {
        self.images = images
        judge = ImageJudge(policy)
        self.onMoved = onMoved
    }

    package var counts: (moved: Int, agreed: Int, open: Int) {
        state.withLock { ($0.moved, $0.agreed, $0.open.count) }
    }

    /// A pod was let in.
    package func note(_ pod: JudgedPod) {
        state.withLock { state in
            // Beyond that, what came in longest ago runs long since; which it is does not matter.
            if state.judged.count >= Self.most, let any = state.judged.keys.first { state.judged[any] = nil }
            state.judged[pod.uid] = pod
        }
    }

    /// What has become of a pod.
    package func see(_ event: Inventory.Event) {
        switch event {
        case .added(let pod), .modified(let pod): see(pod)
        case .deleted(let pod):
            guard let uid = pod.uid else { return }
            state.withLock { state in
                guard state.judged.removeValue(forKey: uid) != nil else { return }
                state.open = state.open.filter { $0.key.uid != uid }
                state.told = state.told.filter { $0.uid != uid }
            }
        }
    }

    private func see(_ pod: KubernetesObject) {
        guard let uid = pod.uid, let known = state.withLock({ $0.judged[uid] }) else { return }
        let different = ImageJudge.moved(pod, judged: known.digests)
        for one in different {
            let place = Open(uid: uid, container: one.container, runs: one.runs)
            guard state.withLock({ !$0.told.contains(place) && $0.open[place] == nil }),
                let image = ImageJudge.images(of: pod).first(where: { $0.container.name == one.container })?.image
            else { continue }
            decide(
                place,
                Moved(
                    namespace: pod.namespace, pod: pod.name, container: one.container, image: image,
                    judged: one.judged, runs: one.runs))
        }
    }

    private func decide(_ place: Open, _ difference: Moved) {
        switch images.areSame(difference.judged, difference.runs) {
        case true?:
            state.withLock { state in
                state.open[place] = nil
                if state.told.insert(place).inserted { state.agreed += 1 }
            }
        case false?:
            var difference = difference
            difference.breaks = breaks(difference)
            let isNew = state.withLock { state in
                state.open[place] = nil
                guard state.told.insert(place).inserted else { return false }
                state.moved += 1
                return true
            }
            if isNew { onMoved(difference) }
        case nil:
            // Looking into both tells; until then it is open.
            let image = ImageReference(difference.image)
            for digest in [difference.judged, difference.runs] where images.verdict(of: digest) == nil {
                images.enqueue(image, digest: digest)
            }
            state.withLock { $0.open[place] = difference }
        }
    }

    private func breaks(_ difference: Moved) -> [String]? {
        guard let verdict = images.verdict(of: difference.runs) else { return nil }
        return judge.rules(brokenBy: difference.image, ImageAnswer(.digest(difference.runs), verdict)).map(\.id)
    }

    /// Asks again about differences that were open.
    package func settle() {
        for (place, difference) in state.withLock({ $0.open }) { decide(place, difference) }
    }

    /// Watches the cluster's pods until it is cancelled, or until the cluster refuses for good.
    package func run(_ client: APIClient, every pause: Duration = .seconds(10)) async throws {
        let discovery = try await client.discover()
        guard let pods = discovery.resource("pods", in: "") else {
            throw ClientError(.notFound, "the cluster serves no pods")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for try await event in client.watch(pods) {
                    switch event {
                    case .listed(let objects): for object in objects { self.see(.modified(object)) }
                    case .changed(let change): self.see(change)
                    case .bookmark: continue
                    }
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    try await Task.sleep(for: pause)
                    self.settle()
                }
            }
            _ = try await group.next()
            group.cancelAll()
        }
    }

    /// In the text form that Prometheus reads.
    package var metrics: String {
        let (moved, agreed, open) = counts
        return """
            # HELP martlet_admission_images_moved_total Containers that run another image than was judged.
            # TYPE martlet_admission_images_moved_total counter
            martlet_admission_images_moved_total \(moved)
            # HELP martlet_admission_images_agreed_total Containers whose other digest is of the same image.
            # TYPE martlet_admission_images_agreed_total counter
            martlet_admission_images_agreed_total \(agreed)
            # HELP martlet_admission_images_open Containers of which it is not known yet.
            # TYPE martlet_admission_images_open gauge
            martlet_admission_images_open \(open)

            """
    }
}

extension DoorEvent {
    /// A tag that was moved between the verdict and the pull: worst where what runs would have been refused.
    package init(_ moved: RunningImages.Moved) {
        let breaks = moved.breaks ?? []
        self.init(
            .imageMoved, breaks.isEmpty ? .low : .high, namespace: moved.namespace,
            subject: "Pod \(moved.namespace)/\(moved.pod)", rules: breaks, message: moved.text)
    }
}
