/// Numbers as the C library reads them for Falco: blanks before, a sign, decimal digits, nothing behind.
enum NumberText {
    /// `%lld`: saturates at the ends of the range.
    static func signed(_ text: [UInt8]) -> Int64? {
        guard let (negative, magnitude, overflow) = read(text) else { return nil }
        if negative {
            return overflow || magnitude > UInt64(Int64.max) + 1 ? Int64.min : Int64(truncatingIfNeeded: 0 &- magnitude)
        }
        return overflow || magnitude > UInt64(Int64.max) ? Int64.max : Int64(magnitude)
    }

    /// `%llu`: a minus sign wraps round.
    static func unsigned(_ text: [UInt8]) -> UInt64? {
        guard let (negative, magnitude, overflow) = read(text) else { return nil }
        if overflow { return UInt64.max }
        return negative ? 0 &- magnitude : magnitude
    }

    private static func read(_ text: [UInt8]) -> (negative: Bool, magnitude: UInt64, overflow: Bool)? {
        var i = 0
        while i < text.count, ConditionLexer.isSpace(text[i]) { i += 1 }
        var negative = false
        if i < text.count, text[i] == UInt8(ascii: "-") || text[i] == UInt8(ascii: "+") {
            negative = text[i] == UInt8(ascii: "-")
            i += 1
        }
        guard i < text.count, ConditionLexer.isDigit(text[i]) else { return nil }
        var magnitude: UInt64 = 0
        var overflow = false
        while i < text.count, ConditionLexer.isDigit(text[i]) {
            let (product, a) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, b) = product.addingReportingOverflow(UInt64(text[i] - 0x30))
            overflow = overflow || a || b
            magnitude = sum
            i += 1
        }
        return i == text.count ? (negative, magnitude, overflow) : nil
    }
}
