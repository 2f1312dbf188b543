/// Collects nodes in reading order; shared by the parsers and the editor.
struct TapeBuilder {
    var nodes: [TapeNode] = []
    var side: [UInt8] = []
    var sideEntries: [SideEntry] = []
    /// Ordered by node.
    var aliasUses: [AliasUse] = []

    /// Keeps a copy of `text`, which the source writes in `start..<end`.
    mutating func addSide(_ text: Span<UInt8>, from start: Int, to end: Int) -> UInt32 {
        let offset = UInt32(side.count)
        side.append(copying: text)
        sideEntries.append(
            SideEntry(
                offset: offset, length: UInt32(text.count), sourceStart: UInt32(start), sourceEnd: UInt32(end)))
        return UInt32(sideEntries.count - 1)
    }

    /// Text that stands in no source.
    mutating func addSide(_ text: String) -> UInt32 { addSide(text.utf8.span, from: 0, to: 0) }

    func finish(_ source: SourceText) -> Tape {
        // A small tape lives long and by the thousands; a large one's unused end was never touched.
        let isLoose = nodes.capacity > 64 && nodes.count < 65_536 && nodes.capacity > nodes.count + nodes.count / 4
        return Tape(
            source: source, nodes: isLoose ? nodes.withExactCapacity() : nodes, side: side, sideEntries: sideEntries,
            aliasUses: aliasUses)
    }

    /// Takes back everything from `index` on.
    mutating func truncate(to index: Int) {
        nodes.removeSubrange(index...)
        while let last = aliasUses.last, last.node >= index { aliasUses.removeLast() }
    }

    /// Appends the subtree at `index` once more, marked as standing elsewhere; its root keeps its key.
    mutating func appendCopy(of index: Int) {
        let end = nodes[index].isContainer ? Int(nodes[index].extent) : index + 1
        let shift = nodes.count - index
        var use = firstAliasUse(from: index)
        for position in index..<end {
            var node = nodes[position]
            if node.isContainer { node.extent += UInt32(shift) }
            node.flags.insert(.aliased)
            // The root's own alias is where the copy does not stand.
            while use < aliasUses.count, aliasUses[use].node <= position {
                if aliasUses[use].node == position, position > index {
                    aliasUses.append(
                        AliasUse(node: position + shift, start: aliasUses[use].start, end: aliasUses[use].end))
                }
                use += 1
            }
            nodes.append(node)
        }
    }

    private func firstAliasUse(from index: Int) -> Int {
        var low = 0
        var high = aliasUses.count
        while low < high {
            let middle = (low + high) / 2
            if aliasUses[middle].node < index { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Indexes of the members or elements of the container at `index`, hidden ones too.
    func children(of index: Int, end: Int) -> [Int] {
        var out: [Int] = []
        var child = index + 1
        while child < end {
            out.append(child)
            child = nodes[child].isContainer ? Int(nodes[child].extent) : child + 1
        }
        return out
    }

    // MARK: Keys that come again

    /// Closes the container at `index` and marks members whose key comes again.
    ///
    /// Gives back the indexes of members that lost to a later one.
    mutating func close(_ index: Int, source: SourceText, checkKeys: Bool) -> [Int] {
        nodes[index].extent = UInt32(nodes.count)
        guard checkKeys, nodes[index].kind == .object else { return [] }
        return shadowDuplicates(in: index, source: source)
    }

    /// Most objects pass at one look: no two keys with the same length, first and last letter.
    private mutating func shadowDuplicates(in index: Int, source: SourceText) -> [Int] {
        let stored = source.bytes
        let bytes = stored.span
        var seen: UInt64 = 0
        var count = 0
        var collided = false
        var child = index + 1
        while child < nodes.count {
            let node = nodes[child]
            if node.flags.isDisjoint(with: [.keySide, .keyEscaped]), node.keyLength > 0 {
                let start = Int(node.key)
                let length = Int(node.keyLength)
                let mix =
                    UInt32(bytes[start]) &* 31 &+ UInt32(bytes[start + length - 1]) &* 17
                    &+ UInt32(bytes[start + length / 2]) &* 7 &+ UInt32(length)
                let bit: UInt64 = 1 << UInt64((mix &* 0x9E37_79B1) >> 26)
                if seen & bit != 0 { collided = true }
                seen |= bit
            } else {
                collided = true
            }
            count += 1
            child = node.isContainer ? Int(node.extent) : child + 1
        }
        guard collided, count > 1 else { return [] }
        return count <= 24 ? comparePairs(in: index, source) : compareByHash(in: index, source)
    }

    private mutating func comparePairs(in index: Int, _ source: SourceText) -> [Int] {
        var lost: [Int] = []
        var child = index + 1
        while child < nodes.count {
            var later = nodes[child].isContainer ? Int(nodes[child].extent) : child + 1
            let next = later
            while later < nodes.count {
                if sameKey(child, later, source) {
                    lost.append(child)
                    break
                }
                later = nodes[later].isContainer ? Int(nodes[later].extent) : later + 1
            }
            child = next
        }
        for index in lost { nodes[index].flags.insert(.shadowed) }
        return lost
    }

    private mutating func compareByHash(in index: Int, _ source: SourceText) -> [Int] {
        let children = children(of: index, end: nodes.count)
        var lost: [Int] = []
        var seen: [[UInt8]: Int] = [:]
        seen.reserveCapacity(Swift.min(children.count, 65_536))
        for child in children {
            if let earlier = seen.updateValue(child, forKey: keyBytes(child, source)) { lost.append(earlier) }
        }
        for index in lost { nodes[index].flags.insert(.shadowed) }
        return lost
    }

    private func sameKey(_ a: Int, _ b: Int, _ source: SourceText) -> Bool {
        let x = nodes[a]
        let y = nodes[b]
        let special: TapeNode.Flags = [.keySide, .keyEscaped]
        if x.flags.isDisjoint(with: special), y.flags.isDisjoint(with: special) {
            guard x.keyLength == y.keyLength else { return false }
            let stored = source.bytes
            let bytes = stored.span
            for i in 0..<Int(x.keyLength) where bytes[Int(x.key) + i] != bytes[Int(y.key) + i] { return false }
            return true
        }
        // Bytes, not Strings: Swift holds é and e´ for the same, Kubernetes does not.
        return keyBytes(a, source) == keyBytes(b, source)
    }

    func key(_ index: Int, _ source: SourceText) -> String {
        String(decoding: keyBytes(index, source), as: UTF8.self)
    }

    func keyBytes(_ index: Int, _ source: SourceText) -> [UInt8] {
        let node = nodes[index]
        if node.flags.contains(.keySide) { return Array(sideText(Int(node.key))) }
        let range = Int(node.key)..<Int(node.key) + Int(node.keyLength)
        guard node.flags.contains(.keyEscaped) else { return Array(source.bytes[range]) }
        let stored = source.bytes
        return JSONText.unescaped(stored.span.extracting(range))
    }

    /// The bytes of a scalar that was read from YAML.
    func text(of node: TapeNode, _ source: SourceText) -> [UInt8] {
        node.flags.contains(.side)
            ? Array(sideText(Int(node.extent)))
            : Array(source.bytes[Int(node.start)..<Int(node.start) + Int(node.extent)])
    }

    private func sideText(_ index: Int) -> ArraySlice<UInt8> {
        let entry = sideEntries[index]
        return side[Int(entry.offset)..<Int(entry.offset) + Int(entry.length)]
    }

    /// Offset of a member's key in the source.
    func keyStart(_ index: Int) -> Int {
        let node = nodes[index]
        return Int(node.flags.contains(.keySide) ? sideEntries[Int(node.key)].sourceStart : node.key)
    }
}

extension [UInt8] {
    mutating func append(copying bytes: Span<UInt8>) {
        for i in bytes.indices { append(bytes[i]) }
    }
}

extension Array {
    fileprivate func withExactCapacity() -> Self {
        var copy = Self()
        copy.reserveCapacity(count)
        copy.append(contentsOf: self)
        return copy
    }
}
