/// What is wrong with a packed file.
struct ArchiveError: Error, Equatable {
    var message: String
}

/// Unpacks deflate, as zip archives and cargo's lists of modules are packed.
///
/// Standard: RFC 1951, RFC 1950. Written here because engines link no C: the inputs are small (a manifest, a list of
/// modules, at most a jar inside a jar), and every length is held against a limit that the caller gives.
struct Inflate {
    /// Codes up to this many bits are found with one look.
    private static let quickBits = 9

    private struct Codes {
        /// symbol << 4 | length; 0 where the code is longer.
        var quick: [UInt16] = Array(repeating: 0, count: 1 << Inflate.quickBits)
        var counts: [Int] = Array(repeating: 0, count: 16)
        var symbols: [UInt16] = []

        init?(_ lengths: ArraySlice<UInt8>) {
            for length in lengths { counts[Int(length)] += 1 }
            counts[0] = 0
            var left = 1
            var offsets = Array(repeating: 0, count: 17)
            for length in 1...15 {
                left = left << 1 - counts[length]
                // More codes than there is room for.
                guard left >= 0 else { return nil }
                offsets[length + 1] = offsets[length] + counts[length]
            }
            symbols = Array(repeating: 0, count: lengths.count)
            for (symbol, length) in lengths.enumerated() where length != 0 {
                symbols[offsets[Int(length)]] = UInt16(symbol)
                offsets[Int(length)] += 1
            }
            var code = 0
            var index = 0
            for length in 1...Inflate.quickBits {
                for _ in 0..<counts[length] {
                    var reversed = 0
                    for bit in 0..<length where code & (1 << bit) != 0 { reversed |= 1 << (length - 1 - bit) }
                    let entry = symbols[index] << 4 | UInt16(length)
                    for slot in stride(from: reversed, to: 1 << Inflate.quickBits, by: 1 << length) {
                        quick[slot] = entry
                    }
                    code += 1
                    index += 1
                }
                code <<= 1
            }
        }
    }

    private let input: [UInt8]
    private var position: Int
    private let end: Int
    private var buffer: UInt64 = 0
    private var held = 0
    private var out: [UInt8] = []
    private let limit: Int

    private init(_ input: [UInt8], _ range: Range<Int>, limit: Int) {
        self.input = input
        position = range.lowerBound
        end = range.upperBound
        self.limit = limit
    }

    /// Unpacks a bare stream; `limit` is the most that may come out.
    static func unpacked(_ input: [UInt8], in range: Range<Int>, limit: Int) throws(ArchiveError) -> [UInt8] {
        guard range.upperBound <= input.count else { throw ArchiveError(message: "the packed bytes are cut") }
        var inflate = Inflate(input, range, limit: limit)
        try inflate.run()
        return inflate.out
    }

    /// Unpacks a stream with zlib's two bytes before it. The sum behind it is not compared: what was damaged shows as
    /// unreadable JSON.
    static func zlib(_ input: [UInt8], limit: Int) throws(ArchiveError) -> [UInt8] {
        guard input.count > 6, input[0] & 0x0F == 8, (Int(input[0]) << 8 | Int(input[1])) % 31 == 0,
            input[1] & 0x20 == 0
        else { throw ArchiveError(message: "this is no zlib stream") }
        return try unpacked(input, in: 2..<input.count, limit: limit)
    }

    private mutating func need(_ count: Int) throws(ArchiveError) {
        while held < count {
            guard position < end else { throw ArchiveError(message: "the packed bytes are cut") }
            buffer |= UInt64(input[position]) << UInt64(held)
            position += 1
            held += 8
        }
    }

    private mutating func bits(_ count: Int) throws(ArchiveError) -> Int {
        if count == 0 { return 0 }
        try need(count)
        let value = Int(buffer & (1 << UInt64(count) - 1))
        buffer >>= UInt64(count)
        held -= count
        return value
    }

    private mutating func symbol(_ codes: borrowing Codes) throws(ArchiveError) -> Int {
        while held < 15, position < end {
            buffer |= UInt64(input[position]) << UInt64(held)
            position += 1
            held += 8
        }
        let entry = codes.quick[Int(buffer & (1 << UInt64(Self.quickBits) - 1))]
        let length = Int(entry & 15)
        if length != 0 {
            guard length <= held else { throw ArchiveError(message: "the packed bytes are cut") }
            buffer >>= UInt64(length)
            held -= length
            return Int(entry >> 4)
        }
        var code = 0
        var first = 0
        var index = 0
        for length in 1...15 {
            code |= try bits(1)
            let count = codes.counts[length]
            if code - count < first { return Int(codes.symbols[index + code - first]) }
            index += count
            first = (first + count) << 1
            code <<= 1
        }
        throw ArchiveError(message: "a code that stands for nothing")
    }

    private mutating func run() throws(ArchiveError) {
        var isLast = false
        while !isLast {
            isLast = try bits(1) == 1
            switch try bits(2) {
            case 0: try stored()
            case 1: try block(Self.fixedLengths, Self.fixedDistances)
            case 2:
                let (lengths, distances) = try tables()
                try block(lengths, distances)
            default: throw ArchiveError(message: "a block of an unknown kind")
            }
        }
    }

    private mutating func stored() throws(ArchiveError) {
        _ = try bits(held % 8)
        let length = try bits(16)
        let inverse = try bits(16)
        guard length == ~inverse & 0xFFFF else { throw ArchiveError(message: "a stored block with a wrong length") }
        guard out.count + length <= limit else { throw ArchiveError(message: "more than \(limit) bytes come out") }
        for _ in 0..<length { out.append(UInt8(truncatingIfNeeded: try bits(8))) }
    }

    private static let fixedLengths: Codes? = Codes(
        (Array(repeating: 8, count: 144) + Array(repeating: 9, count: 112) + Array(repeating: 7, count: 24)
            + Array(repeating: 8, count: 8))[...])
    private static let fixedDistances: Codes? = Codes(Array(repeating: 5, count: 30)[...])
    private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    private mutating func tables() throws(ArchiveError) -> (Codes?, Codes?) {
        let literals = try bits(5) + 257
        let distances = try bits(5) + 1
        let count = try bits(4) + 4
        guard literals <= 286, distances <= 30 else { throw ArchiveError(message: "too many codes") }
        var lengths = Array(repeating: UInt8(0), count: 19)
        for index in 0..<count { lengths[Self.order[index]] = UInt8(try bits(3)) }
        guard let codes = Codes(lengths[...]) else { throw ArchiveError(message: "codes that do not fit") }
        var all: [UInt8] = []
        all.reserveCapacity(320)
        while all.count < literals + distances {
            let symbol = try symbol(codes)
            switch symbol {
            case 0..<16: all.append(UInt8(symbol))
            case 16:
                guard let last = all.last else { throw ArchiveError(message: "nothing to repeat") }
                for _ in 0..<(try bits(2) + 3) { all.append(last) }
            case 17: for _ in 0..<(try bits(3) + 3) { all.append(0) }
            default: for _ in 0..<(try bits(7) + 11) { all.append(0) }
            }
        }
        guard all.count == literals + distances, all[256] != 0 else {
            throw ArchiveError(message: "codes without an end")
        }
        return (Codes(all[..<literals]), Codes(Array(all[literals...])[...]))
    }

    private static let lengthBase = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
        258,
    ]
    private static let lengthExtra = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let distanceBase = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
        6145, 8193, 12289, 16385, 24577,
    ]
    private static let distanceExtra = [
        0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
    ]

    private mutating func block(_ lengths: Codes?, _ distances: Codes?) throws(ArchiveError) {
        guard let lengths, let distances else { throw ArchiveError(message: "codes that do not fit") }
        while true {
            let symbol = try symbol(lengths)
            if symbol < 256 {
                guard out.count < limit else { throw ArchiveError(message: "more than \(limit) bytes come out") }
                out.append(UInt8(symbol))
                continue
            }
            if symbol == 256 { return }
            guard symbol - 257 < 29 else { throw ArchiveError(message: "a length that stands for nothing") }
            let length = Self.lengthBase[symbol - 257] + (try bits(Self.lengthExtra[symbol - 257]))
            let far = try self.symbol(distances)
            guard far < 30 else { throw ArchiveError(message: "a distance that stands for nothing") }
            let distance = Self.distanceBase[far] + (try bits(Self.distanceExtra[far]))
            guard distance <= out.count else { throw ArchiveError(message: "a distance before the beginning") }
            guard out.count + length <= limit else { throw ArchiveError(message: "more than \(limit) bytes come out") }
            var from = out.count - distance
            for _ in 0..<length {
                out.append(out[from])
                from += 1
            }
        }
    }
}
