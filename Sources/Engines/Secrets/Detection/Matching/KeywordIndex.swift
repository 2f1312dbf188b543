/// Finds many words in one pass, upper and lower case alike.
///
/// Source: Aho and Corasick, "Efficient string matching" (1975), as a complete table: one look-up a byte.
struct KeywordIndex: Sendable {
    /// Class of each byte; bytes in no word share class 0.
    private let classes: [UInt8]
    private let width: Int
    /// Next state, `state * width + class`; the high bit says that words end there.
    private let table: [UInt32]
    /// Words that end in a state, as a slice of `ends`.
    private let endStarts: [UInt32]
    private let ends: [UInt32]
    private let lengths: [UInt32]

    private static let flag: UInt32 = 1 << 31

    init(_ words: [[UInt8]]) {
        var classes = [UInt8](repeating: 0, count: 256)
        var width = 1
        func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte + 32 : byte }
        for word in words {
            for byte in word where classes[Int(lower(byte))] == 0 {
                classes[Int(lower(byte))] = UInt8(width)
                width += 1
            }
        }
        for letter in UInt8(0x41)...0x5A { classes[Int(letter)] = classes[Int(letter) + 32] }
        // The trie; 0 is the root and also "no child".
        var children: [[UInt32]] = [[UInt32](repeating: 0, count: width)]
        var own: [[UInt32]] = [[]]
        for (number, word) in words.enumerated() where !word.isEmpty {
            var state = 0
            for byte in word {
                let kind = Int(classes[Int(lower(byte))])
                if children[state][kind] == 0 {
                    children[state][kind] = UInt32(children.count)
                    children.append([UInt32](repeating: 0, count: width))
                    own.append([])
                }
                state = Int(children[state][kind])
            }
            own[state].append(UInt32(number))
        }
        // Breadth first: the failure of a state is known before its children's.
        var failure = [Int](repeating: 0, count: children.count)
        var queue: [Int] = children[0].filter { $0 != 0 }.map(Int.init)
        var head = 0
        while head < queue.count {
            let state = queue[head]
            head += 1
            own[state] += own[failure[state]]
            for kind in 0..<width {
                let child = Int(children[state][kind])
                if child == 0 {
                    children[state][kind] = children[failure[state]][kind]
                } else {
                    failure[child] = Int(children[failure[state]][kind])
                    queue.append(child)
                }
            }
        }
        var starts: [UInt32] = []
        var ends: [UInt32] = []
        for list in own {
            starts.append(UInt32(ends.count))
            ends += list
        }
        starts.append(UInt32(ends.count))
        self.classes = classes
        self.width = width
        table = children.flatMap { row in
            row.map { UInt32(Int($0) * width) | (own[Int($0)].isEmpty ? 0 : Self.flag) }
        }
        endStarts = starts
        self.ends = ends
        lengths = words.map { UInt32($0.count) }
    }

    struct Hit: Sendable {
        var word: UInt32
        /// First byte of the word, and the byte after its last.
        var start: Int
        var end: Int
    }

    /// Every occurrence of every word that ends in `range`, in the order of their ends.
    ///
    /// `state` is what the bytes before led to: 0 at the beginning of a text.
    func hits(in text: Span<UInt8>, _ range: Range<Int>, _ state: inout Int, into hits: inout [Hit]) {
        let classSpan = classes.span
        let tableSpan = table.span
        var place = range.lowerBound
        while place < range.upperBound {
            let entry = tableSpan[state + Int(classSpan[Int(text[place])])]
            place += 1
            state = Int(entry & ~Self.flag)
            if entry & Self.flag != 0 {
                let row = state / width
                for index in Int(endStarts[row])..<Int(endStarts[row + 1]) {
                    let word = ends[index]
                    hits.append(Hit(word: word, start: place - Int(lengths[Int(word)]), end: place))
                }
            }
        }
    }
}
