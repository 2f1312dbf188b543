internal import YAMLEvents

/// One YAML document or one JSON value of a text.
package struct Document: Sendable {
    package let root: Node
    /// Position among the documents of its text, from 0; empty documents count.
    package let ordinal: Int
}

/// What a text held: its documents, and what was wrong with it.
package struct DocumentSet: Sendable {
    package var documents: [Document]
    package var problems: [DocumentError]
}

/// Bytes to documents: JSON when the text begins like JSON and is, YAML otherwise.
package enum DocumentReader {
    package struct Options: Sendable {
        /// Report keys that stand twice in an object. The API server never sends such.
        package var checkDuplicateKeys = true
        /// Drop `managedFields` while reading; it is half of what an API server sends and says nothing here.
        package var dropManagedFields = false

        package init(checkDuplicateKeys: Bool = true, dropManagedFields: Bool = false) {
            self.checkDuplicateKeys = checkDuplicateKeys
            self.dropManagedFields = dropManagedFields
        }

        /// For answers of an API server.
        package static let server = Options(checkDuplicateKeys: false, dropManagedFields: true)
    }

    /// Reads every document of a text; never throws, what is wrong is in `problems`.
    package static func read(_ source: SourceText, options: Options = Options()) -> DocumentSet {
        let source = transcoded(source)
        guard source.bytes.count < Int(UInt32.max) else {
            let place = SourceLocation(file: source.name, line: 1, column: 1)
            return DocumentSet(documents: [], problems: [DocumentError(.tooLarge, at: place, "larger than 4 GiB")])
        }
        if beginsLikeJSON(source.bytes) {
            if let (repaired, problem) = repairedText(source) {
                var set = read(repaired, options: options)
                set.problems.insert(problem, at: 0)
                return set
            }
            var parser = JSONParser(source: source, options: options)
            do throws(DocumentError) {
                try parser.parse()
                return set(parser.builder, parser.roots, parser.problems.finished(source), source)
            } catch {
                // Flow-style YAML begins like JSON too; but what is neither is told as the JSON it looks like.
                let whole = parser.completeRoots
                var kept = parser.builder
                if whole.count < parser.roots.count { kept.truncate(to: parser.roots[whole.count]) }
                guard error.code == .syntax else {
                    return set(kept, whole, parser.problems.finished(source) + [error], source)
                }
                let yaml = readYAML(source, options)
                if yaml.documents.count > whole.count || yaml.problems.allSatisfy({ $0.code == .duplicateKey }) {
                    return yaml
                }
                // What YAML says is worth more only where it says more than that the text is none.
                let clearer: Set<DocumentError.Code> = [.helmTemplate, .tooDeep, .aliasBomb, .badAlias]
                let told = yaml.problems.first { clearer.contains($0.code) }
                return set(kept, whole, parser.problems.finished(source) + [told ?? error], source)
            }
        }
        return readYAML(source, options)
    }

    /// Reads text that must be one JSON value.
    package static func readJSON(_ source: SourceText, options: Options = .server) throws(DocumentError) -> Node {
        var parser = JSONParser(source: repairedText(source)?.source ?? source, options: options)
        try parser.parse()
        guard parser.roots.count == 1 else {
            throw DocumentError(
                .syntax, at: source.location(at: 0), "expected one JSON value, found \(parser.roots.count)")
        }
        let tape = parser.builder.finish(parser.source)
        return Node(tape: tape, index: parser.roots[0], root: parser.roots[0])
    }

    /// Whether the text has the actions of a Go template where YAML has none.
    package static func looksLikeHelmTemplate(_ bytes: [UInt8]) -> Bool {
        let span = bytes.span
        var i = 0
        while i + 3 < span.count {
            if span[i] == UInt8(ascii: "{"), span[i + 1] == UInt8(ascii: "{") {
                let rest = String(copying: span.extracting(i + 2..<min(i + 60, span.count)))
                let body = rest.drop { $0 == "-" || $0 == " " }
                if body.hasPrefix(".") || body.hasPrefix("$") || body.hasPrefix("/*") || body.hasPrefix("(")
                    || [
                        "include", "if", "range", "with", "end", "else", "define", "template", "toYaml", "block", "tpl",
                        "printf", "default", "quote", "required", "fail", "lookup", "not ", "and ", "or ",
                    ]
                    .contains(where: body.hasPrefix)
                {
                    return true
                }
            }
            i += 1
        }
        return false
    }

    /// JSON with bytes that are no UTF-8: Kubernetes reads U+FFFD in their place.
    private static func repairedText(_ source: SourceText) -> (source: SourceText, problem: DocumentError)? {
        guard !TextScan.isASCII(source.bytes, in: 0..<source.bytes.count) else { return nil }
        let stored = source.bytes
        let offset: Int
        do {
            _ = try UTF8Span(validating: stored.span)
            return nil
        } catch {
            offset = error.byteOffsets.lowerBound
        }
        let text = Array(String(decoding: source.bytes, as: UTF8.self).utf8)
        return (
            SourceText(name: source.name, bytes: text),
            DocumentError(
                .binary, at: source.location(at: offset), "not UTF-8 text; Kubernetes reads \"\u{FFFD}\" here")
        )
    }

    private static func readYAML(_ source: SourceText, _ options: Options) -> DocumentSet {
        var composer = YAMLComposer(source: source, options: options)
        composer.parse()
        return set(composer.builder, composer.roots, composer.problems.finished(source), source)
    }

    private static func set(
        _ builder: TapeBuilder, _ roots: [Int], _ problems: [DocumentError], _ source: SourceText
    ) -> DocumentSet {
        let tape = builder.finish(source)
        let documents = roots.enumerated().map { Document(root: Node(tape: tape, index: $1, root: $1), ordinal: $0) }
        return DocumentSet(documents: documents, problems: problems)
    }

    private static func beginsLikeJSON(_ bytes: [UInt8]) -> Bool {
        for byte in bytes {
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF: continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): return true
            default: return false
            }
        }
        return false
    }

    /// UTF-16 with a byte order mark becomes UTF-8, as YAML parsers accept both.
    private static func transcoded(_ source: SourceText) -> SourceText {
        let bytes = source.bytes
        guard bytes.count >= 2 else { return source }
        let little = bytes[0] == 0xFF && bytes[1] == 0xFE
        guard little || (bytes[0] == 0xFE && bytes[1] == 0xFF) else { return source }
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2)
        for i in stride(from: 2, to: bytes.count - 1, by: 2) {
            let (a, b) = (UInt16(bytes[i]), UInt16(bytes[i + 1]))
            units.append(little ? b << 8 | a : a << 8 | b)
        }
        return SourceText(name: source.name, bytes: Array(String(decoding: units, as: UTF16.self).utf8))
    }
}
