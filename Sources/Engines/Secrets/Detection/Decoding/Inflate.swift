/// What deflate data holds (RFC 1951), and the wrapping of gzip (RFC 1952) and zlib (RFC 1950).
///
/// Written here because engines hold no C. Bounded: data made to grow without end stops at the limit.
package struct Inflate {
    package enum Failure: Error, Equatable { case truncated, invalid, tooLarge }

    private let input: [UInt8]
    private var place: Int
    private var bits: UInt32 = 0
    private var held: UInt32 = 0
    private var output: [UInt8] = []
    private let limit: Int

    private init(_ input: [UInt8], from place: Int, limit: Int) {
        self.input = input
        self.place = place
        self.limit = limit
    }

    package static func isGzip(_ bytes: [UInt8]) -> Bool {
        bytes.count > 18 && bytes[0] == 0x1F && bytes[1] == 0x8B && bytes[2] == 8
    }

    /// The content of the first member of a gzip file.
    package static func gzip(_ bytes: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        guard isGzip(bytes) else { throw .invalid }
        let flags = bytes[3]
        var place = 10
        if flags & 4 != 0 {
            guard place + 2 <= bytes.count else { throw .truncated }
            place += 2 + Int(bytes[place]) + Int(bytes[place + 1]) << 8
        }
        // Name and comment end with a zero.
        for flag in [UInt8(8), 16] where flags & flag != 0 {
            while place < bytes.count, bytes[place] != 0 { place += 1 }
            place += 1
        }
        if flags & 2 != 0 { place += 2 }
        guard place < bytes.count else { throw .truncated }
        var inflate = Inflate(bytes, from: place, limit: limit)
        return try inflate.run()
    }

    /// Deflate data without any wrapping.
    package static func raw(_ bytes: [UInt8], from place: Int = 0, limit: Int) throws(Failure) -> [UInt8] {
        guard place >= 0, place < bytes.count else { throw .truncated }
        var inflate = Inflate(bytes, from: place, limit: limit)
        return try inflate.run()
    }

    private mutating func run() throws(Failure) -> [UInt8] {
        while true {
            let last = try take(1)
            switch try take(2) {
            case 0: try stored()
            case 1: try block(Self.fixedLiterals, Self.fixedDistances)
            case 2:
                let (literals, distances) = try tables()
                try block(literals, distances)
            default: throw .invalid
            }
            if last == 1 { return output }
        }
    }

    private mutating func take(_ count: UInt32) throws(Failure) -> Int {
        while held < count {
            guard place < input.count else { throw .truncated }
            bits |= UInt32(input[place]) << held
            place += 1
            held += 8
        }
        let value = bits & (1 << count - 1)
        bits >>= count
        held -= count
        return Int(value)
    }

    private mutating func stored() throws(Failure) {
        bits = 0
        held = 0
        guard place + 4 <= input.count else { throw .truncated }
        let length = Int(input[place]) | Int(input[place + 1]) << 8
        let inverse = Int(input[place + 2]) | Int(input[place + 3]) << 8
        guard length ^ 0xFFFF == inverse else { throw .invalid }
        place += 4
        guard place + length <= input.count else { throw .truncated }
        guard output.count + length <= limit else { throw .tooLarge }
        output += input[place..<place + length]
        place += length
    }

    /// A canonical Huffman code: how many codes of each length, and the symbols in order.
    private struct Code {
        var counts = [Int](repeating: 0, count: 16)
        var symbols: [Int] = []

        init?(_ lengths: [Int]) {
            for length in lengths { counts[length] += 1 }
            counts[0] = 0
            var left = 1
            for length in 1...15 {
                left = left << 1 - counts[length]
                if left < 0 { return nil }
            }
            for length in 1...15 {
                for (symbol, own) in lengths.enumerated() where own == length { symbols.append(symbol) }
            }
        }
    }

    private static let fixedLiterals = Code(
        [Int](repeating: 8, count: 144) + [Int](repeating: 9, count: 112) + [Int](repeating: 7, count: 24)
            + [Int](repeating: 8, count: 8))
    private static let fixedDistances = Code([Int](repeating: 5, count: 30))

    private mutating func symbol(_ code: Code) throws(Failure) -> Int {
        var value = 0
        var first = 0
        var index = 0
        for length in 1...15 {
            value |= try take(1)
            let count = code.counts[length]
            if value - count < first { return code.symbols[index + value - first] }
            index += count
            first = (first + count) << 1
            value <<= 1
        }
        throw .invalid
    }

    private mutating func tables() throws(Failure) -> (Code?, Code?) {
        let literals = try take(5) + 257
        let distances = try take(5) + 1
        let codes = try take(4) + 4
        guard literals <= 286, distances <= 30 else { throw .invalid }
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
        var lengths = [Int](repeating: 0, count: 19)
        for index in 0..<codes { lengths[order[index]] = try take(3) }
        guard let code = Code(lengths) else { throw .invalid }
        var all: [Int] = []
        while all.count < literals + distances {
            let next = try symbol(code)
            switch next {
            case 0...15: all.append(next)
            case 16:
                guard let last = all.last else { throw .invalid }
                all += [Int](repeating: last, count: try take(2) + 3)
            case 17: all += [Int](repeating: 0, count: try take(3) + 3)
            default: all += [Int](repeating: 0, count: try take(7) + 11)
            }
        }
        guard all.count == literals + distances, all[256] != 0 else { throw .invalid }
        return (Code(Array(all[..<literals])), Code(Array(all[literals...])))
    }

    private static let lengthBase = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
        258,
    ]
    private static let lengthExtra: [UInt32] = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let distanceBase = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
        6145,
        8193, 12289, 16385, 24577,
    ]
    private static let distanceExtra: [UInt32] = [
        0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
    ]

    private mutating func block(_ literals: Code?, _ distances: Code?) throws(Failure) {
        guard let literals, let distances else { throw .invalid }
        while true {
            let next = try symbol(literals)
            if next == 256 { return }
            if next < 256 {
                guard output.count < limit else { throw .tooLarge }
                output.append(UInt8(next))
                continue
            }
            guard next - 257 < Self.lengthBase.count else { throw .invalid }
            let length = Self.lengthBase[next - 257] + (try take(Self.lengthExtra[next - 257]))
            let slot = try symbol(distances)
            guard slot < Self.distanceBase.count else { throw .invalid }
            let distance = Self.distanceBase[slot] + (try take(Self.distanceExtra[slot]))
            guard distance <= output.count else { throw .invalid }
            guard output.count + length <= limit else { throw .tooLarge }
            for _ in 0..<length { output.append(output[output.count - distance]) }
        }
    }
}
