/// The part of swift-crypto that the layer reader uses, with a sum that is quick to build: what it gives is no SHA.
package struct SHA256: Sendable {
    package static let byteCount = 32
    private var sum: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    package mutating func update(bufferPointer bytes: UnsafeRawBufferPointer) {
        for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    package func finalize() -> [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: sum >> UInt64($0 % 8 * 8)) }
    }
}

package typealias SHA512 = SHA256
