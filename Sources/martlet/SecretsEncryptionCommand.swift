import ArgumentParser
import Documents
import Kubernetes
import KubernetesClient
import Manifests
import Secrets

struct SecretsEncryptionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encryption",
        abstract: "Whether Secrets are encrypted in etcd: what files say, and what is shown.",
        discussion: """
            Files: an EncryptionConfiguration, an audit policy, or what aws eks describe-cluster, gcloud container \
            clusters describe and az aks show print. With --replaces, whether every stored Secret stays readable when \
            the file takes the place of the old one.

            --prove-encryption asks a cluster for the metadata of each Secret between two readings of the API server's \
            counters, which tell what encryption the stored bytes needed. It needs get on secrets and on /metrics; no \
            value is ever asked for. Shown is how each Secret lies in etcd now. Not shown: that the key is good or kept \
            apart, and what older revisions, snapshots and backups of etcd hold.
            """)

    @Argument(help: "Files to judge.")
    var files: [String] = []

    @Option(
        help: ArgumentHelp(
            "The configuration that the first file replaces; none for a cluster without one.", valueName: "file"))
    var replaces: String?

    @Option(help: "How many API servers there are.")
    var servers = 1

    @Flag(name: .customLong("prove-encryption"), help: "Show for each Secret of the cluster how etcd holds it.")
    var prove = false

    @OptionGroup(title: "Cluster") var connection: ClusterOptions

    @Option(name: [.short, .long], help: "How to write the answer: table, json or csv.")
    var output: RBACOutput.Format = .table

    func validate() throws {
        guard prove || !files.isEmpty else {
            throw ValidationError("name a file, or give --prove-encryption for a cluster")
        }
        if replaces != nil, files.count != 1 { throw ValidationError("--replaces needs exactly one new file") }
    }

    func run() async throws {
        var isWrong = false
        if !files.isEmpty { isWrong = try await judge() }
        if prove { isWrong = try await proveAll() || isWrong }
        if isWrong { throw ExitCode(1) }
    }

    // MARK: Files

    private func judge() async throws -> Bool {
        var rows: [[String]] = []
        for file in files {
            for document in try Self.documents(file) {
                let root = document.root
                if EncryptionConfiguration.isOne(root) {
                    rows += try judge(EncryptionConfiguration(root))
                } else if let cloud = CloudEncryption(root) {
                    rows.append(Self.row(cloud))
                } else if let object = KubernetesObject(root) {
                    let evaluation = SecretManagementEvaluation(Inventory([object]), isCluster: false)
                    let findings = evaluation.evaluate(object).findings.filter { $0.outcome == .fail }
                    guard !findings.isEmpty || object.kind == "Policy" else {
                        throw Failure(
                            message:
                                "\(file): \(object.reference) is no EncryptionConfiguration, no audit policy and no "
                                + "cluster's description")
                    }
                    for finding in findings {
                        rows += finding.evidence.map {
                            [finding.severity.rawValue, finding.rule.id, RBACOutput.place($0.node), $0.message]
                        }
                    }
                } else {
                    throw Failure(message: "\(file): neither an EncryptionConfiguration nor a cluster's description")
                }
            }
        }
        RBACOutput.write(output, ["STATE", "WHAT", "PLACE", "WHY"], rows, empty: "nothing to say against it")
        return rows.contains { $0[0] != "encrypted" && $0[0] != "low" }
    }

    private func judge(_ configuration: EncryptionConfiguration) throws -> [[String]] {
        let assessment = EncryptionAssessment(configuration)
        var rows: [[String]] = []
        if let writes = assessment.writes {
            let state = writes.isEncrypting ? "encrypted" : "plaintext"
            rows.append([state, "new writes of secrets", "", "written by \(writes.name)"])
        }
        let rules = SecretManagementChecks.rules
        for remark in assessment.remarks {
            let id = SecretManagementChecks.ruleID(of: remark.kind)
            let severity = rules.first { $0.id == id }?.severity.rawValue ?? ""
            rows.append([severity, remark.kind.rawValue, RBACOutput.place(remark.node), remark.message])
        }
        if let replaces {
            let old =
                replaces == "none" ? nil : try Self.documents(replaces).first.map { EncryptionConfiguration($0.root) }
            for loss in EncryptionChange(from: old, to: configuration, servers: servers).losses {
                rows.append(["critical", loss.kind.rawValue, RBACOutput.place(loss.node), loss.message])
            }
        }
        return rows
    }

    private static func row(_ cloud: CloudEncryption) -> [String] {
        let note = cloud.note.map { "; \($0)" } ?? ""
        let what = "\(cloud.provider.rawValue) \(cloud.name)"
        switch cloud.layer {
        case .none: return ["plaintext", what, RBACOutput.place(cloud.node), "only the disks are encrypted\(note)"]
        case .providerKey:
            return ["encrypted", what, RBACOutput.place(cloud.node), "by a key of the provider\(note)"]
        case .customerKey(let key):
            return ["encrypted", what, RBACOutput.place(cloud.node), "by your key \(key)\(note)"]
        }
    }

    private static func documents(_ file: String) throws -> [Document] {
        let bytes: [UInt8]
        do {
            bytes = try FileBytes.read(file)
        } catch {
            throw Failure(message: "\(file): \(error.message)")
        }
        let set = DocumentReader.read(SourceText(name: file, bytes: bytes))
        if let problem = set.problems.first(where: { $0.code != .duplicateKey }) {
            throw Failure(message: "\(problem)")
        }
        return set.documents.filter { !$0.root.isNull }
    }

    // MARK: Proof

    private func proveAll() async throws -> Bool {
        do {
            let client = try APIClient(try connection.configuration())
            defer { client.close() }
            let secrets = APIResource(
                group: "", version: "v1", name: "secrets", kind: "Secret", isNamespaced: true, verbs: ["get", "list"])
            var targets: [StorageProver.Target] = []
            _ = try await client.list(secrets, in: connection.namespace, form: .metadata) { event in
                switch event {
                case .restart: targets = []
                case .page(let page):
                    for item in page.items {
                        let metadata = item["metadata"]
                        targets.append(
                            StorageProver.Target(
                                namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? ""))
                    }
                }
            }
            let prover = StorageProver {
                StorageProof.Counters(metrics: try await client.metrics())
            } read: { target in
                try await client.metadata(of: secrets, named: target.name, in: target.namespace) != nil
            }
            let proofs = try await prover.prove(targets)
            RBACOutput.write(
                output, ["NAMESPACE", "SECRET", "STATE", "HOW"], proofs.map(Self.row), empty: "there are no Secrets")
            Console.note(
                "shown: how etcd held each Secret just now. Not shown: the strength and place of the key, older revisions, "
                    + "snapshots and backups.")
            return proofs.contains { if case .encrypted = $0.verdict { false } else { true } }
        } catch let error as ClientError {
            throw Failure(message: error.message)
        }
    }

    private static func row(_ proof: StorageProver.Proof) -> [String] {
        let (state, how) = proof.verdict.words
        return [proof.target.namespace, proof.target.name, state, how]
    }
}
