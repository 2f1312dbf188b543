import Documents
package import Kubernetes

/// The smallest roles that still allow what was used: a proposal, proved by replaying everything that was recorded.
package struct RightSizing: Sendable {
    /// What replaces the bindings of one subject.
    package struct Proposal: Sendable {
        package var subject: Subject
        /// Rules by namespace; "" holds what has to be cluster-wide.
        package var rules: [String: [PolicyRule]]
        /// Rules that are kept although the log cannot show their use, and why.
        package var kept: [(rule: PolicyRule, namespace: String, why: String)]
        /// The bindings it takes the place of.
        package var replaces: [ObjectReference]
        package var requests: Int
        /// Days on which the subject was seen.
        package var days: Int
        /// Recorded requests the proposal would deny; a proposal with any is not offered.
        package var denied: [AccessRequest]

        /// First and last day the subject was seen, `2026-09-01`.
        package var period: (first: String, last: String)

        /// How far to trust it: many days of many requests say more than one.
        package var confidence: String { days >= 14 ? "high" : days >= 5 ? "medium" : "low" }
    }

    package let proposals: [Proposal]
    /// Bindings no recorded request needed.
    package let unusedBindings: [ObjectReference]
    /// Subjects of bindings that were never seen.
    package let dormant: [Subject]
    /// Subjects that were not seen because they run more seldom than the log is long: nothing is said of their rights.
    package let unjudged: [(subject: Subject, why: String)]
    /// Rules of bound roles that no recorded request needed: the role, the position and the rule.
    package let unusedRules: [(role: RoleReference, index: Int, rule: PolicyRule)]

    /// - Parameter objects: CronJobs, for what runs seldom.
    package init(
        _ usage: AuditUsage, _ model: AccessModel, objects: [KubernetesObject] = [],
        bootstrap: BootstrapPolicy = .current
    ) {
        var allowed: [Identity: [AccessRequest]] = [:]
        let used = usage.used
        let overflowed = usage.overflowed
        let days = usage.days
        for (identity, requests) in used {
            allowed[identity] = requests.keys.filter { model.isAllowed(identity, $0) }
        }
        let seldom = SeldomJobs(objects, logDays: Self.length(of: usage.summary))
        var unjudged: [(subject: Subject, why: String)] = []
        var proposals: [Proposal] = []
        var dormant: [Subject] = []
        for subject in model.subjects {
            let own = model.bindings(of: subject).map(\.binding.reference).filter {
                !bootstrap.contains($0)
            }
            guard !own.isEmpty, subject != Subject(.group, Identity.masters) else { continue }
            let members = used.keys.filter { subject.isMatched(by: $0) }
            guard !members.isEmpty else {
                if let why = seldom.reason(for: subject) {
                    unjudged.append((subject, why))
                    continue
                }
                dormant.append(subject)
                continue
            }
            let alone =
                subject.kind == .group
                ? Identity(user: "", groups: [subject.name]) : Identity(user: subject.matchedName)
            var requests: Set<AccessRequest> = []
            for member in members {
                // What everybody may anyway, or Kubernetes' own bindings give, needs no rule of its own.
                requests.formUnion(Self.overflowed(overflowed[member] ?? [], alone, model))
                for request in allowed[member] ?? []
                where model.isAllowed(alone, request) && !Self.isGivenAnyway(model, alone, request, bootstrap) {
                    requests.insert(request)
                }
            }
            // A list of one object by its name is written without it where the query is not in the log.
            var byName: [AccessRequest] = []
            for member in members {
                for request in (used[member] ?? [:]).keys
                where (request.verb == "list" || request.verb == "watch") && !model.isAllowed(alone, request) {
                    byName.append(request)
                }
            }
            let kept = Self.unseen(
                model, alone, requests, listedByName: byName,
                isRefused: members.contains(where: usage.refused.contains),
                isBinder: members.contains(where: usage.binders.contains))
            let rules = Self.rules(requests, kept)
            let trial = AccessModel(Self.objects(subject, rules), aggregation: .stored)
            let denied = requests.filter { !trial.isAllowed(alone, $0) }
            let seen = members.flatMap { days[$0] ?? [] }
            proposals.append(
                Proposal(
                    subject: subject, rules: rules, kept: kept, replaces: own, requests: requests.count,
                    days: Set(seen).count, denied: denied.sorted { $0.description < $1.description },
                    period: (seen.min() ?? "", seen.max() ?? "")))
        }
        self.proposals = proposals
        self.dormant = dormant
        self.unjudged = unjudged
        (unusedBindings, unusedRules) = Self.unused(model, allowed, bootstrap)
    }

    /// What stands for names that were too many to keep: any name where any may be used, else each that a rule allows.
    private static func overflowed(
        _ wide: Set<AccessRequest>, _ alone: Identity, _ model: AccessModel
    ) -> [AccessRequest] {
        wide.flatMap { bare -> [AccessRequest] in
            guard case .resource(let target) = bare.target, !model.isAllowed(alone, bare) else { return [] }
            let places = target.namespace.isEmpty ? [""] + model.namespaces(of: alone) : [target.namespace]
            return places.flatMap { place -> [AccessRequest] in
                var there = target
                there.namespace = place
                let whole = AccessRequest(bare.verb, there)
                if model.isAllowed(alone, whole) { return [whole] }
                let names = Set(model.rules(of: alone, in: place).flatMap(\.resourceNames))
                return names.sorted().map { name in
                    var named = there
                    named.name = name
                    return AccessRequest(bare.verb, named)
                }.filter { model.isAllowed(alone, $0) }
            }
        }
    }

    /// Days from the first event to the last.
    private static func length(of summary: AuditUsage.Summary) -> Int {
        guard let first = DayNumber.of(summary.first.utf8), let last = DayNumber.of(summary.last.utf8) else { return 0 }
        return Int(last - first) + 1
    }

    // MARK: What is used

    /// Whether a binding of Kubernetes itself grants the request to somebody.
    private static func isGivenAnyway(
        _ model: AccessModel, _ identity: Identity, _ request: AccessRequest, _ bootstrap: BootstrapPolicy
    ) -> Bool {
        let everybody = Identity(user: "", groups: ["system:authenticated"])
        guard case .granted(let grant) = model.decide(everybody, request) else { return false }
        return bootstrap.contains(grant.binding.reference)
    }

    private static func unused(
        _ model: AccessModel, _ allowed: [Identity: [AccessRequest]], _ bootstrap: BootstrapPolicy
    ) -> (
        bindings: [ObjectReference], rules: [(role: RoleReference, index: Int, rule: PolicyRule)]
    ) {
        var used: Set<Int32> = []
        var usedRules: Set<AccessModel.RoleRule> = []
        // Members of system:masters are let through before any binding is looked at.
        for (identity, requests) in allowed where !identity.isMaster {
            for request in requests {
                for (number, _) in model.bindingNumbersFor(identity, in: request.namespace) {
                    let uses = model.uses(of: number, allowing: request)
                    if !uses.isEmpty { used.insert(number) }
                    for use in uses { usedRules.insert(.init(role: use.source, use: use.index)) }
                }
            }
        }
        let bindings = model.bindings.indices.compactMap { index in
            used.contains(Int32(index)) ? nil : model.bindings[index]?.object.reference
        }.sorted()
        var rules: [(role: RoleReference, index: Int, rule: PolicyRule)] = []
        for (number, role) in model.roles.enumerated() where !bootstrap.contains(role.reference) {
            guard !role.clusterBindings.isEmpty || role.namespacedBindings.contains(where: { !$0.value.isEmpty }) else {
                continue
            }
            for use in role.rules
            where use.source == Int32(number) && !usedRules.contains(.init(role: use.source, use: use.index)) {
                rules.append((role.reference, Int(use.index), model.rules.rule(use.rule, model.symbols)))
            }
        }
        return (bindings, rules.sorted { ($0.role, $0.index) < ($1.role, $1.index) })
    }

    /// Rules that are kept as they are, because what was seen may have needed them and the log would not show it.
    private static func unseen(
        _ model: AccessModel, _ identity: Identity, _ requests: Set<AccessRequest>, listedByName: [AccessRequest],
        isRefused: Bool, isBinder: Bool
    ) -> [(rule: PolicyRule, namespace: String, why: String)] {
        var kept: [(rule: PolicyRule, namespace: String, why: String)] = []
        let targets = requests.compactMap { request -> (verb: String, target: AccessRequest.Resource)? in
            if case .resource(let target) = request.target { (request.verb, target) } else { nil }
        }
        let writes = targets.filter { ["create", "update", "patch"].contains($0.verb) }
        func keep(
            _ resource: String, _ verbs: [String], in group: String, places: Set<String>, because why: String
        ) {
            for place in places.sorted() {
                for rule in model.rules(of: identity, in: place) {
                    // A star is no sign that the right is meant.
                    guard rule.apiGroups.contains(group), rule.resources.contains(resource) else { continue }
                    let own = rule.verbs.contains("*") ? verbs : verbs.filter(rule.verbs.contains)
                    guard !own.isEmpty else { continue }
                    let part = PolicyRule(
                        verbs: own, apiGroups: [group], resources: [resource], resourceNames: rule.resourceNames)
                    if !kept.contains(where: { $0.rule == part && $0.namespace == place }) {
                        kept.append((part, place, why))
                    }
                }
            }
        }
        // Owner references that block deletion ask for the owner's finalizers, wherever something is written.
        let places = Set(writes.map(\.target.namespace)).subtracting([""])
        for place in places {
            for rule in model.rules(of: identity, in: place) {
                for resource in rule.resources where resource.hasSuffix("/finalizers") && !resource.hasPrefix("*") {
                    let base = String(resource.dropLast("/finalizers".count))
                    for group in rule.apiGroups where group != "*" {
                        let isOwner = targets.contains { $0.target.resource == base && $0.target.group == group }
                        guard isOwner, writes.contains(where: { $0.target.namespace == place }) else { continue }
                        keep(
                            resource, ["update"], in: group, places: [place],
                            because: "owner references that block deletion are checked, not logged")
                    }
                }
            }
        }
        if writes.contains(where: { $0.target.combined == "certificatesigningrequests/approval" }) {
            keep(
                "signers", ["approve"], in: "certificates.k8s.io", places: [""],
                because: "approving a request is checked for its signer, not logged")
        }
        if writes.contains(where: { $0.target.combined == "certificatesigningrequests/status" }) {
            keep(
                "signers", ["sign"], in: "certificates.k8s.io", places: [""],
                because: "signing a request is checked for its signer, not logged")
        }
        if writes.contains(where: { $0.target.resource.hasPrefix("validatingadmissionpolic") }) {
            for rule in model.rules(of: identity, in: "") where !rule.resources.contains("*") {
                for group in rule.apiGroups where group != "*" && group != "admissionregistration.k8s.io" {
                    for resource in rule.resources {
                        keep(
                            resource, ["get"], in: group, places: [""],
                            because: "reading the parameters of a policy is checked when it is written, not logged")
                    }
                }
            }
        }
        // A request made as somebody is refused without a word of who was meant, when part of it was allowed.
        if isRefused, targets.contains(where: { $0.verb == "impersonate" }) {
            for resource in ["users", "groups", "serviceaccounts"] {
                keep(
                    resource, ["impersonate"], in: "", places: [""],
                    because: "refused impersonation does not show who was meant")
            }
        }
        // Without the body of the request nobody knows which role was bound.
        if isBinder {
            for place in [""] + Set(targets.map(\.target.namespace)).subtracting([""]).sorted() {
                for resource in ["clusterroles", "roles"] {
                    keep(
                        resource, ["bind"], in: AccessModel.group, places: [place],
                        because: "the log has no bodies of requests, so which role was bound is not known")
                }
            }
        }
        for request in listedByName {
            guard case .resource(let target) = request.target, target.name.isEmpty else { continue }
            for rule in model.rules(of: identity, in: target.namespace)
            where !rule.resourceNames.isEmpty && rule.apiGroups.contains(target.group)
                && rule.resources.contains(target.combined)
            {
                let part = PolicyRule(
                    verbs: ["list", "watch"].filter { rule.verbs.contains($0) || rule.verbs.contains("*") },
                    apiGroups: [target.group], resources: [target.combined], resourceNames: rule.resourceNames)
                guard !part.verbs.isEmpty,
                    !kept.contains(where: { $0.rule == part && $0.namespace == target.namespace })
                else { continue }
                kept.append((part, target.namespace, "a list of one object shows in the log without its name"))
            }
        }
        // Kubelets answer on their own port; only their own questions show it.
        for resource in ["nodes/metrics", "nodes/stats", "nodes/log", "nodes/healthz", "nodes/pods", "nodes/configz"] {
            keep(
                resource, ["get"], in: "", places: [""],
                because: "kubelets are called directly, past the audit log")
        }
        kept.sort { ($0.namespace, $0.rule.description) < ($1.namespace, $1.rule.description) }
        return kept
    }

    // MARK: Rules

    /// The fewest rules for the requests: by namespace, verbs and resources put together, names where they last.
    private static func rules(
        _ requests: Set<AccessRequest>, _ kept: [(rule: PolicyRule, namespace: String, why: String)]
    ) -> [String: [PolicyRule]] {
        var parts: [String: [PolicyRule]] = [:]
        for request in requests.sorted(by: { $0.description < $1.description }) {
            switch request.target {
            case .path(let path):
                parts["", default: []].append(PolicyRule(verbs: [request.verb], nonResourceURLs: [path]))
            case .resource(let target):
                // The name of what is to be created is not asked, save below an object.
                let hasName =
                    !target.name.isEmpty && !isGenerated(target.name)
                    && (request.verb != "create" || !target.subresource.isEmpty)
                    && request.verb != "deletecollection"
                parts[target.namespace, default: []].append(
                    PolicyRule(
                        verbs: [request.verb], apiGroups: [target.group], resources: [target.combined],
                        resourceNames: hasName ? [target.name] : []))
            }
        }
        for entry in kept { parts[entry.namespace, default: []].append(entry.rule) }
        let wide = parts[""] ?? []
        return parts.reduce(into: [:]) { out, entry in
            let (namespace, rules) = entry
            // Names are no use beside the same right without one; neither is a namespace beside everywhere.
            let general = rules.filter { $0.resourceNames.isEmpty } + (namespace.isEmpty ? [] : wide)
            let needed = rules.filter { rule in
                (rule.resourceNames.isEmpty || !RuleCovering.covers(general, [rule]))
                    && (namespace.isEmpty || !RuleCovering.covers(wide, [rule]))
            }
            var unique: [PolicyRule] = []
            for rule in needed where !unique.contains(rule) { unique.append(rule) }
            let joined = PolicyRule.joined(unique)
            if !joined.isEmpty { out[namespace] = joined }
        }
    }

    /// Names that end as the API server and controllers make them up: another one tomorrow.
    static func isGenerated(_ name: String) -> Bool {
        let made = Set("bcdfghjklmnpqrstvwxz2456789".utf8)
        let hexadecimal = Set("0123456789abcdef".utf8)
        guard let tail = name.split(whereSeparator: { $0 == "-" || $0 == "." }).last, tail.count < name.count else {
            return false
        }
        let digits = tail.utf8.count { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let count = tail.utf8.count
        let isMade = tail.utf8.allSatisfy(made.contains)
        // Five letters without a vowel are no word; more of them, and hashes, show by their digits.
        if count == 5, isMade { return true }
        return digits > 0
            && ((8...10).contains(count) && isMade || count >= 8 && tail.utf8.allSatisfy(hexadecimal.contains))
    }

    // MARK: Writing

    /// Roles and bindings of a proposal.
    package static func objects(_ subject: Subject, _ rules: [String: [PolicyRule]]) -> [KubernetesObject] {
        let name = "right-sized-\(subject.kind.rawValue.lowercased())-\(subject.objectName)"
        var out: [KubernetesObject] = []
        for (namespace, list) in rules.sorted(by: { $0.key < $1.key }) {
            var metadata: [DocumentValue.Member] = [.init("name", .string(name))]
            if !namespace.isEmpty { metadata.append(.init("namespace", .string(namespace))) }
            let kind = namespace.isEmpty ? "ClusterRole" : "Role"
            let reference = RoleReference(namespace.isEmpty ? .clusterRole : .role, namespace: namespace, name)
            out.append(
                .made(
                    kind,
                    [.init("metadata", .object(metadata)), .init("rules", .array(list.map(\.documentValue)))]))
            out.append(
                .made(
                    "\(kind)Binding",
                    [
                        .init("metadata", .object(metadata)), .init("roleRef", reference.documentValue),
                        .init("subjects", .array([subject.documentValue])),
                    ]))
        }
        return out
    }
}

extension Subject {
    /// Whether requests of an identity are this subject's.
    func isMatched(by identity: Identity) -> Bool {
        kind == .group ? identity.groups.contains(name) : identity.user == matchedName
    }

    /// A name for objects: lower case letters, digits and dashes.
    fileprivate var objectName: String {
        let text = kind == .serviceAccount ? "\(namespace)-\(name)" : name
        var out = ""
        for character in text.lowercased() {
            let isPlain = character.isASCII && (character.isLetter || character.isNumber)
            if isPlain { out.append(character) } else if out.last != "-" { out.append("-") }
        }
        while out.last == "-" { out.removeLast() }
        return out
    }
}

extension AccessModel {
    /// The rules of a binding's role that allow a request, wherever the binding holds.
    func uses(of number: Int32, allowing request: AccessRequest) -> [RuleUse] {
        guard let binding = bindings[Int(number)] else { return [] }
        return roles[Int(binding.role)].rules.filter { rules.rule($0.rule, symbols).allows(request) }
    }
}
