/// Versions of products that follow no scheme: numbers by value, `1.0.1f` after `1.0.1`, `1.0rc1` before `1.0`.
enum FuzzyVersion {
    private static let before: Set<String> = [
        "alpha", "beta", "rc", "pre", "preview", "dev", "snapshot", "ea", "milestone", "m",
    ]

    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        let a = marked(left)
        let b = marked(right)
        return RPMVersion.orderOfSegment(a.span, 0..<a.count, b.span, 0..<b.count)
    }

    /// With rpm's `~` in front of words that come before a release; builds and zeros at the end do not count.
    private static func marked(_ text: Span<UInt8>) -> [UInt8] {
        var cursor = ByteCursor(.folded(text))
        if cursor.current == UInt8(ascii: "v") { cursor.position += 1 }
        var out: [UInt8] = []
        while let byte = cursor.current, byte != UInt8(ascii: "+") {
            guard byte.isLetter else {
                out.append(byte)
                cursor.position += 1
                continue
            }
            let word = cursor.take { $0.isLetter }
            if before.contains(String(decoding: word, as: UTF8.self)) {
                while let last = out.last, !last.isDigit, !last.isLetter { out.removeLast() }
                dropZeros(&out)
                out.append(UInt8(ascii: "~"))
            }
            out += word
        }
        dropZeros(&out)
        return out
    }

    /// `1.0.0` is `1`.
    private static func dropZeros(_ text: inout [UInt8]) {
        while text.count > 2, text.last == 0x30, text[text.count - 2] == UInt8(ascii: ".") { text.removeLast(2) }
    }
}
