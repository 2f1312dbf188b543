/// Versions of Go modules: `v1.2.3-pre+build`, short `v1` and `v1.2`.
///
/// Standard: golang.org/x/mod/semver: what is no version sorts before every version and equal to each other.
enum GoVersion {
    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        switch (isValid(left), isValid(right)) {
        case (false, false): 0
        case (false, true): -1
        case (true, false): 1
        case (true, true): SemanticVersion.order(left, right)
        }
    }

    static func isValid(_ text: Span<UInt8>) -> Bool {
        guard text.count > 1, text[0] == UInt8(ascii: "v") else { return false }
        var i = 1
        for part in 0..<3 {
            let start = i
            while i < text.count, text[i].isDigit { i += 1 }
            guard i > start, i == start + 1 || text[start] != 0x30 else { return false }
            if i == text.count { return true }
            guard part < 2 else { break }
            guard text[i] == UInt8(ascii: ".") else { return false }
            i += 1
        }
        if text[i] == UInt8(ascii: "-"), !words(text, &i, refusesLeadingZeros: true) { return false }
        if i < text.count, text[i] == UInt8(ascii: "+"), !words(text, &i, refusesLeadingZeros: false) { return false }
        return i == text.count
    }

    private static func words(_ text: Span<UInt8>, _ i: inout Int, refusesLeadingZeros: Bool) -> Bool {
        i += 1
        while true {
            let start = i
            var isNumber = true
            while i < text.count, text[i].isDigit || text[i].isLetter || text[i] == UInt8(ascii: "-") {
                if !text[i].isDigit { isNumber = false }
                i += 1
            }
            guard i > start else { return false }
            if refusesLeadingZeros, isNumber, i > start + 1, text[start] == 0x30 { return false }
            guard i < text.count, text[i] == UInt8(ascii: ".") else { return true }
            i += 1
        }
    }
}
