/// Writes a database as containerd has it: two pages that tell the root, a branch, a leaf, and buckets inline in each
/// other. The older of the first two pages names another root.
enum BoltWriter {
    private static let size = 4096

    static func file(namespace: String, image: String, digest: String) -> [UInt8] {
        let target = leaf([("digest", 0, Array(digest.utf8)), ("mediatype", 0, Array("m".utf8))])
        let images = leaf([(image, 1, bucket(leaf([("target", 1, bucket(target))])))])
        let names = leaf([("images", 1, bucket(images))])
        let versions = leaf([(namespace, 1, bucket(names)), ("version", 0, [1])])
        let pages = [
            meta(0, transaction: 6, root: 9), meta(1, transaction: 7, root: 3),
            page(2, 0x10, 0, []), branch(3, children: [4]), page(4, 0x02, 1, leaf([("v1", 1, bucket(versions))])),
        ]
        return pages.flatMap { $0 }
    }

    private static func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func page(_ number: Int, _ flags: Int, _ count: Int, _ body: [UInt8]) -> [UInt8] {
        // `body` of a leaf brings a header of its own, for pages inside values.
        let rest = flags == 0x02 ? Array(body.dropFirst(16)) : body
        let page = little(number, 8) + little(flags, 2) + little(count, 2) + little(0, 4) + rest
        return page + [UInt8](repeating: 0, count: size - page.count)
    }

    private static func meta(_ number: Int, transaction: Int, root: Int) -> [UInt8] {
        let body =
            little(0xED0C_DAED, 4) + little(2, 4) + little(size, 4) + little(0, 4) + little(root, 8) + little(0, 8)
            + little(2, 8) + little(5, 8) + little(transaction, 8)
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in body { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return page(number, 0x04, 0, body + (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * UInt64($0))) })
    }

    private static func branch(_ number: Int, children: [Int]) -> [UInt8] {
        var elements: [UInt8] = []
        for child in children { elements += little(16, 4) + little(0, 4) + little(child, 8) }
        return page(number, 0x01, children.count, elements)
    }

    private static func bucket(_ page: [UInt8]) -> [UInt8] { little(0, 8) + little(0, 8) + page }

    /// A page with a header.
    private static func leaf(_ items: [(key: String, kind: Int, value: [UInt8])]) -> [UInt8] {
        var out = little(0, 8) + little(0x02, 2) + little(items.count, 2) + little(0, 4)
        var data: [UInt8] = []
        for (index, item) in items.enumerated() {
            out += little(item.kind, 4) + little(16 * (items.count - index) + data.count, 4)
            out += little(item.key.utf8.count, 4) + little(item.value.count, 4)
            data += Array(item.key.utf8) + item.value
        }
        return out + data
    }
}
