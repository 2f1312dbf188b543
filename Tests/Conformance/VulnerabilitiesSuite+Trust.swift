import Foundation
import ImageTrust

extension ConformanceSuite {
    /// Bundles of sigstore-conformance: a folder ending in `_fail` has to be refused, the others accepted.
    static let trustFiles: [ConformanceFile] = [
        ConformanceFile(name: "trust/sigstore-bundle-verify") { folder in
            var agreement = Agreement()
            let path = "trust/sigstore-bundle-verify"
            let explains = CommandLine.arguments.contains("--verbose")
            for name in try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/\(path)").sorted()
            where name != "a.txt" {
                let refusal = try refusal(folder, "\(path)/\(name)")
                let mustFail = name.hasSuffix("_fail")
                if explains { print("  \(name): \(refusal ?? "accepted")") }
                agreement.note(
                    name, mustFail == (refusal != nil) ? nil : refusal.map { "refused: \($0)" } ?? "was accepted")
            }
            return agreement
        }
    ]

    private static func refusal(_ folder: ConformanceFolder, _ path: String) throws -> String? {
        func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder.path)/\(path)/\(name)") }
        func text(_ name: String) throws -> String? {
            guard has(name) else { return nil }
            return String(decoding: try folder.bytes("\(path)/\(name)"), as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let artifact = try folder.bytes(
            has("artifact") ? "\(path)/artifact" : "trust/sigstore-bundle-verify/a.txt")
        let root = try folder.bytes(
            has("trusted_root.json") ? "\(path)/trusted_root.json" : "trust/sigstore-public-good-trusted_root.json")
        do {
            let signers: TrustPolicy.Signers
            if let key = try text("key.pub") {
                signers = .keys([try VerificationKey(pem: key)])
            } else {
                let identity =
                    try text("identity")
                    ?? "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/"
                    + "extremely-dangerous-oidc-beacon.yml@refs/heads/main"
                let issuer = try text("issuer") ?? "https://token.actions.githubusercontent.com"
                signers = .identities([ExpectedIdentity(identity: .exact(identity), issuer: .exact(issuer))])
            }
            let verifier = TrustVerifier(root: try TrustedRoot(root), policy: TrustPolicy(signers))
            let bundle = try SignedBundle(folder.bytes("\(path)/bundle.sigstore.json"))
            _ = try verifier.verify(bundle, artifact: Artifact(bytes: artifact))
            return nil
        } catch let error as TrustError {
            return "\(error)"
        }
    }
}
