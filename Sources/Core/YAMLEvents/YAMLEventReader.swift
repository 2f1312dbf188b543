internal import CYaml

/// What libyaml's parser says of a YAML stream, one event at a time.
///
/// Positions are counted in Unicode scalars from the start of the bytes handed over, as libyaml counts them (a byte
/// order mark is one).
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
    /// Scalars: whether the value had no tag, so that its type follows from its text.
    package var implicit = false
    /// Mappings and sequences: whether they are written with braces or brackets.
    package var flow = false
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
}

/// The one place that touches libyaml, through the C module of Yams.
///
/// Unsafe pointers are confined to this file: libyaml reads at 70 MB/s and more where a tree of objects reads at 7 MB/s,
/// and it is the parser whose port Kubernetes itself uses.
package enum YAMLEventReader {
    /// Reads `bytes` from `offset` on and hands every event to `body`, with the decoded text of a scalar.
    ///
    /// `body` returns false to stop early; an error it throws ends the reading and is thrown on.
    package static func read(
        _ bytes: [UInt8], from offset: Int = 0, _ body: (YAMLEvent, Span<UInt8>) throws -> Bool
    ) throws {
        var parser = unsafe yaml_parser_t()
        guard unsafe yaml_parser_initialize(&parser) == 1 else {
            throw YAMLReadError(problem: "out of memory", context: nil, offset: 0)
        }
        defer { unsafe yaml_parser_delete(&parser) }
        try unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress, offset < buffer.count else {
                _ = try body(YAMLEvent(kind: .streamEnd, start: 0, end: 0), Span())
                return
            }
            unsafe yaml_parser_set_input_string(&parser, base + offset, buffer.count - offset)
            unsafe yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
            while true {
                var event = unsafe yaml_event_t()
                guard unsafe yaml_parser_parse(&parser, &event) == 1 else { throw unsafe failure(&parser) }
                defer { unsafe yaml_event_delete(&event) }
                guard try unsafe deliver(&event, body) else { return }
            }
        }
    }

    /// Hands one event over; false when the reading is to end.
    private static func deliver(
        _ event: inout yaml_event_t, _ body: (YAMLEvent, Span<UInt8>) throws -> Bool
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
            out.flow = unsafe event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
            out.anchor = unsafe string(event.data.sequence_start.anchor)
            out.tag = unsafe string(event.data.sequence_start.tag)
        case YAML_MAPPING_START_EVENT:
            out.kind = .mappingStart
            out.flow = unsafe event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
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
            out.anchor = unsafe string(event.data.scalar.anchor)
            out.tag = unsafe string(event.data.scalar.tag)
            let text = unsafe UnsafeBufferPointer(start: event.data.scalar.value, count: Int(event.data.scalar.length))
            return try body(out, text.span)
        default: return true  // stream start
        }
        return try body(out, Span())
    }

    private static func failure(_ parser: inout yaml_parser_t) -> YAMLReadError {
        let reader = unsafe parser.error == YAML_READER_ERROR
        // A reader error (invalid UTF-8, control characters) has a byte offset and no mark of its own.
        return unsafe YAMLReadError(
            problem: parser.problem.map { unsafe String(cString: $0) } ?? "not YAML",
            context: parser.context.map { unsafe String(cString: $0) },
            offset: reader ? Int(parser.mark.index) : Int(parser.problem_mark.index))
    }

    private static func string(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(cString: pointer)
    }
}
