/// Puts the items of lists where their names stand in a condition's text.
///
/// Falco replaces text before it parses, list after list in the order of definition; a name inside quotes is replaced
/// too, and an item that is the name of a later list is replaced in turn. Only lists whose name stands in the text are
/// tried here.
struct ListExpansion {
    struct List {
        var name: String
        var items: [String]
    }

    private let lists: [List]
    private let texts: [(name: [UInt8], items: [UInt8])]
    private let byName: [[UInt8]: Int]
    /// Lists whose name is no single word; they are looked for everywhere.
    private let compound: [Int]
    /// The lists named by the items of each list.
    private let named: [[Int]]

    init(_ lists: [List]) {
        self.lists = lists
        texts = lists.map { list in
            (Array(list.name.utf8), Array(list.items.map(ExceptionRules.quoted).joined(separator: ", ").utf8))
        }
        var byName: [[UInt8]: Int] = [:]
        var compound: [Int] = []
        for (i, text) in texts.enumerated() {
            if text.name.isEmpty { continue }
            if text.name.contains(where: Self.isDelimiter) { compound.append(i) } else { byName[text.name] = i }
        }
        self.byName = byName
        self.compound = compound
        named = texts.map { text in Self.words(text.items).compactMap { byName[$0] } }
    }

    /// Bytes that may be moved for one condition: lists that name later ones twice, and those theirs, would double the
    /// text at every level. The largest lists anybody writes move a few megabytes.
    private static let mostWork = 1 << 28

    /// The text with lists replaced, and which lists were used; nil when that takes more than it may.
    func expand(_ text: String) -> (text: [UInt8], used: [Int])? {
        var bytes = Array(text.utf8)
        var used: [Int] = []
        var work = 0
        var wanted = Set(Self.words(bytes).compactMap { byName[$0] }).union(compound)
        while let index = wanted.min() {
            wanted.remove(index)
            guard let isUsed = replace(index, in: &bytes, &work) else { return nil }
            guard isUsed else { continue }
            used.append(index)
            // Only lists that come later are tried again.
            for next in named[index] where next > index { wanted.insert(next) }
        }
        return (bytes, used)
    }

    /// Whether the list stood in the text; nil when replacing it takes more than it may.
    private func replace(_ index: Int, in text: inout [UInt8], _ work: inout Int) -> Bool? {
        let name = texts[index].name
        let items = texts[index].items
        var used = false
        var start = Self.find(name, in: text, from: 0)
        while var at = start {
            var end = at + name.count
            if at == 0 || Self.isDelimiter(text[at - 1]), end >= text.count || Self.isDelimiter(text[end]) {
                while at > 0, Self.isBlank(text[at - 1]) { at -= 1 }
                while end < text.count, Self.isBlank(text[end]) { end += 1 }
                // An empty list takes a comma beside it along.
                if items.isEmpty {
                    if at > 0, text[at - 1] == UInt8(ascii: ",") {
                        at -= 1
                    } else if end < text.count, text[end] == UInt8(ascii: ",") {
                        end += 1
                    }
                }
                work += text.count + items.count
                guard work < Self.mostWork else { return nil }
                var out: [UInt8] = []
                out.reserveCapacity(text.count + items.count)
                if at > 0 {
                    out += text[..<at]
                    out.append(0x20)
                }
                out += items
                out.append(0x20)
                out += text[end...]
                text = out
                at += items.count + 1
                used = true
            }
            start = Self.find(name, in: text, from: at + 1)
        }
        return used
    }

    private static func find(_ name: [UInt8], in text: [UInt8], from start: Int) -> Int? {
        guard start >= 0, text.count - start >= name.count else { return nil }
        let (text, name) = (text.span, name.span)
        for at in start...text.count - name.count where text[at] == name[0] {
            var i = 1
            while i < name.count, text[at + i] == name[i] { i += 1 }
            if i == name.count { return at }
        }
        return nil
    }

    private static func words(_ text: [UInt8]) -> [[UInt8]] { text.split(whereSeparator: isDelimiter).map(Array.init) }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private static func isDelimiter(_ byte: UInt8) -> Bool {
        isBlank(byte) || byte == UInt8(ascii: "(") || byte == UInt8(ascii: ")") || byte == UInt8(ascii: ",")
            || byte == UInt8(ascii: "=")
    }
}
