package import Documents
package import Findings
import Kubernetes
import PodSecurity

extension AdmissionPolicy {
    /// Reads a policy:
    ///
    /// ```yaml
    /// default: audit                       # off, audit, warn or enforce
    /// rules:                               # the first that fits counts
    /// - check: [pod/privileged, "rbac/*"]  # ids, `*` matches any run of characters
    ///   severity: high                     # at least; may be left out
    ///   namespaces: {names: [shop-*], except: [shop-test], selector: {matchLabels: {tier: prod}}}
    ///   labels: {app: edge}                # or matchLabels and matchExpressions
    ///   mode: enforce
    ///   pods: true                         # pods too, whose owner was told the same
    /// exempt: {namespaces: {names: [build]}, users: ["system:node:*"], groups: []}
    /// breakGlass: {users: [], groups: ["system:masters"]}
    /// updates: worsened                    # or everything
    /// annotatedWaivers: true
    /// podSecurity: {defaults: {enforce: baseline}, exemptions: {}}
    /// images:
    ///   unknown: allow-and-scan            # or deny
    ///   registries: [registry.example.com]
    ///   requireDigest: false
    ///   maximumAgeDays: 365
    ///   refuse:
    ///   - {severity: critical, fixAvailableForDays: 14}
    ///   - {knownExploited: true}
    ///   refuseEndOfLife: true
    ///   approvedBases: ["registry.example.com/base/*"]
    ///   signatures: [{repositories: [registry.example.com/shop], issuer: "https://…", subject: "https://…/*"}]
    ///   mutateToDigest: false
    /// policies: [custom.yaml]
    /// waivers: [waivers.yaml]
    /// ```
    ///
    /// A field that is not in this list is an error: a mistyped `namespaces` would refuse everywhere. With a problem
    /// there is no policy: half a policy is another policy.
    package static func read(_ source: SourceText) -> (policy: AdmissionPolicy?, problems: [Problem]) {
        let set = DocumentReader.read(source)
        var reader = PolicyFileReader()
        for problem in set.problems {
            reader.problems.append(
                Problem(.invalid, code: problem.code.rawValue, problem.message, location: problem.location))
        }
        let documents = set.documents.filter { !$0.root.isNull }
        guard documents.count == 1, let root = documents.first?.root, root.isObject else {
            reader.problems.append(
                Problem(.invalid, code: "admission-policy", "\(source.name): expected one admission policy"))
            return (nil, reader.problems)
        }
        let policy = reader.policy(root)
        return (reader.problems.isEmpty ? policy : nil, reader.problems)
    }
}

/// Takes a policy apart, and notes whatever it does not know.
private struct PolicyFileReader {
    var problems: [Problem] = []

    private mutating func report(_ node: Node, _ message: String) {
        let place = node.location.map { "\($0): " } ?? ""
        problems.append(
            Problem(.invalid, code: "admission-policy", "\(place)\(node.path): \(message)", location: node.location))
    }

    private mutating func expect(_ node: Node, _ fields: [String]) {
        guard node.isObject else {
            if !node.isNull { report(node, "expected an object, found \(node.kind.phrase)") }
            return
        }
        for member in node.members where !fields.contains(member.key) {
            report(member.value, "unknown field \"\(member.key)\"; known are \(fields.joined(separator: ", "))")
        }
    }

    mutating func policy(_ root: Node) -> AdmissionPolicy {
        expect(
            root,
            [
                "apiVersion", "kind", "default", "rules", "exempt", "breakGlass", "updates", "annotatedWaivers",
                "podSecurity", "images", "policies", "waivers",
            ])
        var policy = AdmissionPolicy(defaultMode: choice(root["default"], AdmissionMode.init) ?? .audit)
        if !root["rules"].isNull, !root["rules"].isArray { report(root["rules"], "expected a list") }
        policy.entries = root["rules"].elements.map { entry($0) }
        let exempt = root["exempt"]
        expect(exempt, ["namespaces", "users", "groups"])
        policy.exemptions.namespaces = namespaces(exempt["namespaces"])
        policy.exemptions.users = globs(exempt["users"])
        policy.exemptions.groups = globs(exempt["groups"])
        let glass = root["breakGlass"]
        expect(glass, ["users", "groups"])
        if glass.isObject {
            policy.breakGlass.users = globs(glass["users"])
            policy.breakGlass.groups = globs(glass["groups"])
        }
        policy.updates = choice(root["updates"], AdmissionPolicy.Updates.init) ?? .worsened
        policy.takesAnnotatedWaivers = flag(root["annotatedWaivers"], true)
        if root["podSecurity"].exists, !root["podSecurity"].isNull {
            expect(root["podSecurity"], ["defaults", "exemptions"])
            var texts: [String] = []
            policy.podSecurity = PodSecurityConfiguration(root["podSecurity"], problems: &texts)
            for text in texts { report(root["podSecurity"], text) }
        }
        if root["images"].exists, !root["images"].isNull { policy.images = images(root["images"]) }
        policy.policyFiles = strings(root["policies"])
        policy.waiverFiles = strings(root["waivers"])
        return policy
    }

    private mutating func entry(_ node: Node) -> AdmissionPolicy.Entry {
        expect(node, ["check", "severity", "namespaces", "labels", "mode", "pods"])
        let checks = node["check"].string.map { [Glob($0)] } ?? globs(node["check"])
        if checks.isEmpty { report(node["check"], "name the checks, by id with \"*\"") }
        let mode = choice(node["mode"], AdmissionMode.init)
        if mode == nil, node["mode"].isNull { report(node["mode"], "say off, audit, warn or enforce") }
        return AdmissionPolicy.Entry(
            checks: checks, severity: choice(node["severity"], Severity.init),
            namespaces: namespaces(node["namespaces"]),
            labels: selector(node["labels"]), mode: mode ?? .audit, includesPods: flag(node["pods"], false))
    }

    private mutating func namespaces(_ node: Node) -> AdmissionPolicy.Namespaces {
        if node.isArray { return AdmissionPolicy.Namespaces(names: globs(node)) }
        expect(node, ["names", "except", "selector"])
        return AdmissionPolicy.Namespaces(
            names: globs(node["names"]), except: globs(node["except"]), selector: selector(node["selector"]))
    }

    private mutating func selector(_ node: Node) -> LabelSelector? {
        guard !node.isNull else { return nil }
        guard node.isObject else {
            report(node, "expected labels, or matchLabels and matchExpressions")
            return nil
        }
        guard node["matchLabels"].exists || node["matchExpressions"].exists else {
            return LabelSelector(matchLabels: node.stringMap)
        }
        expect(node, ["matchLabels", "matchExpressions"])
        guard let selector = LabelSelector(node), selector.isValid else {
            report(node, "expected the operators In, NotIn, Exists and DoesNotExist")
            return nil
        }
        return selector
    }

    private mutating func images(_ node: Node) -> ImagePolicy {
        expect(
            node,
            [
                "unknown", "registries", "requireDigest", "maximumAgeDays", "refuse", "refuseEndOfLife",
                "approvedBases",
                "signatures", "mutateToDigest",
            ])
        var policy = ImagePolicy()
        policy.unknown = choice(node["unknown"], ImagePolicy.Unknown.init) ?? .allowAndScan
        policy.registries = globs(node["registries"])
        policy.requiresDigest = flag(node["requireDigest"], false)
        policy.maximumAgeDays = whole(node["maximumAgeDays"])
        policy.refusals = node["refuse"].elements.map { entry in
            expect(entry, ["severity", "epss", "knownExploited", "fixAvailableForDays"])
            if entry.isEmpty { report(entry, "an entry without conditions would refuse every image") }
            var epss: Double?
            if !entry["epss"].isNull {
                epss = entry["epss"].double ?? entry["epss"].int.map(Double.init)
                if epss.map({ !(0...1).contains($0) }) ?? true { report(entry["epss"], "expected a number of 0 to 1") }
            }
            return ImagePolicy.Refusal(
                severity: choice(entry["severity"], Severity.init), epss: epss,
                knownExploited: flag(entry["knownExploited"], false),
                fixAvailableForDays: whole(entry["fixAvailableForDays"]))
        }
        policy.refusesEndOfLife = flag(node["refuseEndOfLife"], false)
        policy.approvedBases = globs(node["approvedBases"])
        policy.identities = node["signatures"].elements.map { entry in
            expect(entry, ["repositories", "issuer", "subject", "predicate"])
            for field in ["issuer", "subject"] where entry[field].string == nil {
                report(entry[field], "a signature by anybody is none; name the \(field)")
            }
            return ImagePolicy.Identity(
                repositories: globs(entry["repositories"]), issuer: Glob(entry["issuer"].string ?? ""),
                subject: Glob(entry["subject"].string ?? ""), predicate: entry["predicate"].string.map(Glob.init))
        }
        policy.mutatesToDigest = flag(node["mutateToDigest"], false)
        return policy
    }

    // MARK: Scalars

    private mutating func choice<Value>(_ node: Node, _ read: (String) -> Value?) -> Value? {
        guard !node.isNull else { return nil }
        // YAML reads a bare `off` as false.
        let text = node.bool == false ? "off" : node.text ?? ""
        guard let value = read(text) else {
            report(node, "\"\(text)\" is not known here")
            return nil
        }
        return value
    }

    private mutating func flag(_ node: Node, _ fallback: Bool) -> Bool {
        guard !node.isNull else { return fallback }
        guard let value = node.bool else {
            report(node, "expected true or false")
            return fallback
        }
        return value
    }

    private mutating func whole(_ node: Node) -> Int? {
        guard !node.isNull else { return nil }
        guard let value = node.int, value >= 0 else {
            report(node, "expected a whole number, 0 or more")
            return nil
        }
        return value
    }

    private mutating func strings(_ node: Node) -> [String] {
        guard !node.isNull else { return [] }
        guard node.isArray, node.elements.allSatisfy({ $0.string != nil }) else {
            report(node, "expected a list of texts")
            return []
        }
        return node.strings
    }

    private mutating func globs(_ node: Node) -> [Glob] { strings(node).map(Glob.init) }
}
