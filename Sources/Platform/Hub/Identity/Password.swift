import Crypto
import CryptoExtras
import FoundationEssentials

/// A password as it is kept: scrypt with its parameters before it (RFC 7914).
package enum Password {
    /// Rounds for new passwords; each costs 32 MiB and some tens of milliseconds.
    private static let rounds = 1 << 15
    private static let shortest = 10

    /// `scrypt$32768$8$1$salt$key`.
    package static func keep(_ password: String) throws -> String {
        let salt = SecretText.bytes(16)
        let key = try derive(password, salt: salt, rounds: rounds, blockSize: 8, parallelism: 1)
        return "scrypt$\(rounds)$8$1$\(Base64URL.encode(salt))$\(Base64URL.encode(key))"
    }

    /// Whether the password is the one that was kept; takes as long for one that cannot be.
    package static func verify(_ password: String, against kept: String) -> Bool {
        let parts = kept.split(separator: "$", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, parts[0] == "scrypt", let rounds = Int(parts[1]), let blockSize = Int(parts[2]),
            let parallelism = Int(parts[3]), let salt = Base64URL.decode(parts[4]),
            let key = Base64URL.decode(parts[5]), 2...(1 << 20) ~= rounds, 1...32 ~= blockSize, 1...16 ~= parallelism
        else {
            _ = try? derive(password, salt: [0], rounds: Self.rounds, blockSize: 8, parallelism: 1)
            return false
        }
        guard
            let derived = try? derive(
                password, salt: salt, rounds: rounds, blockSize: blockSize, parallelism: parallelism)
        else { return false }
        return SecretText.areSame(derived, key)
    }

    /// What is wrong with a new password; nil when nothing is.
    package static func fault(_ password: String) -> String? {
        if password.count < shortest { return "a password has at least \(shortest) characters" }
        if password.utf8.count > 1024 { return "a password has at most 1024 bytes" }
        return nil
    }

    private static func derive(
        _ password: String, salt: [UInt8], rounds: Int, blockSize: Int, parallelism: Int
    ) throws -> [UInt8] {
        let key = try KDF.Scrypt.deriveKey(
            from: Array(password.utf8), salt: salt, outputByteCount: 32, rounds: rounds, blockSize: blockSize,
            parallelism: parallelism)
        return key.withUnsafeBytes { Array($0) }
    }
}

/// Secrets that the hub makes, and their digests.
package enum SecretText {
    /// From the system's source of randomness.
    package static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// A secret of 256 bits with a prefix that tells scanners of secrets what it is.
    package static func make(prefix: String) -> String { prefix + Base64URL.encode(bytes(32)) }

    package static func digest(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    /// Compares without telling by its time where the first difference is.
    package static func areSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// A password a person can copy: 20 letters and digits that cannot be taken for each other.
    package static func password() -> String {
        let letters = Array("abcdefghijkmnpqrstuvwxyz23456789")
        return String(bytes(20).map { letters[Int($0) % letters.count] })
    }
}
