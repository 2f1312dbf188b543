/// Keys that YAML reads as numbers, as the text Kubernetes makes of them.
enum YAMLKey {
    /// Nil for numbers that Kubernetes refuses as keys.
    static func text(ofNumber text: Span<UInt8>) -> String? {
        switch YAMLScalar.number(text) {
        case .int(let value): String(value)
        case .double(let value): float(value)
        default: nil
        }
    }

    /// The shortest text of a 32-bit float, with an exponent below -4 and from 6 up, as Go's format `g` writes it.
    private static func float(_ value: Double) -> String {
        let narrow = Float(value)
        if narrow.isNaN { return ".nan" }
        if narrow.isInfinite { return narrow < 0 ? "-.inf" : ".inf" }
        // Swift's description has the same shortest digits in another dress.
        var digits = ""
        var exponent = 0
        var point: Int?
        let parts = narrow.magnitude.description.split(separator: "e")
        for character in parts[0] {
            if character == "." { point = digits.count } else { digits.append(character) }
        }
        exponent = (point ?? digits.count) + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        let leading = digits.prefix { $0 == "0" }.count
        if leading < digits.count {
            digits.removeFirst(leading)
            exponent -= leading
        } else {
            (digits, exponent) = ("0", 1)
        }
        while digits.count > 1, digits.last == "0" { digits.removeLast() }
        let sign = narrow.sign == .minus ? "-" : ""
        // `exponent` is the position of the point; Go's is that of the first digit.
        let power = exponent - 1
        if power < -4 || power >= 6 {
            let mantissa = digits.count > 1 ? "\(digits.prefix(1)).\(digits.dropFirst())" : digits
            let size = String(power.magnitude)
            return "\(sign)\(mantissa)e\(power < 0 ? "-" : "+")\(size.count < 2 ? "0" : "")\(size)"
        }
        if exponent <= 0 { return "\(sign)0.\(String(repeating: "0", count: -exponent))\(digits)" }
        if digits.count <= exponent { return sign + digits + String(repeating: "0", count: exponent - digits.count) }
        return "\(sign)\(digits.prefix(exponent)).\(digits.dropFirst(exponent))"
    }
}
