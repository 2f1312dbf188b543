import Crypto

/// The way from an entry to the root of the log's tree (RFC 6962, 2.1.1).
struct InclusionProof: Sendable {
    var index: Int64
    var size: Int64
    var rootHash: [UInt8]
    var hashes: [[UInt8]]
    var checkpoint: String

    static func leafHash(_ body: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: [0] + body)) }

    private static func node(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: [1] + left + right))
    }

    /// The root that the hashes lead to from an entry; nothing when their number does not fit the tree.
    func root(from leaf: [UInt8]) -> [UInt8]? {
        guard index >= 0, index < size else { return nil }
        var position = index
        var last = size - 1
        var hash = leaf
        for sibling in hashes {
            guard sibling.count == 32, last > 0 else { return nil }
            if position & 1 == 1 || position == last {
                hash = Self.node(sibling, hash)
                while position & 1 == 0, position != 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                hash = Self.node(hash, sibling)
            }
            position >>= 1
            last >>= 1
        }
        return last == 0 ? hash : nil
    }

    func verify(_ body: [UInt8]) throws(TrustError) {
        guard index >= 0, index < size else {
            throw TrustError(.log, "the entry's index \(index) lies outside a tree of \(size)")
        }
        guard let root = root(from: Self.leafHash(body)) else {
            throw TrustError(.log, "the inclusion proof has the wrong number of hashes for a tree of \(size)")
        }
        guard root == rootHash else {
            throw TrustError(.log, "the inclusion proof does not lead from the entry to the root of the log")
        }
    }
}
