internal import Documents

/// The last events in bounded memory, column by column, so that changed rules can be asked about them.
///
/// Values repeat far more than they differ: a column holds numbers of values, and each chunk of events has its own table
/// of what they stand for. When the memory is used up the oldest chunk goes, whole, and is counted.
package struct EventRing: Sendable {
    /// A field with what is known of it, in the order of the columns.
    package let fields: [(field: FieldReference, info: FieldInfo)]
    /// Bytes the values may take.
    package let limit: Int
    /// Events that had to go.
    package private(set) var dropped: UInt64 = 0
    private var chunks: [Chunk] = []
    private var firstChunk = 0

    private struct Chunk: Sendable {
        var columns: [[UInt16]]
        var types: [UInt16] = []
        var count = 0
        /// What the numbers of the columns stand for; 0 is absent.
        var values: [[FieldValue]] = [[]]
        var numbers: [[FieldValue]: UInt16] = [:]
        var bytes = 0

        init(width: Int) { columns = Array(repeating: [], count: width) }

        var isFull: Bool { count >= EventRing.eventsOfChunk || values.count >= EventRing.valuesOfChunk }

        mutating func number(_ value: [FieldValue]) -> UInt16 {
            if let known = numbers[value] { return known }
            let number = UInt16(values.count)
            values.append(value)
            numbers[value] = number
            bytes += 64 + value.reduce(0) { $0 + $1.asBytes.count }
            return number
        }
    }

    static let eventsOfChunk = 4096
    /// So that one event more still has numbers for each of its values.
    static let valuesOfChunk = 60_000

    package init(fields: [FieldReference], catalogue: FieldCatalogue, limit: Int) {
        self.fields = fields.prefix(1024).compactMap { field in
            do throws(FieldError) {
                return (field, try catalogue.resolve(field))
            } catch {
                // A field the events do not have is no column.
                return nil
            }
        }
        self.limit = limit
    }

    /// Every field of the catalogue that takes no argument, and the ancestors rules like to ask about.
    package static func usualFields(_ catalogue: FieldCatalogue) -> [FieldReference] {
        let plain = catalogue.names.filter { catalogue.fields[$0]?.argument != .required }
            .map { FieldReference($0) }
        let ancestors = ["proc.aname", "proc.aexe", "proc.aexepath"].flatMap { name in
            (1...4).map { FieldReference(name, Array(String($0).utf8)) }
        }
        let arguments = [
            "name", "path", "filename", "oldpath", "newpath", "target", "linkpath", "flags", "mode", "request",
            "domain", "type", "uid", "sig", "res", "fd",
        ].map { FieldReference("evt.arg.\($0)") }
        return plain + ancestors + arguments
    }

    /// `value` gives the values of a column.
    package mutating func add(type: String, _ value: (Int) -> [FieldValue]?) {
        if chunks.last?.isFull ?? true {
            chunks.append(Chunk(width: fields.count))
            trim()
        }
        let last = chunks.count - 1
        let before = chunks[last].bytes
        chunks[last].types.append(chunks[last].number([FieldValue(type)]))
        for column in fields.indices {
            let number = value(column).map { chunks[last].number($0) } ?? 0
            chunks[last].columns[column].append(number)
        }
        chunks[last].count += 1
        chunks[last].bytes += 2 * (fields.count + 1)
        bytes += chunks[last].bytes - before
        if bytes > limit { trim() }
    }

    /// Bytes the values take, about.
    package private(set) var bytes = 0

    private mutating func trim() {
        while bytes > limit, chunks.count - firstChunk > 1 {
            dropped += UInt64(chunks[firstChunk].count)
            bytes -= chunks[firstChunk].bytes
            chunks[firstChunk] = Chunk(width: 0)
            firstChunk += 1
        }
        if firstChunk > 64 {
            chunks.removeFirst(firstChunk)
            firstChunk = 0
        }
    }

    package var count: Int { chunks[firstChunk...].reduce(0) { $0 + $1.count } }

    /// The events as they are kept in files: one JSON object a line, the oldest first. `take` gets line by line.
    package func lines(_ take: ([UInt8]) -> Void) {
        for chunk in chunks[firstChunk...] {
            for row in 0..<chunk.count {
                var writer = JSONWriter()
                writer.object { writer in
                    if case .bytes(let type)? = chunk.values[Int(chunk.types[row])].first {
                        writer.member("type", String(decoding: type, as: UTF8.self))
                    }
                    writer.member(
                        "fields",
                        object: { writer in
                            for (column, field) in fields.enumerated() {
                                let value = chunk.values[Int(chunk.columns[column][row])]
                                guard !value.isEmpty else { continue }
                                writer.key(field.field.description)
                                Self.write(value, field.info, to: &writer)
                            }
                        })
                }
                take(writer.takeBytes())
            }
        }
    }

    private static func write(_ values: [FieldValue], _ info: FieldInfo, to writer: inout JSONWriter) {
        guard values.count == 1, !info.isList, !info.matchesAnyElement else {
            writer.array { writer in for value in values { write(value, info, to: &writer) } }
            return
        }
        write(values[0], info, to: &writer)
    }

    private static func write(_ value: FieldValue, _ info: FieldInfo, to writer: inout JSONWriter) {
        switch (value, info.type) {
        case (.number(let number), .bool): writer.value(number != 0)
        case (.number(let number), let type):
            writer.raw(type.isSigned ? String(Int64(bitPattern: number)) : String(number))
        // A network as rules compare it is an address here.
        case (.bytes(let bytes), .ip), (.bytes(let bytes), .ipnet): writer.value(AddressText.text(bytes))
        case (.bytes(let bytes), _): writer.value(String(decoding: bytes, as: UTF8.self))
        }
    }
}
