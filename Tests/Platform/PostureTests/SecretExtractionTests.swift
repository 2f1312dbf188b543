import Documents
import Findings
import Kubernetes
import Secrets
import Testing

@testable import Posture

@Suite struct SecretExtractionTests {
    private static let value = "hunter2-and-more"

    private static let deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: api, namespace: shop}
        spec:
          template:
            spec:
              containers:
              - name: c
                image: i
                env:
                - {name: A, value: b}
                - {name: DB_PASSWORD, value: \(value)}
        """

    /// Stands for detection: a plain value under a name that says what it is.
    private static let detection = FixEvaluation { inventory, keys in
        let rule = Rule("secrets/plaintext-env", .high, title: "t", why: "w", remedy: "r")
        return keys.compactMap { inventory[$0] }.flatMap { object -> [Finding] in
            let places = object.podTemplates.flatMap { $0.spec.allContainers }.flatMap(\.environment)
                .filter { $0["name"].string == "DB_PASSWORD" && !$0["value"].isNull }
            guard !places.isEmpty else { return [] }
            return [
                Finding(
                    rule: rule, outcome: .fail, subject: object.reference,
                    evidence: places.map { Evidence(node: $0["value"], message: "plain") })
            ]
        }
    }

    private func extraction(
        _ text: String, at path: FieldPath, file: String = "", more: [KubernetesObject] = [],
        destination: SecretExtraction.Destination = .secret
    ) throws -> SecretExtraction? {
        let all = objects(text, file) + more
        let inventory = Inventory(all)
        let object = try #require(all.first)
        return SecretExtraction(
            of: path, in: object, key: ObjectKey(object.reference), inventory: inventory, destination: destination,
            evaluation: Self.detection)
    }

    private static let path: FieldPath = "spec.template.spec.containers[0].env[1].value"

    @Test func `a variable points at a Secret, and the plain value is gone and in no step`() throws {
        let found = try #require(try extraction(Self.deployment, at: Self.path))
        #expect(found.secretName == "api-db-password" && found.secretKey == "DB_PASSWORD")
        #expect(found.isVerified)
        #expect(found.closed.map(\.rule.id) == ["secrets/plaintext-env"])
        let entry = found.changes[0].patched.node["spec"]["template"]["spec"]["containers"][0]["env"][1]
        #expect(
            entry.json()
                == #"{"name":"DB_PASSWORD","valueFrom":{"secretKeyRef":{"name":"api-db-password","key":"DB_PASSWORD"}}}"#
        )
        let words = (found.steps + found.rollback).map { "\($0.title) \($0.command) \($0.manifest)" } + found.cautions
        #expect(!words.contains { $0.contains(Self.value) })
        #expect(found.steps[0].command.contains("--from-file=DB_PASSWORD=/dev/stdin"))
        #expect(
            found.steps.map(\.title) == [
                "Make the Secret; the value goes through a pipe and is not shown",
                "Point Deployment shop/api at the Secret",
                "Wait until the new pods run",
                "Rotate the value: it was readable in the manifest, in etcd, in backups and in version control",
            ])
        #expect(
            found.rollback.map(\.command) == [
                "kubectl rollout undo deployment/api -n shop", "kubectl delete secret api-db-password -n shop",
            ])
    }

    @Test func `a name that is taken is not taken again`() throws {
        let taken = objects("apiVersion: v1\nkind: Secret\nmetadata: {name: api-db-password, namespace: shop}\n")
        #expect(try extraction(Self.deployment, at: Self.path, more: taken)?.secretName == "api-db-password-2")
    }

    @Test func `an ExternalSecret fetches it from where the user says`() throws {
        let destination = SecretExtraction.Destination.external(
            store: "vault", storeKind: "ClusterSecretStore", remoteKey: "shop/db", property: "password")
        let found = try #require(try extraction(Self.deployment, at: Self.path, destination: destination))
        #expect(found.isVerified)
        let manifest = try #require(objects(found.steps[1].manifest).first)
        #expect(manifest.kind == "ExternalSecret" && manifest.namespace == "shop")
        #expect(manifest.node["spec"]["data"][0]["remoteRef"].json() == #"{"key":"shop/db","property":"password"}"#)
        #expect(!found.steps.contains { "\($0)".contains(Self.value) })
    }

    @Test func `an entry of a ConfigMap moves with those that take it`() throws {
        let map = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: conf, namespace: shop}
            data: {mode: a, DB_PASSWORD: \(Self.value)}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: one, namespace: shop}
            spec: {template: {spec: {containers: [{name: c, image: i, env: [{name: P, valueFrom: {configMapKeyRef: {name: conf, key: DB_PASSWORD}}}]}]}}}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: two, namespace: shop}
            spec: {template: {spec: {containers: [{name: c, image: i, envFrom: [{configMapRef: {name: conf}}]}]}}}
            """
        let found = try #require(try extraction(map, at: "data.DB_PASSWORD"))
        #expect(found.isVerified)
        #expect(found.changes.map(\.object.name) == ["one", "two", "conf"])
        #expect(
            found.changes[1].patched.node["spec"]["template"]["spec"]["containers"][0]["env"].json()
                == #"[{"name":"DB_PASSWORD","valueFrom":{"secretKeyRef":{"name":"conf-db-password","key":"DB_PASSWORD"}}}]"#
        )
        #expect(found.changes[2].patched.node["data"].json() == #"{"mode":"a"}"#)
        #expect(!(found.steps + found.rollback).contains { "\($0)".contains(Self.value) })
    }

    @Test(arguments: [
        "spec.template.spec.containers[0].image", "metadata.name", "spec.template.spec.containers[0].env[7].value",
    ])
    func `what is no value of a variable is left alone`(_ path: String) throws {
        #expect(try extraction(Self.deployment, at: FieldPath(parsing: path)) == nil)
    }

    @Test func `a name from outside cannot become a command`() throws {
        let text = Self.deployment.replacing("name: api,", with: "name: \"a;rm -rf $(HOME)\",")
        let found = try #require(try extraction(text, at: Self.path))
        #expect(found.steps[1].command.contains("'deployment/a;rm -rf $(HOME)'"))
        #expect(found.steps[0].command.contains("'a;rm -rf $(HOME)'"))
    }
}

@Suite struct SecretDossierTests {
    private static let shop = """
        apiVersion: v1
        kind: Secret
        metadata: {name: db, namespace: shop, creationTimestamp: "2026-01-01T00:00:00Z"}
        stringData: {password: hunter2-and-more}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: api, namespace: shop}
        spec: {template: {spec: {containers: [{name: c, image: i, envFrom: [{secretRef: {name: db}}]}]}}}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: r, namespace: shop}
        rules: [{apiGroups: [""], resources: [secrets], resourceNames: [db], verbs: [get]}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: r, namespace: shop}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
        subjects: [{kind: ServiceAccount, name: api}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: t, namespace: shop}
        rules: [{apiGroups: [""], resources: [serviceaccounts/token, pods/exec], verbs: [create]}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: t, namespace: shop}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: t}
        subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ada}]
        """

    @Test func `who can read it, directly and by a step aside, and what uses it`() throws {
        let dossier = try #require(
            SecretDossier("db", in: "shop", Inventory(objects(Self.shop)), isCluster: false))
        #expect(
            dossier.access.map { "\($0.subject) \($0.way)" } == [
                "ServiceAccount shop/api read", "User ada enter", "User ada become",
            ])
        #expect(dossier.users.map(\.workload.description) == ["Deployment shop/api"])
        #expect(dossier.keys == ["password"])
        #expect(!dossier.isUnused)
        #expect(dossier.gaps.contains { $0.contains("no audit log") })
    }

    @Test func `no form of it holds the value`() throws {
        let dossier = try #require(
            SecretDossier("db", in: "shop", Inventory(objects(Self.shop)), isCluster: false))
        for text in [dossier.text, dossier.json, dossier.html] {
            #expect(!text.contains("hunter2"))
            #expect(text.contains("shop"))
        }
        #expect(try DocumentReader.readJSON(SourceText(name: "", bytes: Array(dossier.json.utf8)))["access"].count == 3)
    }

    @Test func `one value in several places is known again, whole or inside an address, and never shown`() throws {
        let text = """
            apiVersion: v1
            kind: Secret
            metadata: {name: db, namespace: shop}
            stringData: {password: kV9x2mQp7LzT, user: app}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: copy, namespace: test}
            data: {pw: a1Y5eDJtUXA3THpU}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: url, namespace: shop}
            stringData: {dsn: "postgres://app:kV9x2mQp7LzT@db/app"}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: open, namespace: shop}
            data: {DB_PASSWORD: kV9x2mQp7LzT, OTHER: app}
            """
        let inventory = Inventory(objects(text))
        let secret = try #require(inventory.objects("Secret").first { $0.name == "db" })
        let places = SameValues(of: secret, key: [UInt8](repeating: 3, count: 32)).places(in: inventory)
        #expect(
            places == [
                "key \"password\": ConfigMap shop/open data.DB_PASSWORD",
                "key \"password\": Secret shop/url, key \"dsn\", inside",
                "key \"password\": Secret test/copy, key \"pw\"",
            ])
        var evidence = SecretDossier.Evidence()
        evidence.sameValue = places
        let dossier = try #require(
            SecretDossier("db", in: "shop", inventory, isCluster: false, evidence: evidence))
        #expect(dossier.text.contains("Where the same value stands"))
        #expect(![dossier.text, dossier.json, dossier.html].contains { $0.contains("kV9x2mQp7LzT") })
    }

    @Test func `a page escapes what comes from outside`() throws {
        let text = Self.shop.replacing("name: ada", with: "name: \"<script>x</script>\"")
        let dossier = try #require(SecretDossier("db", in: "shop", Inventory(objects(text)), isCluster: false))
        #expect(!dossier.html.contains("<script>"))
        #expect(dossier.html.contains("&lt;script&gt;"))
    }

    @Test func `a Secret that nothing names has no dossier, one that is only named has`() throws {
        let inventory = Inventory(objects(Self.shop).filter { $0.kind != "Secret" })
        #expect(SecretDossier("none", in: "shop", inventory, isCluster: false) == nil)
        let named = try #require(SecretDossier("db", in: "shop", inventory, isCluster: false))
        #expect(!named.isSeen)
    }
}
