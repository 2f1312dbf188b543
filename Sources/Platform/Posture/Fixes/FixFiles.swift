import Documents
package import Kubernetes

/// A file with the fixes of its objects written into it.
package struct FixedFile: Sendable {
    package var name: String
    package var before: [UInt8]
    package var after: [UInt8]
    /// Objects whose fix stands in `after`.
    package var written: [ObjectReference]
    /// Objects whose fix could not be written, and why.
    package var refused: [(object: ObjectReference, reason: String)]

    package var isChanged: Bool { before != after }
    /// As `git apply` takes it.
    package var diff: [UInt8] { UnifiedDiff.text(name, from: before, to: after) }
}

/// Fixes written into the files their objects stand in. Whoever calls writes them, atomically.
package enum FixFiles {
    /// One entry for each file, in order of names; objects of a cluster have none.
    package static func files(_ fixes: [VerifiedFix]) -> [FixedFile] {
        let ofFiles = fixes.filter { !$0.isEmpty && $0.object.node.source.isFile }
        return Dictionary(grouping: ofFiles, by: \.object.file).sorted { $0.key < $1.key }.map {
            file($0.key, $0.value)
        }
    }

    private static func file(_ name: String, _ fixes: [VerifiedFix]) -> FixedFile {
        let source = fixes[0].object.node.source
        var out = FixedFile(name: name, before: source.bytes, after: source.bytes, written: [], refused: [])
        if source.isRendered {
            let reason =
                "\(name) is rendered, not written by hand; change what it is rendered from, or add a Kustomize patch"
            out.refused = fixes.map { ($0.object.reference, reason) }
            return out
        }
        let places = places(source)
        var edits: [SourceEdit] = []
        var edited: [VerifiedFix] = []
        for fix in fixes {
            guard let place = places[Place(document: fix.object.document, item: fix.object.item)] else {
                out.refused.append((fix.object.reference, "the object is not where it was read"))
                continue
            }
            // The patch as meant rather than its normal form: the text decides where new parents go.
            let patch = JSONPatch(fix.steps.map(\.operation))
            edits.append(SourceEdit(document: fix.object.document, object: place, patch: patch))
            edited.append(fix)
        }
        let result = YAMLSourceEditor.apply(edits, to: source)
        let failed = Dictionary(result.refused.map { ($0.edit, $0.reason) }) { first, _ in first }
        for (index, fix) in edited.enumerated() {
            if let reason = failed[index] {
                out.refused.append((fix.object.reference, reason.description))
            } else {
                out.written.append(fix.object.reference)
            }
        }
        out.after = result.bytes
        return out
    }

    private struct Place: Hashable {
        var document: Int
        var item: Int
    }

    /// The way from its document's root to every object of a text.
    private static func places(_ source: SourceText) -> [Place: FieldPath] {
        var out: [Place: FieldPath] = [:]
        for document in DocumentReader.read(source).documents {
            for object in KubernetesObject.objects(in: document).objects {
                out[Place(document: object.document, item: object.item)] = object.node.path(in: document)
            }
        }
        return out
    }
}
