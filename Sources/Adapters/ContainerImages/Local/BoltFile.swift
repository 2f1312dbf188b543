/// Reads a bbolt database, the form in which containerd keeps its names.
///
/// A file of pages: two that say where the newest tree is, of which the one with the higher transaction and a sound sum
/// counts; trees of branches and leaves; buckets are trees inside a leaf's value, small ones in the value itself.
/// Everything is bounded by the file: it may be damaged, or be written to while it is read.
///
/// Source: go.etcd.io/bbolt, internal/common (page.go, meta.go, bucket.go); version 2 of the form, little endian.
struct BoltFile {
    enum Value {
        case bytes(ArraySlice<UInt8>)
        case bucket(Bucket)
    }

    /// A tree: by the number of its first page, or inline in the value that held it.
    struct Bucket {
        fileprivate var page: Int
        fileprivate var inline: Range<Int>?
    }

    private static let magic = 0xED0C_DAED
    private static let (branch, leaf) = (0x01, 0x02)
    private static let pageHeader = 16
    /// Deeper trees than this are cycles.
    private static let deepest = 32

    private let bytes: [UInt8]
    private let pageSize: Int
    let root: Bucket

    init(_ bytes: [UInt8]) throws(ImageError) {
        self.bytes = bytes
        // The first page tells the size of pages, unless it is the one that was cut.
        var best: (transaction: Int, page: Int, size: Int)?
        for size in [4096, 8192, 16_384, 65_536] {
            for number in 0..<2 {
                let start = number * size + Self.pageHeader
                guard Self.little(bytes, start, 4) == Self.magic, Self.little(bytes, start + 4, 4) == 2,
                    Self.little(bytes, start + 8, 4) == size, Self.hasSoundSum(bytes, start),
                    let page = Self.little(bytes, start + 16, 8), let transaction = Self.little(bytes, start + 48, 8)
                else { continue }
                if best.map({ $0.transaction < transaction }) ?? true { best = (transaction, page, size) }
            }
        }
        guard let best else {
            throw ImageError(.damaged, "it is no database of containerd's form, or its first pages are damaged")
        }
        pageSize = best.size
        root = Bucket(page: best.page, inline: nil)
    }

    /// FNV-1a over what stands before the sum.
    private static func hasSoundSum(_ bytes: [UInt8], _ start: Int) -> Bool {
        guard start + 64 <= bytes.count else { return false }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes[start..<start + 56] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var stored: UInt64 = 0
        for offset in 0..<8 { stored |= UInt64(bytes[start + 56 + offset]) << (8 * UInt64(offset)) }
        return stored == hash
    }

    private static func little(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int? {
        guard start >= 0, start <= bytes.count - count else { return nil }
        var out: UInt64 = 0
        for offset in 0..<count { out |= UInt64(bytes[start + offset]) << (8 * UInt64(offset)) }
        return Int(exactly: out)
    }

    private static func damaged() -> ImageError { ImageError(.damaged, "containerd's database is damaged") }

    /// A bucket inside buckets, by their names; nil where one is not there.
    func bucket(_ path: [String]) throws(ImageError) -> Bucket? {
        var current = root
        for name in path {
            guard case .bucket(let next)? = try value(name, in: current) else { return nil }
            current = next
        }
        return current
    }

    func value(_ key: String, in bucket: Bucket) throws(ImageError) -> Value? {
        let wanted = Array(key.utf8)
        var found: Value?
        try each(bucket) { name, value in
            if found == nil, name.elementsEqual(wanted) { found = value }
        }
        return found
    }

    func names(in bucket: Bucket) throws(ImageError) -> [String] {
        var out: [String] = []
        try each(bucket) { name, _ in out.append(String(decoding: name, as: UTF8.self)) }
        return out
    }

    private func each(_ bucket: Bucket, _ body: (ArraySlice<UInt8>, Value) -> Void) throws(ImageError) {
        var steps = 0
        if let inline = bucket.inline {
            try page(at: inline.lowerBound, end: inline.upperBound, depth: 0, &steps, body)
        } else {
            try page(number: bucket.page, depth: 0, &steps, body)
        }
    }

    private func page(
        number: Int, depth: Int, _ steps: inout Int, _ body: (ArraySlice<UInt8>, Value) -> Void
    ) throws(ImageError) {
        steps += 1
        guard depth < Self.deepest, steps <= bytes.count / pageSize + 1, number >= 0,
            number < bytes.count / pageSize, let overflow = Self.little(bytes, number * pageSize + 12, 4)
        else { throw Self.damaged() }
        let end = min(bytes.count, (number + 1 + min(overflow, bytes.count / pageSize)) * pageSize)
        try page(at: number * pageSize, end: end, depth: depth, &steps, body)
    }

    private func page(
        at start: Int, end: Int, depth: Int, _ steps: inout Int, _ body: (ArraySlice<UInt8>, Value) -> Void
    ) throws(ImageError) {
        guard let flags = Self.little(bytes, start + 8, 2), let count = Self.little(bytes, start + 10, 2) else {
            throw Self.damaged()
        }
        for index in 0..<count {
            let element = start + Self.pageHeader + 16 * index
            if flags & Self.branch != 0 {
                guard let child = Self.little(bytes, element + 8, 8) else { throw Self.damaged() }
                try page(number: child, depth: depth + 1, &steps, body)
                continue
            }
            guard flags & Self.leaf != 0, let kind = Self.little(bytes, element, 4),
                let position = Self.little(bytes, element + 4, 4), let keySize = Self.little(bytes, element + 8, 4),
                let valueSize = Self.little(bytes, element + 12, 4),
                element + position + keySize + valueSize <= min(end, bytes.count)
            else { throw Self.damaged() }
            let key = element + position
            let value = key + keySize
            let name = bytes[key..<value]
            guard kind & 1 != 0 else {
                body(name, .bytes(bytes[value..<value + valueSize]))
                continue
            }
            guard valueSize >= 16, let page = Self.little(bytes, value, 8) else { throw Self.damaged() }
            body(
                name, .bucket(Bucket(page: page, inline: page == 0 ? (value + 16)..<(value + valueSize) : nil)))
        }
    }
}
