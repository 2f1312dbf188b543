import ArgumentParser
import Documents
import Kubernetes
import KubernetesClient
import Manifests
import RBAC

struct RBACCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rbac", abstract: "Who may do what, and why.",
        discussion: """
              martlet rbac who-can get secrets -n shop --cluster
              martlet rbac can-i create pods/exec -n shop --as system:serviceaccount:shop:api -f rbac/
              martlet rbac rules-for system:serviceaccount:shop:api -f dump.yaml -o json
              martlet rbac diff before/ after/
            """,
        subcommands: [
            RBACWhoCanCommand.self, RBACCanICommand.self, RBACRulesForCommand.self, RBACSubjectsCommand.self,
            RBACDiffCommand.self, RBACEscalationCommand.self, RBACRightSizeCommand.self,
        ])
}

/// Where roles and bindings come from, and how answers are written.
struct RBACInputOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .upToNextOption,
        help: "Files and folders with roles and bindings; - for standard input.")
    var paths: [String] = []

    @Flag(help: "Read the cluster of the current context instead of files.")
    var cluster = false

    @Option(help: "Path of the kubeconfig; otherwise $KUBECONFIG, then ~/.kube/config.")
    var kubeconfig: String?

    @Option(help: "Context of the kubeconfig.")
    var context: String?

    @Option(name: [.short, .long], help: "How to write the answer: table, json or csv.")
    var output: RBACOutput.Format = .table

    func validate() throws {
        guard cluster != !paths.isEmpty else {
            throw ValidationError("say where to read: -f FILE... or --cluster")
        }
    }

    /// Everything that was read. What could not be is told on the error side, and fails the command at its end.
    func read() async throws -> RBACInput {
        if cluster { return try await readCluster() }
        return await Self.read(paths)
    }

    static func read(_ paths: [String]) async -> RBACInput {
        let set = await ManifestReader().read(paths)
        return RBACInput(objects: set.objects, problems: set.problems.map { "\($0)" })
    }

    private func readCluster() async throws -> RBACInput {
        var flags = KubeconfigFlags()
        flags.kubeconfig = kubeconfig
        flags.context = context
        do {
            let wanted: Set<String> = [
                "roles", "rolebindings", "clusterroles", "clusterrolebindings", "serviceaccounts", "namespaces", "pods",
            ]
            let resources = ResourceSet(
                ResourceSet.standard.entries.filter { $0.isBuiltIn && wanted.contains($0.name) })
            let reader = try ClusterReader(try ClientConfiguration.here(flags), set: resources)
            let snapshot = try await reader.read()
            reader.client.close()
            let inventory = snapshot.inventory
            return RBACInput(
                objects: inventory.keys.compactMap { inventory[$0] }, problems: snapshot.gaps.map { "\($0)" })
        } catch let error as ClientError {
            throw Failure(message: error.message)
        }
    }
}

/// What was read, and what was not.
struct RBACInput {
    var objects: [KubernetesObject]
    var problems: [String]

    var model: AccessModel { AccessModel(objects) }

    /// Tells what is missing, and ends with 3 when something is: an answer with a hole in it is no whole answer.
    func finish() throws {
        for problem in problems { Console.error(problem) }
        if !problems.isEmpty { throw ExitCode(3) }
    }
}

struct RBACWhoCanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "who-can",
        abstract: "Everybody who may do something, with the binding, role and rule that lets them.")

    @OptionGroup var input: RBACInputOptions
    @OptionGroup var question: RBACQuestionOptions

    func run() async throws {
        let read = try await input.read()
        let request = question.request
        var rows: [[String]] = []
        for (subject, grants) in read.model.whoCan(request) {
            for grant in grants { rows.append([subject.description] + RBACOutput.chain(grant)) }
        }
        RBACOutput.write(
            input.output, ["SUBJECT", "BINDING", "ROLE", "RULE", "PLACE"], rows,
            empty: "nobody but system:masters may \(request)")
        try read.finish()
    }
}

struct RBACCanICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "can-i", abstract: "Whether somebody may do something, and why. Exit code 0 for yes, 1 for no.")

    @OptionGroup var input: RBACInputOptions
    @OptionGroup var question: RBACQuestionOptions

    @Option(name: .customLong("as"), help: "User name, or system:serviceaccount:NAMESPACE:NAME.")
    var user: String

    @Option(
        name: .customLong("as-group"),
        help: "Group; may be repeated. Without any, those that authentication always gives.")
    var groups: [String] = []

    func run() async throws {
        let read = try await input.read()
        let identity = groups.isEmpty ? Identity.named(user) : Identity(user: user, groups: groups)
        let request = question.request
        let nodes = NodeAuthorizer(NodeGraph(read.objects))
        var decision = read.model.decide(identity, request)
        if !decision.isAllowed, nodes.allows(identity, request) { decision = .node }
        var row = [decision.isAllowed ? "yes" : "no"]
        switch decision {
        case .masters: row += ["", "", "a member of system:masters", ""]
        case .node: row += ["", "", "the Node authorizer allows it", ""]
        case .granted(let grant): row += RBACOutput.chain(grant)
        case .denied(let missing):
            let text = missing.isEmpty ? "" : "bound to roles that are not there: "
            row += ["", "", text + missing.map(\.description).joined(separator: ", "), ""]
        }
        RBACOutput.write(input.output, ["ALLOWED", "BINDING", "ROLE", "RULE", "PLACE"], [row], empty: "")
        try read.finish()
        if !decision.isAllowed { throw ExitCode(1) }
    }
}

struct RBACRulesForCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules-for", abstract: "Every rule somebody holds, with the binding and role it comes from.")

    @OptionGroup var input: RBACInputOptions

    @Argument(help: "User name, or system:serviceaccount:NAMESPACE:NAME; a group with group:NAME.")
    var subject: String

    @Option(name: .customLong("as-group"), help: "Group the subject is in; may be repeated.")
    var groups: [String] = []

    @Option(
        name: [.short, .long], help: "Only this namespace; otherwise cluster-wide and every namespace with rights.")
    var namespace: String?

    func run() async throws {
        let read = try await input.read()
        let model = read.model
        var identity = Identity.named(subject)
        if subject.hasPrefix("group:") { identity = Identity(user: "", groups: [String(subject.dropFirst(6))]) }
        identity.groups += groups
        var rows: [[String]] = []
        for place in namespace.map({ [$0] }) ?? [""] + model.namespaces(of: identity) {
            for grant in model.grants(of: identity, in: place) {
                let isWide = grant.binding.kind == "ClusterRoleBinding"
                if isWide, !place.isEmpty, namespace == nil { continue }
                rows.append([isWide ? "*" : place] + RBACOutput.chain(grant))
            }
        }
        RBACOutput.write(
            input.output, ["NAMESPACE", "BINDING", "ROLE", "RULE", "PLACE"], rows, empty: "\(subject) holds nothing")
        try read.finish()
    }
}

struct RBACSubjectsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subjects", abstract: "Everybody a binding names, and what they are bound to.")

    @OptionGroup var input: RBACInputOptions

    func run() async throws {
        let read = try await input.read()
        let model = read.model
        var rows: [[String]] = []
        for subject in model.subjects {
            for (binding, role) in model.bindings(of: subject) {
                let place = binding.kind == "ClusterRoleBinding" ? "*" : binding.namespace
                rows.append([
                    subject.description, place, binding.reference.description,
                    role.description + (model.rules(of: role) == nil ? " (missing)" : ""),
                    RBACOutput.place(binding.node),
                ])
            }
        }
        RBACOutput.write(
            input.output, ["SUBJECT", "NAMESPACE", "BINDING", "ROLE", "PLACE"], rows, empty: "no binding names anybody")
        try read.finish()
    }
}

struct RBACDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Who gains or loses what between two states. Exit code 1 when somebody does.",
        discussion: "Each state is a file or folder, or context:NAME for a cluster.")

    @Argument(help: "The state before.")
    var before: String

    @Argument(help: "The state after.")
    var after: String

    @Option(name: [.short, .long], help: "How to write the answer: table, json or csv.")
    var output: RBACOutput.Format = .table

    func run() async throws {
        let old = try await Self.read(before)
        let new = try await Self.read(after)
        var rows: [[String]] = []
        for change in AccessDiff(from: old.model, to: new.model).changes {
            let place = change.namespace.isEmpty ? "*" : change.namespace
            for rule in change.gained { rows.append(["gains", change.subject.description, place, "\(rule)"]) }
            for rule in change.lost { rows.append(["loses", change.subject.description, place, "\(rule)"]) }
        }
        RBACOutput.write(
            output, ["CHANGE", "SUBJECT", "NAMESPACE", "RULE"], rows, empty: "nobody gains or loses anything")
        try RBACInput(objects: [], problems: old.problems + new.problems).finish()
        if !rows.isEmpty { throw ExitCode(1) }
    }

    private static func read(_ state: String) async throws -> RBACInput {
        guard state.hasPrefix("context:") else { return await RBACInputOptions.read([state]) }
        var options = try RBACInputOptions.parse(["--cluster"])
        options.context = String(state.dropFirst("context:".count))
        return try await options.read()
    }
}

/// What is asked.
struct RBACQuestionOptions: ParsableArguments {
    @Argument(help: "get, list, watch, create, update, patch, delete, deletecollection, bind, escalate, ...")
    var verb: String

    @Argument(help: "RESOURCE, RESOURCE/SUBRESOURCE, RESOURCE.GROUP, or a path such as /metrics.")
    var resource: String

    @Argument(help: "Name of one object.")
    var name: String = ""

    @Option(name: [.short, .long], help: "Namespace; without it, all of them.")
    var namespace: String = ""

    var request: AccessRequest {
        if resource.hasPrefix("/") { return AccessRequest(verb, path: resource) }
        let parsed = ResourceNames.parse(resource)
        let place = ResourceNames.isClusterScoped(parsed.resource) ? "" : namespace
        return AccessRequest(
            verb,
            AccessRequest.Resource(
                group: parsed.group, parsed.resource, subresource: parsed.subresource, name: name, namespace: place))
    }
}
