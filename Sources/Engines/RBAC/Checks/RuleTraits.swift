import Kubernetes

/// What checks ask of single rules, found once for each different one: a role may have a million of them, and be bound to
/// thousands.
struct RuleTraits: OptionSet, Sendable {
    let rawValue: UInt8

    /// Holds a right that leads further, or everything.
    static let dangerous = RuleTraits(rawValue: 1)
    /// Every verb on every resource of every group.
    static let everything = RuleTraits(rawValue: 2)
    /// Does more than look.
    static let changing = RuleTraits(rawValue: 4)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ rule: PolicyRule) {
        self = []
        if RBACChecks.isDangerous([rule]) { insert(.dangerous) }
        if RuleCovering.covers([rule], [PolicyRule.fullAuthority[0]]) { insert(.everything) }
        if rule.changesAnything { insert(.changing) }
    }
}

extension AccessModel {
    /// Adds the traits of rules that are new since the last time.
    func extend(_ traits: inout [RuleTraits]) {
        guard traits.count < rules.entries.count else { return }
        traits.reserveCapacity(rules.entries.count)
        for number in traits.count..<rules.entries.count {
            traits.append(RuleTraits(rules.rule(Int32(number), symbols)))
        }
    }

    /// What the rules of a role are together; nothing where it is not there.
    func traits(of role: RoleReference, _ known: [RuleTraits]) -> RuleTraits {
        guard let number = roleNumbers[role], roles[Int(number)].object != nil else { return [] }
        return roles[Int(number)].rules.reduce(into: []) { $0.formUnion(known[Int($1.rule)]) }
    }

    func isThere(_ role: RoleReference) -> Bool { roleNumbers[role].map { roles[Int($0)].object != nil } ?? false }

    /// The grants of rules that lead further, at most `limit`; how many more there are.
    func dangerousGrants(
        of identity: Identity, in namespace: String, _ known: [RuleTraits], limit: Int,
        besides isLeftOut: (KubernetesObject) -> Bool
    ) -> (grants: [Grant], more: Int) {
        var out: [Grant] = []
        var more = 0
        for (number, principal) in bindingNumbersFor(identity, in: namespace) {
            guard let binding = bindings[Int(number)], !isLeftOut(binding.object) else { continue }
            for (position, use) in roles[Int(binding.role)].rules.enumerated()
            where known[Int(use.rule)].contains(.dangerous) {
                guard out.count < limit else {
                    more += 1
                    continue
                }
                let path = GrantPath(binding: number, principal: principal, use: Int32(position))
                if let grant = grant(path) { out.append(grant) }
            }
        }
        return (out, more)
    }
}
