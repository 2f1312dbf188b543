/// Rules of one role that another of its rules holds already.
///
/// A role may have a million rules: what could hold a rule is looked up by a word they must share, never by comparing
/// each with each.
enum ShadowedRules {
    /// Most rules that are compared with one; a role with more that share all their words is not written by hand.
    private static let limit = 64

    /// The last rule that another one holds, and which; of two that are the same the later is the one too many.
    static func last(in rules: [PolicyRule]) -> (rule: Int, by: Int)? {
        var byWord: [String: [Int]] = [:]
        for (index, rule) in rules.enumerated() {
            for word in Set(rule.resources.map { "r \($0)" } + rule.nonResourceURLs.map { "u \($0)" }) {
                byWord[word, default: []].append(index)
            }
        }
        let stars =
            (byWord["r *"] ?? [])
            + rules.indices.filter { index in
                rules[index].nonResourceURLs.contains { $0.hasSuffix("*") }
                    || rules[index].resources.contains { $0.hasPrefix("*/") }
            }
        for index in rules.indices.reversed() {
            let rule = rules[index]
            guard !rule.verbs.isEmpty, !rule.resources.isEmpty || !rule.nonResourceURLs.isEmpty else { continue }
            let word = rule.resources.first.map { "r \($0)" } ?? "u \(rule.nonResourceURLs[0])"
            let candidates = Set(stars.prefix(limit) + (byWord[word] ?? []).prefix(limit)).sorted()
            for other in candidates
            where other != index && mayHold(rules[other], rule) && RuleCovering.covers([rules[other]], [rule]) {
                if RuleCovering.covers([rule], [rules[other]]), other > index { continue }
                return (index, other)
            }
        }
        return nil
    }

    /// Whether names leave it open that one rule holds another: the cheap question first.
    private static func mayHold(_ held: PolicyRule, _ rule: PolicyRule) -> Bool {
        guard !held.resourceNames.isEmpty else { return true }
        return !rule.resourceNames.isEmpty && rule.resourceNames.allSatisfy(held.resourceNames.contains)
    }
}
