internal import CYaml

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What libyaml's parser says of a YAML stream, one event at a time.
///
/// Positions are counted in Unicode scalars from the start of the bytes handed over, as libyaml counts them.
///
/// Standard: YAML 1.1, section 3.1.1 "serialization event stream".
package struct YAMLEvent {
    package enum Kind: UInt8, Sendable {
        case streamEnd, documentStart, documentEnd, alias, scalar, sequenceStart, sequenceEnd, mappingStart, mappingEnd
    }
    package enum ScalarStyle: UInt8, Sendable { case plain, singleQuoted, doubleQuoted, literal, folded }

    package var kind: Kind
    /// Scalars only.
    package var style: ScalarStyle = .plain
    /// Scalars: whether the type follows from the text: plain and without a tag, or with the tag `!`.
    package var implicit = false
    /// Scalars: whether the text spans several lines of the source.
    package var multiline = false
    /// Index of the first and one past the last Unicode scalar.
    package var start: Int
    package var end: Int
    /// The anchor a node defines or the one an alias names.
    package var anchor: String?
    package var tag: String?
}

/// Why libyaml stopped reading.
package struct YAMLReadError: Error {
    package var problem: String
    package var context: String?
    /// Index of the Unicode scalar where the problem was met.
    package var offset: Int
    /// Offset of the byte that is no text, for problems of that kind.
    package var byteOffset: Int?
}

/// The one place that touches libyaml, through the C module of Yams.
///
/// Unsafe pointers are confined to this file: libyaml reads several times faster than a tree of objects can be made,
/// and it is the parser whose port Kubernetes itself uses. `Tests/Fuzz` runs over it.
package enum YAMLEventReader {
    /// Reads `bytes` within `range` and hands every event to `body`, with the decoded text of a scalar.
    ///
    /// A last line without an end is given one, as `kubectl` does. `body` returns false to stop early; an error it
    /// throws ends the reading and is thrown on.
    package static func read(
        _ bytes: [UInt8], in range: Range<Int>, _ body: (borrowing YAMLEvent, Span<UInt8>) throws -> Bool
    ) throws {
        var parser = unsafe yaml_parser_t()
        guard unsafe yaml_parser_initialize(&parser) == 1 else {
            throw YAMLReadError(problem: "out of memory", context: nil, offset: 0)
        }
        defer { unsafe yaml_parser_delete(&parser) }
        try unsafe bytes.withUnsafeBufferPointer { buffer in
            let slice = unsafe UnsafeBufferPointer(rebasing: buffer[range])
            var input = unsafe Input(rest: slice, endsLine: slice.last == UInt8(ascii: "\n"))
            try unsafe withUnsafeMutablePointer(to: &input) { input in
                unsafe yaml_parser_set_input(&parser, Input.read, input)
                unsafe yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
                while true {
                    var event = unsafe yaml_event_t()
                    guard unsafe yaml_parser_parse(&parser, &event) == 1 else { throw unsafe failure(&parser) }
                    defer { unsafe yaml_event_delete(&event) }
                    guard try unsafe deliver(&event, body) else { return }
                }
            }
        }
    }

    /// The bytes libyaml has not asked for yet.
    private struct Input {
        var rest: UnsafeBufferPointer<UInt8>
        var endsLine: Bool

        static let read:
            @convention(c) (
                UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<Int>?
            ) -> Int32 = { state, out, capacity, written in
                guard let input = unsafe state?.assumingMemoryBound(to: Input.self), let out = unsafe out else {
                    return 0
                }
                var count = unsafe min(capacity, input.pointee.rest.count)
                if let base = unsafe input.pointee.rest.baseAddress, count > 0 {
                    unsafe out.update(from: base, count: count)
                    unsafe input.pointee.rest = UnsafeBufferPointer(rebasing: input.pointee.rest[count...])
                } else if unsafe !input.pointee.endsLine, capacity > 0 {
                    unsafe out.pointee = UInt8(ascii: "\n")
                    unsafe input.pointee.endsLine = true
                    count = 1
                }
                unsafe written?.pointee = count
                return 1
            }
    }

    /// Hands one event over; false when the reading is to end.
    private static func deliver(
        _ event: inout yaml_event_t, _ body: (borrowing YAMLEvent, Span<UInt8>) throws -> Bool
    ) throws -> Bool {
        var out = unsafe YAMLEvent(
            kind: .streamEnd, start: Int(event.start_mark.index), end: Int(event.end_mark.index))
        switch unsafe event.type {
        case YAML_STREAM_END_EVENT:
            _ = try body(out, Span())
            return false
        case YAML_DOCUMENT_START_EVENT: out.kind = .documentStart
        case YAML_DOCUMENT_END_EVENT: out.kind = .documentEnd
        case YAML_SEQUENCE_END_EVENT: out.kind = .sequenceEnd
        case YAML_MAPPING_END_EVENT: out.kind = .mappingEnd
        case YAML_ALIAS_EVENT:
            out.kind = .alias
            out.anchor = unsafe string(event.data.alias.anchor)
        case YAML_SEQUENCE_START_EVENT:
            out.kind = .sequenceStart
            out.anchor = unsafe string(event.data.sequence_start.anchor)
            out.tag = unsafe string(event.data.sequence_start.tag)
        case YAML_MAPPING_START_EVENT:
            out.kind = .mappingStart
            out.anchor = unsafe string(event.data.mapping_start.anchor)
            out.tag = unsafe string(event.data.mapping_start.tag)
        case YAML_SCALAR_EVENT:
            out.kind = .scalar
            out.style =
                switch unsafe event.data.scalar.style {
                case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
                case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
                case YAML_LITERAL_SCALAR_STYLE: .literal
                case YAML_FOLDED_SCALAR_STYLE: .folded
                default: .plain
                }
            out.implicit = unsafe event.data.scalar.plain_implicit == 1
            out.multiline = unsafe event.start_mark.line != event.end_mark.line
            out.anchor = unsafe string(event.data.scalar.anchor)
            out.tag = unsafe string(event.data.scalar.tag)
            let text = unsafe UnsafeBufferPointer(start: event.data.scalar.value, count: Int(event.data.scalar.length))
            return try body(out, text.span)
        default: return true  // stream start
        }
        return try body(out, Span())
    }

    private static func failure(_ parser: inout yaml_parser_t) -> YAMLReadError {
        let isReader = unsafe parser.error == YAML_READER_ERROR
        return unsafe YAMLReadError(
            problem: parser.problem.map { unsafe String(cString: $0) } ?? "not YAML",
            context: parser.context.map { unsafe String(cString: $0) },
            offset: Int(parser.problem_mark.index),
            byteOffset: isReader ? Int(parser.problem_offset) : nil)
    }

    @inline(__always)
    private static func string(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(cString: pointer)
    }
}

/// Searches over all bytes of a text, at the speed of the C library's.
package enum TextScan {
    /// Offset of the next line, behind the one `start` is in, that begins with `---`.
    package static func nextMarker(_ bytes: [UInt8], after start: Int) -> Int? {
        guard start < bytes.count else { return nil }
        return unsafe bytes.withUnsafeBytes { buffer -> Int? in
            guard let base = buffer.baseAddress else { return nil }
            var position = start
            while position < buffer.count,
                let found = unsafe memchr(base + position, 0x0A, buffer.count - position)
            {
                position = unsafe UnsafeRawPointer(found) - base + 1
                guard position + 2 < buffer.count else { return nil }
                if unsafe buffer[position] == 0x2D, unsafe buffer[position + 1] == 0x2D,
                    unsafe buffer[position + 2] == 0x2D
                {
                    return position
                }
            }
            return nil
        }
    }

    /// Whether every byte of `range` is ASCII, so that characters and bytes count alike.
    package static func isASCII(_ bytes: [UInt8], in range: Range<Int>) -> Bool {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            var seen: UInt8 = 0
            for byte in unsafe buffer[range] { seen |= byte }
            return seen < 0x80
        }
    }

    /// Number of line feeds in `range`.
    package static func lines(_ bytes: [UInt8], in range: Range<Int>) -> Int {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            var count = 0
            for byte in unsafe buffer[range] where byte == 0x0A { count &+= 1 }
            return count
        }
    }

    /// Number of Unicode scalars in `range`: continuation bytes of UTF-8 do not count.
    package static func scalars(_ bytes: [UInt8], in range: Range<Int>) -> Int {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            var count = 0
            for byte in unsafe buffer[range] where byte & 0xC0 != 0x80 { count &+= 1 }
            return count
        }
    }
}
