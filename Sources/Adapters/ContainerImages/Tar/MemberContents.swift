import Crypto
import Images

/// What becomes of one member's contents while they stream by.
struct MemberContents {
    private enum Way {
        case skip
        case gather
        case probe([[UInt8]])
        case digest(SHA256)
    }

    private var way: Way
    private var bytes: [UInt8] = []
    private let isTooLarge: Bool
    /// Set once it is known that the contents are wanted and too long.
    private var tellsTooLarge = false
    /// Where in the file the next byte belongs.
    private var position = 0
    private let map: SparseMap?
    private var part = 0
    /// Kept beside the contents where it was asked for.
    private var hash: SHA256?

    /// Holes are nothing that a reader has to sit through.
    private static let digestLimit = 8 << 30

    /// - Parameter hashes: whether the digest is wanted beside the contents. Of sparse files it is not told.
    init(_ interest: MemberInterest, size: Int, map: SparseMap?, hashes: Bool = false) {
        self.map = map
        hash = hashes && map == nil ? SHA256() : nil
        switch interest {
        case .none:
            (way, isTooLarge) = (.skip, false)
        case .contents(let most):
            (way, isTooLarge) = (size > most ? .skip : .gather, size > most)
            tellsTooLarge = isTooLarge
            if size <= most { bytes.reserveCapacity(size) }
        case .contentsBeginning(let starts, let most):
            (way, isTooLarge) = (.probe(starts), size > most)
        case .digest:
            isTooLarge = size > Self.digestLimit && map != nil
            way = isTooLarge ? .skip : .digest(SHA256())
            tellsTooLarge = isTooLarge
        }
    }

    /// Whether nobody waits for the bytes, so that they need not be handed over.
    var isSkipping: Bool {
        if case .skip = way { return hash == nil }
        return false
    }

    mutating func take(_ piece: Span<UInt8>) {
        if hash != nil { piece.withUnsafeBytes { hash?.update(bufferPointer: $0) } }
        guard let map else { return add(piece) }
        var start = 0
        while start < piece.count, part < map.parts.count {
            let current = map.parts[part]
            fill(to: current.offset)
            let count = min(piece.count - start, current.offset + current.count - position)
            add(piece.extracting(start..<start + count))
            start += count
            if position == current.offset + current.count { part += 1 }
        }
    }

    /// - Returns: the contents for the visitor, or that they were too long.
    mutating func finish() -> (contents: [UInt8]?, isTooLarge: Bool) {
        if let map { fill(to: map.size) }
        switch way {
        case .skip: return (nil, tellsTooLarge)
        case .gather: return (bytes, false)
        case .probe(let starts):
            guard starts.contains(where: { bytes.starts(with: $0) }) else { return (nil, false) }
            return isTooLarge ? (nil, true) : (bytes, false)
        case .digest(let hash): return (Array(hash.finalize()), false)
        }
    }

    /// The SHA-256 of what was taken, where it was wanted.
    var digest: [UInt8]? { hash.map { Array($0.finalize()) } }

    private mutating func fill(to end: Int) {
        guard position < end, !isSkipping else {
            position = max(position, end)
            return
        }
        let zeros = [UInt8](repeating: 0, count: min(1 << 16, end - position))
        while position < end, !isSkipping {
            add(zeros.span.extracting(0..<min(zeros.count, end - position)))
        }
        position = max(position, end)
    }

    private mutating func add(_ piece: Span<UInt8>) {
        position += piece.count
        switch way {
        case .skip: return
        case .digest(var hash):
            way = .skip
            piece.withUnsafeBytes { hash.update(bufferPointer: $0) }
            way = .digest(hash)
        case .gather: append(piece)
        case .probe(let starts):
            let longest = starts.map(\.count).max() ?? 0
            append(isTooLarge ? piece.extracting(0..<min(piece.count, max(0, longest - bytes.count))) : piece)
            guard bytes.count >= longest else { return }
            let isWanted = starts.contains { bytes.starts(with: $0) }
            way = isWanted && !isTooLarge ? .gather : .skip
            tellsTooLarge = isWanted && isTooLarge
            if !isWanted { bytes = [] }
        }
    }

    private mutating func append(_ piece: Span<UInt8>) {
        piece.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
    }
}
