import Documents
import Findings
import Kubernetes

extension WorkloadChecks {
    static let mutableTag = Check<WorkloadSubject>(
        Rule(
            "image/mutable-tag", .medium, [.nsa("pod-image"), .attack("T1204.003"), .attack("T1525"), .cis("5.5.1")],
            title: "A container runs whatever its image's tag points at today",
            why: """
                "latest", or no tag at all, moves with every push: pods of one workload can run different programs, a \
                restart can bring in a change nobody reviewed, and whoever can push to the repository runs code here.
                """,
            remedy: "Name a version and its digest: registry.example/app:1.4.2@sha256:…")
    ) { subject, report in
        // Knative looks tags up once, when the revision is made, and runs the digest.
        guard !subject.resolvesTags else { return report.notApplicable() }
        for container in subject.startedContainers {
            switch container.imageName {
            case .known(let image) where image.pin == .mutable:
                report.fail(
                    at: container.node["image"],
                    "\(container.phrase) runs \(quoted: container.image), "
                        + (image.tag == nil ? "which names no version" : "a tag that moves with every push"))
            case .known, .absent: continue
            case .filledIn:
                report.notObservable(
                    at: container.node["image"], "\(container.phrase) has a placeholder for an image, filled in later")
            }
        }
    }

    static let noDigest = Check<WorkloadSubject>(
        Rule(
            "image/no-digest", .low, [.nsa("pod-image"), .attack("T1525"), .cis("5.5.1")],
            title: "A container's image is named by a tag, without its digest",
            why: """
                A tag can be pushed again with other content. Only a digest says which bytes run, so that what was \
                scanned and signed is what starts.
                """,
            remedy: "Add the digest of the image that was tested: app:1.4.2@sha256:…")
    ) { subject, report in
        guard !subject.resolvesTags else { return report.notApplicable() }
        for container in subject.startedContainers {
            // No tag and "latest" are said by image/mutable-tag.
            guard case .known(let image) = container.imageName, image.pin == .tag else { continue }
            report.fail(at: container.node["image"], "\(container.phrase) runs \(quoted: container.image) by its tag")
        }
    }

    static let staleImage = Check<WorkloadSubject>(
        Rule(
            "image/stale-pull", .low, [.nsa("pod-image"), .attack("T1525"), .cis("5.5.1")],
            title: "A node keeps running its old copy of an image whose tag moves",
            why: """
                With a tag that moves and a pull policy of IfNotPresent or Never, each node runs the copy it happens \
                to have: fixes do not arrive, nodes differ, and a copy planted on a node is used without asking the \
                registry whether the pod may have it.
                """,
            remedy: "Pin the image by digest; or let imagePullPolicy be Always for tags that move."),
        fix: { subject, evidence in
            // Right only where there is a registry to pull from: a bare name may have been loaded onto the node.
            let container = subject.spec.node[
                FieldPath(Array(evidence.path.elements.dropFirst(subject.depth).dropLast()))]
            let image = ImageReference(container["image"].string ?? "")
            guard image.registry != "docker.io", image.registry != "localhost",
                container["imagePullPolicy"].equals("IfNotPresent")
            else { return [] }
            return [PatchOperation(.replace, evidence.path, "Always")]
        }
    ) { subject, report in
        guard !subject.resolvesTags else { return report.notApplicable() }
        for container in subject.startedContainers {
            // Where nothing is written the API server writes Always for such tags.
            let policy = container.node["imagePullPolicy"]
            guard case .known(let image) = container.imageName, image.pin == .mutable,
                policy.equals("IfNotPresent") || policy.equals("Never")
            else { continue }
            report.fail(
                at: policy,
                "\(container.phrase) runs \(quoted: container.image) and does not ask the registry for a newer one")
        }
    }
}

extension WorkloadSubject {
    /// Whether the controller turns tags into digests itself.
    fileprivate var resolvesTags: Bool { object.apiVersion.group == "serving.knative.dev" }

    /// How many steps the pod's specification is below the object's root.
    fileprivate var depth: Int { template.specPath.elements.count }
}

extension Container {
    fileprivate enum ImageName {
        case known(ImageReference)
        case absent
        /// Something else writes the name before or while the object is applied.
        case filledIn
    }

    fileprivate var imageName: ImageName {
        let text = image
        if text.isEmpty { return .absent }
        // "auto" is Istio's sign for a gateway whose image the sidecar injector knows; ko writes ko://.
        if text == "auto" || text.contains("://") || text.contains(where: { "${}<> ".contains($0) }) {
            return .filledIn
        }
        let image = ImageReference(text)
        // Names are in lower case; IMAGE_NAME is a sign for one.
        if image.repository.split(separator: "/").last?.contains(where: \.isUppercase) ?? true { return .filledIn }
        return .known(image)
    }
}
