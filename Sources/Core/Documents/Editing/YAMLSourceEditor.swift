/// Why a change was not written into a text.
package struct SourceEditError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The text is not UTF-8, or the document could not be read.
        case unreadable
        /// The patch does not fit the document.
        case doesNotApply
        /// The value is an alias (`*name`): its text stands elsewhere.
        case alias
        /// The value has an anchor that is used elsewhere, which would change too.
        case sharedByAnchor
        /// The member comes by a merge key and does not stand in this mapping.
        case mergedMember
        /// The new text did not read back as the patched document, so it is not offered.
        case unverified
    }

    package var code: Code
    package var location: SourceLocation
    package var message: String

    package init(_ code: Code, at location: SourceLocation, _ message: String) {
        self.code = code
        self.location = location
        self.message = message
    }

    package var description: String { "\(location): \(message)" }
}

/// A patch for one object of a text.
package struct SourceEdit: Sendable {
    /// Position of the document in its text, as `Document.ordinal` counts.
    package var document: Int
    /// The way from the document's root to the object: empty, or into the `items` of a List.
    package var object: FieldPath
    /// Paths from the object's root.
    package var patch: JSONPatch

    package init(document: Int, object: FieldPath = FieldPath(), patch: JSONPatch) {
        self.document = document
        self.object = object
        self.patch = patch
    }
}

/// A text with changes written into it.
package struct EditedSource: Sendable {
    package var bytes: [UInt8]
    /// Edits that were not written, by their position, and why.
    package var refused: [(edit: Int, reason: SourceEditError)]

    package var isChanged: Bool
}

/// Writes patches into the text of YAML and JSON files: comments, order, quotes, indentation and line breaks stay as
/// their author left them.
///
/// Nothing unverified leaves this type: the new text is read again and must mean the patched documents exactly, every
/// other document of the file included; otherwise the edit is refused with a reason.
package enum YAMLSourceEditor {
    package static func apply(_ edits: [SourceEdit], to source: SourceText) -> EditedSource {
        var out = EditedSource(bytes: source.bytes, refused: [], isChanged: false)
        apply(edits[...], source.name, &out)
        out.isChanged = out.bytes != source.bytes
        return out
    }

    /// All at once; where that fails, each half by itself, so that an edit that is refused stops no other.
    private static func apply(_ edits: ArraySlice<SourceEdit>, _ name: String, _ out: inout EditedSource) {
        guard let first = edits.indices.first else { return }
        do throws(SourceEditError) {
            out.bytes = try Attempt(SourceText(name: name, bytes: out.bytes)).apply(edits)
        } catch {
            guard edits.count > 1 else {
                out.refused.append((first, error))
                return
            }
            let middle = first + edits.count / 2
            apply(edits[..<middle], name, &out)
            apply(edits[middle...], name, &out)
        }
    }

    /// One go at one text.
    private struct Attempt {
        let source: SourceText
        let documents: DocumentSet
        let syntax: SourceSyntax

        init(_ source: SourceText) {
            self.source = source
            documents = DocumentReader.read(source)
            syntax = SourceSyntax(source)
        }

        func apply(_ edits: ArraySlice<SourceEdit>) throws(SourceEditError) -> [UInt8] {
            var operations: [Int: [PatchOperation]] = [:]
            for edit in edits { operations[edit.document, default: []] += edit.absoluteOperations }
            var rewriter = SourceRewriter(source: source, syntax: syntax)
            var patched: [Int: Node] = [:]
            for document in operations.keys.sorted() {
                let before = try root(document)
                guard let after = JSONPatch(operations[document] ?? []).applied(to: before) else {
                    let object = edits.first { $0.document == document }?.object ?? FieldPath()
                    throw SourceEditError(
                        .doesNotApply, at: place(before[object]), "the patch does not fit this object")
                }
                try rewriter.rewrite(root: part(before), original: before, to: after)
                patched[document] = after
            }
            guard let bytes = Self.replace(rewriter.replacements, in: source.bytes), isExactly(patched, bytes) else {
                let object = edits.first.map { documents.documents[$0.document].root[$0.object] }
                throw SourceEditError(
                    .unverified, at: place(object),
                    "the change cannot be written into this text so that it reads back as meant; edit it by hand")
            }
            return bytes
        }

        private func root(_ document: Int) throws(SourceEditError) -> Node {
            guard documents.documents.indices.contains(document) else {
                throw SourceEditError(.unreadable, at: place(nil), "the file has no document \(document + 1)")
            }
            return documents.documents[document].root
        }

        private func part(_ root: Node) throws(SourceEditError) -> Int {
            guard root.source.bytes == source.bytes else {
                throw SourceEditError(.unreadable, at: place(nil), "not UTF-8; convert the file first")
            }
            guard let part = syntax.roots.first(where: { syntax.parts[$0].start == root.sourceStart }) else {
                throw SourceEditError(
                    .unreadable, at: place(root), "a document before this one cannot be read; mend that first")
            }
            return part
        }

        private func place(_ node: Node?) -> SourceLocation { source.location(at: node?.sourceStart ?? 0) }

        /// The text with the replacements made; nil when two of them meet.
        private static func replace(_ replacements: [SourceRewriter.Replacement], in bytes: [UInt8]) -> [UInt8]? {
            // Insertions come before what is removed behind them, and keep the order they were found in: innermost
            // first.
            let sorted = replacements.enumerated().sorted { a, b in
                (a.element.range.lowerBound, a.element.range.isEmpty ? 0 : 1, a.offset)
                    < (b.element.range.lowerBound, b.element.range.isEmpty ? 0 : 1, b.offset)
            }
            var out: [UInt8] = []
            out.reserveCapacity(bytes.count + 256)
            var position = 0
            for (_, replacement) in sorted {
                guard replacement.range.lowerBound >= position else { return nil }
                out += bytes[position..<replacement.range.lowerBound]
                out += replacement.text
                position = replacement.range.upperBound
            }
            return out + bytes[position...]
        }

        private func isExactly(_ patched: [Int: Node], _ bytes: [UInt8]) -> Bool {
            let after = DocumentReader.read(SourceText(name: source.name, bytes: bytes))
            guard after.documents.count == documents.documents.count,
                after.problems.map(\.code) == documents.problems.map(\.code)
            else { return false }
            return zip(documents.documents, after.documents).allSatisfy { old, new in
                (patched[old.ordinal] ?? old.root).isEquivalent(to: new.root)
            }
        }
    }
}

extension SourceEdit {
    /// The operations with paths from the document's root.
    fileprivate var absoluteOperations: [PatchOperation] {
        patch.operations.map { PatchOperation($0.kind, object.appending($0.path), $0.value) }
    }
}
