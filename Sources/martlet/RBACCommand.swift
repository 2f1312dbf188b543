import ArgumentParser
import Documents
import Findings
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
              martlet rbac rules-for system:serviceaccount:shop:api dump.yaml -o json
              martlet rbac subjects deploy/
              martlet rbac diff before/ after/
              martlet rbac diff deploy/ --patch change.yaml
              martlet rbac escalation --cluster --to cluster-admin --all
              martlet rbac escalation deploy/ --cuts --picture paths.svg
              martlet rbac right-size --cluster --audit-log audit.log.gz --diff

            Without files the cluster of the current context is read.
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

    @OptionGroup(title: "Cluster") var connection: ConnectionOptions

    @Option(name: [.short, .long], help: "How to write the answer: table, json or csv.")
    var output: RBACOutput.Format = .table

    private var namesCluster: Bool { cluster || connection.context != nil || connection.kubeconfig != nil }

    func validate() throws {
        if namesCluster, !paths.isEmpty { throw ValidationError("name files or a cluster, not both") }
    }

    /// Everything that was read. What could not be is told on the error side, and fails the command at its end.
    ///
    /// Without files the cluster of the current context is meant.
    func read(_ more: [String] = []) async throws -> RBACInput {
        let paths = paths + more
        if namesCluster, !paths.isEmpty { throw ValidationError("name files or a cluster, not both") }
        return paths.isEmpty ? try await RBACInput(connection.flags) : await RBACInput(paths)
    }
}

/// Files named without a flag, where no other words stand.
struct RBACPathOptions: ParsableArguments {
    @Argument(
        help: "Files and folders with roles and bindings, as with -f.",
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var paths: [String] = []
}

/// What was read, and what was not.
struct RBACInput {
    var objects: [KubernetesObject] = []
    var problems: [Problem] = []
    /// Kinds that could not be listed.
    var unlistedKinds: Set<String> = []
    var isCluster = false
    /// Minor version of the cluster's API server.
    var minor: Int?
    private var names: [APIResource] = []

    init(_ paths: [String]) async {
        let set = await ManifestReader().read(paths)
        objects = set.objects
        problems = set.problems.map(Problem.init)
    }

    init(_ flags: KubeconfigFlags) async throws {
        isCluster = true
        do {
            let wanted: Set<String> = [
                "roles", "rolebindings", "clusterroles", "clusterrolebindings", "serviceaccounts", "namespaces", "pods",
                "nodes", "replicasets", "jobs", "cronjobs",
            ]
            let resources = ResourceSet(
                ResourceSet.standard.entries.filter { $0.isBuiltIn && wanted.contains($0.name) })
            let reader = try ClusterReader(try ClientConfiguration.here(flags), set: resources)
            defer { reader.client.close() }
            let snapshot = try await reader.read()
            names = try await reader.client.discover().preferred
            let inventory = snapshot.inventory
            objects = inventory.keys.compactMap { inventory[$0] }
            problems = snapshot.gaps.map(Problem.init)
            unlistedKinds = snapshot.gaps.unlistedKinds
            minor = snapshot.version.split(separator: ".").dropFirst().first.flatMap {
                Int($0.prefix(while: \.isNumber))
            }
        } catch let error as ClientError {
            throw Failure(message: error.message)
        }
    }

    /// Among files Kubernetes' own roles are there all the same; what the files say of them counts.
    var model: AccessModel { AccessModel(isCluster ? objects : bootstrap.objects + objects) }

    /// What Kubernetes makes itself in the version that was read.
    var bootstrap: BootstrapPolicy { BootstrapPolicy.of(minor: version) }

    /// Minor version: the server's, or that of the newest kubelet among the objects.
    var version: Int? { minor ?? BootstrapPolicy.minor(of: objects) }

    var accounts: [ServiceAccountName] {
        objects.filter { $0.is("ServiceAccount") }.map { ServiceAccountName(namespace: $0.namespace, name: $0.name) }
    }

    /// The words that mean something here.
    var resourceNames: ResourceNames {
        var out = ResourceNames(objects)
        for resource in names {
            out.add(
                group: resource.group, plural: resource.name,
                others: resource.otherNames + [resource.kind.lowercased()],
                isNamespaced: resource.isNamespaced)
        }
        return out
    }

    /// Kinds that decide who may do what and were not listed, for a sentence; nil where all were.
    var hole: String? { hole(of: ["ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding"]) }

    /// The same for paths, which lead over pods, nodes and accounts too.
    var pathHole: String? {
        hole(of: ["ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding", "Pod", "Node", "ServiceAccount"])
    }

    private func hole(of kinds: [String]) -> String? {
        let missing = kinds.filter(unlistedKinds.contains)
        return missing.isEmpty ? nil : "\(missing.joined(separator: ", ")) objects could not be listed"
    }

    /// What to say where nothing was found: not that there is nothing, where a part was not seen.
    func nothing(_ text: String) -> String { nothing(text, hole: hole) }
    func nothing(_ text: String, hole: String?) -> String { hole.map { "not observable: \($0)" } ?? text }

    /// Tells what is missing, and ends with 3 when something is: an answer with a hole in it is no whole answer.
    func finish() throws {
        if let note = BootstrapPolicy.note(minor: version) { Console.note("martlet: \(note)") }
        for problem in problems {
            Console.note("martlet: \(problem.location.map { "\($0): " } ?? "")\(problem.message)")
        }
        if problems.contains(where: { $0.kind != .warning }) { throw ExitCode(3) }
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
        let request = question.request(read.resourceNames)
        var rows: [[String]] = []
        for (subject, grants) in read.model.whoCan(request) {
            for grant in grants { rows.append([subject.description] + RBACOutput.chain(grant)) }
        }
        RBACOutput.write(
            input.output, ["SUBJECT", "BINDING", "ROLE", "RULE", "PLACE"], rows,
            empty: read.nothing("nobody but system:masters may \(request)"), hole: read.hole)
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
        let request = question.request(read.resourceNames)
        let nodes = NodeAuthorizer(
            NodeGraph(read.objects), features: read.version.map { .init(minor: $0) } ?? .init(),
            fixedRules: read.bootstrap.rules(of: RoleReference(.clusterRole, "system:node")))
        var decision = read.model.decide(identity, request)
        if !decision.isAllowed, nodes.allows(identity, request) { decision = .node }
        // A no is none where a binding that would say yes may not have been seen.
        var row = [decision.isAllowed ? "yes" : read.hole == nil ? "no" : "not observable"]
        switch decision {
        case .masters: row += ["", "", "a member of system:masters", ""]
        case .node: row += ["", "", "the Node authorizer allows it", ""]
        case .granted(let grant): row += RBACOutput.chain(grant)
        case .denied(let missing):
            let text = missing.isEmpty ? "" : "bound to roles that are not there: "
            row += ["", "", text + missing.map(\.description).joined(separator: ", "), ""]
        }
        RBACOutput.write(
            input.output, ["ALLOWED", "BINDING", "ROLE", "RULE", "PLACE"], [row], empty: "", hole: read.hole)
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

    @OptionGroup var files: RBACPathOptions

    @Option(name: .customLong("as-group"), help: "Group the subject is in; may be repeated.")
    var groups: [String] = []

    @Option(
        name: [.short, .long], help: "Only this namespace; otherwise cluster-wide and every namespace with rights.")
    var namespace: String?

    func run() async throws {
        let read = try await input.read(files.paths)
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
            input.output, ["NAMESPACE", "BINDING", "ROLE", "RULE", "PLACE"], rows,
            empty: read.nothing("\(subject) holds nothing"), hole: read.hole)
        try read.finish()
    }
}

struct RBACSubjectsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subjects", abstract: "Everybody a binding names, and what they are bound to.")

    @OptionGroup var input: RBACInputOptions
    @OptionGroup var files: RBACPathOptions

    @Flag(help: "Those too that Kubernetes' own bindings name, unchanged.")
    var system = false

    func run() async throws {
        let read = try await input.read(files.paths)
        let model = read.model
        let bootstrap = read.bootstrap
        var rows: [[String]] = []
        var own = 0
        for subject in model.subjects {
            for (binding, role) in model.bindings(of: subject) {
                if !system, bootstrap.subjectsSoFar(of: binding.reference, to: role).contains(subject) {
                    own += 1
                    continue
                }
                let place = binding.kind == "ClusterRoleBinding" ? "*" : binding.namespace
                rows.append([
                    subject.description, place, binding.reference.description,
                    role.description + (model.rules(of: role) == nil ? " (missing)" : ""),
                    RBACOutput.place(binding.node),
                ])
            }
        }
        RBACOutput.write(
            input.output, ["SUBJECT", "NAMESPACE", "BINDING", "ROLE", "PLACE"], rows,
            empty: read.nothing("no binding names anybody"), hole: read.hole)
        if own > 0 { Console.note("\(own) entries of Kubernetes' own bindings are left out; --system shows them") }
        try read.finish()
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

    func request(_ names: ResourceNames) -> AccessRequest {
        if resource.hasPrefix("/") { return AccessRequest(verb, path: resource) }
        let parsed = names.parse(resource)
        let place = names.isClusterScoped(parsed.resource, in: parsed.group) ? "" : namespace
        return AccessRequest(
            verb,
            AccessRequest.Resource(
                group: parsed.group, parsed.resource, subresource: parsed.subresource, name: name, namespace: place))
    }
}
