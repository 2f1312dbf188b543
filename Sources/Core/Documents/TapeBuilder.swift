/// Collects nodes in reading order; shared by the parsers and the editor.
struct TapeBuilder {
    var nodes: [TapeNode] = []
    var side: [UInt8] = []
    var sideEntries: [SideEntry] = []

    mutating func addSide(_ text: Span<UInt8>, sourceEnd: Int) -> UInt32 {
        let offset = UInt32(side.count)
        side.append(copying: text)
        sideEntries.append(SideEntry(offset: offset, length: UInt32(text.count), sourceEnd: UInt32(sourceEnd)))
        return UInt32(sideEntries.count - 1)
    }

    mutating func addSide(_ text: String) -> UInt32 { addSide(text.utf8.span, sourceEnd: 0) }

    func finish(_ source: SourceText) -> Tape {
        Tape(source: source, nodes: nodes, side: side, sideEntries: sideEntries)
    }

    /// Closes the container at `index` and marks members whose key comes again.
    ///
    /// Gives back the indexes of members that lost to a later one.
    mutating func close(_ index: Int, source: SourceText, checkKeys: Bool) -> [Int] {
        nodes[index].extent = UInt32(nodes.count)
        guard checkKeys, nodes[index].kind == .object else { return [] }
        return shadowDuplicates(in: index, source: source)
    }

    private mutating func shadowDuplicates(in index: Int, source: SourceText) -> [Int] {
        var children: [Int] = []
        var child = index + 1
        while child < nodes.count {
            children.append(child)
            child = nodes[child].isContainer ? Int(nodes[child].extent) : child + 1
        }
        guard children.count > 1 else { return [] }
        var lost: [Int] = []
        if children.count <= 12 {
            for i in children.indices.dropLast() {
                for j in children[(i + 1)...] where sameKey(children[i], j, source) {
                    lost.append(children[i])
                    break
                }
            }
        } else {
            var seen: [String: Int] = [:]
            seen.reserveCapacity(children.count)
            for child in children {
                if let earlier = seen.updateValue(child, forKey: key(child, source)) { lost.append(earlier) }
            }
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
        return key(a, source) == key(b, source)
    }

    func key(_ index: Int, _ source: SourceText) -> String {
        let node = nodes[index]
        if node.flags.contains(.keySide) {
            let entry = sideEntries[Int(node.key)]
            return String(copying: side.span.extracting(Int(entry.offset)..<Int(entry.offset + entry.length)))
        }
        let stored = source.bytes
        let text = stored.span.extracting(Int(node.key)..<Int(node.key) + Int(node.keyLength))
        return node.flags.contains(.keyEscaped)
            ? String(decoding: JSONText.unescaped(text), as: UTF8.self) : String(copying: text)
    }
}

extension [UInt8] {
    mutating func append(copying bytes: Span<UInt8>) {
        reserveCapacity(count + bytes.count)
        for i in bytes.indices { append(bytes[i]) }
    }
}
