/// Operators and functions of the language itself.
///
/// Standard: CEL language definition, "List of Standard Definitions".
enum StandardLibrary {
    private typealias Run = @Sendable ([CELValue]) -> CELValue

    static let functions: [CELFunction] =
        logic + arithmetic + comparisons + collections + text + conversions + CELTimeLibrary.functions

    private static let a = CELType.parameter("A")
    private static let b = CELType.parameter("B")

    // MARK: Logic

    private static let logic: [CELFunction] = [
        CELFunction(CELOperator.conditional, [CELOverload("conditional", [.bool, a, a], a)]) { _ in
            .error(.noSuchOverload)
        },
        CELFunction(CELOperator.and, [CELOverload("logical_and", [.bool, .bool], .bool)]) { _ in
            .error(.noSuchOverload)
        },
        CELFunction(CELOperator.or, [CELOverload("logical_or", [.bool, .bool], .bool)]) { _ in
            .error(.noSuchOverload)
        },
        CELFunction(CELOperator.not, [CELOverload("logical_not", [.bool], .bool)]) { values in
            if case .bool(let value) = values[0] { .bool(!value) } else { .error(.noSuchOverload) }
        },
        CELFunction(CELOperator.notStrictlyFalse, [CELOverload("not_strictly_false", [.bool], .bool)]) { values in
            if case .bool(let value) = values[0] { .bool(value) } else { .bool(true) }
        },
        CELFunction(CELOperator.equals, [CELOverload("equals", [a, a], .bool)]) { .bool($0[0] == $0[1]) },
        CELFunction(CELOperator.notEquals, [CELOverload("not_equals", [a, a], .bool)]) { .bool($0[0] != $0[1]) },
    ]

    // MARK: Arithmetic

    private static func whole(_ result: (partialValue: Int64, overflow: Bool)) -> CELValue {
        result.overflow ? .error(.integerOverflow) : .int(result.partialValue)
    }

    private static func unsigned(_ result: (partialValue: UInt64, overflow: Bool)) -> CELValue {
        result.overflow ? .error(.unsignedOverflow) : .uint(result.partialValue)
    }

    private static func duration(_ result: (partialValue: Int64, overflow: Bool)) -> CELValue {
        result.overflow ? .error(.durationOverflow) : .duration(result.partialValue)
    }

    private static func moment(_ value: CELTimestamp?) -> CELValue {
        value.map(CELValue.timestamp) ?? .error(.timestampOverflow)
    }

    private static let add: Run = { values in
        switch (values[0], values[1]) {
        case (.int(let a), .int(let b)): whole(a.addingReportingOverflow(b))
        case (.uint(let a), .uint(let b)): unsigned(a.addingReportingOverflow(b))
        case (.double(let a), .double(let b)): .double(a + b)
        case (.string(let a), .string(let b)): .string(a + b)
        case (.bytes(let a), .bytes(let b)): .bytes(a + b)
        case (.list(let a), .list(let b)): .list(.values(a.values + b.values))
        case (.duration(let a), .duration(let b)): duration(a.addingReportingOverflow(b))
        case (.timestamp(let a), .duration(let b)), (.duration(let b), .timestamp(let a)): moment(a.adding(b))
        default: .error(.noSuchOverload)
        }
    }

    private static let subtract: Run = { values in
        switch (values[0], values[1]) {
        case (.int(let a), .int(let b)): whole(a.subtractingReportingOverflow(b))
        case (.uint(let a), .uint(let b)): unsigned(a.subtractingReportingOverflow(b))
        case (.double(let a), .double(let b)): .double(a - b)
        case (.duration(let a), .duration(let b)): duration(a.subtractingReportingOverflow(b))
        case (.timestamp(let a), .duration(let b)):
            b == Int64.min ? .error(.timestampOverflow) : moment(a.adding(-b))
        case (.timestamp(let a), .timestamp(let b)): a.since(b).map(CELValue.duration) ?? .error(.durationOverflow)
        default: .error(.noSuchOverload)
        }
    }

    private static let divide: Run = { values in
        switch (values[0], values[1]) {
        case (.int(_), .int(0)), (.uint(_), .uint(0)): .error(.divisionByZero)
        case (.int(let a), .int(let b)): whole(a.dividedReportingOverflow(by: b))
        case (.uint(let a), .uint(let b)): .uint(a / b)
        case (.double(let a), .double(let b)): .double(a / b)
        default: .error(.noSuchOverload)
        }
    }

    private static let modulo: Run = { values in
        switch (values[0], values[1]) {
        case (.int(_), .int(0)), (.uint(_), .uint(0)): .error(.modulusByZero)
        case (.int(let a), .int(let b)): whole(a.remainderReportingOverflow(dividingBy: b))
        case (.uint(let a), .uint(let b)): .uint(a % b)
        default: .error(.noSuchOverload)
        }
    }

    private static let multiply: Run = { values in
        switch (values[0], values[1]) {
        case (.int(let a), .int(let b)): whole(a.multipliedReportingOverflow(by: b))
        case (.uint(let a), .uint(let b)): unsigned(a.multipliedReportingOverflow(by: b))
        case (.double(let a), .double(let b)): .double(a * b)
        default: .error(.noSuchOverload)
        }
    }

    private static let arithmetic: [CELFunction] = [
        CELFunction(
            CELOperator.add,
            [
                CELOverload("add_bytes", [.bytes, .bytes], .bytes),
                CELOverload("add_double", [.double, .double], .double),
                CELOverload("add_duration_duration", [.duration, .duration], .duration),
                CELOverload("add_duration_timestamp", [.duration, .timestamp], .timestamp),
                CELOverload("add_timestamp_duration", [.timestamp, .duration], .timestamp),
                CELOverload("add_int64", [.int, .int], .int),
                CELOverload("add_list", [.list(a), .list(a)], .list(a)),
                CELOverload("add_string", [.string, .string], .string),
                CELOverload("add_uint64", [.uint, .uint], .uint),
            ], run: add),
        CELFunction(
            CELOperator.subtract,
            [
                CELOverload("subtract_double", [.double, .double], .double),
                CELOverload("subtract_duration_duration", [.duration, .duration], .duration),
                CELOverload("subtract_int64", [.int, .int], .int),
                CELOverload("subtract_timestamp_duration", [.timestamp, .duration], .timestamp),
                CELOverload("subtract_timestamp_timestamp", [.timestamp, .timestamp], .duration),
                CELOverload("subtract_uint64", [.uint, .uint], .uint),
            ], run: subtract),
        CELFunction(CELOperator.multiply, numeric("multiply"), run: multiply),
        CELFunction(CELOperator.divide, numeric("divide"), run: divide),
        CELFunction(
            CELOperator.modulo,
            [
                CELOverload("modulo_int64", [.int, .int], .int),
                CELOverload("modulo_uint64", [.uint, .uint], .uint),
            ], run: modulo),
        CELFunction(
            CELOperator.negate,
            [CELOverload("negate_double", [.double], .double), CELOverload("negate_int64", [.int], .int)]
        ) { values in
            switch values[0] {
            case .int(let value): whole(Int64(0).subtractingReportingOverflow(value))
            case .double(let value): .double(-value)
            case .duration(let value): duration(Int64(0).subtractingReportingOverflow(value))
            default: .error(.noSuchOverload)
            }
        },
    ]

    private static func numeric(_ name: String) -> [CELOverload] {
        [
            CELOverload("\(name)_double", [.double, .double], .double),
            CELOverload("\(name)_int64", [.int, .int], .int),
            CELOverload("\(name)_uint64", [.uint, .uint], .uint),
        ]
    }

    // MARK: Comparisons

    /// -1, 0 or 1; nil where the values have no order, `.some(nil)` is never given.
    static func order(_ a: CELValue, _ b: CELValue) -> CELNumber.Order? {
        func of<T: Comparable>(_ a: T, _ b: T) -> CELNumber.Order { a < b ? .less : a == b ? .equal : .greater }
        switch (a, b) {
        case (.bool(let a), .bool(let b)): return of(a ? 1 : 0, b ? 1 : 0)
        case (.string(let a), .string(let b)):
            return a.utf8.elementsEqual(b.utf8) ? .equal : a.utf8.lexicographicallyPrecedes(b.utf8) ? .less : .greater
        case (.bytes(let a), .bytes(let b)):
            return a == b ? .equal : a.lexicographicallyPrecedes(b) ? .less : .greater
        case (.timestamp(let a), .timestamp(let b)): return of(a, b)
        case (.duration(let a), .duration(let b)): return of(a, b)
        case (.int, .int), (.int, .uint), (.int, .double), (.uint, .int), (.uint, .uint), (.uint, .double),
            (.double, .int), (.double, .uint), (.double, .double):
            return CELNumber.order(a, b)
        default: return nil
        }
    }

    private static func comparison(
        _ name: String, _ id: String, _ holds: @escaping @Sendable (CELNumber.Order) -> Bool
    ) -> CELFunction {
        let same: [(String, CELType)] = [
            ("bool", .bool), ("int64", .int), ("uint64", .uint), ("double", .double), ("string", .string),
            ("bytes", .bytes), ("timestamp", .timestamp), ("duration", .duration),
        ]
        let numbers: [(String, CELType)] = [("int64", .int), ("uint64", .uint), ("double", .double)]
        var overloads = same.map { CELOverload("\(id)_\($0.0)", [$0.1, $0.1], .bool) }
        for (aName, a) in numbers {
            for (bName, b) in numbers where aName != bName {
                overloads.append(CELOverload("\(id)_\(aName)_\(bName)", [a, b], .bool))
            }
        }
        return CELFunction(name, overloads) { values in
            guard let order = order(values[0], values[1]) else { return .error(.noSuchOverload) }
            return .bool(holds(order))
        }
    }

    private static let comparisons: [CELFunction] = [
        comparison(CELOperator.less, "less") { $0 == .less },
        comparison(CELOperator.lessEquals, "less_equals") { $0 == .less || $0 == .equal },
        comparison(CELOperator.greater, "greater") { $0 == .greater },
        comparison(CELOperator.greaterEquals, "greater_equals") { $0 == .greater || $0 == .equal },
    ]

    // MARK: Lists and maps

    private static let collections: [CELFunction] = [
        CELFunction(
            CELOperator.index,
            [
                CELOverload("index_list", [.list(a), .int], a),
                CELOverload("index_map", [.map(a, b), a], b),
            ]
        ) { CELEvaluator.select($0[1], from: $0[0]) },
        CELFunction(
            CELOperator.membership,
            [CELOverload("in_list", [a, .list(a)], .bool), CELOverload("in_map", [a, .map(a, b)], .bool)]
        ) { values in
            switch values[1] {
            case .list(let list): .bool(list.values.contains(values[0]))
            case .map(let map): .bool(map[values[0]] != nil)
            default: .error(.noSuchOverload)
            }
        },
        CELFunction(
            "size",
            [
                CELOverload("size_bytes", [.bytes], .int), .member("bytes_size", [.bytes], .int),
                CELOverload("size_list", [.list(a)], .int), .member("list_size", [.list(a)], .int),
                CELOverload("size_map", [.map(a, b)], .int), .member("map_size", [.map(a, b)], .int),
                CELOverload("size_string", [.string], .int), .member("string_size", [.string], .int),
            ]
        ) { values in
            switch values[0] {
            case .string, .bytes, .list, .map: .int(Int64(values[0].costSize))
            default: .error(.noSuchOverload)
            }
        },
    ]

    // MARK: Text

    private static func strings(
        _ name: String, _ id: String, _ holds: @escaping @Sendable (String, String) -> Bool
    ) -> CELFunction {
        CELFunction(name, [.member(id, [.string, .string], .bool)]) { values in
            guard case .string(let a) = values[0], case .string(let b) = values[1] else {
                return .error(.noSuchOverload)
            }
            return .bool(holds(a, b))
        }
    }

    private static let text: [CELFunction] = [
        strings("contains", "contains_string") { a, b in
            CELText.find(Array(b.utf8), in: Array(a.utf8), from: 0) != nil
        },
        strings("startsWith", "starts_with_string") { $0.utf8.starts(with: $1.utf8) },
        strings("endsWith", "ends_with_string") { $0.utf8.reversed().starts(with: $1.utf8.reversed()) },
        CELFunction(
            "matches",
            [
                CELOverload("matches", [.string, .string], .bool),
                .member("matches_string", [.string, .string], .bool),
            ]
        ) { values in
            guard case .string(let text) = values[0], case .string(let pattern) = values[1] else {
                return .error(.noSuchOverload)
            }
            return CELPattern.matches(pattern, text)
        },
    ]

    // MARK: Conversions

    private static func convert(
        _ name: String, _ overloads: [CELOverload], _ run: @escaping @Sendable (CELValue) -> CELValue
    ) -> CELFunction {
        CELFunction(name, overloads) { run($0[0]) }
    }

    private static func wrongConversion(_ value: CELValue, to type: String) -> CELValue {
        .error(CELError("type conversion error from '\(value.runtimeType.name)' to '\(type)'"))
    }

    private static let conversions: [CELFunction] = [
        convert("dyn", [CELOverload("to_dyn", [a], .dyn)]) { $0 },
        convert("type", [CELOverload("type", [a], .type(a))]) { .type($0.typeValue) },
        convert(
            "bool", [CELOverload("bool_to_bool", [.bool], .bool), CELOverload("string_to_bool", [.string], .bool)]
        ) { value in
            switch value {
            case .bool: return value
            case .string(let text):
                switch text {
                case "1", "t", "T", "TRUE", "true", "True": return .bool(true)
                case "0", "f", "F", "FALSE", "false", "False": return .bool(false)
                default: return wrongConversion(value, to: "bool")
                }
            default: return .error(.noSuchOverload)
            }
        },
        convert(
            "bytes",
            [CELOverload("bytes_to_bytes", [.bytes], .bytes), CELOverload("string_to_bytes", [.string], .bytes)]
        ) { value in
            switch value {
            case .bytes: value
            case .string(let text): .bytes(Array(text.utf8))
            default: .error(.noSuchOverload)
            }
        },
        convert(
            "double",
            [
                CELOverload("double_to_double", [.double], .double),
                CELOverload("int64_to_double", [.int], .double),
                CELOverload("string_to_double", [.string], .double),
                CELOverload("uint64_to_double", [.uint], .double),
            ]
        ) { value in
            switch value {
            case .double: value
            case .int(let whole): .double(Double(whole))
            case .uint(let whole): .double(Double(whole))
            case .string(let text): CELText.double(text).map(CELValue.double) ?? wrongConversion(value, to: "double")
            default: .error(.noSuchOverload)
            }
        },
        convert(
            "int",
            [
                CELOverload("int64_to_int64", [.int], .int), CELOverload("double_to_int64", [.double], .int),
                CELOverload("duration_to_int64", [.duration], .int),
                CELOverload("string_to_int64", [.string], .int),
                CELOverload("timestamp_to_int64", [.timestamp], .int),
                CELOverload("uint64_to_int64", [.uint], .int),
            ]
        ) { value in
            switch value {
            case .int: return value
            case .uint(let whole): return Int64(exactly: whole).map(CELValue.int) ?? .error(.integerOverflow)
            case .double(let number):
                guard number > -0x1p63, number < 0x1p63 else { return .error(.integerOverflow) }
                return .int(Int64(number))
            case .duration(let nanoseconds): return .int(nanoseconds)
            case .timestamp(let moment): return .int(moment.seconds)
            case .string(let text):
                guard CELText.isPlainInteger(text), let whole = Int64(text) else {
                    return wrongConversion(value, to: "int")
                }
                return .int(whole)
            default: return .error(.noSuchOverload)
            }
        },
        convert(
            "uint",
            [
                CELOverload("uint64_to_uint64", [.uint], .uint), CELOverload("double_to_uint64", [.double], .uint),
                CELOverload("int64_to_uint64", [.int], .uint), CELOverload("string_to_uint64", [.string], .uint),
            ]
        ) { value in
            switch value {
            case .uint: return value
            case .int(let whole): return UInt64(exactly: whole).map(CELValue.uint) ?? .error(.unsignedOverflow)
            case .double(let number):
                guard number >= 0, number < 0x1p64 else { return .error(.unsignedOverflow) }
                return .uint(UInt64(number))
            case .string(let text):
                guard CELText.isPlainInteger(text), !text.hasPrefix("+"), let whole = UInt64(text) else {
                    return wrongConversion(value, to: "uint")
                }
                return .uint(whole)
            default: return .error(.noSuchOverload)
            }
        },
        convert(
            "string",
            [
                CELOverload("string_to_string", [.string], .string),
                CELOverload("bool_to_string", [.bool], .string),
                CELOverload("bytes_to_string", [.bytes], .string),
                CELOverload("double_to_string", [.double], .string),
                CELOverload("duration_to_string", [.duration], .string),
                CELOverload("int64_to_string", [.int], .string),
                CELOverload("timestamp_to_string", [.timestamp], .string),
                CELOverload("uint64_to_string", [.uint], .string),
            ]
        ) { value in
            switch value {
            case .bytes(let bytes):
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    return .error(CELError("invalid UTF-8 in bytes, cannot convert to string"))
                }
                return .string(text)
            case .string, .bool, .double, .duration, .int, .timestamp, .uint: return .string(value.plainText)
            default: return .error(.noSuchOverload)
            }
        },
    ]
}

extension CELValue {
    /// What `type(x)` gives.
    var typeValue: CELType {
        if case .type = self { return .type(nil) }
        return runtimeType
    }
}

/// Readings of text that follow Go's, on whose functions the reference stands.
enum CELText {
    /// Digits with an optional sign, nothing else.
    static func isPlainInteger(_ text: String) -> Bool {
        var bytes = text.utf8[...]
        if bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") { bytes = bytes.dropFirst() }
        return !bytes.isEmpty && bytes.allSatisfy { (48...57).contains($0) }
    }

    static func double(_ text: String) -> Double? {
        guard !text.isEmpty, !text.utf8.contains(where: { $0 <= 0x20 }) else { return nil }
        switch text.lowercased() {
        case "nan": return .nan
        case "inf", "+inf", "infinity", "+infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        default: return text.lowercased().contains("nan") ? nil : Double(text)
        }
    }

    /// The first place of a text within another, in bytes.
    static func find(_ wanted: [UInt8], in text: [UInt8], from start: Int) -> Int? {
        if wanted.isEmpty { return start <= text.count ? start : nil }
        guard text.count >= wanted.count else { return nil }
        var place = start
        while place + wanted.count <= text.count {
            if text[place] == wanted[0], text[place..<place + wanted.count].elementsEqual(wanted) { return place }
            place += 1
        }
        return nil
    }
}
