import Crypto

enum SHA256Text {
    static func digest(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

    /// `sha256:…`
    static func text(_ bytes: [UInt8]) -> String {
        "sha256:"
            + digest(bytes).map { byte in
                let digits = String(byte, radix: 16)
                return digits.count == 1 ? "0\(digits)" : digits
            }.joined()
    }
}
