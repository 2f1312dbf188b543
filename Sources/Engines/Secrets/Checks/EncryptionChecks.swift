import Documents
import Findings
import Kubernetes

extension SecretManagementChecks {
    static let encryption: [Check<SecretSubject>] = encryptionFileChecks + [managedControlPlane, auditedBodies]

    /// The checks of an EncryptionConfiguration: one rule for each group of remarks.
    static let encryptionFileChecks: [Check<SecretSubject>] = [
        remark(
            Rule(
                "secrets/encryption-plaintext", .high, encryptionReferences,
                title: "Secrets are written to etcd as plaintext",
                why: """
                    The first entry that names a resource holds its providers, and its first provider writes. With \
                    identity in front, or without an entry, every Secret lies readable in etcd, its snapshots and its \
                    backups, whatever keys the file holds.
                    """,
                remedy: "Put an encrypting provider (kms v2, or secretbox) first for secrets, then rewrite all Secrets."
            )),
        remark(
            Rule(
                "secrets/encryption-rejected", .high, encryptionReferences, category: .reliability,
                title: "The API server refuses this encryption configuration",
                why:
                    "An API server that is started with it exits; one that reloads it goes on with the old one, silently.",
                remedy: "Correct what the message names.")),
        remark(
            Rule(
                "secrets/encryption-kmsv1", .high, encryptionReferences,
                title: "Secrets are encrypted by the KMS v1 protocol",
                why: """
                    KMS v1 is deprecated and, since Kubernetes 1.29, off by default: the API server refuses to start \
                    after an upgrade, and every read asks the key service.
                    """,
                remedy: "Add a kms v2 provider in front, rewrite all Secrets, then take v1 out.")),
        remark(
            Rule(
                "secrets/encryption-weak-key", .critical, encryptionReferences + [.cwe("CWE-321")],
                title: "The key that encrypts Secrets can be guessed",
                why:
                    "A key out of documentation, or without randomness, is no key: whoever has the bytes can read them.",
                remedy: "Make a new key of 32 random bytes, put it first, rewrite all Secrets, take the old key out.")),
        remark(
            Rule(
                "secrets/encryption-aescbc", .low, encryptionReferences + [.cwe("CWE-353")],
                title: "Secrets are encrypted by aescbc, which does not notice changes",
                why: "Without authentication, whoever can write to etcd can change stored Secrets, and padding leaks.",
                remedy: "Use kms v2, or secretbox.")),
        remark(
            Rule(
                "secrets/encryption-aesgcm", .medium, encryptionReferences + [.cwe("CWE-323")],
                title: "Secrets are encrypted by aesgcm without a rotation of its key",
                why: """
                    Its nonces are drawn at random; after about 200,000 writes with one key a repeated nonce becomes \
                    likely enough to matter, and one repetition opens the key's authentication.
                    """,
                remedy: "Use kms v2, or secretbox; else rotate the key by a program.")),
        remark(
            Rule(
                "secrets/encryption-local-key", .low, encryptionReferences,
                title: "The key that encrypts Secrets lies beside them",
                why: "Who takes a copy of the control plane's disk, or a backup of it, has the data and the key.",
                remedy: "Use a kms v2 provider, so that the key stays in a key service.")),
        remark(
            Rule(
                "secrets/encryption-identity-fallback", .low, encryptionReferences,
                title: "Plaintext Secrets are still accepted from etcd",
                why: """
                    identity behind the encrypting provider is needed while old objects are rewritten. Afterwards it \
                    hides those that were forgotten, and lets who can write to etcd put a Secret there by hand.
                    """,
                remedy:
                    "Rewrite all Secrets (kubectl get secrets -A -o json | kubectl replace -f -), then take identity out."
            )),
        remark(
            Rule(
                "secrets/encryption-old-keys", .low, encryptionReferences, category: .hygiene,
                title: "Old encryption keys are still accepted",
                why: "A rotation is done when nothing is stored under the old key any more and it is gone.",
                remedy:
                    "Rewrite all Secrets, prove it (martlet secrets encryption --prove-encryption), remove the old keys."
            )),
    ]

    private static let encryptionReferences: [RuleReference] = [
        .cis("1.2.28"), .nsa("encrypt-etcd"), .attack("T1552"), .kubernetes("Encrypting Confidential Data at Rest"),
    ]

    /// The rule that tells of a remark.
    package static func ruleID(of kind: EncryptionAssessment.Kind) -> String {
        switch kind {
        case .plaintextIdentityFirst, .plaintextNotListed: "secrets/encryption-plaintext"
        case .kmsV1: "secrets/encryption-kmsv1"
        case .documentationKey, .lowEntropyKey, .repeatedByteKey: "secrets/encryption-weak-key"
        case .aescbc: "secrets/encryption-aescbc"
        case .aesgcm: "secrets/encryption-aesgcm"
        case .localKey: "secrets/encryption-local-key"
        case .identityFallback: "secrets/encryption-identity-fallback"
        case .oldKeys: "secrets/encryption-old-keys"
        default: "secrets/encryption-rejected"
        }
    }

    private static func remark(_ rule: Rule) -> Check<SecretSubject> {
        Check(rule) { subject, report in
            let configuration = EncryptionConfiguration(subject.node)
            for remark in EncryptionAssessment(configuration).remarks where ruleID(of: remark.kind) == rule.id {
                report.fail(at: remark.node, remark.message)
            }
        }
    }

    static let managedControlPlane = Check<SecretSubject>(
        Rule(
            "secrets/managed-plaintext", .medium, [.nsa("encrypt-etcd"), .cis("1.2.27")],
            title: "The managed control plane stores Secrets without an encryption of its own",
            why: """
                The provider encrypts the disks below etcd, which helps against a stolen disk only. Envelope encryption \
                with a key of the customer keeps Secrets unreadable in etcd, its snapshots and its backups.
                """,
            remedy: """
                EKS: associate an encryption config, or upgrade to 1.28. GKE: --database-encryption-key. AKS: \
                --enable-azure-keyvault-kms.
                """)
    ) { subject, report in
        guard let cloud = CloudEncryption(subject.node) else { return report.notApplicable() }
        let note = cloud.note.map { "; \($0)" } ?? ""
        if cloud.layer == .none {
            report.fail(at: cloud.node, "\(cloud.provider.rawValue) encrypts only the disks below etcd\(note)")
        }
    }

    static let auditedBodies = Check<SecretSubject>(
        Rule(
            "secrets/audit-secret-bodies", .high, [.cis("3.2.2"), .attack("T1552.007"), .cwe("CWE-532")],
            title: "The audit log receives the bodies of Secrets or tokens",
            why: """
                At level Request or RequestResponse the log holds every Secret that is written or read, in plain text, \
                and goes wherever logs go.
                """,
            remedy:
                "Put a rule of level Metadata for secrets, configmaps, serviceaccounts/token and tokenreviews first.")
    ) { subject, report in
        for leak in AuditPolicyLeak.leaks(in: subject.node) { report.fail(at: leak.node, leak.message) }
    }
}
