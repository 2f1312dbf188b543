import Documents
import Foundation
import Kubernetes
import RBAC

extension ConformanceSuite {
    static let rbac = ConformanceSuite(
        name: "rbac",
        files: [
            ConformanceFile(name: "sar") { try reviews($0, "sar") },
            ConformanceFile(name: "whocan", run: whoCan),
            ConformanceFile(name: "rules", run: ruleListings),
            ConformanceFile(name: "aggregation", run: submittedRoles),
            ConformanceFile(name: "large") { try reviews($0, "large") },
            ConformanceFile(name: "grants", run: grants),
            ConformanceFile(name: "impersonation", run: impersonation),
            ConformanceFile(name: "node-authz", run: nodes),
            ConformanceFile(name: "escalation", run: escalation),
            ConformanceFile(name: "pod-escape", run: podEscapes),
            ConformanceFile(name: "audit.replay", run: auditReplay),
            ConformanceFile(name: "audit.unused-bindings", run: auditUnusedBindings),
            ConformanceFile(name: "audit.excess", run: auditExcess),
            ConformanceFile(name: "audit.removed", run: auditRemoved),
            ConformanceFile(name: "audit.rules", run: auditRules),
        ] + rbacVectors)

    // MARK: Reading

    static func model(_ folder: ConformanceFolder, _ file: String, _ aggregation: AccessModel.Aggregation = .stored)
        throws -> AccessModel
    {
        AccessModel(try folder.objects(file), aggregation: aggregation)
    }

    static func identity(_ node: Node) -> Identity {
        Identity(user: node["user"].string ?? "", groups: node["groups"].strings)
    }

    static func request(_ line: Node) -> AccessRequest {
        if line["nonResource"].exists {
            return AccessRequest(
                line["nonResource"]["verb"].string ?? "", path: line["nonResource"]["path"].string ?? "")
        }
        let node = line["resource"]
        func text(_ key: String) -> String { node[key].string ?? "" }
        var request = AccessRequest(
            text("verb"),
            AccessRequest.Resource(
                group: text("group"), text("resource"), subresource: text("subresource"), name: text("name"),
                namespace: text("namespace")))
        for requirement in node["fieldSelector"]["requirements"].elements
        where requirement["operator"].equals("In") && requirement["values"].count == 1 {
            request.fieldSelector.append(
                .init(requirement["key"].string ?? "", requirement["values"][0].string ?? ""))
        }
        return request
    }

    static func rules(_ node: Node) -> [PolicyRule] { node.elements.map { PolicyRule($0) } }

    // MARK: Suites

    /// SubjectAccessReviews of every world of a folder.
    private static func reviews(_ folder: ConformanceFolder, _ part: String) throws -> Agreement {
        var agreement = Agreement()
        for world in try folder.files(part, suffix: ".sar.jsonl.gz") {
            let model = try model(folder, "\(world).objects.jsonl.gz")
            let subjects = try folder.linesIfThere("\(world).subjects.jsonl.gz").map(identity)
            for (number, line) in try folder.gzipLines("\(world).sar.jsonl.gz").enumerated() {
                let who = line["s"].int.map { subjects[$0] } ?? identity(line)
                let decision = model.decide(who, request(line))
                agreement.note("\(world):\(number + 1)", reviewDifference(line, decision))
            }
        }
        return agreement
    }

    /// What the answer must be, and that a missing role is told where the server tells it.
    private static func reviewDifference(_ line: Node, _ decision: Decision) -> String? {
        let expected = line["allowed"].bool ?? false
        guard decision.isAllowed == expected else {
            return
                "expected \(expected) for \(line["user"].string ?? "") \(request(line)), \(line["reason"].string ?? "")"
        }
        if case .denied(let missing) = decision, missing.isEmpty, line["evaluationError"].exists {
            return "no missing role named; the server says \(line["evaluationError"].string ?? "")"
        }
        return nil
    }

    private static func whoCan(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for world in try folder.files("sar", suffix: ".whocan.jsonl.gz") {
            let model = try model(folder, "\(world).objects.jsonl.gz")
            let directory = IdentityDirectory(try folder.gzipLines("\(world).subjects.jsonl.gz").map(identity))
            for (number, line) in try folder.gzipLines("\(world).whocan.jsonl.gz").enumerated() {
                let excluded = Set(line["excludeSubjects"].elements.compactMap(\.int))
                let found = directory.whoCan(request(line), in: model)
                let allowed = Set(line["allowed"].elements.compactMap(\.int))
                for index in directory.identities.indices where !excluded.contains(index) {
                    let expected = allowed.contains(index)
                    agreement.note(
                        "\(world):\(number + 1)/\(index)",
                        found.contains(index) == expected ? nil : "expected \(expected): \(request(line))")
                }
            }
        }
        return agreement
    }

    private static func ruleListings(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for world in try folder.files("sar", suffix: ".rules.jsonl.gz") {
            let model = try model(folder, "\(world).objects.jsonl.gz")
            for (number, line) in try folder.gzipLines("\(world).rules.jsonl.gz").enumerated() {
                let found = model.rulesReview(of: identity(line), in: line["namespace"].string ?? "")
                agreement.note(
                    "\(world):\(number + 1)",
                    expected: sorted(rules(line["resourceRules"])) + " / " + sorted(rules(line["nonResourceRules"])),
                    found: sorted(found.resources) + " / " + sorted(found.paths))
            }
        }
        return agreement
    }

    static func sorted(_ rules: [PolicyRule]) -> String { rules.map { "\($0)" }.sorted().joined(separator: "; ") }

    /// Aggregated roles computed from what was submitted, against what the controller stored.
    private static func submittedRoles(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for world in try folder.files("sar", suffix: ".submitted-clusterroles.jsonl.gz") {
            let stored = try folder.objects("\(world).objects.jsonl.gz")
            var submitted: [String: KubernetesObject] = [:]
            for object in try folder.objects("\(world).submitted-clusterroles.jsonl.gz") {
                submitted[object.name] = object
            }
            let objects = stored.filter { $0.kind == "ClusterRole" }.map { submitted[$0.name] ?? $0 }
            let model = AccessModel(objects, aggregation: .recomputed)
            for object in stored where object.kind == "ClusterRole" && object.node["aggregationRule"].isObject {
                let found = model.rules(of: RoleReference(.clusterRole, object.name)) ?? []
                agreement.note(
                    "\(world) \(object.name)", expected: sorted(rules(object.node["rules"])), found: sorted(found))
            }
        }
        return agreement
    }

    private static func grants(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for world in try folder.files("grants", suffix: ".attempts.jsonl.gz") {
            let objects = try folder.objects("\(world).objects.jsonl.gz")
            let check = GrantCheck(AccessModel(objects, aggregation: .stored))
            var byReference: [ObjectReference: KubernetesObject] = [:]
            for object in objects { byReference[object.reference] = object }
            let actors = try folder.gzipLines("\(world).actors.jsonl.gz").map(identity)
            for (number, line) in try folder.gzipLines("\(world).attempts.jsonl.gz").enumerated() {
                let actor = actors[line["actor"].int ?? 0]
                agreement.note("\(world):\(number + 1)", grantDifference(line, actor, check, byReference))
            }
        }
        return agreement
    }

    private static func grantDifference(
        _ line: Node, _ actor: Identity, _ check: GrantCheck, _ objects: [ObjectReference: KubernetesObject]
    ) -> String? {
        let info = RequestInfo(method: line["method"].string ?? "", url: line["path"].string ?? "")
        let kinds = [
            "roles": "Role", "clusterroles": "ClusterRole", "rolebindings": "RoleBinding",
            "clusterrolebindings": "ClusterRoleBinding",
        ]
        let kind = kinds[info.resource] ?? ""
        let reference = ObjectReference(
            group: AccessModel.group, kind: kind, namespace: info.namespace, name: info.name)
        let old = objects[reference]
        var node = line["body"].asRoot
        if info.verb == "patch" {
            guard let old else { return "no object \(reference)" }
            node = merged(old.node, line["body"])
        }
        var editor = DocumentEditor(node)
        if !info.namespace.isEmpty { editor.set("metadata.namespace", .string(info.namespace)) }
        let object = KubernetesObject(
            editor.finish(), apiVersion: "\(AccessModel.group)/v1", kind: kind)
        let verdict = check.verdict(actor, info.verb, object, replacing: old)
        let code = line["code"].int ?? 0
        let message = line["message"].string ?? ""
        let expected =
            switch code {
            case 200, 201: "allowed"
            case 404: "missing role"
            default:
                message.contains("not currently held")
                    ? "not held" : message.contains("must have cluster-admin") ? "aggregation" : "unauthorized"
            }
        let found: String
        switch verdict {
        case .allowed: found = "allowed"
        case .unauthorized: found = "unauthorized"
        case .notHeld: found = "not held"
        case .aggregationNotHeld: found = "aggregation"
        case .missingRole: found = "missing role"
        }
        return found == expected ? nil : "expected \(expected) (\(code) \(message.prefix(300))), found \(found)"
    }

    /// JSON merge patch (RFC 7396), members of one object.
    private static func merged(_ old: Node, _ patch: Node) -> Node {
        var editor = DocumentEditor(old)
        func merge(_ patch: Node, _ at: [FieldPath.Element], _ old: Node) {
            for member in patch.members {
                let path = FieldPath(at + [.key(member.key)])
                if member.value.isNull {
                    editor.remove(path)
                } else if member.value.isObject {
                    merge(member.value, path.elements, old[member.key])
                } else {
                    editor.set(path, DocumentValue(member.value))
                }
            }
        }
        merge(patch, [], old)
        return editor.finish()
    }

    private static func impersonation(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let model = try model(folder, "impersonation/objects.jsonl.gz")
        let nodes = NodeAuthorizer(NodeGraph([]))
        let authorize: @Sendable (Identity, AccessRequest) -> Bool = {
            nodes.allows($0, $1) || model.isAllowed($0, $1)
        }
        let impersonation = Impersonation(authorize: authorize)
        // As the server: what worked last for a requester is tried first.
        var lastModes: [Identity: Impersonation.Mode] = [:]
        for (number, line) in try folder.gzipLines("impersonation/attempts.jsonl.gz").enumerated() {
            let requester = identity(line["requester"])
            let node = line["impersonate"]
            var extra: [String: [String]] = [:]
            for member in node["extraHeaderKeys"].members { extra[member.key] = member.value.strings }
            let wanted = Impersonation.Wanted(
                user: node["user"].string ?? "", groups: node["groups"].strings, uid: node["uid"].string ?? "",
                extraHeaders: extra)
            let request = RequestInfo(method: line["method"].string ?? "", url: line["path"].string ?? "")
                .accessRequest
            let expected =
                switch line["code"].int ?? 0 {
                case 400: "bad request"
                case 403: "denied at \(line["deniedAt"].string ?? "")"
                default: "allowed"
                }
            let found: String
            let verdict = impersonation.verdict(requester, as: wanted, for: request, lastMode: lastModes[requester])
            switch verdict {
            case .badRequest: found = "bad request"
            case .denied: found = "denied at impersonation"
            case .allowed(let identity, let mode):
                lastModes[requester] = mode
                found = authorize(identity, request) ? "allowed" : "denied at target"
            }
            agreement.note(
                "attempts:\(number + 1)",
                found == expected ? nil : "expected \(expected), found \(found): \(line["message"].string ?? "")")
        }
        return agreement
    }

    private static func nodes(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for world in try folder.files("node-authz", suffix: ".sar.jsonl.gz") {
            let objects = try folder.objects("\(world).objects.jsonl.gz")
            let authorizer = NodeAuthorizer(NodeGraph(objects))
            let model = AccessModel(BootstrapPolicy.current.objects, aggregation: .stored)
            for (number, line) in try folder.gzipLines("\(world).sar.jsonl.gz").enumerated() {
                let who = identity(line)
                let found = authorizer.allows(who, request(line)) || model.isAllowed(who, request(line))
                let expected = line["allowed"].bool ?? false
                agreement.note(
                    "\(world):\(number + 1)",
                    found == expected ? nil : "expected \(expected): \(who.user) \(request(line))")
            }
        }
        return agreement
    }
}

extension ConformanceFolder {
    /// The lines of a gzip file, unpacked by the system's `gzip`.
    func gzipLines(_ file: String) throws -> [Node] {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", "\(path)/\(file)"]
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ConformanceError(description: "cannot unpack \(path)/\(file)")
        }
        // One text for all lines: a document of its own for each.
        let read = DocumentReader.read(SourceText(name: "", bytes: Array(data)))
        guard read.problems.isEmpty else {
            throw ConformanceError(description: "\(file): \(read.problems[0])")
        }
        return read.documents.map { $0.root.asRoot }
    }

    func linesIfThere(_ file: String) throws -> [Node] {
        FileManager.default.fileExists(atPath: "\(path)/\(file)") ? try gzipLines(file) : []
    }

    func objects(_ file: String) throws -> [KubernetesObject] {
        try gzipLines(file).compactMap { KubernetesObject($0) }
    }

    /// What stands before `suffix` in the names of a folder, with the folder, in order.
    func files(_ part: String, suffix: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(part)").filter { $0.hasSuffix(suffix) }
            .map { "\(part)/\($0.dropLast(suffix.count))" }.sorted()
    }
}
