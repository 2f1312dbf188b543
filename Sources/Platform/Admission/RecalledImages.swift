package import Kubernetes

/// What is known of images where nobody may be asked: in a simulation, in a replay.
package protocol RecalledImages: Sendable {
    func verdict(of digest: String) -> ImageVerdict?

    /// What a name stood for when somebody last looked; nil where nobody did.
    func digest(of image: ImageReference) -> String?
}

extension AdmissionReviewer {
    /// What is remembered of the images that a request names.
    ///
    /// An image of which nothing is remembered is left out where the policy would let it in and have it scanned: it is
    /// then told as not seen, which is neither a pass nor a refusal.
    ///
    /// - Parameter known: digests by image name, from a better source than memory: what runs, what was recorded.
    func answers(
        for request: ReviewRequest, from images: any RecalledImages, known: [String: String] = [:]
    ) -> [String: ImageAnswer] {
        guard let imageJudge, imageJudge.needsAnswers, exemption(request) == nil,
            request.operation == .create || request.operation == .update
        else { return [:] }
        var out: [String: ImageAnswer] = [:]
        for object in [request.object, request.oldObject].compactMap(\.self) {
            for (_, name) in ImageJudge.images(of: object) where out[name] == nil {
                let image = ImageReference(name)
                let digest = image.digest ?? known[name] ?? images.digest(of: image)
                let verdict = digest.flatMap(images.verdict)
                guard verdict != nil || imageJudge.policy.unknown == .deny else { continue }
                out[name] = ImageAnswer(
                    digest.map(ImageResolution.digest) ?? .unknown("nobody has looked at it yet"), verdict)
            }
        }
        return out
    }
}

/// The digests that image names stand for in what runs, where all who run the name run the same.
struct RunningDigests {
    private(set) var byName: [String: String] = [:]

    init(_ inventory: Inventory) {
        var different: Set<String> = []
        for pod in inventory.objects("Pod") {
            let images = Dictionary(
                ImageJudge.images(of: pod).map { ($0.container.name, $0.image) }, uniquingKeysWith: { one, _ in one })
            for (name, digest) in ImageJudge.running(pod) {
                guard let image = images[name] else { continue }
                if let other = byName[image], other != digest { different.insert(image) }
                byName[image] = digest
            }
        }
        for image in different { byName[image] = nil }
    }
}

extension ImageAnswer {
    /// Digests by image name, out of what the door noted in an audit event; nothing where no door was asked.
    static func digests(noted text: String) -> [String: String] {
        var out: [String: String] = [:]
        for part in text.split(separator: ", ") {
            guard let end = part.range(of: " (")?.lowerBound, let equals = part[..<end].lastIndex(of: "=") else {
                continue
            }
            let digest = part[part.index(after: equals)..<end]
            if digest.hasPrefix("sha256:") { out[String(part[..<equals])] = String(digest) }
        }
        return out
    }
}
