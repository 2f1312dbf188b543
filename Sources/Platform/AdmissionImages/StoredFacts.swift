import Admission
import ImageStore
import Kubernetes

/// Reads what a store knows of images, in the form a policy asks for.
///
/// What was found in an image, when it was built and what of it was not seen stands in the verdict, which every scan
/// writes alike; who signed it and which approved base it has stands in a note that only the door writes.
struct StoredFacts: Sendable {
    /// Kinds of notes: of manifests, of indexes, and of tags by their full names.
    static let door = "door"
    static let index = "index"
    static let tag = "tag"

    let store: ImageStore
    let policy: Admission.ImagePolicy

    /// The facts of a manifest, or of those manifests of an index that were looked into; nil where nothing is known.
    func entry(of digest: String) throws(ImageStoreError) -> FactsMemory.Entry? {
        if let own = try part(digest) { return .init(parts: [own], members: [digest]) }
        guard let text = try store.note(Self.index, of: digest) else { return nil }
        // The first line names what was looked into.
        let members = text.prefix { $0 != "\n" }.split(separator: " ").map(String.init)
        var parts: [ImageFacts] = []
        for member in members {
            guard let own = try part(member) else { return nil }
            parts.append(own)
        }
        return parts.isEmpty ? nil : .init(parts: parts, members: members)
    }

    /// Who looked in for another purpose did not ask which base is approved: where that counts, it is not known.
    private func part(_ digest: String) throws(ImageStoreError) -> ImageFacts? {
        guard let known = try store.knowledge(digest: digest) else { return nil }
        let note = try store.note(Self.door, of: digest).flatMap(DoorNote.init(text:))
        guard note != nil || policy.approvedBases.isEmpty else { return nil }
        return light(ImageFacts(known, note))
    }

    /// Only what the policy may refuse, whatever day it is.
    private func light(_ facts: ImageFacts) -> ImageFacts {
        var facts = facts
        facts.vulnerabilities.removeAll { one in
            let oldest = ImageVerdict.Vulnerability(
                id: one.id, severity: one.severity, package: one.package, fixedVersion: one.fix, fixKnownForDays: .max,
                epss: one.epss, isKnownExploited: one.isExploited)
            return !policy.refusals.contains { $0.covers(oldest) }
        }
        return facts
    }

    /// A digest with all that it lists; nil where nobody looked into it.
    func listing(_ digest: String) throws(ImageStoreError) -> Set<String>? {
        if let text = try store.note(Self.index, of: digest) {
            return Set([digest] + text.split(separator: "\n").dropFirst().map(String.init))
        }
        return try store.verdict(digest: digest) == nil ? nil : [digest]
    }

    static func verdict(_ parts: [ImageFacts], _ digest: String, today: Int) -> ImageVerdict? {
        guard var verdict = parts.first?.verdict(digest: digest, today: today) else { return nil }
        for part in parts.dropFirst() { verdict.merge(part.verdict(digest: digest, today: today)) }
        return verdict
    }
}
