/// The type of a field's value, which decides the operators it takes and how constants are read.
package enum ValueType: String, Sendable, Hashable, CaseIterable {
    case string, path, bytes, bool
    case int8, int16, int32, int64, uint8, uint16, uint32, uint64
    case fd, pid, errno
    case port, reltime, abstime, double, ip, ipnet
    /// `evt.rawarg` before its parameter is known.
    case dynamic

    /// Falco's own name of the type, as its messages say it.
    var falcoName: String {
        switch self {
        case .string: "CHARBUF"
        case .path: "FSPATH"
        case .bytes: "BYTEBUF"
        case .ip: "IPADDR"
        case .ipnet: "IPNET"
        case .dynamic: "DYNAMIC"
        default: rawValue.uppercased()
        }
    }

    /// Whether values are compared as numbers.
    package var isNumeric: Bool {
        switch self {
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .fd, .pid, .errno, .port, .reltime,
            .abstime, .double:
            true
        case .string, .path, .bytes, .bool, .ip, .ipnet, .dynamic: false
        }
    }

    var isSigned: Bool {
        switch self {
        case .int8, .int16, .int32, .int64, .fd, .pid, .errno: true
        default: false
        }
    }

    var isText: Bool { self == .string || self == .path }
}

/// One value of a field. Numbers are the bit pattern of 64 bits, by the field's type signed, unsigned or a double.
package enum FieldValue: Sendable, Hashable {
    /// Text, bytes, or an address in 4 or 16 bytes.
    case bytes([UInt8])
    case number(UInt64)

    package init(_ text: String) { self = .bytes(Array(text.utf8)) }
    package init(_ number: Int64) { self = .number(UInt64(bitPattern: number)) }

    var asBytes: [UInt8] {
        switch self {
        case .bytes(let bytes): bytes
        case .number(let number): (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
        }
    }
}
