package import Findings

/// The rules about secrets that stand where they can be read.
package enum SecretDetectionRules {
    package static let all = [plaintext, token, privateKey, manifest, lastApplied]

    package static let plaintext = Rule(
        "secrets/plaintext-value", .high,
        [.cis("5.4.1"), .nsa("secrets"), .attack("T1552.001"), .cwe("312")],
        title: "A credential stands in plain text in an object",
        why: """
            Whoever may read the object reads the credential: every reader of Deployments and ConfigMaps, the history of \
            the repository, backups, the annotations that tools copy. Rights over Secrets do not guard it.
            """,
        remedy: "Put the value into a Secret or an external secret manager and refer to it; then change the value.")

    package static let token = Rule(
        "secrets/provider-token", .high, [.cis("5.4.1"), .attack("T1552.001"), .cwe("798")],
        title: "A provider's token stands in plain text in an object",
        why: """
            The value has the form of a provider's own token: it opens that account from anywhere, without anything of \
            the cluster.
            """,
        remedy: "Revoke the token at the provider, and give the new one through a Secret or workload identity.")

    package static let privateKey = Rule(
        "secrets/private-key", .critical, [.cis("5.4.1"), .attack("T1552.004"), .cwe("321")],
        title: "A private key stands in plain text in an object",
        why: "Whoever reads it can pretend to be its owner, and read what was sent to it.",
        remedy: "Make a new key, keep it in a Secret of type kubernetes.io/tls, and let cert-manager renew it.")

    package static let manifest = Rule(
        "secrets/manifest-data", .high, [.attack("T1552.001"), .cwe("312")],
        title: "A manifest holds the data of a Secret",
        why: "Base64 hides nothing: the value is in the file, its history and every copy of the repository.",
        remedy: """
            Keep the value out of the file: an ExternalSecret, a SealedSecret or SOPS; then change the value, since \
            history keeps the old one.
            """)

    package static let lastApplied = Rule(
        "secrets/last-applied-copy", .medium, [.attack("T1552.007"), .cwe("312")],
        title: "An annotation holds a copy of a Secret's data",
        why: """
            `kubectl apply` keeps the whole object in an annotation; tools that show or log metadata show the data, and \
            it stays when the data is changed by other means.
            """,
        remedy: "Apply Secrets with --server-side, and delete the annotation.")

    static func rule(for found: ObjectSecret) -> Rule {
        switch found.place {
        case .secretManifest: manifest
        case .lastApplied: lastApplied
        case .plain:
            if found.secret.detector == "private-key" || found.secret.detector == "putty-key" {
                privateKey
            } else if found.secret.strength == .form || found.secret.strength == .near {
                token
            } else {
                plaintext
            }
        }
    }
}
