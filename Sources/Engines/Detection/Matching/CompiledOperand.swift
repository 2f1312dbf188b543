/// What an operand is, as far as types go.
struct OperandType {
    var type: ValueType
    var isList: Bool
    /// Before transformers: Falco checks the arguments of a transformer by these.
    var baseType: ValueType
    var baseIsList: Bool
    var name: String
    /// The field under a transformer.
    var baseName: String?
    var standsAlone = false
    var refusesTransformers = false

    static func text(isList: Bool = false) -> OperandType {
        OperandType(type: .string, isList: isList, baseType: .string, baseIsList: isList, name: "INTERNAL")
    }
}

/// An operand ready to be evaluated.
///
/// A transformed text ends with a NUL byte, as in Falco. That is no accident to be cleaned up: members of a list are
/// compared with it, so that `toupper(list) in (A)` never holds, and rules may lean on that.
indirect enum CompiledOperand: Sendable, Hashable {
    /// A field by its slot.
    case field(Int)
    case constant([UInt8])
    case list([CompiledOperand])
    /// A number as its decimal text.
    case numberText(CompiledOperand, ValueType)
    case mapped(Transformation.Function, CompiledOperand, type: ValueType, isList: Bool)
    case join(CompiledOperand, CompiledOperand)
    case concat([CompiledOperand])
    case getopt(CompiledOperand, CompiledOperand, UInt8?)

    /// The slots it reads.
    var slots: [Int] {
        switch self {
        case .field(let slot): [slot]
        case .constant: []
        case .list(let elements), .concat(let elements): elements.flatMap(\.slots)
        case .mapped(_, let inner, _, _), .numberText(let inner, _): inner.slots
        case .join(let a, let b), .getopt(let a, let b, _): a.slots + b.slots
        }
    }

    /// The values; nil where a field it needs is absent.
    func values(_ field: (Int) -> [FieldValue]?) -> [FieldValue]? {
        switch self {
        case .field(let slot): return field(slot)
        case .constant(let bytes): return [.bytes(bytes)]
        case .list(let elements):
            var out: [FieldValue] = []
            for element in elements {
                guard let values = element.values(field) else { return nil }
                out += values
            }
            return out
        case .numberText(let inner, let type):
            return inner.values(field)?.map { FieldValue(ValueText.text($0, type)) }
        case .mapped(let function, let inner, let type, let isList):
            guard let values = inner.values(field) else { return nil }
            return Self.map(function, values, type, isList)
        case .join(let separator, let list):
            guard let separator = separator.values(field)?.first, let values = list.values(field) else { return nil }
            let parts = values.map { Array($0.asBytes.asCString) }
            return [.bytes(Array(parts.joined(separator: separator.asBytes)))]
        case .concat(let parts):
            var out: [UInt8] = []
            for part in parts {
                guard let value = part.values(field)?.first else { return nil }
                out += value.asBytes.asCString
            }
            return [.bytes(out)]
        case .getopt(let arguments, let options, let selector):
            guard let options = options.values(field)?.first, let values = arguments.values(field) else { return nil }
            return OptionScan(options.asBytes).scan(values.map(\.asBytes), selector: selector)
        }
    }

    private static func map(
        _ function: Transformation.Function, _ values: [FieldValue], _ type: ValueType, _ isList: Bool
    ) -> [FieldValue]? {
        if function == .len {
            if isList { return [.number(UInt64(values.count))] }
            guard let value = values.first else { return nil }
            return [.number(UInt64(type == .bytes ? value.asBytes.count : value.asBytes.asCString.count))]
        }
        var out: [FieldValue] = []
        for value in values {
            var bytes = value.asBytes
            while bytes.last == 0 { bytes.removeLast() }
            guard var mapped = transform(function, bytes) else { return nil }
            if mapped.last != 0 { mapped.append(0) }
            out.append(.bytes(mapped))
        }
        return out
    }

    private static func transform(_ function: Transformation.Function, _ bytes: [UInt8]) -> [UInt8]? {
        switch function {
        case .tolower: bytes.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        case .toupper: bytes.map { $0 >= 0x61 && $0 <= 0x7A ? $0 & 0xDF : $0 }
        case .basename: bytes.lastIndex(of: UInt8(ascii: "/")).map { Array(bytes[($0 + 1)...]) } ?? bytes
        case .b64: FalcoBase64.decode(bytes)
        case .val, .len, .join, .concat, .getopt: bytes
        }
    }
}

/// Base64 with or without padding; nil for anything else, left-over bits included.
///
/// The last character is not looked at as closely as the others, as in Falco: a wrong one there sets one bit.
enum FalcoBase64 {
    static func decode(_ text: [UInt8]) -> [UInt8]? {
        guard let lastByte = text.last else { return [] }
        var count = text.count
        if lastByte == UInt8(ascii: "=") {
            count -= 1
            if count > 0, text[count - 1] == UInt8(ascii: "=") { count -= 1 }
        }
        // One character alone in its group holds no byte.
        guard count > 0, count % 4 != 1 else { return nil }
        var out: [UInt8] = []
        var bits: UInt32 = 0
        var held = 0
        for i in 0..<count {
            guard let value = value(text[i]) ?? (i == count - 1 ? 64 : nil) else { return nil }
            bits = i == count - 1 && value == 64 ? bits << 6 | lastBits(i) : bits << 6 | UInt32(value)
            held += 6
            if held >= 8 {
                held -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
            }
        }
        guard bits & ((1 << UInt32(held)) - 1) == 0 else { return nil }
        return out
    }

    /// What a wrong last character adds: bit 6 of a value that has only six, moved as the position moves it.
    private static func lastBits(_ index: Int) -> UInt32 {
        switch index % 4 {
        case 1: 4 << 4
        case 2: 16 << 2
        default: 64
        }
    }

    private static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x41...0x5A: byte - 0x41
        case 0x61...0x7A: byte - 0x61 + 26
        case 0x30...0x39: byte - 0x30 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        // Their table reads a sign of padding inside as zero.
        case UInt8(ascii: "="): 0
        default: nil
        }
    }
}

/// Options of a command line after `getopt(3)`: short options in clusters, values attached or in the next word.
struct OptionScan {
    private var known: Set<UInt8> = []
    private var takesValue: Set<UInt8> = []

    init(_ options: [UInt8]) {
        var i = options.first == UInt8(ascii: ":") ? 1 : 0
        while i < options.count {
            let option = options[i]
            i += 1
            if option == UInt8(ascii: ":") { continue }
            known.insert(option)
            if i < options.count, options[i] == UInt8(ascii: ":") {
                takesValue.insert(option)
                i += 1
            }
        }
    }

    /// Every option and value, or with a selector the last value of that option; nil when it is not there.
    func scan(_ words: [[UInt8]], selector: UInt8?) -> [FieldValue]? {
        var out: [FieldValue] = []
        var selected: FieldValue?
        func emit(_ option: UInt8, _ value: [UInt8]?) {
            if let selector {
                if selector == option { selected = .bytes(value ?? [option]) }
            } else {
                out.append(.bytes([option]))
                if let value { out.append(.bytes(value)) }
            }
        }
        var index = 0
        words: while index < words.count {
            let word = words[index]
            if word == Array("--".utf8) { break }
            if word.count > 2, word.starts(with: "--".utf8) {
                index += 1
                continue
            }
            guard word.count > 1, word[0] == UInt8(ascii: "-") else { break words }
            for i in 1..<word.count {
                let option = word[i]
                guard option != UInt8(ascii: ":"), known.contains(option) else {
                    if selector == nil { out.append(.bytes([UInt8(ascii: "?")])) }
                    continue
                }
                guard takesValue.contains(option) else {
                    emit(option, nil)
                    continue
                }
                if i + 1 < word.count {
                    emit(option, Array(word[(i + 1)...]))
                } else if index + 1 < words.count {
                    index += 1
                    emit(option, words[index])
                } else if selector == nil {
                    // A value that is missing is an empty one.
                    out.append(.bytes([]))
                } else if selector == option {
                    selected = .bytes([])
                }
                break
            }
            index += 1
        }
        if selector != nil { return selected.map { [$0] } }
        return out
    }
}
