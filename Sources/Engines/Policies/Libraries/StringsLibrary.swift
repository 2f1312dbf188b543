import Encodings
import Foundation

/// The extended string functions.
///
/// Source: cel-go's `ext.Strings`: version 2 is what the API server has, the newest what the conformance suite asks.
enum StringsLibrary {
    /// The functions; `isModern` for formatting and quoting as the newest version does it.
    static func functions(isModern: Bool) -> [CELFunction] {
        var all = common
        all += [
            CELFunction(
                "indexOf",
                [
                    .member("string_index_of_string", [.string, .string], .int),
                    .member("string_index_of_string_int", [.string, .string, .int], .int),
                ]
            ) { search($0, last: false, isModern: isModern) },
            CELFunction(
                "lastIndexOf",
                [
                    .member("string_last_index_of_string", [.string, .string], .int),
                    .member("string_last_index_of_string_int", [.string, .string, .int], .int),
                ]
            ) { search($0, last: true, isModern: isModern) },
        ]
        all.append(
            CELFunction("format", [.member("string_format", [.string, .list(.dyn)], .string)]) { values in
                guard case .string(let text) = values[0], case .list(let list) = values[1] else {
                    return .error(.noSuchOverload)
                }
                return CELFormat(isModern: isModern).format(text, list.values)
            })
        if isModern {
            all.append(
                CELFunction("reverse", [.member("string_reverse", [.string], .string)]) { values in
                    guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
                    var scalars = String.UnicodeScalarView()
                    for scalar in text.unicodeScalars.reversed() { scalars.append(scalar) }
                    return .string(String(scalars))
                })
        }
        return all
    }

    private static func range(_ index: Int64) -> CELValue { .error(CELError("index out of range: \(index)")) }

    private static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        for scalar in scalars { view.append(scalar) }
        return String(view)
    }

    private static func search(_ values: [CELValue], last: Bool, isModern: Bool) -> CELValue {
        guard case .string(let text) = values[0], case .string(let wanted) = values[1] else {
            return .error(.noSuchOverload)
        }
        let scalars = Array(text.unicodeScalars)
        let part = Array(wanted.unicodeScalars)
        var offset = last ? scalars.count - 1 : 0
        if values.count > 2 {
            guard case .int(let given) = values[2] else { return .error(.noSuchOverload) }
            if part.isEmpty { return .int(given) }
            guard given >= 0 else { return range(given) }
            guard given < scalars.count else { return isModern && given > scalars.count ? range(given) : .int(-1) }
            offset = Int(given)
        } else if part.isEmpty {
            return .int(last ? Int64(scalars.count) : 0)
        }
        guard scalars.count >= part.count else { return .int(-1) }
        let end = scalars.count - part.count
        if last {
            var place = min(offset, end)
            while place >= 0 {
                if scalars[place..<place + part.count].elementsEqual(part) { return .int(Int64(place)) }
                place -= 1
            }
        } else {
            var place = offset
            while place <= end {
                if scalars[place..<place + part.count].elementsEqual(part) { return .int(Int64(place)) }
                place += 1
            }
        }
        return .int(-1)
    }

    private static func mapped(
        _ name: String, _ id: String, _ change: @escaping @Sendable (String) -> String
    ) -> CELFunction {
        CELFunction(name, [.member(id, [.string], .string)]) { values in
            guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
            return .string(change(text))
        }
    }

    private static func ascii(_ text: String, _ from: ClosedRange<UInt8>, _ shift: (UInt8) -> UInt8) -> String {
        String(decoding: text.utf8.map { from.contains($0) ? shift($0) : $0 }, as: UTF8.self)
    }

    /// At most `limit` replacements; all where it is negative.
    private static func replaced(_ text: String, _ old: String, _ new: String, limit: Int64) -> String {
        var left = limit
        if limit == 0 { return text }
        if old.isEmpty {
            var result = ""
            for scalar in text.unicodeScalars {
                if left != 0 {
                    result += new
                    left -= 1
                }
                result.unicodeScalars.append(scalar)
            }
            return left != 0 ? result + new : result
        }
        let bytes = Array(text.utf8)
        let wanted = Array(old.utf8)
        var result: [UInt8] = []
        var place = 0
        while left != 0, let found = CELText.find(wanted, in: bytes, from: place) {
            result += bytes[place..<found]
            result += Array(new.utf8)
            place = found + wanted.count
            left -= 1
        }
        return String(decoding: result + bytes[place...], as: UTF8.self)
    }

    private static func split(_ text: String, _ separator: String, limit: Int64) -> [String] {
        if limit == 0 { return [] }
        var parts: [String] = []
        if separator.isEmpty {
            let scalars = Array(text.unicodeScalars)
            let count = limit < 0 ? scalars.count : min(scalars.count, Int(limit))
            guard count > 0 else { return [] }
            for scalar in scalars.prefix(count - 1) { parts.append(String(Character(scalar))) }
            parts.append(self.text(scalars[(count - 1)..<(limit < 0 ? count : scalars.count)]))
            return parts
        }
        let bytes = Array(text.utf8)
        let wanted = Array(separator.utf8)
        var place = 0
        while limit < 0 || parts.count < limit - 1, let found = CELText.find(wanted, in: bytes, from: place) {
            parts.append(String(decoding: bytes[place..<found], as: UTF8.self))
            place = found + wanted.count
        }
        parts.append(String(decoding: bytes[place...], as: UTF8.self))
        return parts
    }

    private static let common: [CELFunction] = [
        CELFunction("charAt", [.member("string_char_at_int", [.string, .int], .string)]) { values in
            guard case .string(let text) = values[0], case .int(let index) = values[1] else {
                return .error(.noSuchOverload)
            }
            let scalars = Array(text.unicodeScalars)
            guard index >= 0, index <= scalars.count else { return range(index) }
            return .string(index == scalars.count ? "" : String(Character(scalars[Int(index)])))
        },
        mapped("lowerAscii", "string_lower_ascii") { ascii($0, 65...90) { $0 + 32 } },
        mapped("upperAscii", "string_upper_ascii") { ascii($0, 97...122) { $0 - 32 } },
        mapped("trim", "string_trim") { text in
            let scalars = Array(text.unicodeScalars)
            guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
                let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
            else { return "" }
            return StringsLibrary.text(scalars[first...last])
        },
        CELFunction(
            "replace",
            [
                .member("string_replace_string_string", [.string, .string, .string], .string),
                .member("string_replace_string_string_int", [.string, .string, .string, .int], .string),
            ]
        ) { values in
            guard case .string(let text) = values[0], case .string(let old) = values[1],
                case .string(let new) = values[2]
            else { return .error(.noSuchOverload) }
            var limit: Int64 = -1
            if values.count > 3 {
                guard case .int(let given) = values[3] else { return .error(.noSuchOverload) }
                limit = given
            }
            return .string(replaced(text, old, new, limit: limit))
        },
        CELFunction(
            "split",
            [
                .member("string_split_string", [.string, .string], .list(.string)),
                .member("string_split_string_int", [.string, .string, .int], .list(.string)),
            ]
        ) { values in
            guard case .string(let text) = values[0], case .string(let separator) = values[1] else {
                return .error(.noSuchOverload)
            }
            var limit: Int64 = -1
            if values.count > 2 {
                guard case .int(let given) = values[2] else { return .error(.noSuchOverload) }
                limit = given
            }
            return .list(.values(split(text, separator, limit: limit).map(CELValue.string)))
        },
        CELFunction(
            "substring",
            [
                .member("string_substring_int", [.string, .int], .string),
                .member("string_substring_int_int", [.string, .int, .int], .string),
            ]
        ) { values in
            guard case .string(let text) = values[0], case .int(let start) = values[1] else {
                return .error(.noSuchOverload)
            }
            let scalars = Array(text.unicodeScalars)
            var end = Int64(scalars.count)
            if values.count > 2 {
                guard case .int(let given) = values[2] else { return .error(.noSuchOverload) }
                end = given
                if start > end {
                    return .error(CELError("invalid substring range. start: \(start), end: \(end)"))
                }
            }
            guard start >= 0, start <= scalars.count else { return range(start) }
            guard end >= 0, end <= scalars.count else { return range(end) }
            return .string(StringsLibrary.text(scalars[Int(start)..<Int(end)]))
        },
        CELFunction(
            "join",
            [
                .member("list_join", [.list(.string)], .string),
                .member("list_join_string", [.list(.string), .string], .string),
            ]
        ) { values in
            guard case .list(let list) = values[0] else { return .error(.noSuchOverload) }
            var separator = ""
            if values.count > 1 {
                guard case .string(let given) = values[1] else { return .error(.noSuchOverload) }
                separator = given
            }
            var parts: [String] = []
            for value in list.values {
                guard case .string(let text) = value else {
                    return .error(CELError("join: invalid input: \(value.plainText)"))
                }
                parts.append(text)
            }
            return .string(parts.joined(separator: separator))
        },
        CELFunction("strings.quote", [CELOverload("strings_quote", [.string], .string)]) { values in
            guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
            return .string(CELFormat.quoted(text))
        },
    ]
}

/// `"…".format([…])`.
struct CELFormat {
    let isModern: Bool

    /// A text in double quotes with the escapes of the language.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\u{07}": result += "\\a"
            case "\u{08}": result += "\\b"
            case "\u{0c}": result += "\\f"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0b}": result += "\\v"
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private struct Failure: Error { var message: String }

    func format(_ pattern: String, _ arguments: [CELValue]) -> CELValue {
        do throws(Failure) {
            return .string(try formatted(pattern, arguments))
        } catch {
            return .error(CELError(error.message))
        }
    }

    private func formatted(_ pattern: String, _ arguments: [CELValue]) throws(Failure) -> String {
        var result = ""
        var next = 0
        let scalars = Array(pattern.unicodeScalars)
        var place = 0
        while place < scalars.count {
            let scalar = scalars[place]
            place += 1
            guard scalar == "%" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            guard place < scalars.count else { throw Failure(message: "unexpected end of string") }
            if scalars[place] == "%" {
                result += "%"
                place += 1
                continue
            }
            guard next < arguments.count else { throw Failure(message: "index \(next) out of range") }
            let argument = arguments[next]
            next += 1
            var precision: Int?
            if scalars[place] == "." {
                place += 1
                var digits = ""
                while place < scalars.count, ("0"..."9").contains(scalars[place]) {
                    digits.unicodeScalars.append(scalars[place])
                    place += 1
                }
                precision = Int(digits)
                guard place < scalars.count else {
                    throw Failure(message: "could not parse formatting clause: error while parsing precision")
                }
            }
            let clause = scalars[place]
            place += 1
            result += try self.clause(clause, argument, precision)
        }
        return result
    }

    private func clause(_ clause: Unicode.Scalar, _ value: CELValue, _ precision: Int?) throws(Failure) -> String {
        switch clause {
        case "s": return try string(value, within: false)
        case "d":
            switch value {
            case .int(let whole): return String(whole)
            case .uint(let whole): return String(whole)
            case .double(let number) where isModern: return plain(number)
            default:
                throw wrong("decimal clause can only be used on integers", value)
            }
        case "f":
            guard let number = number(value) else {
                throw wrong("fixed-point clause can only be used on doubles", value)
            }
            guard number.isFinite else { return plain(number) }
            return String(format: "%.\(precision ?? 6)f", number)
        case "e":
            guard let number = number(value) else {
                throw wrong("scientific clause can only be used on doubles", value)
            }
            guard number.isFinite else { return plain(number) }
            let text = String(format: "%.\(precision ?? 6)e", number)
            return isModern ? text : superscript(text)
        case "b":
            switch value {
            case .int(let whole): return String(whole, radix: 2)
            case .uint(let whole): return String(whole, radix: 2)
            case .bool(let truth): return truth ? "1" : "0"
            default: throw wrong("only integers and bools can be formatted as binary", value)
            }
        case "x", "X":
            let text: String
            switch value {
            case .int(let whole): text = String(whole, radix: 16)
            case .uint(let whole): text = String(whole, radix: 16)
            case .string(let string): text = Hexadecimal.text(string.utf8)
            case .bytes(let bytes): text = Hexadecimal.text(bytes)
            default: throw wrong("only integers, byte buffers, and strings can be formatted as hex", value)
            }
            return clause == "X" ? text.uppercased() : text
        case "o":
            switch value {
            case .int(let whole): return String(whole, radix: 8)
            case .uint(let whole): return String(whole, radix: 8)
            default: throw wrong("octal clause can only be used on integers", value)
            }
        default:
            throw Failure(message: "could not parse formatting clause: unrecognized formatting clause \"\(clause)\"")
        }
    }

    private func wrong(_ what: String, _ value: CELValue) -> Failure {
        Failure(message: "error during formatting: \(what), was given \(value.runtimeType.name)")
    }

    private func number(_ value: CELValue) -> Double? {
        switch value {
        case .double(let number): number
        case .int(let whole) where isModern: Double(whole)
        case .uint(let whole) where isModern: Double(whole)
        case .string("NaN"): .nan
        case .string("Infinity"): .infinity
        case .string("-Infinity"): -.infinity
        default: nil
        }
    }

    private func plain(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return isModern ? (number < 0 ? "-Infinity" : "Infinity") : (number < 0 ? "-∞" : "∞") }
        return CELNumber.text(number)
    }

    /// `2.718280e+00` as the American locale of the API server prints it.
    private func superscript(_ text: String) -> String {
        guard let mark = text.firstIndex(of: "e") else { return text }
        let digits = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"]
        let exponent = text[text.index(after: mark)...]
        let sign = exponent.hasPrefix("-") ? "⁻" : ""
        let raised = exponent.compactMap(\.wholeNumberValue).map { digits[$0] }.joined()
        return "\(text[..<mark])\u{202f}×\u{202f}10\(sign)\(raised)"
    }

    private func string(_ value: CELValue, within: Bool) throws(Failure) -> String {
        switch value {
        case .list(let list):
            var parts: [String] = []
            for element in list.values { parts.append(try string(element, within: true)) }
            return "[\(parts.joined(separator: ", "))]"
        case .map(let map):
            var pairs: [(String, String)] = []
            for key in map.keys {
                guard let member = map[key] else { continue }
                pairs.append((try string(key, within: true), try string(member, within: true)))
            }
            pairs.sort { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
            return "{\(pairs.map { "\($0.0):\(isModern ? " " : "")\($0.1)" }.joined(separator: ", "))}"
        case .opaque, .optional, .error:
            throw wrong(
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations,"
                    + " and timestamps", value)
        case .string(let text): return within && !isModern ? Self.quoted(text) : text
        case .bytes(let bytes):
            let text = String(decoding: bytes, as: UTF8.self)
            return within && !isModern ? "b\(Self.quoted(text))" : text
        case .timestamp where within && !isModern: return "timestamp(\(Self.quoted(value.plainText)))"
        case .duration where within && !isModern: return "duration(\(Self.quoted(value.plainText)))"
        case .double(let number):
            if within, !isModern {
                return number.isFinite ? String(format: "%.6f", number) : Self.quoted(CELNumber.text(number))
            }
            return number.isFinite || !isModern ? CELNumber.text(number) : plain(number)
        default: return value.plainText
        }
    }
}
