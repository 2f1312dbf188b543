import Crypto
import FoundationEssentials
import Store

/// Seals what must not be read in a copy of the database: the key lies outside it (AES-256-GCM).
struct SecretBox: Sendable {
    private let key: SymmetricKey

    /// - Parameter purpose: what the key is used for; keys of two purposes have nothing in common (HKDF).
    init(_ key: [UInt8], purpose: String) {
        self.key = Self.derived(key, purpose: purpose)
    }

    /// A key of 32 bytes for one purpose.
    static func derived(_ key: [UInt8], purpose: String) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: key), info: Data("martlet \(purpose)".utf8), outputByteCount: 32)
    }

    /// - Parameter place: where it is kept; what is moved elsewhere cannot be opened.
    func seal(_ bytes: [UInt8], for place: String) throws -> [UInt8] {
        let sealed = try AES.GCM.seal(bytes, using: key, authenticating: Array(place.utf8))
        guard let combined = sealed.combined else {
            preconditionFailure("a box with a nonce of the usual length has one form")
        }
        return [UInt8](combined)
    }

    func open(_ sealed: [UInt8], of place: String) throws -> [UInt8] {
        do {
            return [UInt8](
                try AES.GCM.open(AES.GCM.SealedBox(combined: sealed), using: key, authenticating: Array(place.utf8)))
        } catch {
            throw StoreError(
                .unavailable,
                "\(place) was sealed with another key; start the hub with the key file it was made with")
        }
    }
}
