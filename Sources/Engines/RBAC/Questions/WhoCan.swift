package import Kubernetes

/// A set of small numbers, a bit each.
package struct NumberSet: Sendable, Hashable {
    private var words: [UInt64]

    package init(capacity: Int = 0) { words = [UInt64](repeating: 0, count: (capacity + 63) / 64) }

    init(_ numbers: [Int]) {
        words = []
        for number in numbers { insert(number) }
    }

    init(_ number: Int) {
        words = []
        insert(number)
    }

    package mutating func insert(_ number: Int) {
        let index = number >> 6
        while index >= words.count { words.append(0) }
        words[index] |= 1 << UInt64(number & 63)
    }

    package func contains(_ number: Int) -> Bool {
        number >> 6 < words.count && words[number >> 6] & (1 << UInt64(number & 63)) != 0
    }

    package mutating func formUnion(_ other: NumberSet) {
        while words.count < other.words.count { words.append(0) }
        for index in other.words.indices { words[index] |= other.words[index] }
    }

    func isDisjoint(with other: NumberSet) -> Bool {
        for index in 0..<min(words.count, other.words.count) where words[index] & other.words[index] != 0 {
            return false
        }
        return true
    }

    package var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
    package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// In rising order.
    package var numbers: [Int] {
        var out: [Int] = []
        for (index, word) in words.enumerated() {
            var left = word
            while left != 0 {
                out.append(index << 6 + left.trailingZeroBitCount)
                left &= left - 1
            }
        }
        return out
    }
}

extension AccessModel {
    /// The numbers of the user names and groups that a request is granted to: a union of sets over the roles that
    /// allow it, whatever the number of subjects.
    func principals(allowed request: AccessRequest) -> NumberSet {
        var out = NumberSet(capacity: principals.count)
        forEachGrant(of: request) { binding, _ in
            guard let binding = bindings[Int(binding)] else { return }
            for subject in binding.subjects { out.insert(Int(subject.principal)) }
        }
        return out
    }

    /// Calls `body` with each binding that grants the request and the first rule of its role that does.
    private func forEachGrant(of request: AccessRequest, _ body: (_ binding: Int32, _ use: Int32) -> Void) {
        let numbered = NumberedRequest(request, symbols)
        let words = rules.words.span
        var done: Set<Int32> = []
        func visit(_ candidates: [RoleRule]) {
            for candidate in candidates where !done.contains(candidate.role) {
                let role = roles[Int(candidate.role)]
                let use = role.rules[Int(candidate.use)]
                guard RuleStore.allows(rules.entries[Int(use.rule)], words, symbols, numbered) else { continue }
                done.insert(candidate.role)
                for binding in role.clusterBindings { body(binding, candidate.use) }
                if let namespace = numbered.namespace {
                    for binding in role.namespacedBindings[namespace] ?? [] { body(binding, candidate.use) }
                }
            }
        }
        if numbered.path != nil {
            visit(urlRules)
        } else {
            for word in [Symbols.star, numbered.resource, numbered.anySubresource] {
                visit(rulesByResource[word] ?? [])
            }
        }
    }

    /// Who may, as bindings name them, each with every chain that grants it; sorted. `system:masters` always may and
    /// is not listed.
    package func whoCan(_ request: AccessRequest) -> [(subject: Subject, grants: [Grant])] {
        var found: [Subject: [Grant]] = [:]
        forEachGrant(of: request) { number, use in
            guard let binding = bindings[Int(number)] else { return }
            for subject in binding.subjects {
                if let grant = grant(GrantPath(binding: number, principal: subject.principal, use: use)) {
                    found[grant.subject, default: []].append(grant)
                }
            }
        }
        return found.sorted { $0.key < $1.key }.map { subject, grants in
            (subject, grants.sorted { $0.binding.reference < $1.binding.reference })
        }
    }

    /// The subjects a binding names, in its order.
    package func subjects(of binding: KubernetesObject) -> [Subject] {
        let namespace = binding.kind == "RoleBinding" ? binding.namespace : ""
        return binding.node["subjects"].elements.compactMap { Subject($0, bindingNamespace: namespace) }
    }

    /// Every subject that a binding names, sorted.
    package var subjects: [Subject] {
        var out: Set<Subject> = []
        for case let binding? in bindings {
            let namespace = binding.object.kind == "RoleBinding" ? binding.object.namespace : ""
            for node in binding.object.node["subjects"].elements {
                if let subject = Subject(node, bindingNamespace: namespace) { out.insert(subject) }
            }
        }
        return out.sorted()
    }
}

/// A list of identities, asked all at once who of them may.
package struct IdentityDirectory: Sendable {
    package let identities: [Identity]
    private var masters: NumberSet
    private var byUser: [String: NumberSet] = [:]
    private var byGroup: [String: NumberSet] = [:]

    package init(_ identities: [Identity]) {
        self.identities = identities
        masters = NumberSet(capacity: identities.count)
        for (number, identity) in identities.enumerated() {
            if identity.isMaster { masters.insert(number) }
            byUser[identity.user, default: NumberSet()].insert(number)
            for group in identity.groups { byGroup[group, default: NumberSet()].insert(number) }
        }
    }

    /// The positions of those who may.
    package func whoCan(_ request: AccessRequest, in model: AccessModel) -> NumberSet {
        var out = masters
        for number in model.principals(allowed: request).numbers {
            let principal = model.principals[number]
            let name = model.symbols[principal.name]
            if let members = principal.isGroup ? byGroup[name] : byUser[name] { out.formUnion(members) }
        }
        return out
    }
}
