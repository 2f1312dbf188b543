/// A version of a Python package.
///
/// Standard: PEP 440. What is no such version (old uploads) is ordered as setuptools did, before all that are.
struct PythonVersion: Hashable, Sendable {
    enum Phase: Int, Sendable { case alpha, beta, candidate }
    struct Prerelease: Hashable, Sendable {
        var phase: Phase
        var number: DecimalNumber
    }
    enum LocalPart: Hashable, Sendable {
        case number(DecimalNumber)
        case word([UInt8])
    }

    var epoch = DecimalNumber.zero
    var release: [DecimalNumber] = []
    var prerelease: Prerelease?
    var post: DecimalNumber?
    var development: DecimalNumber?
    var local: [LocalPart] = []

    var isPrerelease: Bool { prerelease != nil || development != nil }

    /// Without the local part.
    var asPublic: PythonVersion {
        var out = self
        out.local = []
        return out
    }

    /// Epoch and release alone.
    var base: PythonVersion {
        var out = PythonVersion()
        out.epoch = epoch
        out.release = release
        return out
    }

    private init() {}

    init?(_ text: String) { self.init(text.utf8.span) }

    init?(_ text: Span<UInt8>) {
        var cursor = ByteCursor(.folded(text))
        _ = cursor.take(UInt8(ascii: "v"))
        guard let first = cursor.takeNumber() else { return nil }
        var numbers = [first]
        if cursor.take(UInt8(ascii: "!")) {
            epoch = first
            guard let number = cursor.takeNumber() else { return nil }
            numbers = [number]
        }
        while cursor.current == UInt8(ascii: "."), cursor.peek(1)?.isDigit == true {
            cursor.position += 1
            if let number = cursor.takeNumber() { numbers.append(number) }
        }
        release = numbers
        readPrerelease(&cursor)
        readPost(&cursor)
        readDevelopment(&cursor)
        if cursor.take(UInt8(ascii: "+")) {
            repeat {
                let part = cursor.take { $0.isDigit || $0.isLetter }
                guard !part.isEmpty else { return nil }
                local.append(part.allSatisfy(\.isDigit) ? .number(DecimalNumber(part)) : .word(Array(part)))
            } while Self.takeSeparator(&cursor)
        }
        guard cursor.isAtEnd else { return nil }
    }

    private static func takeSeparator(_ cursor: inout ByteCursor) -> Bool {
        guard let byte = cursor.current, byte == 0x2D || byte == 0x5F || byte == 0x2E else { return false }
        cursor.position += 1
        return true
    }

    private mutating func readPrerelease(_ cursor: inout ByteCursor) {
        let start = cursor.position
        _ = Self.takeSeparator(&cursor)
        let phase: Phase
        if cursor.take("alpha") || cursor.take("a") {
            phase = .alpha
        } else if cursor.take("beta") || cursor.take("b") {
            phase = .beta
        } else if cursor.take("preview") || cursor.take("pre") || cursor.take("rc") || cursor.take("c") {
            phase = .candidate
        } else {
            cursor.position = start
            return
        }
        prerelease = Prerelease(phase: phase, number: Self.numberBehindWord(&cursor))
    }

    private mutating func readPost(_ cursor: inout ByteCursor) {
        let start = cursor.position
        if cursor.take(UInt8(ascii: "-")), let number = cursor.takeNumber() {
            post = number
            return
        }
        cursor.position = start
        _ = Self.takeSeparator(&cursor)
        guard cursor.take("post") || cursor.take("rev") || cursor.take("r") else {
            cursor.position = start
            return
        }
        post = Self.numberBehindWord(&cursor)
    }

    private mutating func readDevelopment(_ cursor: inout ByteCursor) {
        let start = cursor.position
        _ = Self.takeSeparator(&cursor)
        guard cursor.take("dev") else {
            cursor.position = start
            return
        }
        development = Self.numberBehindWord(&cursor)
    }

    private static func numberBehindWord(_ cursor: inout ByteCursor) -> DecimalNumber {
        let start = cursor.position
        _ = takeSeparator(&cursor)
        if let number = cursor.takeNumber() { return number }
        cursor.position = start
        return .zero
    }

    func order(_ other: PythonVersion) -> Int {
        var order = epoch.order(other.epoch)
        if order != 0 { return order }
        for index in 0..<max(release.count, other.release.count) {
            let mine = index < release.count ? release[index] : .zero
            let theirs = index < other.release.count ? other.release[index] : .zero
            order = mine.order(theirs)
            if order != 0 { return order }
        }
        order = Self.order(prereleaseRank, other.prereleaseRank)
        if order == 0 { order = Self.order((post == nil ? 0 : 1, post), (other.post == nil ? 0 : 1, other.post)) }
        if order == 0 {
            order = Self.order(
                (development == nil ? 1 : 0, development), (other.development == nil ? 1 : 0, other.development))
        }
        return order == 0 ? orderOfLocal(other) : order
    }

    private var prereleaseRank: (Int, DecimalNumber?) {
        if let prerelease { return (prerelease.phase.rawValue + 1, prerelease.number) }
        return (post == nil && development != nil ? 0 : 4, nil)
    }

    private static func order(_ left: (Int, DecimalNumber?), _ right: (Int, DecimalNumber?)) -> Int {
        if left.0 != right.0 { return left.0 < right.0 ? -1 : 1 }
        return (left.1 ?? .zero).order(right.1 ?? .zero)
    }

    private func orderOfLocal(_ other: PythonVersion) -> Int {
        for (mine, theirs) in zip(local, other.local) {
            let order =
                switch (mine, theirs) {
                case (.number(let a), .number(let b)): a.order(b)
                case (.number, .word): 1
                case (.word, .number): -1
                case (.word(let a), .word(let b)): a.byteOrder(b)
                }
            if order != 0 { return order }
        }
        return local.count == other.local.count ? 0 : local.count < other.local.count ? -1 : 1
    }

    /// Order of two texts, versions or not.
    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        switch (PythonVersion(left), PythonVersion(right)) {
        case (let a?, let b?): return a.order(b)
        case (nil, _?): return -1
        case (_?, nil): return 1
        case (nil, nil):
            let a = legacyKey(left)
            let b = legacyKey(right)
            for (mine, theirs) in zip(a, b) {
                let order = mine.byteOrder(theirs)
                if order != 0 { return order }
            }
            return a.count == b.count ? 0 : a.count < b.count ? -1 : 1
        }
    }

    /// setuptools' key: numbers padded, words marked, what is before "final" takes back the dashes before it.
    private static func legacyKey(_ text: Span<UInt8>) -> [[UInt8]] {
        var cursor = ByteCursor(.folded(text))
        var parts: [[UInt8]] = []
        func add(_ part: [UInt8]) {
            if part.first == UInt8(ascii: "*") {
                if part.byteOrder("*final".utf8) < 0 {
                    while parts.last == Array("*final-".utf8) { parts.removeLast() }
                }
                while parts.last == Array("00000000".utf8) { parts.removeLast() }
            }
            parts.append(part)
        }
        while let byte = cursor.current {
            var part: [UInt8]
            if byte.isDigit {
                part = Array(cursor.take { $0.isDigit })
                add(Array(repeating: 0x30, count: max(0, 8 - part.count)) + part)
                continue
            }
            if byte.isLetter {
                part = Array(cursor.take { $0.isLetter })
            } else if byte == UInt8(ascii: ".") {
                cursor.position += 1
                continue
            } else if byte == UInt8(ascii: "-") {
                cursor.position += 1
                part = Array("final-".utf8)
            } else {
                part = Array(cursor.take { !$0.isDigit && !$0.isLetter && $0 != 0x2E && $0 != 0x2D })
            }
            switch String(decoding: part, as: UTF8.self) {
            case "pre", "preview", "rc": part = [UInt8(ascii: "c")]
            case "dev": part = [UInt8(ascii: "@")]
            default: break
            }
            add([UInt8(ascii: "*")] + part)
        }
        add(Array("*final".utf8))
        return parts
    }
}
