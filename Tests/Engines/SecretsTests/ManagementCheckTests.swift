import Documents
import Findings
import Kubernetes
import Testing

@testable import Secrets

@Suite struct ManagementCheckTests {
    /// An EncryptionConfiguration with these providers for secrets.
    private static func providers(_ list: String, resources: String = "[secrets]") -> String {
        """
        apiVersion: apiserver.config.k8s.io/v1
        kind: EncryptionConfiguration
        resources:
        - resources: \(resources)
          providers:
          \(list)
        """
    }
    private static let random = "secret: 3qp8zsm5Zb2O6J0nU0n7ZV0iYV1s6F3n2v9c8b7a6d4="
    private static let kms = "- kms: {apiVersion: v2, name: a, endpoint: 'unix:///run/a.sock'}"

    static let encryption: [SecretExample] = [
        SecretExample(
            "identity first", fails: "secrets/encryption-plaintext",
            providers("- «{»identity: {}}\n  - secretbox: {keys: [{name: a, \(random)}]}")),
        SecretExample("kms first", passes: "secrets/encryption-plaintext", providers(kms)),
        SecretExample(
            "an unknown provider", fails: "secrets/encryption-rejected", providers("- «{rot13: «{}»}»")),
        SecretExample("kms", passes: "secrets/encryption-rejected", providers(kms)),
        SecretExample(
            "kms v1", fails: "secrets/encryption-kmsv1",
            providers("- kms: {apiVersion: «v1», name: a, endpoint: 'unix:///run/a.sock'}")),
        SecretExample("kms v2", passes: "secrets/encryption-kmsv1", providers(kms)),
        SecretExample(
            "a key from the documentation", fails: "secrets/encryption-weak-key",
            providers("- aescbc: {keys: [{name: a, secret: «c2VjcmV0IGlzIHNlY3VyZQ==»}]}")),
        SecretExample(
            "a key that counts", fails: "secrets/encryption-weak-key",
            providers("- secretbox: {keys: [{name: a, secret: «AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=»}]}")),
        SecretExample(
            "a random key", passes: "secrets/encryption-weak-key",
            providers("- secretbox: {keys: [{name: a, \(random)}]}")),
        SecretExample(
            "aescbc", fails: "secrets/encryption-aescbc",
            providers("- «aescbc: {keys: [{name: a, \(random)}]}»")),
        SecretExample(
            "secretbox", passes: "secrets/encryption-aescbc",
            providers("- secretbox: {keys: [{name: a, \(random)}]}")),
        SecretExample(
            "aesgcm", fails: "secrets/encryption-aesgcm",
            providers("- «aesgcm: {keys: [{name: a, \(random)}]}»")),
        SecretExample("kms", passes: "secrets/encryption-aesgcm", providers(kms)),
        SecretExample(
            "a local key", fails: "secrets/encryption-local-key",
            providers("- «secretbox: {keys: [{name: a, \(random)}]}»")),
        SecretExample("kms", passes: "secrets/encryption-local-key", providers(kms)),
        SecretExample(
            "identity behind", fails: "secrets/encryption-identity-fallback", providers("\(kms)\n  - «identity: {}»")),
        SecretExample("no identity", passes: "secrets/encryption-identity-fallback", providers(kms)),
        SecretExample(
            "two keys", fails: "secrets/encryption-old-keys",
            providers("- secretbox: {keys: [{name: a, \(random)}, «{name: b, \(random)}»]}")),
        SecretExample("one key", passes: "secrets/encryption-old-keys", providers(kms)),
        SecretExample(
            "GKE without", fails: "secrets/managed-plaintext",
            """
            apiVersion: container.googleapis.com/v1
            kind: ClusterDescribe
            metadata: {name: a}
            data: {databaseEncryption: «{state: DECRYPTED}»}
            """),
        SecretExample(
            "EKS since 1.28", passes: "secrets/managed-plaintext",
            """
            apiVersion: eks.amazonaws.com/v1
            kind: ClusterDescribe
            metadata: {name: a}
            data: {cluster: {arn: "arn:aws:eks:eu-central-1:1:cluster/a", version: "1.33"}}
            """),
        SecretExample(
            "bodies of everything", fails: "secrets/audit-secret-bodies",
            """
            apiVersion: audit.k8s.io/v1
            kind: Policy
            rules:
            - level: «RequestResponse»
            """),
        SecretExample(
            "metadata first", passes: "secrets/audit-secret-bodies",
            """
            apiVersion: audit.k8s.io/v1
            kind: Policy
            rules:
            - level: Metadata
              resources:
              - {group: "", resources: [secrets, serviceaccounts/token]}
              - {group: authentication.k8s.io, resources: [tokenreviews]}
            - level: RequestResponse
            """),
    ]

    static let external: [SecretExample] = [
        SecretExample(
            "a store for all", fails: "secrets/store-for-all-namespaces",
            """
            apiVersion: external-secrets.io/v1
            kind: ClusterSecretStore
            metadata: {name: a}
            spec: «{provider: {vault: {server: "https://v", auth: {kubernetes: {role: a}}}}}»
            """),
        SecretExample(
            "a store with conditions", passes: "secrets/store-for-all-namespaces",
            """
            apiVersion: external-secrets.io/v1
            kind: ClusterSecretStore
            metadata: {name: a}
            spec: {conditions: [{namespaces: [shop]}], provider: {vault: {server: "https://v"}}}
            """),
        SecretExample(
            "a key in a Secret", fails: "secrets/static-manager-credential",
            """
            apiVersion: external-secrets.io/v1
            kind: SecretStore
            metadata: {name: a, namespace: shop}
            spec: {provider: {aws: {region: r, auth: {secretRef: {accessKeyIDSecretRef: «{name: k, key: id}»}}}}}
            """.replacing(
                "secretRef: {accessKeyIDSecretRef: «{name: k, key: id}»}",
                with: "secretRef: «{accessKeyIDSecretRef: {name: k, key: id}}»")),
        SecretExample(
            "the operator's own account", passes: "secrets/static-manager-credential",
            """
            apiVersion: external-secrets.io/v1
            kind: SecretStore
            metadata: {name: a, namespace: shop}
            spec: {provider: {aws: {region: r, auth: {jwt: {serviceAccountRef: {name: a}}}}}}
            """),
        SecretExample(
            "Vault's operator with an AppRole", fails: "secrets/static-manager-credential",
            """
            apiVersion: secrets.hashicorp.com/v1beta1
            kind: VaultAuth
            metadata: {name: a, namespace: shop}
            spec: {method: appRole, appRole: {roleId: r, secretRef: «approle»}}
            """),
        SecretExample(
            "fetched once", fails: "secrets/never-refreshed",
            """
            apiVersion: external-secrets.io/v1
            kind: ExternalSecret
            metadata: {name: a, namespace: shop}
            spec: {refreshInterval: «"0"», secretStoreRef: {name: s}}
            """),
        SecretExample(
            "fetched every hour", passes: "secrets/never-refreshed",
            """
            apiVersion: external-secrets.io/v1
            kind: ExternalSecret
            metadata: {name: a, namespace: shop}
            spec: {refreshInterval: 1h0m0s, secretStoreRef: {name: s}}
            """),
        SecretExample(
            "every key", fails: "secrets/fetches-everything",
            """
            apiVersion: external-secrets.io/v1
            kind: ExternalSecret
            metadata: {name: a, namespace: shop}
            spec: {dataFrom: [{find: «{name: {regexp: ".*"}}»}]}
            """),
        SecretExample(
            "every key of a path", passes: "secrets/fetches-everything",
            """
            apiVersion: external-secrets.io/v1
            kind: ExternalSecret
            metadata: {name: a, namespace: shop}
            spec: {dataFrom: [{find: {path: shop, name: {regexp: ".*"}}}]}
            """),
        SecretExample(
            "not ready", fails: "secrets/failing-sync",
            """
            apiVersion: external-secrets.io/v1
            kind: ExternalSecret
            metadata: {name: a, namespace: shop}
            spec: {}
            status: {conditions: [{type: Ready, status: «"False"», reason: SecretSyncedError}]}
            """),
        SecretExample(
            "ready", passes: "secrets/failing-sync",
            """
            apiVersion: external-secrets.io/v1
            kind: ExternalSecret
            metadata: {name: a, namespace: shop}
            spec: {}
            status: {conditions: [{type: Ready, status: "True"}]}
            """),
        SecretExample(
            "one pushed", fails: "secrets/pushed-out",
            """
            apiVersion: external-secrets.io/v1alpha1
            kind: PushSecret
            metadata: {name: a, namespace: shop}
            spec: {secretStoreRefs: [{name: s}], selector: {secret: {name: «db»}}}
            """),
        SecretExample(
            "a generator pushed", passes: "secrets/pushed-out",
            """
            apiVersion: external-secrets.io/v1alpha1
            kind: PushSecret
            metadata: {name: a, namespace: shop}
            spec: {secretStoreRefs: [{name: s}], selector: {generatorRef: {kind: Password, name: p}}}
            """),
        SecretExample(
            "a fake store", fails: "secrets/value-in-store",
            """
            apiVersion: external-secrets.io/v1
            kind: SecretStore
            metadata: {name: a, namespace: shop}
            spec: {provider: {fake: {data: [{key: «/a», value: b}]}}}
            """),
        SecretExample(
            "a sealed template with references only", passes: "secrets/value-in-store",
            """
            apiVersion: bitnami.com/v1alpha1
            kind: SealedSecret
            metadata: {name: a, namespace: shop}
            spec: {encryptedData: {p: AgB}, template: {data: {url: "https://{{ .p }}"}}}
            """),
        SecretExample(
            "no verification", fails: "secrets/unverified-manager",
            """
            apiVersion: secrets.hashicorp.com/v1beta1
            kind: VaultConnection
            metadata: {name: a, namespace: shop}
            spec: {address: "https://v", skipTLSVerify: «true»}
            """),
        SecretExample(
            "verification", passes: "secrets/unverified-manager",
            """
            apiVersion: secrets.hashicorp.com/v1beta1
            kind: VaultConnection
            metadata: {name: a, namespace: shop}
            spec: {address: "https://v"}
            """),
        SecretExample(
            "sealed for everywhere", fails: "secrets/seal-for-any-namespace",
            """
            apiVersion: bitnami.com/v1alpha1
            kind: SealedSecret
            metadata: {name: a, namespace: shop, annotations: {sealedsecrets.bitnami.com/cluster-wide: «"true"»}}
            spec: {encryptedData: {p: AgB}}
            """),
        SecretExample(
            "sealed for its name", passes: "secrets/seal-for-any-namespace",
            """
            apiVersion: bitnami.com/v1alpha1
            kind: SealedSecret
            metadata: {name: a, namespace: shop}
            spec: {encryptedData: {p: AgB}}
            """),
    ]

    private static func secret(_ name: String, _ more: String = "") -> String {
        "apiVersion: v1\nkind: Secret\nmetadata: {name: \(name), namespace: shop}\n\(more)"
    }

    private static func pod(_ spec: String, name: String = "p", annotations: String = "{}") -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name), namespace: shop, annotations: \(annotations)}
        spec: \(spec)
        """
    }

    static let practice: [SecretExample] = [
        SecretExample(
            "nobody uses it", fails: "secrets/unused", cluster: true,
            secret("«old»") + "---\n" + pod("{containers: [{name: c, image: i}]}")),
        SecretExample(
            "a pod uses it", passes: "secrets/unused", cluster: true,
            secret("db") + "---\n"
                + pod("{containers: [{name: c, image: i, envFrom: [{secretRef: {name: db}}]}]}")),
        SecretExample("a folder never shows it", passes: "secrets/unused", secret("old")),
        SecretExample(
            "a custom resource names it", passes: "secrets/unused", cluster: true,
            secret("db") + "---\napiVersion: x.test/v1\nkind: Database\nmetadata: {name: d, namespace: shop}\n"
                + "spec: {credentials: {name: db}}\n"),
        SecretExample(
            "an old token", fails: "secrets/legacy-token", secret("t", "type: «kubernetes.io/service-account-token»\n")),
        SecretExample("an opaque one", passes: "secrets/legacy-token", secret("t", "type: Opaque\n")),
        SecretExample(
            "TLS without a key", fails: "secrets/type-content",
            secret("t", "type: «kubernetes.io/tls»\ndata: {tls.crt: AA==}\n")),
        SecretExample(
            "TLS", passes: "secrets/type-content",
            secret("t", "type: kubernetes.io/tls\ndata: {tls.crt: AA==, tls.key: AA==}\n")),
        SecretExample(
            "three workloads where two are allowed", fails: "secrets/widely-shared", policy: SecretPolicy(sharedBy: 2),
            secret("«db»")
                + ["a", "b", "c"].map {
                    "---\n" + pod("{containers: [{name: c, image: i, envFrom: [{secretRef: {name: db}}]}]}", name: $0)
                        + "\n"
                }.joined()),
        SecretExample(
            "two workloads", passes: "secrets/widely-shared", policy: SecretPolicy(sharedBy: 2),
            secret("db")
                + ["a", "b"].map {
                    "---\n" + pod("{containers: [{name: c, image: i, envFrom: [{secretRef: {name: db}}]}]}", name: $0)
                        + "\n"
                }.joined()),
        SecretExample(
            "older than the policy", fails: "secrets/not-rotated", policy: SecretPolicy(rotationDays: 90),
            """
            apiVersion: v1
            kind: Secret
            metadata:
              name: db
              namespace: shop
              creationTimestamp: "2026-01-01T00:00:00Z"
              managedFields: [{manager: kubectl, operation: Update, time: «"2026-02-01T00:00:00Z"», fieldsV1: {"f:data": {}}}]
            """),
        SecretExample(
            "written last week", passes: "secrets/not-rotated", policy: SecretPolicy(rotationDays: 90),
            """
            apiVersion: v1
            kind: Secret
            metadata:
              name: db
              namespace: shop
              creationTimestamp: "2026-01-01T00:00:00Z"
              managedFields: [{manager: kubectl, operation: Update, time: "2026-11-16T00:00:00Z", fieldsV1: {"f:data": {}}}]
            """),
        SecretExample(
            "one value left out", fails: "secrets/partly-encrypted",
            secret("db", "stringData: {a: \"ENC[AES256_GCM,data:x]\", b: «plain»}\nsops: {mac: x, version: 3.9.0}\n")),
        SecretExample(
            "all encrypted", passes: "secrets/partly-encrypted",
            secret("db", "stringData: {a: \"ENC[AES256_GCM,data:x]\"}\nsops: {mac: x, version: 3.9.0}\n")),
        SecretExample(
            "not there", fails: "secrets/missing", cluster: true,
            secret("db") + "---\n"
                + pod("{containers: [{name: c, image: i, envFrom: [{secretRef: {name: «none»}}]}]}")),
        SecretExample(
            "optional", passes: "secrets/missing", cluster: true,
            secret("db") + "---\n"
                + pod("{containers: [{name: c, image: i, envFrom: [{secretRef: {name: none, optional: true}}]}]}")),
        SecretExample(
            "no such pull secret", fails: "secrets/missing-pull-secret", cluster: true,
            secret("db") + "---\n" + pod("{imagePullSecrets: [{name: «reg»}], containers: [{name: c, image: i}]}")),
        SecretExample(
            "a pull secret", passes: "secrets/missing-pull-secret", cluster: true,
            secret("db") + "---\n" + pod("{imagePullSecrets: [{name: db}], containers: [{name: c, image: i}]}")),
        SecretExample(
            "a subPath", fails: "secrets/frozen-mount",
            pod(
                "{volumes: [{name: v, secret: {secretName: «db»}}], containers: [{name: c, image: i, "
                    + "volumeMounts: [{name: v, mountPath: /a, subPath: k}]}]}")),
        SecretExample(
            "a folder", passes: "secrets/frozen-mount",
            pod(
                "{volumes: [{name: v, secret: {secretName: db}}], containers: [{name: c, image: i, "
                    + "volumeMounts: [{name: v, mountPath: /a}]}]}")),
        SecretExample(
            "an agent that checks nothing", fails: "secrets/vault-agent",
            pod(
                "{containers: [{name: c, image: i}]}",
                annotations:
                    "{vault.hashicorp.com/agent-inject: \"true\", vault.hashicorp.com/tls-skip-verify: «\"true\"»}")),
        SecretExample(
            "an agent", passes: "secrets/vault-agent",
            pod(
                "{containers: [{name: c, image: i}]}", annotations: "{vault.hashicorp.com/agent-inject: \"true\"}")),
    ]

    @Test(arguments: encryption) func encryptionIsJudged(_ example: SecretExample) throws { try example.verify() }
    @Test(arguments: external) func managersAreJudged(_ example: SecretExample) throws { try example.verify() }
    @Test(arguments: practice) func useIsJudged(_ example: SecretExample) throws { try example.verify() }

    @Test func `every check has an example that fails and one that passes, an id of its own and words`() {
        let examples = Self.encryption + Self.external + Self.practice
        var seen: Set<String> = []
        for rule in SecretManagementChecks.rules {
            #expect(seen.insert(rule.id).inserted, "\(rule.id) stands twice")
            #expect(rule.id.hasPrefix("secrets/"))
            #expect(!rule.title.isEmpty && !rule.why.isEmpty && !rule.remedy.isEmpty && !rule.references.isEmpty)
            #expect(examples.contains { $0.check == rule.id && $0.fails }, "\(rule.id) has no failing example")
            #expect(examples.contains { $0.check == rule.id && !$0.fails }, "\(rule.id) has no passing example")
        }
    }

    @Test func `no evidence of a check holds a value of a Secret`() throws {
        for example in Self.practice + Self.external {
            let objects = try SecretExample.objects(SecretExample.cut(example.text).plain)
            let evaluation = SecretManagementEvaluation(Inventory(objects), isCluster: true, now: SecretExample.now)
            for finding in objects.flatMap({ evaluation.evaluate($0).findings }) {
                for evidence in finding.evidence where finding.subject.kind == "Secret" {
                    #expect(evidence.value == nil)
                    #expect(!evidence.message.contains("plain"))
                }
            }
        }
    }
}
