/// The YAML that manifests are mostly written in, read without libyaml.
///
/// Block mappings and lists, scalars of one line, plain scalars of several, block scalars, flow collections without
/// comments. At the first thing beyond that (anchors, tags, merges, `?`, quoted scalars of several lines, escapes by
/// number, tabs, CR, errors of any kind) the shortcut gives up, and libyaml reads the part from its beginning. What is
/// right is what `YAMLComposer` makes of libyaml's events: `ShortcutTests` and the fuzz target hold the two to the same
/// tape. When in doubt, give up.
struct YAMLShortcut: ~Copyable {
    /// The text holds something that the shortcut leaves to libyaml.
    struct Beyond: Error {}

    /// Far above any manifest, far below what is refused.
    static let maximumDepth = 100
    /// libyaml knows no simple key longer than 1024 characters.
    static let maximumKey = 1000

    /// A block mapping or list that is open.
    struct Block {
        var index: Int
        var column: Int
        var isObject: Bool
        /// A list whose dashes stand in the column of the key it belongs to.
        var sharesColumn: Bool
    }

    let source: SourceText
    let range: Range<Int>
    let end: Int
    let checkKeys: Bool
    var builder = TapeBuilder()
    var problems: ProblemList
    /// The node of the document, when there is one.
    var root: Int?

    var position: Int
    private var lineStart: Int
    var blocks: [Block] = []
    /// Behind the `:` or `-` whose value has not come yet; -1 when there is none.
    private var awaiting = -1
    /// The key of the value that comes next.
    var key = YAMLComposer.Key()
    private var isExplicit = false
    private var isEnded = false

    init(source: SourceText, range: Range<Int>, checkKeys: Bool, problems: ProblemList) {
        self.source = source
        self.range = range
        self.checkKeys = checkKeys
        self.problems = problems
        end = range.upperBound
        position = range.lowerBound
        lineStart = range.lowerBound
        blocks.reserveCapacity(16)
    }

    // MARK: Lines

    /// Reads the whole part, which is one document or none.
    mutating func read(_ bytes: Span<UInt8>) throws(Beyond) {
        while position < end {
            let start = position
            var next = start
            while next < end, bytes[next] == 0x20 { next += 1 }
            guard next < end else { break }
            let byte = bytes[next]
            if byte == 0x0A {
                position = next + 1
            } else if byte == UInt8(ascii: "#") {
                position = next
                skipLine(bytes)
            } else if next == start, isMarker(start, byte, bytes) {
                try marker(byte, bytes)
            } else {
                lineStart = start
                position = next
                try line(bytes)
            }
        }
        while !blocks.isEmpty { close() }
        if root == nil, isExplicit {
            root = builder.nodes.count
            appendNull(at: end)
        }
    }

    private func isMarker(_ start: Int, _ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
        guard byte == UInt8(ascii: "-") || byte == UInt8(ascii: "."), start + 2 < end else { return false }
        return bytes[start + 1] == byte && bytes[start + 2] == byte
    }

    /// `---` as the part's first line, or `...` as the last that says something.
    private mutating func marker(_ byte: UInt8, _ bytes: Span<UInt8>) throws(Beyond) {
        let start = position
        position += 3
        guard isBlank(position, bytes) else { throw Beyond() }
        if byte == UInt8(ascii: "-") {
            guard start == range.lowerBound else { throw Beyond() }
            isExplicit = true
        } else {
            guard root != nil, !isEnded else { throw Beyond() }
            while !blocks.isEmpty { close() }
            isEnded = true
        }
        try endLine(bytes)
    }

    private mutating func line(_ bytes: Span<UInt8>) throws(Beyond) {
        guard !isEnded else { throw Beyond() }
        let column = position - lineStart
        let isEntry = bytes[position] == UInt8(ascii: "-") && isBlank(position + 1, bytes)
        var hasClosed = false
        while let top = blocks.last, top.column > column {
            close()
            hasClosed = true
        }
        guard let top = blocks.last else {
            guard root == nil else { throw Beyond() }
            root = builder.nodes.count
            return try node(bytes)
        }
        if top.column == column {
            if isEntry {
                if top.isObject {
                    guard awaiting >= 0 else { throw Beyond() }
                    try open(.array, column, sharesColumn: true)
                } else {
                    fillAwaited()
                }
                return try entry(bytes)
            }
            if top.isObject {
                fillAwaited()
            } else {
                guard top.sharesColumn else { throw Beyond() }
                close()
            }
            return try member(bytes)
        }
        // Deeper than the collection: the value that it waits for, or the second line of one it had.
        guard !hasClosed, awaiting >= 0 else { throw Beyond() }
        try node(bytes)
    }

    // MARK: Nodes

    /// A value that may be a block mapping or list: on a line of its own or behind a dash.
    private mutating func node(_ bytes: Span<UInt8>) throws(Beyond) {
        let column = position - lineStart
        let first = bytes[position]
        if first == UInt8(ascii: "-"), isBlank(position + 1, bytes) {
            try open(.array, column, sharesColumn: false)
            return try entry(bytes)
        }
        if Self.opensFlow(first) || Self.opensBlock(first) { return try value(bytes) }
        let start = position
        let isQuoted = Self.isQuote(first)
        let scalar = isQuoted ? try quoted(bytes) : try plain(bytes)
        if isQuoted { skipSpaces(bytes) }
        if position < end, bytes[position] == UInt8(ascii: ":"), isBlank(position + 1, bytes) {
            guard position - start < Self.maximumKey else { throw Beyond() }
            try open(.object, column, sharesColumn: false, start: start)
            try setKey(scalar, bytes)
            return try value(behindColon: bytes)
        }
        guard !blocks.isEmpty else { throw Beyond() }
        if isQuoted { append(scalar) } else { try appendPlain(scalar, bytes) }
        try endLine(bytes)
    }

    private mutating func entry(_ bytes: Span<UInt8>) throws(Beyond) {
        position += 1
        awaiting = position
        key = YAMLComposer.Key()
        skipSpaces(bytes)
        guard position < end else { return }
        switch bytes[position] {
        case 0x0A, UInt8(ascii: "#"): skipLine(bytes)
        default: try node(bytes)
        }
    }

    private mutating func member(_ bytes: Span<UInt8>) throws(Beyond) {
        let start = position
        let isQuoted = Self.isQuote(bytes[start])
        let scalar = isQuoted ? try quoted(bytes) : try plain(bytes)
        if isQuoted { skipSpaces(bytes) }
        guard position < end, bytes[position] == UInt8(ascii: ":"), isBlank(position + 1, bytes),
            position - start < Self.maximumKey
        else { throw Beyond() }
        try setKey(scalar, bytes)
        try value(behindColon: bytes)
    }

    private mutating func value(behindColon bytes: Span<UInt8>) throws(Beyond) {
        position += 1
        awaiting = position
        skipSpaces(bytes)
        guard position < end else { return }
        switch bytes[position] {
        case 0x0A, UInt8(ascii: "#"): skipLine(bytes)
        default: try value(bytes)
        }
    }

    /// A value behind its key on the same line, or one that is no block mapping and no list.
    private mutating func value(_ bytes: Span<UInt8>) throws(Beyond) {
        guard !blocks.isEmpty else { throw Beyond() }
        let first = bytes[position]
        if Self.isQuote(first) {
            append(try quoted(bytes))
        } else if Self.opensFlow(first) {
            try collection(bytes, depth: blocks.count)
            awaiting = -1
        } else if Self.opensBlock(first) {
            return try block(bytes)
        } else {
            try appendPlain(try plain(bytes), bytes)
        }
        try endLine(bytes)
    }

    // MARK: The tape

    mutating func append(_ scalar: TapeNode) {
        var node = scalar
        node.setKey(key)
        awaiting = -1
        builder.nodes.append(node)
    }

    private mutating func appendNull(at offset: Int) {
        append(TapeNode(start: UInt32(offset), extent: 0, key: 0, keyLength: 0, kind: .null, flags: []))
    }

    private mutating func fillAwaited() {
        if awaiting >= 0 { appendNull(at: awaiting) }
    }

    private mutating func open(
        _ kind: NodeKind, _ column: Int, sharesColumn: Bool, start: Int? = nil
    ) throws(Beyond) {
        guard blocks.count < Self.maximumDepth else { throw Beyond() }
        blocks.append(
            Block(
                index: builder.nodes.count, column: column, isObject: kind == .object, sharesColumn: sharesColumn))
        append(
            TapeNode(start: UInt32(start ?? position), extent: 0, key: 0, keyLength: 0, kind: kind, flags: []))
    }

    private mutating func close() {
        fillAwaited()
        close(blocks.removeLast().index)
    }

    /// Ends the collection at `index`, block or flow.
    mutating func close(_ index: Int) {
        for lost in builder.close(index, source: source, checkKeys: checkKeys) {
            problems.appendDuplicate(at: builder.keyStart(lost), source) { builder.key(lost, source) }
        }
    }

    /// Keeps the key for the value that comes.
    mutating func setKey(_ scalar: TapeNode, _ bytes: Span<UInt8>) throws(Beyond) {
        guard !scalar.flags.contains(.side) else {
            key = YAMLComposer.Key(start: scalar.extent, length: 0, flags: .keySide)
            return
        }
        let start = Int(scalar.start)
        let length = Int(scalar.extent)
        switch scalar.kind {
        case .string:
            let isMerge =
                length == 2 && bytes[start] == UInt8(ascii: "<") && bytes[start + 1] == UInt8(ascii: "<")
            guard !isMerge || scalar.flags.contains(.quoted) else { throw Beyond() }
        case .bool:
            // Every other word for a truth is written otherwise than it is read.
            guard bytes[start] == UInt8(ascii: "t") || bytes[start] == UInt8(ascii: "f") else { throw Beyond() }
        case .number:
            let text = bytes.extracting(start..<start + length)
            guard YAMLKey.text(ofNumber: text) == String(copying: text) else { throw Beyond() }
        default: throw Beyond()
        }
        key = YAMLComposer.Key(start: scalar.start, length: UInt16(length), flags: [])
    }

    // MARK: Bytes

    @inline(__always)
    func isBlank(_ offset: Int, _ bytes: Span<UInt8>) -> Bool {
        offset >= end || bytes[offset] == 0x20 || bytes[offset] == 0x0A || bytes[offset] == 0x09
    }

    @inline(__always)
    static func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

    @inline(__always)
    static func opensFlow(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") }

    @inline(__always)
    static func opensBlock(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "|") || byte == UInt8(ascii: ">") }

    @inline(__always)
    mutating func skipSpaces(_ bytes: Span<UInt8>) {
        while position < end, bytes[position] == 0x20 { position += 1 }
    }

    /// To the beginning of the next line.
    mutating func skipLine(_ bytes: Span<UInt8>) {
        while position < end, bytes[position] != 0x0A { position += 1 }
        if position < end { position += 1 }
    }

    /// Behind a value only a comment may stand.
    private mutating func endLine(_ bytes: Span<UInt8>) throws(Beyond) {
        skipSpaces(bytes)
        guard position < end else { return }
        switch bytes[position] {
        case 0x0A: position += 1
        case UInt8(ascii: "#") where bytes[position - 1] == 0x20: skipLine(bytes)
        default: throw Beyond()
        }
    }
}
