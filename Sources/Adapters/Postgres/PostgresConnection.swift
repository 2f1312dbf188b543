import CPostgres
import Encodings

/// One connection of libpq; used by one thread at a time, which waits for the server.
package final class PostgresConnection {
    let handle: OpaquePointer
    /// Names of prepared statements, by their text.
    private var prepared: [String: String] = [:]
    private static let mostPrepared = 256

    init(_ connection: String) throws(PostgresFailure) {
        guard let handle = PQconnectdb(connection) else { throw PostgresFailure("08001", "libpq gave no connection") }
        guard PQstatus(handle) == CONNECTION_OK else {
            let message = String(cString: PQerrorMessage(handle))
            PQfinish(handle)
            throw PostgresFailure("08001", Self.oneLine(message))
        }
        self.handle = handle
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
    }

    deinit { PQfinish(handle) }

    var isAlive: Bool { PQstatus(handle) == CONNECTION_OK }

    // MARK: Statements

    /// Runs a statement with `?` for values; gives its rows, and how many it changed.
    package func run(
        _ sql: String, _ values: [PostgresValue] = []
    ) throws(PostgresFailure) -> (rows: [[PostgresValue]], changed: Int) {
        let name = try prepare(sql)
        var texts: [UnsafeMutablePointer<CChar>?] = values.map(Self.text)
        defer { for text in texts { text?.deallocate() } }
        let result = texts.withUnsafeMutableBufferPointer { buffer in
            buffer.withMemoryRebound(to: UnsafePointer<CChar>?.self) { parameters in
                PQexecPrepared(handle, name, Int32(values.count), parameters.baseAddress, nil, nil, 0)
            }
        }
        return try read(result)
    }

    /// Runs text without values: the beginnings and ends of transactions.
    package func command(_ sql: String) throws(PostgresFailure) { _ = try read(PQexec(handle, sql)) }

    private func prepare(_ sql: String) throws(PostgresFailure) -> String {
        if let name = prepared[sql] { return name }
        if prepared.count >= Self.mostPrepared {
            try command("DEALLOCATE ALL")
            prepared = [:]
        }
        let name = "s\(prepared.count)"
        _ = try read(PQprepare(handle, name, Self.numbered(sql), 0, nil))
        prepared[sql] = name
        return name
    }

    /// `?` as `$1`, `$2` …; inside quotes it is a letter.
    static func numbered(_ sql: String) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(sql.utf8.count + 16)
        var number = 0
        var quote: UInt8?
        for byte in sql.utf8 {
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
            } else if byte == UInt8(ascii: "?") {
                number += 1
                out += Array("$\(number)".utf8)
                continue
            }
            out.append(byte)
        }
        return String(decoding: out, as: UTF8.self)
    }

    // MARK: Values

    /// A value as text with a NUL behind it. A text cannot hold a NUL here: it becomes the replacement character.
    private static func text(_ value: PostgresValue) -> UnsafeMutablePointer<CChar>? {
        let text: String
        switch value {
        case .null: return nil
        case .int(let int): text = String(int)
        case .double(let double): text = String(double)
        case .text(let plain): text = plain.utf8.contains(0) ? plain.replacing("\0", with: "\u{FFFD}") : plain
        case .blob(let bytes):
            text = "\\x" + Hexadecimal.text(bytes)
        }
        let bytes = Array(text.utf8)
        let pointer = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
        for (index, byte) in bytes.enumerated() { pointer[index] = CChar(bitPattern: byte) }
        pointer[bytes.count] = 0
        return pointer
    }

    private func read(_ result: OpaquePointer?) throws(PostgresFailure) -> (rows: [[PostgresValue]], changed: Int) {
        guard let result else { throw PostgresFailure("08006", Self.oneLine(String(cString: PQerrorMessage(handle)))) }
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK: break
        default:
            // 'C' is the field of the SQLSTATE, 'M' the message without the statement's values.
            let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))).map { String(cString: $0) }
            let message = PQresultErrorField(result, Int32(UInt8(ascii: "M"))).map { String(cString: $0) }
            let lost = isAlive ? "XX000" : "08006"
            throw PostgresFailure(state ?? lost, message ?? Self.oneLine(String(cString: PQerrorMessage(handle))))
        }
        let changed = Int(String(cString: PQcmdTuples(result))) ?? 0
        let (height, width) = (PQntuples(result), PQnfields(result))
        let types = (0..<width).map { PQftype(result, $0) }
        var rows: [[PostgresValue]] = []
        rows.reserveCapacity(Int(height))
        for row in 0..<height {
            rows.append(
                (0..<width).map { column in
                    guard PQgetisnull(result, row, column) == 0, let cell = PQgetvalue(result, row, column) else {
                        return .null
                    }
                    return Self.value(
                        UnsafeBufferPointer(start: cell, count: Int(PQgetlength(result, row, column))),
                        type: types[Int(column)])
                })
        }
        return (rows, changed)
    }

    /// A cell by its type: int2, int4, int8, numeric and oid; float4 and float8; bytea; anything else is text.
    private static func value(_ cell: UnsafeBufferPointer<CChar>, type: Oid) -> PostgresValue {
        let text = String(decoding: UnsafeRawBufferPointer(cell), as: UTF8.self)
        switch type {
        case 20, 21, 23, 26, 1700:
            return Int(text).map(PostgresValue.int) ?? Double(text).map(PostgresValue.double) ?? .text(text)
        case 700, 701: return Double(text).map(PostgresValue.double) ?? .text(text)
        case 16: return .int(text == "t" ? 1 : 0)
        case 17: return .blob(unhex(text.utf8.dropFirst(2)))
        default: return .text(text)
        }
    }

    private static func unhex(_ digits: Substring.UTF8View) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for digit in digits {
            let value = digit > UInt8(ascii: "9") ? (digit | 0x20) - UInt8(ascii: "a") + 10 : digit - UInt8(ascii: "0")
            if let first = high {
                out.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return out
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
