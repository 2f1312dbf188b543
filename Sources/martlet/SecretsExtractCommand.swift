import ArgumentParser
import Documents
import Findings
import Kubernetes
import Posture

struct SecretsExtractCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract",
        abstract: "How each value in plain sight becomes a Secret, step by step, with the way back.",
        discussion: """
              martlet secrets extract deploy/                     every value of a variable or a ConfigMap
              martlet secrets extract deploy/ --object Deployment/shop/api
              martlet secrets extract deploy/ --store vault --remote-key shop/db
              martlet secrets extract --cluster -n shop

            Nothing is changed and no value is shown: the commands carry it from where it stands to where it belongs.
            Every plan was tried on a copy. A value that was readable once is to be rotated all the same.
            Exit codes: 0 every value has a plan or none was found, 1 some have none, 2 unreadable input.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    @OptionGroup var target: TargetOptions

    @Option(help: ArgumentHelp("Only of this object.", valueName: "Kind/namespace/name"))
    var object: String?

    @Option(help: ArgumentHelp("Only this field, as reports write it.", valueName: "path"))
    var field: String?

    @Option(help: ArgumentHelp("Name of the Secret; else one made of object and variable.", valueName: "name"))
    var name: String?

    @Option(help: ArgumentHelp("Fetch it with the External Secrets Operator from this store.", valueName: "store"))
    var store: String?

    @Option(name: .customLong("store-kind"), help: "SecretStore or ClusterSecretStore.")
    var storeKind = "SecretStore"

    @Option(name: .customLong("remote-key"), help: ArgumentHelp("Where the value is in the store.", valueName: "key"))
    var remoteKey: String?

    @Option(help: ArgumentHelp("The property of the store's entry.", valueName: "name"))
    var property: String?

    @Option(name: [.short, .long], help: "text, json.")
    var output: Format = .text

    func validate() throws {
        if (store == nil) != (remoteKey == nil) { throw ValidationError("--store and --remote-key go together") }
        if !["SecretStore", "ClusterSecretStore"].contains(storeKind) {
            throw ValidationError("--store-kind is SecretStore or ClusterSecretStore, not \"\(storeKind)\"")
        }
    }

    func run() async throws {
        let read = try await target.read()
        let plans = SecretExtraction.all(
            in: read.inventory, isCluster: read.isCluster, destination: destination, name: name
        ) { reference, path in
            (object.map { Self.names($0, reference) } ?? true) && (field.map { $0 == "\(path)" } ?? true)
        }
        read.tellHoles()
        if plans.found == 0, object != nil || field != nil {
            throw Failure(message: "no value in plain sight there; `martlet secrets scan` lists them with their fields")
        }
        switch output {
        case .text: Console.print(SecretExtraction.text(plans))
        case .json: Console.print(SecretExtraction.json(plans))
        }
        try read.failIfUnreadable()
        if !plans.without.isEmpty { throw ExitCode(1) }
    }

    private var destination: SecretExtraction.Destination {
        guard let store, let remoteKey else { return .secret }
        return .external(store: store, storeKind: storeKind, remoteKey: remoteKey, property: property)
    }

    /// `Deployment/shop/api`, `deployment/api`.
    private static func names(_ written: String, _ reference: ObjectReference) -> Bool {
        let parts = written.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0].lowercased() == reference.kind.lowercased() else { return false }
        guard parts.count > 2 else { return parts[1] == reference.name }
        return parts[1] == reference.namespace && parts[2] == reference.name
    }
}
