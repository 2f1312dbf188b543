/// Many prefixes tried in one walk over a text.
struct PrefixTrie: Sendable {
    private struct Node {
        var edges: [(byte: UInt8, node: Int)] = []
        var found: [Int] = []
    }

    private var nodes: [Node] = [Node()]

    var isEmpty: Bool { nodes.count == 1 && nodes[0].found.isEmpty }

    /// `value` is what a text with this prefix has.
    mutating func add(_ prefix: some Sequence<UInt8>, _ value: Int) {
        var current = 0
        for byte in prefix {
            if let known = nodes[current].edges.first(where: { $0.byte == byte }) {
                current = known.node
            } else {
                nodes.append(Node())
                nodes[current].edges.append((byte, nodes.count - 1))
                current = nodes.count - 1
            }
        }
        nodes[current].found.append(value)
    }

    /// Calls `body` with what was added for each prefix the text has.
    func walk(_ text: some Sequence<UInt8>, _ body: (Int) -> Void) {
        var current = 0
        for value in nodes[0].found { body(value) }
        for byte in text {
            guard let edge = nodes[current].edges.first(where: { $0.byte == byte }) else { return }
            current = edge.node
            for value in nodes[current].found { body(value) }
        }
    }
}

/// Many substrings found in one pass over a text (Aho and Corasick, 1975).
struct SubstringSearch: Sendable {
    /// The class of each byte; bytes that no pattern holds share class 0.
    private var classes = [UInt16](repeating: 0, count: 256)
    private var classCount = 1
    private var next: [Int32] = []
    private var found: [[Int]] = []
    /// Patterns that are found in every text.
    private var always: [Int] = []
    private(set) var isEmpty = true

    init(_ patterns: [(text: [UInt8], value: Int)]) {
        guard !patterns.isEmpty else { return }
        isEmpty = false
        for pattern in patterns {
            for byte in pattern.text where classes[Int(byte)] == 0 {
                classes[Int(byte)] = UInt16(classCount)
                classCount += 1
            }
        }
        var trie: [[Int32]] = [Array(repeating: -1, count: classCount)]
        found = [[]]
        for pattern in patterns {
            guard !pattern.text.isEmpty else {
                always.append(pattern.value)
                continue
            }
            var state = 0
            for byte in pattern.text {
                let index = Int(classes[Int(byte)])
                if trie[state][index] < 0 {
                    trie.append(Array(repeating: -1, count: classCount))
                    found.append([])
                    trie[state][index] = Int32(trie.count - 1)
                }
                state = Int(trie[state][index])
            }
            found[state].append(pattern.value)
        }
        var failure = [Int](repeating: 0, count: trie.count)
        var queue: [Int] = []
        for index in 0..<classCount {
            let child = trie[0][index]
            if child < 0 { trie[0][index] = 0 } else { queue.append(Int(child)) }
        }
        var head = 0
        while head < queue.count {
            let state = queue[head]
            head += 1
            for index in 0..<classCount {
                let child = trie[state][index]
                let fallback = trie[failure[state]][index]
                if child < 0 {
                    trie[state][index] = fallback
                } else {
                    failure[Int(child)] = Int(fallback)
                    found[Int(child)] += found[Int(fallback)]
                    queue.append(Int(child))
                }
            }
        }
        next = trie.flatMap { $0 }
    }

    /// Calls `body` with the value of each pattern the text holds, perhaps more than once.
    func search(_ text: some Sequence<UInt8>, _ body: (Int) -> Void) {
        guard !isEmpty else { return }
        for value in always { body(value) }
        guard found.count > 1 else { return }
        var state = 0
        for byte in text {
            state = Int(next[state * classCount + Int(classes[Int(byte)])])
            for value in found[state] { body(value) }
        }
    }
}
