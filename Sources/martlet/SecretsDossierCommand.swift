import ArgumentParser
import Documents
import FoundationEssentials
import Kubernetes
import KubernetesClient
import Manifests
import Posture
import Secrets

struct SecretsDossierCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dossier", abstract: "All that is known of a Secret but its value.",
        discussion: """
            Who can read it, directly and by a step aside; what uses it and how; who did read it (--audit-log); when it \
            was written and how that is known; whether etcd holds it encrypted (--prove-encryption); what its manager \
            tells (--ask-manager, with the credentials of this environment); where the same value stands elsewhere, \
            which files tell and a cluster only with --compare-values. Without a name, one line for each Secret.

              martlet secrets dossier db -n shop --cluster --audit-log audit.log -o html > db.html
              martlet secrets dossier -f deploy/
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, html }

    @Argument(help: "Name of the Secret.")
    var name: String?

    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .upToNextOption,
        help: "Files and folders to look at; - for standard input.")
    var paths: [String] = []

    @Flag(help: "Look at the cluster of the current context.")
    var cluster = false

    @OptionGroup(title: "Cluster") var connection: ClusterOptions

    @Option(name: .customLong("audit-log"), parsing: .upToNextOption, help: "Audit logs.")
    var logs: [String] = []

    @Flag(name: .customLong("prove-encryption"), help: "Show how etcd holds it, by the API server's counters.")
    var prove = false

    @Flag(name: .customLong("ask-manager"), help: "Ask the secret manager behind it for versions and times.")
    var asksManager = false

    @Flag(
        name: .customLong("compare-values"),
        help: "Read the cluster's Secrets with their values, and say where one stands twice; none is shown or kept.")
    var comparesValues = false

    @Option(name: .customLong("rotation-days"), help: "Days after which a Secret must have been written anew.")
    var rotationDays: Int?

    @Option(name: [.short, .long], help: "How to write it: text, json or html.")
    var output: Format = .text

    func validate() throws {
        guard cluster != !paths.isEmpty else { throw ValidationError("say where to look: -f FILE... or --cluster") }
        if prove, !cluster { throw ValidationError("--prove-encryption needs --cluster") }
        if comparesValues, !cluster {
            throw ValidationError("--compare-values needs --cluster; files are compared always")
        }
    }

    private static let secrets = APIResource(
        group: "", version: "v1", name: "secrets", kind: "Secret", isNamespaced: true, verbs: ["get", "list"])

    func run() async throws {
        do {
            try await look()
        } catch let error as ClientError {
            throw Failure(message: error.message)
        }
    }

    private func look() async throws {
        var evidence = SecretDossier.Evidence()
        if !logs.isEmpty {
            var audit = SecretAudit()
            for log in logs { try LogFile.audit(log).read(into: &audit) }
            evidence.audit = audit
        }
        let (inventory, client) = try await read()
        defer { client?.close() }
        let now = EventTime(Date().formatted(.iso8601))
        let policy = SecretPolicy(rotationDays: rotationDays)
        guard let name else { return list(inventory, policy, now) }
        let namespaces = connection.namespace.map { [$0] } ?? Self.namespaces(of: name, inventory)
        guard let namespace = namespaces.first else {
            throw Failure(message: "nothing names a Secret \"\(name)\"", code: 1)
        }
        guard namespaces.count == 1 else {
            throw Failure(message: "\(name) is in \(namespaces.joined(separator: ", ")); name one with -n")
        }
        if let client { try await ask(client, name, namespace, &evidence) }
        let reference = ObjectReference(group: "", kind: "Secret", namespace: namespace, name: name)
        if !cluster || comparesValues, let secret = inventory[ObjectKey(reference)] {
            var random = SystemRandomNumberGenerator()
            let same = SameValues(of: secret, key: (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
            if same.hasValues { evidence.sameValue = same.places(in: inventory) }
        }
        if asksManager { evidence.manager = await ManagerEvidence().lines(for: reference, in: inventory) }
        guard
            let dossier = SecretDossier(
                name, in: namespace, inventory, isCluster: cluster, evidence: evidence, policy: policy, now: now)
        else { throw Failure(message: "nothing in \(namespace) names a Secret \"\(name)\"", code: 1) }
        switch output {
        case .text: Console.print(dossier.text)
        case .json: Console.print(dossier.json)
        case .html: Console.print(dossier.html)
        }
    }

    private func read() async throws -> (Inventory, APIClient?) {
        guard cluster else {
            let set = await ManifestReader().read(paths)
            for problem in set.problems { Console.error("\(problem)") }
            return (Inventory(set.objects), nil)
        }
        let configuration = try connection.configuration()
        let reader = try ClusterReader(
            configuration, set: .standard + (comparesValues ? .configMaps + .secretValues : .secretMetadata))
        let snapshot = try await reader.read()
        for gap in snapshot.gaps { Console.error(gap.message) }
        return (snapshot.inventory, reader.client)
    }

    private func ask(
        _ client: APIClient, _ name: String, _ namespace: String, _ evidence: inout SecretDossier.Evidence
    ) async throws {
        do {
            if let node = try await client.metadata(of: Self.secrets, named: name, in: namespace) {
                evidence.metadata = KubernetesObject(node, apiVersion: "v1", kind: "Secret")
            }
        } catch let error as ClientError where error.code == .forbidden {
            Console.error(error.message)
        }
        guard prove else { return }
        let prover = StorageProver {
            StorageProof.Counters(metrics: try await client.metrics())
        } read: { target in
            try await client.metadata(of: Self.secrets, named: target.name, in: target.namespace) != nil
        }
        evidence.proof = try await prover.prove([.init(namespace: namespace, name: name)]).first?.verdict
    }

    /// Namespaces in which a Secret of this name is, or is named.
    private static func namespaces(of name: String, _ inventory: Inventory) -> [String] {
        let seen = inventory.objects("Secret").filter { $0.name == name }.map(\.namespace)
        if !seen.isEmpty { return Set(seen).sorted() }
        let context = SecretContext(inventory, isCluster: false)
        let all = Set(inventory.keys.map(\.reference.namespace))
        return all.filter {
            !context.users(of: name, in: $0).isEmpty || context.maker(of: name, in: $0) != nil
        }.sorted()
    }

    private func list(_ inventory: Inventory, _ policy: SecretPolicy, _ now: EventTime) {
        let context = SecretContext(inventory, isCluster: cluster, policy: policy, now: now)
        var rows: [[String]] = []
        for object in inventory.objects("Secret", in: connection.namespace) {
            let users = Set(context.users(of: object.name, in: object.namespace).map(\.workload))
            let written = WriteEvidence(object).lastWrite
            rows.append([
                object.namespace, object.name, object.node["type"].string ?? "", "\(users.count)",
                context.maker(of: object.name, in: object.namespace)?.description ?? "",
                written.map { "\($0.time) (\($0.what))" } ?? "",
            ])
        }
        RBACOutput.write(
            output == .json ? .json : .table, ["NAMESPACE", "SECRET", "TYPE", "USERS", "MADE-BY", "LAST-KNOWN-WRITE"],
            rows, empty: "there are no Secrets")
    }
}
