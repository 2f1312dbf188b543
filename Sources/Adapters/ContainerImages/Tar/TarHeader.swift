import Images

/// What is wrong with an archive, and where.
package struct TarError: Error, Equatable, Sendable {
    package enum Code: String, Sendable { case damaged, truncated, tooMany, tooLarge }
    package var code: Code
    /// Offset in the unpacked archive.
    package var offset: Int
    package var message: String
}

/// One header block.
///
/// Source: POSIX.1-2024 pax, "ustar Interchange Format"; the GNU tar manual for its own forms; V7 and star for theirs.
struct TarHeader {
    static let blockSize = 512

    enum Form { case v7, ustar, star, gnu }

    var form: Form
    var type: UInt8
    var name: [UInt8]
    var link: [UInt8]
    var size: Int
    var mode: Int
    var user: Int
    var group: Int
    var modified: Int

    /// A block that is no header by its checksum, or holds numbers that are none, throws words for it.
    init(_ block: Span<UInt8>) throws(TarError) {
        guard Self.checksumFits(block) else {
            throw TarError(code: .damaged, offset: 0, message: "a header's checksum is wrong")
        }
        let magic = Self.slice(block, 257, 8)
        if magic == Array("ustar  \0".utf8) {
            form = .gnu
        } else if magic.starts(with: Array("ustar\0".utf8)) {
            form = Self.slice(block, 508, 4) == Array("tar\0".utf8) ? .star : .ustar
        } else {
            form = .v7
        }
        type = block[156]
        name = Self.text(block, 0, 100)
        link = Self.text(block, 157, 100)
        size = try Self.number(block, 124, 12, "size")
        mode = try Self.number(block, 100, 8, "mode")
        user = try Self.number(block, 108, 8, "owner")
        group = try Self.number(block, 116, 8, "group")
        modified = try Self.number(block, 136, 12, "time")
        if form == .ustar || form == .star {
            let prefix = Self.text(block, 345, form == .star ? 131 : 155)
            if !prefix.isEmpty { name = prefix + [UInt8(ascii: "/")] + name }
        }
        guard size >= 0 else { throw TarError(code: .damaged, offset: 0, message: "a member's size is negative") }
    }

    private static func checksumFits(_ block: Span<UInt8>) -> Bool {
        guard let told = try? number(block, 148, 8, "checksum") else { return false }
        var sum = 0
        var signed = 0
        for index in 0..<blockSize {
            // The checksum's own field counts as blanks. Some old tars added the bytes up as signed ones.
            let byte = (148..<156).contains(index) ? 0x20 : block[index]
            sum += Int(byte)
            signed += Int(Int8(bitPattern: byte))
        }
        return told == sum || told == signed
    }

    static func slice(_ block: Span<UInt8>, _ start: Int, _ count: Int) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(count)
        for index in start..<start + count { out.append(block[index]) }
        return out
    }

    /// Up to the first NUL.
    static func text(_ block: Span<UInt8>, _ start: Int, _ count: Int) -> [UInt8] {
        var out: [UInt8] = []
        for index in start..<start + count {
            let byte = block[index]
            if byte == 0 { break }
            out.append(byte)
        }
        return out
    }

    /// Octal digits, or GNU's base 256 where the highest bit is set. An empty field is zero.
    static func number(_ block: Span<UInt8>, _ start: Int, _ count: Int, _ what: String) throws(TarError) -> Int {
        let first = block[start]
        if first & 0x80 != 0 {
            // Two's complement, big-endian; the highest bit is the mark, the next the sign.
            let isNegative = first & 0x40 != 0
            let flip: UInt8 = isNegative ? 0xFF : 0
            var value: UInt64 = 0
            for index in 0..<count {
                var byte = block[start + index] ^ flip
                if index == 0 { byte &= 0x7F }
                guard value >> 55 == 0 else { throw bad(what) }
                value = value << 8 | UInt64(byte)
            }
            guard value <= UInt64(Int.max) else { throw bad(what) }
            return isNegative ? ~Int(value) : Int(value)
        }
        var value = 0
        var isBefore = true
        for index in start..<start + count {
            let byte = block[index]
            if isBefore, byte == 0x20 || byte == 0 { continue }
            if byte == 0x20 || byte == 0 { break }
            isBefore = false
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte) else { throw bad(what) }
            value = value << 3 | Int(byte - UInt8(ascii: "0"))
        }
        return value
    }

    private static func bad(_ what: String) -> TarError {
        TarError(code: .damaged, offset: 0, message: "a header's \(what) is no number")
    }
}

/// A path of an archive, as a runtime unpacks it: below the root, without `.`, `..` and empty parts.
enum TarPath {
    /// - Returns: the path, and whether it tried to leave the root.
    static func cleaned(_ bytes: [UInt8]) -> (path: String, escapes: Bool) {
        let slash = UInt8(ascii: "/")
        var parts: [ArraySlice<UInt8>] = []
        var escapes = false
        for part in bytes.split(separator: slash) {
            if part.count == 1, part.first == UInt8(ascii: ".") { continue }
            if part.count == 2, part.allSatisfy({ $0 == UInt8(ascii: ".") }) {
                if parts.popLast() == nil { escapes = true }
                continue
            }
            parts.append(part)
        }
        var joined: [UInt8] = []
        joined.reserveCapacity(bytes.count)
        for part in parts {
            if !joined.isEmpty { joined.append(slash) }
            joined.append(contentsOf: part)
        }
        return (String(decoding: joined, as: UTF8.self), escapes)
    }
}
