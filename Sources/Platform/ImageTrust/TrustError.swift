/// The step of a verification that refused.
package enum TrustCheck: String, Sendable, CaseIterable {
    case bundle = "the bundle's form"
    case trustedRoot = "the trusted root"
    case signer = "the signer"
    case log = "the transparency log"
    case timestamp = "the time of signing"
    case certificate = "the certificate chain"
    case certificateTransparency = "certificate transparency"
    case signature = "the signature"
    case artifact = "the artifact"
    case identity = "the signer's identity"
    case statement = "the attested statement"
    case policy = "the policy"
}

/// Why something is not trusted: the check that refused, and what it saw.
package struct TrustError: Error, Equatable, CustomStringConvertible {
    package var check: TrustCheck
    package var message: String

    package init(_ check: TrustCheck, _ message: String) {
        self.check = check
        self.message = message
    }

    package var description: String { "\(check.rawValue): \(message)" }
}
