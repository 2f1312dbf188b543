/// An amount with a suffix: `100m`, `1.5Gi`, `1e3`.
///
/// Source: Kubernetes `resource.Quantity`, its two ways of keeping a value, and what each can answer.
struct CELQuantity: CELOpaque {
    private enum Form: Sendable { case decimal, binary, exponent }

    /// The value times ten to the minus `scale`.
    private var value: BigNumber
    /// Power of ten of the value's last digit.
    private var scale: Int
    /// Whether the value is kept in 64 bits; only then can it say that it is a whole number.
    private var small: Int64?
    private var form: Form
    /// The text that was read, where it is the canonical one.
    private var written: String?
    /// Results of arithmetic refuse to be the right side of a comparison, as the API server's do.
    private var isComputed = false
    var isComparable: Bool { !isComputed }

    static let celType = CELType.object("kubernetes.Quantity")
    var type: CELType { Self.celType }

    private static let formatError = CELError(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")

    private static let decimalSuffixes: [String: Int] = [
        "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
    ]
    private static let binarySuffixes: [String: Int] = ["Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60]

    init(_ text: String) throws(CELError) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { throw Self.formatError }
        var place = 0
        var isNegative = false
        if bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+") {
            isNegative = bytes[0] == UInt8(ascii: "-")
            place = 1
        }
        func isDigit(_ index: Int) -> Bool { index < bytes.count && (48...57).contains(bytes[index]) }
        while place < bytes.count, bytes[place] == UInt8(ascii: "0") { place += 1 }
        let wholeStart = place
        while isDigit(place) { place += 1 }
        var whole = Array(bytes[wholeStart..<place])
        if whole.isEmpty { whole = [UInt8(ascii: "0")] }
        var fraction: [UInt8] = []
        if place < bytes.count, bytes[place] == UInt8(ascii: ".") {
            place += 1
            let begin = place
            while isDigit(place) { place += 1 }
            fraction = Array(bytes[begin..<place])
        }
        let suffixStart = place
        while place < bytes.count, "eEinumkKMGTP".utf8.contains(bytes[place]) { place += 1 }
        if place < bytes.count, bytes[place] == UInt8(ascii: "-") || bytes[place] == UInt8(ascii: "+") { place += 1 }
        while isDigit(place) { place += 1 }
        guard place == bytes.count else { throw Self.formatError }
        let suffix = String(decoding: bytes[suffixStart...], as: UTF8.self)
        var power = 0
        var isBinary = false
        if let known = Self.decimalSuffixes[suffix] {
            power = known
            form = .decimal
        } else if let known = Self.binarySuffixes[suffix] {
            power = known
            isBinary = true
            form = .binary
        } else if suffix.utf8.count > 1, suffix.hasPrefix("e") || suffix.hasPrefix("E"),
            let given = Int32(suffix.dropFirst())
        {
            power = Int(given)
            form = .exponent
        } else {
            throw CELError("unable to parse quantity's suffix")
        }
        var digits = BigNumber(digits: whole + fraction)
        // The fast way: few enough digits to be kept in 64 bits.
        let length = whole.count + fraction.count
        let precision =
            isBinary
            ? fraction.isEmpty ? 15 - whole.count - Int(Float(power) * 3 / 10) - 1 : -1 : 18 - length
        let smallScale = (isBinary ? 0 : power) - fraction.count
        if precision >= 0, smallScale >= -9, let plain = Int64(digits.digits) {
            let factor: Int64 = isBinary ? 1 << Int64(power) : 1
            let (product, overflow) = plain.multipliedReportingOverflow(by: factor)
            if !overflow {
                let result = isNegative ? -product : product
                small = result
                value = BigNumber(result)
                scale = smallScale
                let shifted = whole + fraction
                let isCanonical =
                    isBinary
                    ? power % 10 == 0 && plain & 7 != 0
                    : smallScale % 3 == 0 && !shifted.suffix(3).elementsEqual("000".utf8) && shifted[0] != 48
                written = isCanonical || text == "0" ? text : nil
                return
            }
        }
        scale = -fraction.count
        if isBinary {
            for _ in 0..<power { digits.multiply(by: 2) }
        } else {
            scale += power
        }
        // Smaller than a billionth is rounded away from zero.
        if scale < -9 {
            var isExact = true
            while scale < -9, !digits.isZero {
                let (quotient, remainder) = digits.divided(by: 10)
                if remainder != 0 { isExact = false }
                digits = quotient
                scale += 1
            }
            scale = max(scale, -9)
            if !isExact { digits = digits + BigNumber(1) }
        }
        value = digits
        // What is not kept in 64 bits is kept in billionths.
        if scale > -9, !value.isZero {
            value = value.times(tenToThe: min(scale + 9, 400))
            scale = -9
        }
        if isBinary {
            if order(BigNumber(Int64.max), 0) > 0 {
                value = BigNumber(Int64.max)
                scale = 0
            }
            if order(BigNumber(1), 0) < 0, !value.isZero { form = .decimal }
        }
        if isNegative { value = value.negated }
    }

    /// A plain whole number, as `add(3)` has it.
    init(_ whole: Int64) {
        value = BigNumber(whole)
        small = whole
        scale = 0
        form = .exponent
    }

    // MARK: Comparing

    private func order(_ other: BigNumber, _ otherScale: Int) -> Int {
        if scale == otherScale { return value.order(other) }
        if scale > otherScale { return value.times(tenToThe: min(scale - otherScale, 400)).order(other) }
        return value.order(other.times(tenToThe: min(otherScale - scale, 400)))
    }

    func order(_ other: CELQuantity) -> Int { order(other.value, other.scale) }

    func isEqual(to other: any CELOpaque) -> Bool {
        guard let other = other as? CELQuantity else { return false }
        return order(other) == 0
    }

    var sign: Int64 { value.isZero ? 0 : value.isNegative ? -1 : 1 }

    /// The whole number, where it is kept as one.
    var integer: Int64? {
        guard let small, scale >= 0 else { return nil }
        var result = small
        for _ in 0..<min(scale, 20) {
            let (product, overflow) = result.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            result = product
        }
        return result
    }

    var approximate: Double {
        let base = small.map(Double.init) ?? value.double
        if scale == 0 { return base }
        return base * (Double("1e\(scale)") ?? 1)
    }

    func adding(_ other: CELQuantity, negated: Bool) -> CELQuantity {
        var result = self
        result.written = nil
        result.isComputed = true
        if value.isZero { result.form = other.form }
        let low = min(scale, other.scale)
        let a = value.times(tenToThe: min(scale - low, 400))
        let b = other.value.times(tenToThe: min(other.scale - low, 400))
        result.value = a + (negated ? b.negated : b)
        result.scale = low
        result.small = small != nil && other.small != nil ? Int64(result.value.digits) : nil
        return result
    }

    // MARK: Text

    var text: String {
        if let written { return written }
        if value.isZero { return "0" }
        var form = form
        if form == .binary {
            let isSmall = order(BigNumber(-1024), 0) > 0 && order(BigNumber(1024), 0) < 0
            if isSmall || !isWhole { form = .decimal }
        }
        return form == .binary ? binaryText : decimalText(form)
    }

    private var isWhole: Bool {
        var rest = value
        for _ in 0..<max(0, -scale) {
            let (quotient, remainder) = rest.divided(by: 10)
            if remainder != 0 { return false }
            rest = quotient
        }
        return true
    }

    private func decimalText(_ form: Form) -> String {
        var mantissa = value
        var power = scale
        while !mantissa.isZero {
            let (quotient, remainder) = mantissa.divided(by: 10)
            if remainder != 0 { break }
            mantissa = quotient
            power += 1
        }
        let extra = ((power % 3) + 3) % 3
        mantissa = mantissa.times(tenToThe: extra)
        power -= extra
        let suffix =
            form == .exponent
            ? power == 0 ? "" : "e\(power)"
            : Self.decimalSuffixes.first { $0.value == power }?.key ?? ""
        return mantissa.digits + suffix
    }

    private var binaryText: String {
        var amount = value
        var power = scale
        while power > 0 {
            amount.multiply(by: 10)
            power -= 1
        }
        while power < 0 {
            amount = amount.divided(by: 10).quotient
            power += 1
        }
        var times = 0
        while times < 6, !amount.isZero {
            let (quotient, remainder) = amount.divided(by: 1024)
            if remainder != 0 { break }
            amount = quotient
            times += 1
        }
        let suffix = times == 0 ? "" : Self.binarySuffixes.first { $0.value == times * 10 }?.key ?? ""
        return amount.digits + suffix
    }
}

/// Source: the API server's quantity library.
enum QuantityLibrary {
    private static let quantity = CELQuantity.celType

    private static func read(_ value: CELValue) -> CELQuantity? {
        if case .opaque(let opaque) = value { return opaque as? CELQuantity }
        return nil
    }

    private static func unary(
        _ name: String, _ overload: CELOverload, _ run: @escaping @Sendable (CELQuantity) -> CELValue
    ) -> CELFunction {
        CELFunction(name, [overload]) { values in read(values[0]).map(run) ?? .error(.noSuchOverload) }
    }

    private static func comparison(
        _ name: String, _ id: String, _ type: CELType, _ give: @escaping @Sendable (Int) -> CELValue
    ) -> CELFunction {
        CELFunction(name, [.member(id, [quantity, quantity], type)]) { values in
            guard let a = read(values[0]), let b = read(values[1]) else { return .error(.noSuchOverload) }
            return give(a.order(b))
        }
    }

    private static func sum(_ name: String, negated: Bool) -> CELFunction {
        CELFunction(
            name,
            [
                .member("quantity_\(name)", [quantity, quantity], quantity),
                .member("quantity_\(name)_int", [quantity, .int], quantity),
            ]
        ) { values in
            guard let a = read(values[0]) else { return .error(.noSuchOverload) }
            if case .int(let whole) = values[1] { return .opaque(a.adding(CELQuantity(whole), negated: negated)) }
            guard let b = read(values[1]) else { return .error(.noSuchOverload) }
            return .opaque(a.adding(b, negated: negated))
        }
    }

    static let functions: [CELFunction] = [
        CELFunction("quantity", [CELOverload("string_to_quantity", [.string], quantity)]) { values in
            guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
            do throws(CELError) {
                return .opaque(try CELQuantity(text))
            } catch {
                return .error(error)
            }
        },
        CELFunction("isQuantity", [CELOverload("is_quantity_string", [.string], .bool)]) { values in
            guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
            return .bool((try? CELQuantity(text)) != nil)
        },
        unary("sign", CELOverload("quantity_sign", [quantity], .int)) { .int($0.sign) },
        unary("asInteger", .member("quantity_get_int", [quantity], .int)) {
            $0.integer.map(CELValue.int) ?? .error(CELError("cannot convert value to integer"))
        },
        unary("isInteger", .member("quantity_is_integer", [quantity], .bool)) { .bool($0.integer != nil) },
        unary("asApproximateFloat", .member("quantity_get_float", [quantity], .double)) { .double($0.approximate) },
        comparison("isGreaterThan", "quantity_is_greater_than", .bool) { .bool($0 > 0) },
        comparison("isLessThan", "quantity_is_less_than", .bool) { .bool($0 < 0) },
        comparison("compareTo", "quantity_compare_to", .int) { .int(Int64($0)) },
        sum("add", negated: false), sum("sub", negated: true),
    ]
}
