/// The text of a value, as outputs print it.
enum ValueText {
    static func text(_ value: FieldValue, _ type: ValueType, isPadded: Bool = false, isHexadecimal: Bool = false)
        -> String
    {
        switch value {
        case .bytes(let bytes):
            switch type {
            case .ip: return AddressText.text(bytes)
            case .ipnet: return "<IPNET>"
            case .bytes: return printable(bytes)
            default: return String(decoding: bytes.asCString, as: UTF8.self)
            }
        case .number(let number):
            if type == .bool { return number != 0 ? "true" : "false" }
            if type == .double { return decimal(Double(bitPattern: number)) }
            if isHexadecimal { return String(number, radix: 16, uppercase: true) }
            let text = type.isSigned ? String(Int64(bitPattern: number)) : String(number)
            return isPadded && text.count < 9 ? String(repeating: "0", count: 9 - text.count) + text : text
        }
    }

    /// One digit behind the point.
    private static func decimal(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        let tenths = Int64((abs(value) * 10).rounded(.toNearestOrEven))
        return "\(value < 0 ? "-" : "")\(tenths / 10).\(tenths % 10)"
    }

    /// Bytes with what does not print left out of sight, as Falco's plain output shows buffers.
    private static func printable(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.prefix(1023).map { $0 >= 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: ".") }, as: UTF8.self)
    }
}
