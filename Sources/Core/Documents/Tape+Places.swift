/// Where nodes end, which the tape does not keep: nearly nobody asks.
extension Tape {
    func aliasUse(_ index: Int) -> AliasUse? {
        var low = 0
        var high = aliasUses.count
        while low < high {
            let middle = (low + high) / 2
            if aliasUses[middle].node < index { low = middle + 1 } else { high = middle }
        }
        return low < aliasUses.count && aliasUses[low].node == index ? aliasUses[low] : nil
    }

    /// One past the last byte of the node in the source.
    func sourceEnd(_ index: Int) -> Int {
        let node = nodes[index]
        guard node.isContainer else {
            if node.flags.contains(.side) { return Int(sideEntries[Int(node.extent)].sourceEnd) }
            return Int(node.start) + Int(node.extent) + (node.flags.contains(.quoted) ? 1 : 0)
        }
        let start = Int(node.start)
        let stored = source.bytes
        guard start < stored.count else { return start }
        let isFlow = stored[start] == UInt8(ascii: "{") || stored[start] == UInt8(ascii: "[")
        if isFlow, node.flags.contains(.edited) { return matchingBracket(start) }
        var last = start
        var child = index + 1
        while child < Int(node.extent) {
            let inner = nodes[child]
            if inner.flags.contains(.aliased), let use = aliasUse(child) {
                last = Swift.max(last, use.end)
            } else if !inner.flags.contains(.synthetic),
                // Merged members stand elsewhere; their text says nothing of this end.
                !inner.flags.contains(.aliased) || node.flags.contains(.aliased)
            {
                last = Swift.max(last, sourceEnd(child))
            }
            child = end(of: child)
        }
        guard isFlow else { return last }
        let close = stored[start] + 2
        var position = Swift.max(last, start + 1)
        while position < stored.count, stored[position] != close {
            if stored[position] == UInt8(ascii: "#") {
                while position < stored.count, stored[position] != 0x0A { position += 1 }
            } else {
                position += 1
            }
        }
        return Swift.min(position + 1, stored.count)
    }

    /// One past the bracket that closes the one at `start`, by the text alone.
    private func matchingBracket(_ start: Int) -> Int {
        let stored = source.bytes
        let bytes = stored.span
        var depth = 0
        var position = start
        // A quote begins a string only where a value may begin; inside a plain scalar it is a letter.
        var mayBegin = true
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                mayBegin = true
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return position + 1 }
                mayBegin = false
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                if mayBegin {
                    position += 1
                    while position < bytes.count, bytes[position] != byte {
                        position += byte == UInt8(ascii: "\"") && bytes[position] == UInt8(ascii: "\\") ? 2 : 1
                    }
                }
                mayBegin = false
            case UInt8(ascii: "#"):
                if position > 0, bytes[position - 1] <= 0x20 {
                    while position < bytes.count, bytes[position] != 0x0A { position += 1 }
                }
            case UInt8(ascii: ","), UInt8(ascii: ":"): mayBegin = true
            case 0x20, 0x09, 0x0A, 0x0D: break
            default: mayBegin = false
            }
            position += 1
        }
        return bytes.count
    }
}
