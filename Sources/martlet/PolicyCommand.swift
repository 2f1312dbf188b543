import ArgumentParser
import Documents
import Kubernetes
import Policies

struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Check, try and test ValidatingAdmissionPolicies as the API server evaluates them.",
        discussion: """
              martlet policy lint policies/                 what does not compile, and what each expression costs
              martlet policy eval 'object.spec.replicas > 2' --object deploy.yaml
              martlet policy test policies/tests.yaml       objects with the verdict they must get
              martlet policy replay policies/ --audit-log audit.log    what they would have refused, of whom
            `martlet scan` judges every object by the bound policies beside it.
            """,
        subcommands: [PolicyLintCommand.self, PolicyEvalCommand.self, PolicyTestCommand.self, PolicyReplayCommand.self])
}

struct PolicyLintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint",
        abstract: "List expressions that do not compile, and the estimated cost of those that do.",
        discussion: """
            The cost is counted in the API server's units: it stops an expression at 1,000,000 and a policy at \
            10,000,000. An upper bound that depends on the size of the input reads "unbounded".
            """)

    @OptionGroup var target: TargetOptions

    func run() async throws {
        let read = try await target.read()
        read.tellHoles()
        var defects = 0
        let policies = read.inventory.objects("ValidatingAdmissionPolicy", of: "admissionregistration.k8s.io")
        for object in policies {
            let policy = ValidatingPolicy(object.node)
            Console.print("\(policy.name)  \(policy.failurePolicy.rawValue)")
            for defect in policy.defects {
                defects += 1
                let place = object.node[defect.path].location.map { "\($0)" } ?? "\(defect.path)"
                Console.print("    \(place): \(defect.message)")
            }
            for validation in policy.validations {
                guard let cost = validation.estimatedCost else { continue }
                let most = cost.most == UInt64.max ? "unbounded" : "\(cost.most)"
                Console.print("    cost \(cost.least) to \(most)  \(validation.expression.prefix(100))")
            }
        }
        let count = policies.count
        Console.print("\(count) \(count == 1 ? "policy" : "policies"), \(defects) not compiling")
        try read.failIfUnreadable()
        if defects > 0 { throw ExitCode(1) }
    }
}

struct PolicyEvalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval", abstract: "Evaluate one expression on objects.",
        discussion: "Prints the value, its type and its cost for each object; without an object the variables are null."
    )

    @Argument(help: "An expression; object, oldObject, params, request and namespaceObject may be named.")
    var expression: String

    @Option(name: .customLong("object"), help: "A file with objects; - for standard input.")
    var object: String?

    @Option(name: .customLong("params"), help: "A file with the parameters.")
    var parameters: String?

    func run() async throws {
        var environment = CELEnvironment.kubernetes
        for name in ["object", "oldObject", "params", "request", "namespaceObject"] {
            environment.variables[name] = .dyn
        }
        let checked: CELChecked
        do throws(CELIssues) {
            checked = try environment.check(expression)
        } catch {
            throw Failure(message: error.all.map { "column \($0.offset + 1): \($0.message)" }.joined(separator: "\n"))
        }
        let program: CELProgram
        do throws(CELError) {
            program = try CELProgram(checked, in: environment)
        } catch {
            throw Failure(message: error.message)
        }
        let params = try parameters.map { try Self.objects($0).first.map { CELValue($0.node) } ?? .null } ?? .null
        let objects = try object.map(Self.objects) ?? []
        let inputs = objects.isEmpty ? [("", CELValue.null)] : objects.map { ("\($0.reference)  ", CELValue($0.node)) }
        var isFailure = false
        for (name, value) in inputs {
            let result = program.evaluate(["object": value, "params": params])
            if case .error(let error) = result.value {
                isFailure = true
                Console.print("\(name)error: \(error.message)  cost \(result.cost)")
            } else {
                Console.print("\(name)\(result.value.plainText)  \(program.type)  cost \(result.cost)")
            }
        }
        if isFailure { throw ExitCode(1) }
    }

    static func objects(_ path: String) throws -> [KubernetesObject] {
        let documents = DocumentReader.read(SourceText(name: path, bytes: try InputFile.read(path)))
        if let problem = documents.problems.first { throw Failure(message: "\(path): \(problem.message)") }
        return documents.documents.flatMap { KubernetesObject.objects(in: $0).objects }
    }
}

struct PolicyTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Hold policies to objects with the verdict they must get.",
        discussion: """
            A file of tests names its policies, beside itself, and lists cases:
              policies: [replicas.yaml]
              cases:
              - name: one replica is too few
                policy: replica-limit
                object: {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 1}}
                expect: fail                 # pass, fail, skip or error
                message: at least two        # optional: a part of the message
            An error of evaluation is no denial: a case that expects fail and meets an error does not hold.
            """)

    @Argument(help: "Files of tests.") var files: [String]

    @Flag(help: "Change each policy in one place after the other, and say which changes no case notices.")
    var mutate = false

    @Flag(help: "Say what the expressions of each case cost, in the API server's units.")
    var cost = false

    func run() async throws {
        var failed = 0
        var count = 0
        var survivors = 0
        for file in files {
            let read = DocumentReader.read(SourceText(name: file, bytes: try InputFile.read(file)))
            if let problem = read.problems.first { throw Failure(message: "\(file): \(problem.message)") }
            guard let root = read.documents.first?.root else { throw Failure(message: "\(file): holds no tests") }
            let folder = file.contains("/") ? String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)]) + "/" : ""
            var policies: [String: ValidatingPolicy] = [:]
            var sources: [Node] = []
            for path in root["policies"].strings {
                for object in try PolicyEvalCommand.objects(path.hasPrefix("/") ? path : folder + path)
                where object.kind == "ValidatingAdmissionPolicy" {
                    policies[object.name] = ValidatingPolicy(object.node)
                    sources.append(object.node)
                }
            }
            guard !policies.isEmpty else { throw Failure(message: "\(file): \"policies\" names no policy to test") }
            guard !root["cases"].isEmpty else { throw Failure(message: "\(file): holds no tests; \"cases\" is empty") }
            for test in root["cases"].elements {
                count += 1
                let name = test["name"].string ?? "case \(count)"
                if cost, let spent = decision(test, policies)?.cost {
                    Console.print("  cost \(spent) of \(ValidatingPolicy.costBudget): \(name)")
                }
                if let problem = problem(test, policies) {
                    failed += 1
                    Console.print("✖ \(name)\n    \(test.location.map { "\($0): " } ?? "")\(problem)")
                } else {
                    Console.print("✔ \(name)")
                }
            }
            if mutate, failed == 0 { survivors += survive(sources, policies, root) }
        }
        Console.print("\(count - failed) of \(count) hold")
        if failed > 0 || survivors > 0 { throw ExitCode(1) }
    }

    /// How many changes of the policies no case notices; each is told.
    private func survive(_ sources: [Node], _ policies: [String: ValidatingPolicy], _ root: Node) -> Int {
        var survivors = 0
        var tried = 0
        for source in sources {
            for mutation in PolicyMutation.all(of: source) {
                tried += 1
                var changed = policies
                changed[mutation.policy.name] = mutation.policy
                if root["cases"].elements.contains(where: { problem($0, changed) != nil }) { continue }
                survivors += 1
                Console.print("no case notices: \(mutation.policy.name) \(mutation.path)\n    \(mutation.after)")
            }
        }
        Console.print("\(tried - survivors) of \(tried) changes are noticed")
        return survivors
    }

    private func decision(_ test: Node, _ policies: [String: ValidatingPolicy]) -> ValidatingPolicy.Decision? {
        let name = test["policy"].string ?? (policies.count == 1 ? policies.keys.first ?? "" : "")
        guard let policy = policies[name] else { return nil }
        var stored = CELValue(test["object"])
        if let object = KubernetesObject(test["object"].asRoot) { stored = CELValue(object.defaulted().node) }
        return policy.decide(
            AdmissionInput(
                object: stored, oldObject: CELValue(test["oldObject"]), params: CELValue(test["params"]),
                namespaceObject: CELValue(test["namespace"]), request: CELValue(test["request"])))
    }

    private func problem(_ test: Node, _ policies: [String: ValidatingPolicy]) -> String? {
        let name = test["policy"].string ?? (policies.count == 1 ? policies.keys.first ?? "" : "")
        guard let policy = policies[name] else { return "no policy \"\(name)\" in the files named" }
        if let defect = policy.defects.first { return "\(defect.path): \(defect.message)" }
        guard let decision = self.decision(test, policies) else { return "no policy \"\(name)\" in the files named" }
        let wanted = test["expect"].string ?? "pass"
        let messages = decision.denials.map(\.message)
        guard "\(decision.verdict)" == wanted else {
            return "\(decision.verdict) instead of \(wanted)" + messages.map { "; \($0)" }.joined()
        }
        if let part = test["message"].string, !messages.contains(where: { $0.contains(part) }) {
            return "no message says \"\(part)\": \(messages.joined(separator: "; "))"
        }
        return nil
    }
}
