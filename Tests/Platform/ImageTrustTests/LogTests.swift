import Crypto
import Foundation
import Testing

@testable import ImageTrust

@Suite struct LogTests {
    /// The root of a tree and the way to it from a leaf, by the definition of RFC 6962 rather than by our verifier.
    private static func tree(_ leaves: ArraySlice<[UInt8]>, _ index: Int) -> (root: [UInt8], path: [[UInt8]]) {
        guard leaves.count > 1 else { return (InclusionProof.leafHash(leaves[leaves.startIndex]), []) }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        let left = leaves.prefix(split)
        let right = leaves.dropFirst(split)
        let (near, far, path): ([UInt8], [UInt8], [[UInt8]])
        if index < split {
            let inner = tree(left, index)
            (near, far, path) = (inner.root, tree(right, 0).root, inner.path)
            return (Array(SHA256.hash(data: [1] + near + far)), path + [far])
        }
        let inner = tree(right, index - split)
        (near, far, path) = (inner.root, tree(left, 0).root, inner.path)
        return (Array(SHA256.hash(data: [1] + far + near)), path + [far])
    }

    @Test func everyLeafOfEverySmallTreeIsProven() {
        for size in 1...17 {
            let leaves = (0..<size).map { [UInt8($0)] }
            for index in 0..<size {
                let (root, path) = Self.tree(leaves[...], index)
                var proof = InclusionProof(
                    index: Int64(index), size: Int64(size), rootHash: root, hashes: path, checkpoint: "")
                #expect(throws: Never.self) { try proof.verify(leaves[index]) }
                #expect(throws: TrustError.self) { try proof.verify([200]) }
                proof.hashes.append(root)
                #expect(throws: TrustError.self) { try proof.verify(leaves[index]) }
                proof.hashes = path.dropLast()
                if !path.isEmpty { #expect(throws: TrustError.self) { try proof.verify(leaves[index]) } }
                proof.hashes = path
                proof.index = Int64(size)
                #expect(throws: TrustError.self) { try proof.verify(leaves[index]) }
            }
        }
    }

    private static let hash = Base64.text(Array(repeating: UInt8(1), count: 32))
    private static let line = "\u{2014} log.example.org \(Base64.text(Array(repeating: UInt8(2), count: 68)))\n"

    @Test(arguments: [
        ("log.example.org\n5\n\(hash)\n\n\(line)", true),
        ("log.example.org\n5\n\(hash)\nTimestamp: 1\n\n\(line)\(line)", true),
        ("\n5\n\(hash)\n\n\(line)", false),
        ("log.example.org\n\(hash)\n\n\(line)", false),
        ("log.example.org\n5\n\n\(line)", false),
        ("log.example.org\n05\n\(hash)\n\n\(line)", false),
        ("log.example.org\n-5\n\(hash)\n\n\(line)", false),
        ("log.example.org\n5\nAAAA\n\n\(line)", false),
        ("log.example.org\n5\n\(hash)\n", false),
        ("log.example.org\n5\n\(hash)\n\n", false),
        ("log.example.org\n5\n\(hash)\n\n- log.example.org AAAAAAAA\n", false),
        ("", false),
    ])
    func aCheckpointNeedsOriginSizeRootAndSignature(_ text: String, isRead: Bool) {
        #expect(((try? Checkpoint(text)) != nil) == isRead)
    }

    @Test(arguments: [
        ("2023-07-12T15:56:36Z", 1_689_177_396.0), ("2023-07-12T17:56:36+02:00", 1_689_177_396.0),
        ("1970-01-01T00:00:00.250Z", 0.25), ("2000-02-29T00:00:00Z", 951_782_400.0),
    ])
    func momentsAreRead(_ text: String, seconds: Double) {
        #expect(Moment.date(text)?.timeIntervalSince1970 == seconds)
    }

    @Test(arguments: ["", "2023-07-12", "2023-13-12T15:56:36Z", "2023-07-12T15:56:36", "2023-07-12T15:56:36+2"])
    func otherTextsAreNoMoments(_ text: String) { #expect(Moment.date(text) == nil) }
}
