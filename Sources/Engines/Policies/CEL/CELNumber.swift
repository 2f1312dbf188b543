/// Numbers of three types that compare as what they stand for.
enum CELNumber {
    enum Order { case less, equal, greater, none }

    /// The order of two numbers, whatever their types; `none` for what is not a number, and for NaN.
    static func order(_ a: CELValue, _ b: CELValue) -> Order {
        switch (a, b) {
        case (.int(let a), .int(let b)): of(a, b)
        case (.uint(let a), .uint(let b)): of(a, b)
        case (.double(let a), .double(let b)): of(a, b)
        case (.int(let a), .uint(let b)): a < 0 ? .less : of(UInt64(a), b)
        case (.uint(let a), .int(let b)): b < 0 ? .greater : of(a, UInt64(b))
        case (.double(let a), .int(let b)): of(a, b)
        case (.int(let a), .double(let b)): reversed(of(b, a))
        case (.double(let a), .uint(let b)): of(a, b)
        case (.uint(let a), .double(let b)): reversed(of(b, a))
        default: .none
        }
    }

    private static func of<T: Comparable>(_ a: T, _ b: T) -> Order {
        a < b ? .less : a == b ? .equal : a > b ? .greater : .none
    }

    /// Compared within the doubles, as the reference does: a whole number beyond 2^53 loses its last digits.
    private static func of(_ a: Double, _ b: Int64) -> Order {
        if a.isNaN { return .none }
        if a < -0x1p63 { return .less }
        if a > 0x1p63 { return .greater }
        return of(a, Double(b))
    }

    private static func of(_ a: Double, _ b: UInt64) -> Order {
        if a.isNaN { return .none }
        if a < 0 { return .less }
        if a > 0x1p64 { return .greater }
        return of(a, Double(b))
    }

    private static func reversed(_ order: Order) -> Order {
        switch order {
        case .less: .greater
        case .greater: .less
        default: order
        }
    }

    /// The shortest text that reads back as the same double, without an exponent between 1e-4 and 1e21.
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        var text = "\(value)"
        if text.hasSuffix(".0") { text.removeLast(2) }
        guard let mark = text.firstIndex(of: "e") else {
            let magnitude = value.magnitude
            return magnitude >= 1e21 || (magnitude < 1e-4 && magnitude > 0) ? exponent(of: text) : text
        }
        let digits = text[..<mark]
        let power = Int(text[text.index(after: mark)...]) ?? 0
        guard power >= 21 || power < -4 else { return plain(String(digits), power: power) }
        let mantissa = digits.hasSuffix(".0") ? digits.dropLast(2) : digits
        let magnitude = abs(power)
        return "\(mantissa)e\(power < 0 ? "-" : "+")\(magnitude < 10 ? "0" : "")\(magnitude)"
    }

    /// A number written plainly as one with an exponent of at least two digits.
    private static func exponent(of plain: String) -> String {
        let sign = plain.hasPrefix("-") ? "-" : ""
        let body = plain.drop { $0 == "-" }
        let parts = body.split(separator: ".", omittingEmptySubsequences: false)
        let whole = parts.first ?? ""
        let fraction = parts.count > 1 ? parts[1] : ""
        let all = whole + fraction
        guard let first = all.firstIndex(where: { $0 != "0" }) else { return plain }
        let power = whole.count - 1 - all.distance(from: all.startIndex, to: first)
        var rest = all[all.index(after: first)...]
        while rest.last == "0" { rest.removeLast() }
        let magnitude = abs(power)
        let digits = "\(all[first])\(rest.isEmpty ? "" : ".\(rest)")"
        return "\(sign)\(digits)e\(power < 0 ? "-" : "+")\(magnitude < 10 ? "0" : "")\(magnitude)"
    }

    /// Digits and a power of ten as plain digits.
    private static func plain(_ digits: String, power: Int) -> String {
        let sign = digits.hasPrefix("-") ? "-" : ""
        let body = digits.drop { $0 == "-" }
        let parts = body.split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(parts.first ?? "")
        var fraction = parts.count > 1 ? String(parts[1]) : ""
        if fraction == "0" { fraction = "" }
        let all = whole + fraction
        let point = whole.count + power
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + all }
        if point >= all.count { return sign + all + String(repeating: "0", count: point - all.count) }
        return sign + all.prefix(point) + "." + all.dropFirst(point)
    }
}
