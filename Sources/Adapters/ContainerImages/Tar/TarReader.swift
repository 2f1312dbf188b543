package import Images

/// Reads an archive that arrives piece by piece and tells a visitor what is in it, in constant memory.
///
/// It takes what the runtimes take, whose reader is Go's: ustar, pax with all three forms of sparse files, GNU's long
/// names and sparse files, V7. What it cannot read ends the archive with an error; nothing is skipped in silence.
package struct TarReader: Sendable {
    package struct Limits: Sendable {
        package var members = 1_000_000
        /// Longest extended header or long name.
        package var header = 1 << 20

        package init() {}
    }

    private enum State {
        case header
        /// The contents of a header that belongs to the next member.
        case extensionHeader(UInt8)
        /// A block with more of GNU's sparse map.
        case sparseBlock
        /// The map of pax's sparse form 1.0, before the contents.
        case sparseMap
        case contents
        case padding
        case ended
    }

    private let limits: Limits
    private var state = State.header
    /// The block that is being gathered.
    private var block: [UInt8] = []
    /// Offset behind the last byte taken.
    private var offset = 0
    /// Bytes left of what `state` reads.
    private var left = 0
    private var padding = 0
    private var gathered: [UInt8] = []
    private var zeroBlocks = 0

    private var global = PAXRecords()
    private var local: PAXRecords?
    private var longName: [UInt8]?
    private var longLink: [UInt8]?

    private var header: TarHeader?
    private var member: LayerMember?
    private var contents: MemberContents?
    private var sparsePairs: [Int] = []
    private var sparseSize = 0
    /// Numbers of the 1.0 map that are still to come; nil before the first, which tells how many.
    private var mapNumbers: Int?

    package private(set) var members = 0
    /// Paths that tried to leave the root; they were put below it, as runtimes do.
    package private(set) var escapes: [String] = []
    /// Whether the two empty blocks were there that end an archive.
    package private(set) var hasTrailer = false

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Reads a piece.
    package mutating func take(_ piece: Span<UInt8>, _ visitor: inout some LayerVisitor) throws(TarError) {
        var start = 0
        while start < piece.count {
            switch state {
            case .ended: return
            case .header, .sparseBlock, .sparseMap:
                start += gatherBlock(piece, start)
                guard block.count == TarHeader.blockSize else { return }
                let full = block
                block.removeAll(keepingCapacity: true)
                try readBlock(full, &visitor)
            case .extensionHeader(let type):
                let count = min(left, piece.count - start)
                piece.extracting(start..<start + count).withUnsafeBufferPointer { gathered.append(contentsOf: $0) }
                advance(&start, count)
                if left == 0 { try endExtension(type) }
            case .contents:
                let count = min(left, piece.count - start)
                if contents?.isSkipping == false { contents?.take(piece.extracting(start..<start + count)) }
                advance(&start, count)
                if left == 0 { endMember(&visitor) }
            case .padding:
                let count = min(left, piece.count - start)
                advance(&start, count)
                if left == 0 { state = .header }
            }
        }
    }

    /// The archive is over.
    package func finish() throws(TarError) {
        switch state {
        case .ended: return
        case .header where block.isEmpty && header == nil: return
        // Contents without their padding are whole; some writers leave it off at the very end.
        case .padding: return
        default:
            throw TarError(
                code: .truncated, offset: offset,
                message: "the archive ends in the middle of \(member.map { "\"\($0.path)\"" } ?? "a header")")
        }
    }

    private mutating func advance(_ start: inout Int, _ count: Int) {
        start += count
        left -= count
        offset += count
    }

    private mutating func gatherBlock(_ piece: Span<UInt8>, _ start: Int) -> Int {
        let count = min(TarHeader.blockSize - block.count, piece.count - start)
        piece.extracting(start..<start + count).withUnsafeBufferPointer { block.append(contentsOf: $0) }
        offset += count
        return count
    }

    private mutating func readBlock(_ full: [UInt8], _ visitor: inout some LayerVisitor) throws(TarError) {
        do throws(TarError) {
            switch state {
            case .sparseBlock: try readSparseBlock(full, &visitor)
            case .sparseMap: try readMapBlock(full, &visitor)
            default: try readHeader(full, &visitor)
            }
        } catch {
            throw TarError(
                code: error.code, offset: error.offset == 0 ? offset - full.count : error.offset,
                message: error.message)
        }
    }

    // MARK: Headers

    private mutating func readHeader(_ full: [UInt8], _ visitor: inout some LayerVisitor) throws(TarError) {
        if full.allSatisfy({ $0 == 0 }) {
            zeroBlocks += 1
            if zeroBlocks == 2 {
                hasTrailer = true
                state = .ended
            }
            return
        }
        guard zeroBlocks == 0 else {
            throw TarError(code: .damaged, offset: 0, message: "an empty block stands between the members")
        }
        let found = try TarHeader(full.span)
        switch found.type {
        case UInt8(ascii: "x"), UInt8(ascii: "X"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K"):
            guard found.size <= limits.header else {
                throw TarError(
                    code: .tooLarge, offset: 0, message: "an extended header is longer than \(limits.header)")
            }
            gathered = []
            left = found.size
            padding = Self.padding(found.size)
            state = .extensionHeader(found.type)
            if left == 0 { try endExtension(found.type) }
        default:
            try begin(found, full, &visitor)
        }
    }

    private static func padding(_ size: Int) -> Int { -size & (TarHeader.blockSize - 1) }

    private mutating func pad() {
        left = padding
        state = left == 0 ? .header : .padding
    }

    private mutating func endExtension(_ type: UInt8) throws(TarError) {
        let bytes = gathered
        gathered = []
        switch type {
        case UInt8(ascii: "L"): longName = Array(bytes.prefix { $0 != 0 })
        case UInt8(ascii: "K"): longLink = Array(bytes.prefix { $0 != 0 })
        case UInt8(ascii: "g"): try global.read(bytes)
        default:
            // Go lets a local header start from nothing; a second one before a member takes the first one's place.
            var records = PAXRecords()
            try records.read(bytes)
            local = records
        }
        pad()
    }

    // MARK: Members

    private mutating func begin(
        _ found: TarHeader, _ full: [UInt8], _ visitor: inout some LayerVisitor
    ) throws(TarError) {
        members += 1
        guard members <= limits.members else {
            throw TarError(
                code: .tooMany, offset: 0, message: "the archive has more than \(limits.members) members")
        }
        var found = found
        let records = local ?? PAXRecords()
        found.name = records.path ?? longName ?? global.path ?? found.name
        found.link = records.link ?? longLink ?? global.link ?? found.link
        found.size = records.size ?? global.size ?? found.size
        found.user = records.user ?? global.user ?? found.user
        found.group = records.group ?? global.group ?? found.group
        found.modified = records.modified ?? global.modified ?? found.modified
        (local, longName, longLink) = (nil, nil, nil)
        // These have no contents, whatever the header says; Go's reader does not look at it either.
        if (UInt8(ascii: "1")...UInt8(ascii: "6")).contains(found.type) { found.size = 0 }
        left = found.size
        padding = Self.padding(found.size)
        header = found
        if found.type == UInt8(ascii: "S") { return try beginGNUSparse(found, full, &visitor) }
        if let sparse = sparseForm(records) {
            header?.name = records.sparseName ?? found.name
            sparseSize = records.sparseSize ?? found.size
            if sparse == .atStart {
                guard found.size > 0 else { throw Self.badMap() }
                sparsePairs = []
                mapNumbers = nil
                gathered = []
                state = .sparseMap
                return
            }
            return try beginContents(&visitor, map: SparseMap(records.sparseMap ?? [], size: sparseSize, stored: left))
        }
        try beginContents(&visitor, map: nil)
    }

    private enum SparseForm { case inHeader, atStart }

    private func sparseForm(_ records: PAXRecords) -> SparseForm? {
        if records.sparseMajor == 1, records.sparseMinor == 0 { return .atStart }
        return records.sparseMap != nil ? .inHeader : nil
    }

    private static func badMap() -> TarError {
        TarError(code: .damaged, offset: 0, message: "the map of a sparse file cannot be read")
    }

    private mutating func beginContents(_ visitor: inout some LayerVisitor, map: SparseMap?) throws(TarError) {
        guard let found = header else { return }
        let (path, escapes) = TarPath.cleaned(found.name)
        if escapes, self.escapes.count < 10 { self.escapes.append(path) }
        let kind: LayerMember.Kind
        switch found.type {
        // V7 marks a folder by its name only.
        case 0 where found.name.last == UInt8(ascii: "/"), UInt8(ascii: "0") where found.name.last == UInt8(ascii: "/"):
            kind = .directory
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"), UInt8(ascii: "S"): kind = .file
        case UInt8(ascii: "1"): kind = .hardLink(to: TarPath.cleaned(found.link).path)
        case UInt8(ascii: "2"): kind = .symbolicLink(to: String(decoding: found.link, as: UTF8.self))
        case UInt8(ascii: "5"), UInt8(ascii: "D"): kind = .directory
        default: kind = .other
        }
        let member = LayerMember(
            path: path, kind: kind, mode: UInt16(truncatingIfNeeded: found.mode & 0o7777),
            size: map?.size ?? found.size, user: found.user, group: found.group, modified: Int64(found.modified))
        self.member = member
        let interest = kind == .file ? visitor.interest(in: member) : .none
        let hashes = kind == .file && visitor.wantsDigest(of: member)
        contents = MemberContents(interest, size: member.size, map: map, hashes: hashes)
        state = .contents
        if left == 0 { endMember(&visitor) }
    }

    private mutating func endMember(_ visitor: inout some LayerVisitor) {
        if let member, let digest = contents.map(\.digest), let result = contents?.finish() {
            if result.isTooLarge {
                visitor.noteTooLarge(member)
            } else {
                visitor.take(member, contents: result.contents, digest: digest)
            }
        }
        (member, header, contents) = (nil, nil, nil)
        pad()
    }

    // MARK: Sparse files

    /// GNU's own form: four parts in the header, more in blocks behind it.
    private mutating func beginGNUSparse(
        _ found: TarHeader, _ full: [UInt8], _ visitor: inout some LayerVisitor
    ) throws(TarError) {
        sparsePairs = []
        let block = full.span
        sparseSize = try TarHeader.number(block, 483, 12, "size")
        try readParts(block, at: 386, count: 4)
        guard block[482] == 0 else {
            state = .sparseBlock
            return
        }
        try beginContents(&visitor, map: SparseMap(sparsePairs, size: sparseSize, stored: left))
    }

    private mutating func readSparseBlock(
        _ full: [UInt8], _ visitor: inout some LayerVisitor
    ) throws(TarError) {
        let block = full.span
        try readParts(block, at: 0, count: 21)
        guard sparsePairs.count <= 2 * SparseMap.limit else {
            throw TarError(code: .tooLarge, offset: 0, message: "a sparse file has too many parts")
        }
        guard block[504] == 0 else { return }
        try beginContents(&visitor, map: SparseMap(sparsePairs, size: sparseSize, stored: left))
    }

    private mutating func readParts(_ block: Span<UInt8>, at start: Int, count: Int) throws(TarError) {
        for index in 0..<count {
            let place = start + index * 24
            // An empty entry ends the map.
            if block[place] == 0 { return }
            sparsePairs.append(try TarHeader.number(block, place, 12, "offset"))
            sparsePairs.append(try TarHeader.number(block, place + 12, 12, "length"))
        }
    }

    /// pax's form 1.0: decimal numbers, one a line, in whole blocks before the contents.
    private mutating func readMapBlock(_ full: [UInt8], _ visitor: inout some LayerVisitor) throws(TarError) {
        guard left >= full.count else { throw Self.badMap() }
        left -= full.count
        for byte in full {
            if mapNumbers == 0 { break }
            if byte == 0x0A {
                let number = try PAXRecords.number(gathered)
                gathered.removeAll(keepingCapacity: true)
                if let missing = mapNumbers {
                    sparsePairs.append(number)
                    mapNumbers = missing - 1
                } else {
                    guard number <= SparseMap.limit else { throw Self.badMap() }
                    mapNumbers = 2 * number
                }
            } else {
                guard (0x30...0x39).contains(byte), gathered.count < 20 else { throw Self.badMap() }
                gathered.append(byte)
            }
        }
        guard mapNumbers == 0 else { return }
        gathered = []
        try beginContents(&visitor, map: SparseMap(sparsePairs, size: sparseSize, stored: left))
    }
}

extension TarReader {
    /// Reads an archive that is in memory.
    package static func read(
        _ bytes: [UInt8], limits: Limits = Limits(), _ visitor: inout some LayerVisitor
    ) throws(TarError) -> TarReader {
        var reader = TarReader(limits: limits)
        try reader.take(bytes.span, &visitor)
        try reader.finish()
        return reader
    }
}
