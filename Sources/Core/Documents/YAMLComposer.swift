internal import YAMLEvents

/// YAML events to a tape: anchors and aliases expanded within bounds, merge keys applied, types resolved as
/// Kubernetes resolves them.
///
/// Documents are told apart as `kubectl` does it, by lines, and each is read on its own: a broken document does not
/// hide the others of its file. What `kubectl` would not see (behind `...`, or on the line of a `---`) is read and told.
struct YAMLComposer: ~Copyable {
    static let maximumDepth = 1000
    static var depthMessage: String { "nested more than \(maximumDepth) levels deep; no Kubernetes object is" }

    let source: SourceText
    let options: DocumentReader.Options
    var builder = TapeBuilder()
    var roots: [Int] = []
    var problems = ProblemList()

    init(source: SourceText, options: DocumentReader.Options) {
        self.source = source
        self.options = options
        // A value for every 16 bytes is what terse manifests have; what is not used is given back.
        builder.nodes.reserveCapacity(source.bytes.count / 16 + 16)
    }

    struct Frame {
        var index: Int
        var isObject: Bool
        var awaitsKey: Bool
        var isMerge: Bool
        var isAnchored: Bool
        /// Length of `merges` and `decodeCount` when it was opened.
        var firstMerge: Int
        var decodeStart: Int
    }

    struct Key {
        var start: UInt32 = 0
        var length: UInt16 = 0
        var flags: TapeNode.Flags = []
        var isMerge = false
    }

    /// What an anchor names: a value of the tape, or a key, which the tape holds only with its value.
    enum Anchor {
        case value(Int)
        case key(TapeNode)
    }

    /// A mapping or list of mappings that a merge key brings into the mapping being read.
    struct Merge {
        var source: Int
        /// The hidden member that stands for the merge key.
        var member: Int
        var isList: Bool
    }

    /// Where the part of the text begins that is being read, and a cursor from Unicode scalars to bytes.
    private struct Cursor {
        var base = 0
        var byte = 0
        var scalar = 0
        var isASCII = true
    }

    var stack: [Frame] = []
    var anchors: [String: Anchor] = [:]
    /// Decoding steps that an anchored value takes, by node.
    var weights: [Int: Int] = [:]
    var merges: [Merge] = []
    var key = Key()
    /// Steps go-yaml's decoder has taken in this document, and those of them inside aliases.
    var decodeCount = 0
    var aliasCount = 0
    private var cursor = Cursor()
    /// Memory of whether the text has template actions, which is asked for every broken document.
    private var isTemplate: Bool?

    // MARK: Parts of the text

    mutating func parse() {
        // libyaml counts a byte order mark as a column, which would set the first line apart from the rest.
        var from = source.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while from < source.bytes.count {
            let end = endOfPart(from)
            readPart(from..<end)
            guard !problems.isFull else { return }
            from = end
        }
    }

    /// Offset of the line that ends the part beginning at `start`: the next `---` line, as `kubectl` sees it.
    private mutating func endOfPart(_ start: Int) -> Int {
        let bytes = source.bytes
        var position = start
        // A first line of its own "---" begins the part.
        if start == 0, isMarker(bytes, 0) { tellOddMarker(0) }
        var onlyDirectives = hasOnlyDirectives(bytes, from: start)
        while let marker = TextScan.nextMarker(bytes, after: position) {
            let odd = tellOddMarker(marker)
            if onlyDirectives {
                problems.append(
                    DocumentError(
                        .separator, at: source.location(at: start),
                        "kubectl refuses directives in front of a document; remove the lines that begin with \"%\""))
                onlyDirectives = false
            } else if !odd {
                return marker
            }
            position = marker
        }
        return bytes.count
    }

    private func isMarker(_ bytes: [UInt8], _ start: Int) -> Bool {
        start + 2 < bytes.count && bytes[start] == 0x2D && bytes[start + 1] == 0x2D && bytes[start + 2] == 0x2D
    }

    /// Reports a `---` line with more on it than a comment; `kubectl` ends there with an error.
    @discardableResult
    private mutating func tellOddMarker(_ start: Int) -> Bool {
        let stored = source.bytes
        let bytes = stored.span
        var position = start + 3
        while position < bytes.count, bytes[position] == 0x20 || 0x09...0x0D ~= bytes[position] {
            if bytes[position] == 0x0A { return false }
            position += 1
        }
        guard position < bytes.count, bytes[position] != UInt8(ascii: "#") else { return false }
        problems.append(
            DocumentError(
                .separator, at: source.location(at: position),
                "kubectl reads no further than this line; only a comment may stand behind \"---\""))
        return true
    }

    /// Whether everything up to the next `---` is directives, comments and white space.
    private func hasOnlyDirectives(_ bytes: [UInt8], from start: Int) -> Bool {
        let span = bytes.span
        var position = start
        if position + 2 < span.count, span[position] == 0xEF { position += 3 }
        var found = false
        while position < span.count {
            switch span[position] {
            case UInt8(ascii: "%"): found = true
            case UInt8(ascii: "#"), 0x0A, 0x0D: break
            case UInt8(ascii: "-"): return found && isMarker(bytes, position)
            default: return false
            }
            while position < span.count, span[position] != 0x0A { position += 1 }
            position += 1
        }
        return false
    }

    private mutating func readPart(_ range: Range<Int>) {
        var range = range
        let bytes = source.bytes
        // Each part may begin with a byte order mark, as each is a stream of its own.
        if range.count > 2, bytes[range.lowerBound] == 0xEF, bytes[range.lowerBound + 1] == 0xBB,
            bytes[range.lowerBound + 2] == 0xBF
        {
            range = range.lowerBound + 3..<range.upperBound
        }
        // `---#` parts documents for kubectl, and is a word for libyaml.
        if range.count > 3, isMarker(bytes, range.lowerBound), bytes[range.lowerBound + 3] == UInt8(ascii: "#") {
            range = range.lowerBound + 3..<range.upperBound
        }
        while !range.isEmpty, !problems.isFull {
            cursor = Cursor(
                base: range.lowerBound, byte: range.lowerBound, isASCII: TextScan.isASCII(bytes, in: range))
            resetDocument()
            var documentStart = range.lowerBound
            var count = 0
            var isOpen = false
            let before = roots.count
            do {
                var failed: DocumentError?
                try YAMLEventReader.read(bytes, in: range) { event, text in
                    if event.kind == .documentStart {
                        documentStart = offset(event.start)
                        resetDocument()
                        isOpen = true
                        count += 1
                        if count > 1 { tellSecondDocument(documentStart) }
                    }
                    if event.kind == .documentEnd { isOpen = false }
                    do throws(DocumentError) { try take(event, text) } catch {
                        failed = error
                        return false
                    }
                    return true
                }
                guard let failed else { return }
                abandon(isOpen, before + count - 1)
                problems.append(asTemplate(failed))
            } catch let error as YAMLReadError {
                abandon(isOpen, before + count - 1)
                problems.append(describe(error, range.lowerBound))
            } catch {
                preconditionFailure("the event reader throws nothing else")
            }
            guard let next = TextScan.nextMarker(bytes, after: documentStart), next < range.upperBound else { return }
            range = next..<range.upperBound
        }
    }

    private mutating func tellSecondDocument(_ start: Int) {
        // Those that begin on the line of a "---" were told already.
        let isTold = isMarker(source.bytes, start) && (start == 0 || source.bytes[start - 1] == 0x0A)
        guard !isTold else { return }
        problems.append(
            DocumentError(
                .separator, at: source.location(at: start),
                "kubectl skips this document; write \"---\" on a line of its own before it"))
    }

    private mutating func resetDocument() {
        stack.removeAll(keepingCapacity: true)
        if !anchors.isEmpty {
            anchors.removeAll(keepingCapacity: true)
            weights.removeAll(keepingCapacity: true)
            merges.removeAll(keepingCapacity: true)
        }
        merges.removeAll(keepingCapacity: true)
        key = Key()
        decodeCount = 1
        aliasCount = 0
    }

    /// Takes back the nodes of the document that was being read; the complete ones before it stay.
    private mutating func abandon(_ isOpen: Bool, _ root: Int) {
        guard isOpen, root >= 0, root < roots.count else { return }
        builder.truncate(to: roots[root])
        roots.removeSubrange(root...)
    }

    /// The byte offset of a scalar index; events come nearly in order, so the cursor moves little.
    mutating func offset(_ scalar: Int) -> Int {
        if cursor.isASCII { return min(cursor.base + scalar, source.bytes.count) }
        let stored = source.bytes
        let bytes = stored.span
        while cursor.scalar < scalar, cursor.byte < bytes.count {
            cursor.byte += 1
            while cursor.byte < bytes.count, bytes[cursor.byte] & 0xC0 == 0x80 { cursor.byte += 1 }
            cursor.scalar += 1
        }
        while cursor.scalar > scalar, cursor.byte > cursor.base {
            cursor.byte -= 1
            while cursor.byte > cursor.base, bytes[cursor.byte] & 0xC0 == 0x80 { cursor.byte -= 1 }
            cursor.scalar -= 1
        }
        return cursor.byte
    }

    private mutating func describe(_ error: YAMLReadError, _ base: Int) -> DocumentError {
        if let byte = error.byteOffset {
            return DocumentError(
                .binary, at: source.location(at: min(base + byte, source.bytes.count)),
                "not text (\(error.problem)); manifests are UTF-8 YAML or JSON")
        }
        let place = source.location(at: offset(error.offset))
        // libyaml's own bound, met before ours when it reads ahead.
        if error.problem.contains("nesting") {
            return DocumentError(.tooDeep, at: place, Self.depthMessage)
        }
        let context = error.context.map { " \($0)" } ?? ""
        return asTemplate(DocumentError(.syntax, at: place, "not valid YAML: \(error.problem)\(context)"))
    }

    /// What is wrong with a template is that it is one: `{{` reads as a mapping that is a key.
    private mutating func asTemplate(_ error: DocumentError) -> DocumentError {
        guard error.code == .syntax || error.code == .badKey else { return error }
        let known = isTemplate ?? DocumentReader.looksLikeHelmTemplate(source.bytes)
        isTemplate = known
        guard known else { return error }
        return DocumentError(
            .helmTemplate, at: error.location,
            "an unrendered Helm template; scan the chart's folder (needs helm) or the output of `helm template`")
    }
}
