/// A version of a Maven artifact.
///
/// Standard: ComparableVersion of Maven 3.8.7. Dots and dashes, and the border between digits and letters, open lists
/// inside lists; known words have ranks; what equals "nothing" is dropped at the end of each list.
struct MavenVersion: Sendable {
    indirect enum Item: Sendable {
        case number(DecimalNumber)
        case word([UInt8])
        case list([Item])
    }

    private var items: [Item]

    private static let words = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"]
    private static let releaseRank = 5

    init(_ text: Span<UInt8>) {
        var stack: [[Item]] = [[]]
        let bytes = Array(text).map(\.lowercased)
        var start = 0
        var isDigit = false
        func add(_ item: Item) { stack[stack.count - 1].append(item) }
        func item(_ range: Range<Int>) -> Item {
            isDigit ? .number(DecimalNumber(bytes[range])) : .word(Self.word(bytes[range], beforeDigit: false))
        }
        for (i, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") {
                add(i == start ? .number(.zero) : item(start..<i))
                start = i + 1
                if byte == UInt8(ascii: "-") { stack.append([]) }
            } else if byte.isDigit {
                if !isDigit, i > start {
                    // `.X1` is read as `-X1`, so that 1.0.0.X1 comes before 1.0.0-X2.
                    if stack.last?.isEmpty == false { stack.append([]) }
                    add(.word(Self.word(bytes[start..<i], beforeDigit: true)))
                    start = i
                    stack.append([])
                }
                isDigit = true
            } else {
                if isDigit, i > start {
                    add(item(start..<i))
                    start = i
                    stack.append([])
                }
                isDigit = false
            }
        }
        if start < bytes.count {
            if !isDigit, stack.last?.isEmpty == false { stack.append([]) }
            add(item(start..<bytes.count))
        }
        // Every list stands as the last item of the one that opened it.
        var inner: [Item]?
        while var list = stack.popLast() {
            if let inner { list.append(.list(inner)) }
            inner = Self.normalized(list)
        }
        items = inner ?? []
    }

    private static func word(_ bytes: ArraySlice<UInt8>, beforeDigit: Bool) -> [UInt8] {
        switch String(decoding: bytes, as: UTF8.self) {
        case "a" where beforeDigit: Array("alpha".utf8)
        case "b" where beforeDigit: Array("beta".utf8)
        case "m" where beforeDigit: Array("milestone".utf8)
        case "ga", "final", "release": []
        case "cr": Array("rc".utf8)
        default: Array(bytes)
        }
    }

    private static func rank(_ word: [UInt8]) -> Int? {
        words.firstIndex { word.elementsEqual($0.utf8) }
    }

    private static func isNothing(_ item: Item) -> Bool {
        switch item {
        case .number(let number): number.isZero
        case .word(let word): word.isEmpty
        case .list(let list): list.isEmpty
        }
    }

    private static func normalized(_ list: [Item]) -> [Item] {
        var list = list
        var i = list.count - 1
        while i >= 0 {
            if isNothing(list[i]) {
                list.remove(at: i)
            } else if case .list = list[i] {
                i -= 1
                continue
            } else {
                break
            }
            i -= 1
        }
        return list
    }

    func order(_ other: MavenVersion) -> Int { Self.order(.list(items), .list(other.items)) }

    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        MavenVersion(left).order(MavenVersion(right))
    }

    private static func order(_ left: Item, _ right: Item?) -> Int {
        switch (left, right) {
        case (.number(let a), nil): a.isZero ? 0 : 1
        case (.number(let a), .number(let b)?): a.order(b)
        case (.number, _): 1
        case (.word(let a), nil): orderOfWords(a, [])
        case (.word(let a), .word(let b)?): orderOfWords(a, b)
        case (.word, _): -1
        case (.list(let a), nil):
            a.lazy.map { order($0, nil) }.first { $0 != 0 } ?? 0
        case (.list, .number?): -1
        case (.list, .word?): 1
        case (.list(let a), .list(let b)?): orderOfLists(a, b)
        }
    }

    private static func orderOfLists(_ left: [Item], _ right: [Item]) -> Int {
        for index in 0..<max(left.count, right.count) {
            let result: Int
            if index >= left.count {
                result = -order(right[index], nil)
            } else {
                result = order(left[index], index < right.count ? right[index] : nil)
            }
            if result != 0 { return result }
        }
        return 0
    }

    private static func orderOfWords(_ left: [UInt8], _ right: [UInt8]) -> Int {
        switch (rank(left), rank(right)) {
        case (let a?, let b?): a < b ? -1 : a > b ? 1 : 0
        case (_?, nil): -1
        case (nil, _?): 1
        case (nil, nil): left.byteOrder(right)
        }
    }
}
