/// Whether one set of rules holds all that another does: the question behind "may hand on what it has".
///
/// Source: `Covers` of `component-helpers/auth/rbac/validation`. Rules are broken into their smallest parts (one verb,
/// group, resource, name) and each part must be covered by a single rule; parts spread over two rules are enough.
package enum RuleCovering {
    /// The parts of `wanted` that `held` does not cover; empty when everything is.
    package static func uncovered(_ wanted: [PolicyRule], by held: [PolicyRule]) -> [PolicyRule] {
        var out: [PolicyRule] = []
        for rule in wanted {
            for part in parts(of: rule) where !held.contains(where: { covers($0, part) }) { out.append(part) }
        }
        return out
    }

    package static func covers(_ held: [PolicyRule], _ wanted: [PolicyRule]) -> Bool {
        wanted.allSatisfy { rule in parts(of: rule).allSatisfy { part in held.contains { covers($0, part) } } }
    }

    /// The smallest rules that together are this one; a rule without verbs has none.
    package static func parts(of rule: PolicyRule) -> [PolicyRule] {
        var out: [PolicyRule] = []
        for group in rule.apiGroups {
            for resource in rule.resources {
                for verb in rule.verbs {
                    if rule.resourceNames.isEmpty {
                        out.append(PolicyRule(verbs: [verb], apiGroups: [group], resources: [resource]))
                    }
                    for name in rule.resourceNames {
                        out.append(
                            PolicyRule(
                                verbs: [verb], apiGroups: [group], resources: [resource], resourceNames: [name]))
                    }
                }
            }
        }
        for url in rule.nonResourceURLs {
            for verb in rule.verbs { out.append(PolicyRule(verbs: [verb], nonResourceURLs: [url])) }
        }
        return out
    }

    private static func covers(_ held: PolicyRule, _ part: PolicyRule) -> Bool {
        (held.verbs.contains("*") || part.verbs.allSatisfy(held.verbs.contains))
            && (held.apiGroups.contains("*") || part.apiGroups.allSatisfy(held.apiGroups.contains))
            && resources(held.resources, part.resources)
            && part.nonResourceURLs.allSatisfy { url in
                held.nonResourceURLs.contains { PolicyRule.urlCovers($0, url) }
            }
            && names(held.resourceNames, part.resourceNames)
    }

    /// A rule for named objects never covers one for all of them.
    private static func names(_ held: [String], _ wanted: [String]) -> Bool {
        held.isEmpty || (!wanted.isEmpty && wanted.allSatisfy(held.contains))
    }

    private static func resources(_ held: [String], _ wanted: [String]) -> Bool {
        if held.contains("*") { return true }
        return wanted.allSatisfy { resource in
            if held.contains(resource) { return true }
            guard let slash = resource.firstIndex(of: "/") else { return false }
            return held.contains("*\(resource[slash...])")
        }
    }
}
