package import Admission
package import ImageStore
package import Kubernetes
import Vulnerabilities

/// What a store remembers of images, for simulations and replays: no registry is asked and nothing is looked into.
package struct RecalledVerdicts: RecalledImages {
    private let facts: StoredFacts
    private let today: Int
    /// Digests by the full names that images were scanned by, the newest scan of a name.
    private let scanned: [String: String]

    /// - Parameter today: counted from 1970.
    package init(_ store: ImageStore, policy: Admission.ImagePolicy, today: Int) throws(ImageStoreError) {
        facts = StoredFacts(store: store, policy: policy)
        self.today = today
        var newest: [String: ImageSummary] = [:]
        for image in try store.summaries() {
            let reference = ImageReference(image.reference)
            guard reference.digest == nil else { continue }
            let name = reference.named()
            if let other = newest[name], other.stored > image.stored { continue }
            newest[name] = image
        }
        scanned = newest.mapValues(\.digest)
    }

    package func verdict(of digest: String) -> ImageVerdict? {
        do throws(ImageStoreError) {
            return try facts.entry(of: digest).flatMap { StoredFacts.verdict($0.parts, digest, today: today) }
        } catch {
            // What cannot be read is not known, and counted so.
            return nil
        }
    }

    package func digest(of image: ImageReference) -> String? {
        if let digest = image.digest { return digest }
        let name = image.named()
        do throws(ImageStoreError) {
            return try facts.store.note(StoredFacts.tag, of: name) ?? scanned[name]
        } catch {
            return scanned[name]
        }
    }
}
