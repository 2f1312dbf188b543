/// A shell pattern as `fnmatch` matches without flags: `*` crosses slashes, a leading dot is nothing special.
struct Glob: Hashable, Sendable {
    private indirect enum Piece: Hashable {
        case byte(UInt8)
        case any
        case star
        case set([ClosedRange<UInt8>], negated: Bool)
        /// An opening bracket that nothing closes is itself.
        case never
    }

    private let pieces: [Piece]
    private let foldsCase: Bool

    init(_ pattern: [UInt8], foldsCase: Bool = false) {
        self.foldsCase = foldsCase
        var pieces: [Piece] = []
        var i = 0
        while i < pattern.count {
            switch pattern[i] {
            case UInt8(ascii: "*"):
                if pieces.last != .star { pieces.append(.star) }
                i += 1
            case UInt8(ascii: "?"):
                pieces.append(.any)
                i += 1
            case UInt8(ascii: "\\"):
                // A backslash at the end matches nothing.
                pieces.append(i + 1 < pattern.count ? .byte(Self.fold(pattern[i + 1], foldsCase)) : .never)
                i += 2
            case UInt8(ascii: "["):
                if let (set, next) = Self.bracket(pattern, i, foldsCase) {
                    pieces.append(set)
                    i = next
                } else {
                    pieces.append(.byte(UInt8(ascii: "[")))
                    i += 1
                }
            default:
                pieces.append(.byte(Self.fold(pattern[i], foldsCase)))
                i += 1
            }
        }
        self.pieces = pieces
    }

    private static func fold(_ byte: UInt8, _ folds: Bool) -> UInt8 {
        folds && byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }

    private static func bracket(_ pattern: [UInt8], _ start: Int, _ folds: Bool) -> (Piece, Int)? {
        var i = start + 1
        var negated = false
        if i < pattern.count, pattern[i] == UInt8(ascii: "!") || pattern[i] == UInt8(ascii: "^") {
            negated = true
            i += 1
        }
        var ranges: [ClosedRange<UInt8>] = []
        let first = i
        while i < pattern.count {
            if pattern[i] == UInt8(ascii: "]"), i > first { return (.set(ranges, negated: negated), i + 1) }
            if pattern[i] == UInt8(ascii: "["), i + 1 < pattern.count, pattern[i + 1] == UInt8(ascii: ":"),
                let end = Self.classEnd(pattern, i + 2)
            {
                guard let found = CharacterClasses.named(String(decoding: pattern[i + 2..<end], as: UTF8.self)) else {
                    return (.never, pattern.count)
                }
                ranges += found
                i = end + 2
                continue
            }
            guard let low = Self.member(pattern, &i) else { return nil }
            if i + 1 < pattern.count, pattern[i] == UInt8(ascii: "-"), pattern[i + 1] != UInt8(ascii: "]") {
                i += 1
                guard let high = Self.member(pattern, &i) else { return nil }
                if low <= high { ranges.append(fold(low, folds)...max(fold(low, folds), fold(high, folds))) }
            } else {
                ranges.append(fold(low, folds)...fold(low, folds))
            }
        }
        return nil
    }

    private static func member(_ pattern: [UInt8], _ i: inout Int) -> UInt8? {
        if pattern[i] == UInt8(ascii: "\\") { i += 1 }
        guard i < pattern.count else { return nil }
        defer { i += 1 }
        return pattern[i]
    }

    private static func classEnd(_ pattern: [UInt8], _ start: Int) -> Int? {
        var i = start
        while i + 1 < pattern.count {
            if pattern[i] == UInt8(ascii: ":"), pattern[i + 1] == UInt8(ascii: "]") { return i }
            guard ConditionLexer.isLetter(pattern[i]) else { return nil }
            i += 1
        }
        return nil
    }

    /// Never more than pattern times text steps: only the last star is ever tried again.
    func matches(_ text: [UInt8]) -> Bool {
        var (p, t) = (0, 0)
        var (star, retry) = (-1, 0)
        while t < text.count {
            if p < pieces.count, pieces[p] == .star {
                (star, retry) = (p, t)
                p += 1
            } else if p < pieces.count, accepts(pieces[p], text[t]) {
                p += 1
                t += 1
            } else if star >= 0 {
                retry += 1
                (p, t) = (star + 1, retry)
            } else {
                return false
            }
        }
        while p < pieces.count, pieces[p] == .star { p += 1 }
        return p == pieces.count
    }

    private func accepts(_ piece: Piece, _ byte: UInt8) -> Bool {
        let byte = Self.fold(byte, foldsCase)
        switch piece {
        case .byte(let wanted): return wanted == byte
        case .any: return true
        case .set(let ranges, let negated): return ranges.contains { $0.contains(byte) } != negated
        case .star, .never: return false
        }
    }
}

/// The character classes of POSIX in the C locale.
enum CharacterClasses {
    static func named(_ name: String) -> [ClosedRange<UInt8>]? {
        switch name {
        case "alnum": [0x30...0x39, 0x41...0x5A, 0x61...0x7A]
        case "alpha": [0x41...0x5A, 0x61...0x7A]
        case "ascii": [0x00...0x7F]
        case "blank": [0x09...0x09, 0x20...0x20]
        case "cntrl": [0x00...0x1F, 0x7F...0x7F]
        case "digit": [0x30...0x39]
        case "graph": [0x21...0x7E]
        case "lower": [0x61...0x7A]
        case "print": [0x20...0x7E]
        case "punct": [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E]
        case "space": [0x09...0x0D, 0x20...0x20]
        case "upper": [0x41...0x5A]
        case "word": [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
        case "xdigit": [0x30...0x39, 0x41...0x46, 0x61...0x66]
        default: nil
        }
    }
}
