import Foundation

/// Mathematics, base64 and what else the conformance suite asks beyond the API server's libraries.
///
/// Source: cel-go's `ext.Math` and `ext.Encoders`.
enum MathLibrary {
    static let functions: [CELFunction] =
        [extreme("max", .greater), extreme("min", .less)] + rounding + questions + signs + bits

    private static let numbers: [(String, CELType)] = [("double", .double), ("int", .int), ("uint", .uint)]

    private static func extreme(_ name: String, _ wanted: CELNumber.Order) -> CELFunction {
        var overloads = numbers.map { CELOverload("math_@\(name)_\($0.0)", [$0.1], $0.1) }
        for (aName, a) in numbers {
            for (bName, b) in numbers {
                overloads.append(CELOverload("math_@\(name)_\(aName)_\(bName)", [a, b], a == b ? a : .dyn))
            }
        }
        overloads += numbers.map { CELOverload("math_@\(name)_list_\($0.0)", [.list($0.1)], $0.1) }
        return CELFunction("math.@\(name)", overloads) { values in
            var all = values
            if values.count == 1, case .list(let list) = values[0] { all = list.values }
            guard var best = all.first else {
                return .error(CELError("math.@\(name)(list) argument must not be empty"))
            }
            for value in all {
                switch value {
                case .int, .uint, .double: break
                default: return .error(.noSuchOverload)
                }
                if CELNumber.order(value, best) == wanted { best = value }
            }
            return best
        }
    }

    private static func ofDouble(
        _ name: String, _ result: CELType = .double, _ run: @escaping @Sendable (Double) -> CELValue
    ) -> CELFunction {
        CELFunction("math.\(name)", [CELOverload("math_\(name)_double", [.double], result)]) { values in
            guard case .double(let number) = values[0] else { return .error(.noSuchOverload) }
            return run(number)
        }
    }

    private static let rounding: [CELFunction] = [
        ofDouble("ceil") { .double($0.rounded(.up)) }, ofDouble("floor") { .double($0.rounded(.down)) },
        ofDouble("round") { .double($0.rounded(.toNearestOrAwayFromZero)) },
        ofDouble("trunc") { .double($0.rounded(.towardZero)) },
    ]

    private static let questions: [CELFunction] = [
        ofDouble("isInf", .bool) { .bool($0.isInfinite) }, ofDouble("isNaN", .bool) { .bool($0.isNaN) },
        ofDouble("isFinite", .bool) { .bool($0.isFinite) },
    ]

    private static let signs: [CELFunction] = [
        CELFunction("math.abs", numbers.map { CELOverload("math_abs_\($0.0)", [$0.1], $0.1) }) { values in
            switch values[0] {
            case .double(let number): .double(number.magnitude)
            case .int(let whole): whole == Int64.min ? .error(.integerOverflow) : .int(abs(whole))
            case .uint: values[0]
            default: .error(.noSuchOverload)
            }
        },
        CELFunction("math.sign", numbers.map { CELOverload("math_sign_\($0.0)", [$0.1], $0.1) }) { values in
            switch values[0] {
            case .double(let number): .double(number.isNaN ? .nan : number > 0 ? 1 : number < 0 ? -1 : 0)
            case .int(let whole): .int(whole.signum())
            case .uint(let whole): .uint(whole == 0 ? 0 : 1)
            default: .error(.noSuchOverload)
            }
        },
        CELFunction("math.sqrt", numbers.map { CELOverload("math_sqrt_\($0.0)", [$0.1], .double) }) { values in
            switch values[0] {
            case .double(let number): .double(number.squareRoot())
            case .int(let whole): .double(Double(whole).squareRoot())
            case .uint(let whole): .double(Double(whole).squareRoot())
            default: .error(.noSuchOverload)
            }
        },
    ]

    private static func bitwise(
        _ name: String, _ int: @escaping @Sendable (Int64, Int64) -> Int64,
        _ uint: @escaping @Sendable (UInt64, UInt64) -> UInt64
    ) -> CELFunction {
        CELFunction(
            "math.\(name)",
            [
                CELOverload("math_\(name)_int_int", [.int, .int], .int),
                CELOverload("math_\(name)_uint_uint", [.uint, .uint], .uint),
            ]
        ) { values in
            switch (values[0], values[1]) {
            case (.int(let a), .int(let b)): .int(int(a, b))
            case (.uint(let a), .uint(let b)): .uint(uint(a, b))
            default: .error(.noSuchOverload)
            }
        }
    }

    private static func shift(
        _ name: String, _ run: @escaping @Sendable (UInt64, Int64) -> UInt64
    ) -> CELFunction {
        CELFunction(
            "math.\(name)",
            [
                CELOverload("math_\(name)_int_int", [.int, .int], .int),
                CELOverload("math_\(name)_uint_int", [.uint, .int], .uint),
            ]
        ) { values in
            guard case .int(let count) = values[1] else { return .error(.noSuchOverload) }
            if count < 0 { return .error(CELError("math.\(name)() negative offset: \(count)")) }
            switch values[0] {
            case .int(let whole): return .int(Int64(bitPattern: run(UInt64(bitPattern: whole), count)))
            case .uint(let whole): return .uint(run(whole, count))
            default: return .error(.noSuchOverload)
            }
        }
    }

    private static let bits: [CELFunction] = [
        bitwise("bitAnd", &, &), bitwise("bitOr", |, |), bitwise("bitXor", ^, ^),
        CELFunction(
            "math.bitNot",
            [
                CELOverload("math_bitNot_int_int", [.int], .int),
                CELOverload("math_bitNot_uint_uint", [.uint], .uint),
            ]
        ) { values in
            switch values[0] {
            case .int(let whole): .int(~whole)
            case .uint(let whole): .uint(~whole)
            default: .error(.noSuchOverload)
            }
        },
        shift("bitShiftLeft") { $1 > 63 ? 0 : $0 << UInt64($1) },
        shift("bitShiftRight") { $1 > 63 ? 0 : $0 >> UInt64($1) },
    ]

    static let encoders: [CELFunction] = [
        CELFunction("base64.encode", [CELOverload("base64_encode_bytes", [.bytes], .string)]) { values in
            guard case .bytes(let bytes) = values[0] else { return .error(.noSuchOverload) }
            return .string(Data(bytes).base64EncodedString())
        },
        CELFunction("base64.decode", [CELOverload("base64_decode_string", [.string], .bytes)]) { values in
            guard case .string(var text) = values[0] else { return .error(.noSuchOverload) }
            while text.utf8.count % 4 != 0 { text += "=" }
            guard let data = Data(base64Encoded: text) else {
                return .error(CELError("illegal base64 data"))
            }
            return .bytes(Array(data))
        },
    ]
}
