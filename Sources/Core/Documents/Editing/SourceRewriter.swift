/// Finds the smallest changes of bytes that turn one document's text into that of its patched value.
///
/// The patched document still knows where its untouched parts stood, so nothing has to be guessed: what is untouched
/// keeps its bytes, what is new is written in the manner of its surroundings.
struct SourceRewriter {
    /// Bytes to be replaced; an empty range inserts.
    struct Replacement {
        var range: Range<Int>
        var text: [UInt8]
    }

    /// What stands before a value and how it may be replaced.
    private enum Slot {
        case root
        /// Behind the colon of a block mapping's key, whose mapping stands at `column`.
        case member(behindColon: Int, column: Int)
        /// Behind the dash of a block list.
        case element(behindDash: Int)
        case flow
    }

    let source: SourceText
    let syntax: SourceSyntax
    let lines: SourceLines
    private(set) var replacements: [Replacement] = []
    private var writer = ValueWriter()

    init(source: SourceText, syntax: SourceSyntax) {
        self.source = source
        self.syntax = syntax
        lines = SourceLines(source.bytes)
    }

    /// Adds the replacements for one document.
    mutating func rewrite(root: Int, original: Node, to patched: Node) throws(SourceEditError) {
        writer = style(of: root)
        try rewrite(root, original, patched, .root)
    }

    private mutating func rewrite(_ part: Int, _ original: Node, _ patched: Node, _ slot: Slot)
        throws(SourceEditError)
    {
        let own = syntax.parts[part]
        if patched.isSynthetic || own.style == .alias || own.use != nil, original.isEquivalent(to: patched) { return }
        if own.style == .alias, patched.isSynthetic {
            replace(own, DocumentValue(patched), slot)
            return
        }
        if own.style == .alias {
            throw error(
                .alias, own.start,
                "\"\(text(own))\" stands for a value written elsewhere; replace the alias by the value it stands for")
        }
        if let use = own.use {
            let line = source.lineAndStart(of: syntax.parts[use].start).line
            throw error(
                .sharedByAnchor, own.start,
                "the anchored value is used again in line \(line); a change here would change that place too")
        }
        switch (patched.kind, own.style) {
        case (.object, .blockMapping), (.object, .flowMapping): try rewriteMapping(part, original, patched, slot)
        case (.array, .blockSequence), (.array, .flowSequence): try rewriteSequence(part, original, patched, slot)
        default:
            // A scalar that is not synthetic stands where it stood.
            guard patched.isSynthetic else { return }
            replace(own, DocumentValue(patched), slot)
        }
    }

    // MARK: Mappings

    private mutating func rewriteMapping(_ part: Int, _ original: Node, _ patched: Node, _ slot: Slot)
        throws(SourceEditError)
    {
        let own = syntax.parts[part]
        let entries = syntax.entries(of: part)
        let column = own.isBlock ? lines.column(of: own.content) : 0
        var kept = entries.map { _ in true }
        var added: [DocumentValue.Member] = []
        for (index, entry) in entries.enumerated() where !entry.isMerge {
            kept[index] = patched[entry.name].exists
        }
        for member in patched.members {
            guard let index = entries.lastIndex(where: { !$0.isMerge && $0.name == member.key }) else {
                // From a merge key and as it was, or to be written here.
                if member.value.isSynthetic || !original[member.key].exists
                    || !original[member.key].isEquivalent(to: member.value)
                {
                    added.append(.init(member.key, DocumentValue(member.value)))
                }
                continue
            }
            let entry = entries[index]
            let inner = own.isBlock ? Slot.member(behindColon: colon(of: entry.key), column: column) : .flow
            try rewrite(entry.value, original[member.key], member.value, inner)
        }
        for member in original.members
        where !patched[member.key].exists && !entries.contains(where: { !$0.isMerge && $0.name == member.key }) {
            throw error(
                .mergedMember, own.start, "\"\(member.key)\" comes by a merge key (\"<<\") and cannot be removed here")
        }
        guard !added.isEmpty || kept.contains(false) else { return }
        guard kept.contains(true) else {
            replace(own, .object(added), slot)
            return
        }
        let ranges = entries.map { syntax.parts[$0.key].start..<max(end(of: $0.value), syntax.parts[$0.key].end) }
        if own.isBlock {
            removeLines(ranges, kept, before: ranges.map(\.lowerBound), column)
            insertLines(
                added.map { writer.blockMember($0.key, $0.value, at: column) }, behind: ranges, kept, column,
                comments: column)
        } else {
            let style = flowStyle(own, ranges)
            insertFlow(
                added.map { style.writer.flowMember($0.key, $0.value, style.indentation) }, style, behind: ranges, kept)
            removeFlow(ranges, kept)
        }
    }

    // MARK: Lists

    private mutating func rewriteSequence(_ part: Int, _ original: Node, _ patched: Node, _ slot: Slot)
        throws(SourceEditError)
    {
        let own = syntax.parts[part]
        let dashes = own.isBlock ? dashes(of: own) : []
        let before = Array(original.elements)
        guard before.count == own.children.count, dashes.count == (own.isBlock ? before.count : 0) else {
            throw error(.unverified, own.start, "this list is written in a way that cannot be edited in place")
        }
        let after = Array(patched.elements)
        let matches = SequenceMatch(before: before, after: after)
        guard !matches.kept.isEmpty || after.isEmpty && before.isEmpty else {
            replace(own, DocumentValue(patched), slot)
            return
        }
        for (old, new) in matches.kept {
            let inner = own.isBlock ? Slot.element(behindDash: dashes[old] + 1) : .flow
            try rewrite(own.children[old], before[old], after[new], inner)
        }
        let kept = before.indices.map { index in matches.kept.contains { $0.old == index } }
        let column = own.isBlock ? lines.column(of: own.content) : 0
        let ranges = own.children.enumerated().map { index, child in
            let start = own.isBlock ? dashes[index] : syntax.parts[child].start
            return start..<max(end(of: child), own.isBlock ? start + 1 : start)
        }
        let style = own.isBlock ? nil : flowStyle(own, ranges)
        for insertion in matches.added {
            let values = insertion.new.map { DocumentValue(after[$0]) }
            guard let previous = insertion.old else {
                insertFirst(values, ranges[0].lowerBound, column, style)
                continue
            }
            let upTo = previous + 1
            if let style {
                insertFlow(
                    values.map { style.writer.flow($0, style.indentation) }, style, behind: Array(ranges[..<upTo]),
                    Array(kept[..<upTo]))
            } else {
                insertLines(
                    values.map { writer.blockElement($0, at: column) }, behind: Array(ranges[..<upTo]),
                    Array(kept[..<upTo]), column, comments: upTo == ranges.count ? column + 1 : nil)
            }
        }
        if own.isBlock {
            removeLines(ranges, kept, before: dashes, column)
        } else {
            removeFlow(ranges, kept)
        }
    }

    /// New elements before the first one.
    private mutating func insertFirst(_ values: [DocumentValue], _ offset: Int, _ column: Int, _ style: FlowStyle?) {
        var text: [UInt8] = []
        for value in values {
            if let style {
                text += style.writer.flow(value, style.indentation) + [UInt8(ascii: ",")] + style.separator
            } else {
                text += writer.blockElement(value, at: column) + writer.newLine(column)
            }
        }
        replacements.append(Replacement(range: offset..<offset, text: text))
    }

    private func dashes(of own: SourceSyntax.Part) -> [Int] {
        var out: [Int] = []
        var position = own.content
        for child in own.children {
            position = lines.skippingSpaceAndComments(from: position)
            guard position < lines.bytes.count, lines.bytes[position] == UInt8(ascii: "-") else { return [] }
            out.append(position)
            position = max(end(of: child), position + 1)
        }
        return out
    }

    // MARK: Lines

    private mutating func insertLines(
        _ texts: [[UInt8]], behind ranges: [Range<Int>], _ kept: [Bool], _ column: Int, comments: Int?
    ) {
        guard !texts.isEmpty, let last = kept.lastIndex(of: true) else { return }
        let end = ranges[last].upperBound
        let isLast = last == ranges.count - 1
        let offset =
            isLast && comments != nil ? lines.endOfComments(after: end, column: comments ?? 0) : lines.end(of: end)
        let text = texts.flatMap { writer.newLine(column) + $0 }
        replacements.append(Replacement(range: offset..<offset, text: text))
    }

    /// Takes whole lines away; where the first of a list's element goes (`- a: 1`), the next moves up to its dash.
    private mutating func removeLines(_ ranges: [Range<Int>], _ kept: [Bool], before starts: [Int], _ column: Int) {
        var isFirstLine = false
        for index in ranges.indices where !kept[index] {
            let range = ranges[index]
            let lineStart = lines.start(of: range.lowerBound)
            let lineEnd = lines.end(of: range.upperBound)
            if lines.isFirst(range.lowerBound) {
                // A line goes with the break before it; the first line has none and takes the one behind it, and so
                // do those that follow it.
                isFirstLine = lineStart == 0 || isFirstLine && !kept[index - 1]
                guard !isFirstLine else {
                    let from = lineStart == 0 ? lines.first : lineStart
                    replacements.append(Replacement(range: from..<(lines.next(after: lineEnd) ?? lineEnd), text: []))
                    continue
                }
                var from = lineStart - 1
                if from > 0, lines.bytes[from - 1] == 0x0D { from -= 1 }
                replacements.append(Replacement(range: from..<lineEnd, text: []))
            } else if let next = ranges.indices.first(where: { $0 > index && kept[$0] }) {
                // Everything between is removed as well, so this one covers it.
                replacements.append(Replacement(range: range.lowerBound..<starts[next], text: []))
            }
        }
    }

    // MARK: Flow

    private struct FlowStyle {
        var writer: ValueWriter
        /// What stands between a comma and the next value.
        var separator: [UInt8]
        /// White space that the lines of the values begin with.
        var indentation: [UInt8]
    }

    private func flowStyle(_ own: SourceSyntax.Part, _ ranges: [Range<Int>]) -> FlowStyle {
        var style = FlowStyle(writer: writer, separator: [], indentation: [])
        if !syntax.isJSON, own.isMapping, let key = own.children.first {
            style.writer.quotesAll = syntax.parts[key].style == .doubleQuoted
        }
        if let key = own.children.first, own.isMapping {
            let behind = colon(of: key)
            style.writer.spaceAfterColon = behind < lines.bytes.count && lines.bytes[behind] <= 0x20
        }
        guard let first = ranges.first else { return style }
        let opening = lines.bytes[own.content..<first.lowerBound]
        if opening.contains(0x0A) {
            style.indentation = Array(lines.indentation(ofLineAt: first.lowerBound))
            let outer = lines.indentation(ofLineAt: own.content)
            style.writer.flowUnit = Array(style.indentation.dropFirst(outer.count))
            style.separator = writer.lineBreak + style.indentation
        } else {
            style.writer.flowUnit = nil
            if ranges.count > 1 {
                let between = lines.bytes[ranges[0].upperBound..<ranges[1].lowerBound]
                style.writer.spaceAfterComma = between.contains(0x20) || between.contains(0x0A)
            } else {
                style.writer.spaceAfterComma = style.writer.spaceAfterColon
            }
            style.separator = style.writer.spaceAfterComma ? [0x20] : []
        }
        return style
    }

    private mutating func insertFlow(
        _ texts: [[UInt8]], _ style: FlowStyle, behind ranges: [Range<Int>], _ kept: [Bool]
    ) {
        guard !texts.isEmpty, let last = kept.lastIndex(of: true) else { return }
        let offset = ranges[last].upperBound
        let text = texts.flatMap { [UInt8(ascii: ",")] + style.separator + $0 }
        replacements.append(Replacement(range: offset..<offset, text: text))
    }

    private mutating func removeFlow(_ ranges: [Range<Int>], _ kept: [Bool]) {
        for index in ranges.indices where !kept[index] {
            if kept[(index + 1)...].contains(true) {
                replacements.append(
                    Replacement(range: ranges[index].lowerBound..<ranges[index + 1].lowerBound, text: []))
            } else if index == 0 || kept[index - 1] {
                // The last ones go together with the comma before them.
                let from = index == 0 ? ranges[0].lowerBound : ranges[index - 1].upperBound
                replacements.append(Replacement(range: from..<ranges[ranges.count - 1].upperBound, text: []))
            }
        }
    }

    // MARK: Values

    private mutating func replace(_ own: SourceSyntax.Part, _ value: DocumentValue, _ slot: Slot) {
        // A tag would give the new value its type.
        let from = own.isTagged ? own.start : own.content
        let whole = from..<max(from, own.end)
        switch slot {
        case .flow:
            let space: [UInt8] = own.isUnwritten ? [0x20] : []
            replacements.append(Replacement(range: whole, text: space + flowText(value, own)))
        case .root:
            let isBlock = !own.isFlow && value.hasContent
            let text = isBlock ? writer.block(value, at: lines.column(of: own.content)) : flowText(value, own)
            replacements.append(Replacement(range: whole, text: text))
        case .member(let behindColon, let column):
            replaceMember(own, value, whole, behindColon, column)
        case .element(let behindDash):
            let column = own.isBlock && own.start == own.content ? lines.column(of: own.content) : nil
            let text =
                value.hasContent
                ? writer.block(value, at: column ?? lines.column(of: behindDash) + 1)
                : Array(writer.inline(value, like: own.style).utf8)
            if own.isUnwritten {
                replacements.append(Replacement(range: behindDash..<behindDash, text: [0x20] + text))
            } else {
                replacements.append(Replacement(range: whole, text: text))
            }
        }
    }

    private mutating func replaceMember(
        _ own: SourceSyntax.Part, _ value: DocumentValue, _ whole: Range<Int>, _ behindColon: Int, _ column: Int
    ) {
        let isBelow = own.isBlock && lines.end(of: behindColon) < own.content
        guard value.hasContent else {
            let text = Array(writer.inline(value, like: own.style).utf8)
            if own.isUnwritten {
                replacements.append(Replacement(range: behindColon..<behindColon, text: [0x20] + text))
            } else if isBelow, own.start == own.content {
                // The comment behind the key stays with it.
                replacements.append(Replacement(range: behindColon..<behindColon, text: [0x20] + text))
                replacements.append(Replacement(range: lines.end(of: behindColon)..<own.end, text: []))
            } else {
                replacements.append(Replacement(range: whole, text: text))
            }
            return
        }
        let inner = writer.childColumn(of: value, at: column)
        let text = writer.newLine(inner) + writer.block(value, at: inner)
        if own.isUnwritten {
            let end = lines.end(of: behindColon)
            replacements.append(Replacement(range: end..<end, text: text))
        } else if isBelow {
            replacements.append(Replacement(range: lines.end(of: behindColon)..<own.end, text: text))
        } else {
            // A comment behind the old value stays in the key's line.
            let end = lines.end(of: own.end)
            replacements.append(Replacement(range: behindColon..<own.end, text: []))
            replacements.append(Replacement(range: end..<end, text: text))
        }
    }

    private func flowText(_ value: DocumentValue, _ own: SourceSyntax.Part) -> [UInt8] {
        writer.flow(value, Array(lines.indentation(ofLineAt: own.start)), like: own.style)
    }

    // MARK: Reading the manner

    /// How this document indents, from the first places that show it.
    private func style(of root: Int) -> ValueWriter {
        var style = ValueWriter(quotesAll: syntax.isJSON, lineBreak: lines.lineBreak)
        var unit: Int?
        var dashOffset: Int?
        var queue = [root]
        var next = 0
        if syntax.isJSON, let first = syntax.parts[root].children.first {
            let start = syntax.parts[first].start
            if lines.bytes[syntax.parts[root].content..<start].contains(0x0A) {
                let outer = lines.indentation(ofLineAt: syntax.parts[root].content).count
                style.flowUnit = Array(lines.indentation(ofLineAt: start).dropFirst(outer))
            }
            let behind = colon(of: first)
            style.spaceAfterColon = behind >= lines.bytes.count || lines.bytes[behind] <= 0x20
            style.spaceAfterComma = style.spaceAfterColon
        }
        while next < queue.count, unit == nil || dashOffset == nil {
            let own = syntax.parts[queue[next]]
            next += 1
            queue += own.children
            guard own.style == .blockMapping else { continue }
            let column = lines.column(of: own.content)
            for entry in syntax.entries(of: queue[next - 1]) {
                let value = syntax.parts[entry.value]
                guard value.isBlock else { continue }
                let offset = lines.column(of: value.content) - column
                if value.isMapping, unit == nil, offset > 0 { unit = offset }
                if value.isSequence, dashOffset == nil, offset >= 0 { dashOffset = offset }
            }
        }
        style.unit = unit ?? 2
        style.dashOffset = dashOffset ?? 0
        return style
    }

    private func colon(of key: Int) -> Int {
        var position = lines.skippingSpaceAndComments(from: syntax.parts[key].end)
        if position < lines.bytes.count, lines.bytes[position] == UInt8(ascii: ":") { position += 1 }
        return position
    }

    private func end(of part: Int) -> Int { syntax.parts[part].end }

    private func text(_ part: SourceSyntax.Part) -> String {
        String(decoding: source.bytes[part.start..<part.end], as: UTF8.self)
    }

    private func error(_ code: SourceEditError.Code, _ offset: Int, _ message: String) -> SourceEditError {
        SourceEditError(code, at: source.location(at: offset), message)
    }
}
