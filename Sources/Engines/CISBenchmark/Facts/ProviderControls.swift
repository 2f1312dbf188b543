package import Documents

/// The controls that only a provider's own benchmark has: most of them ask what its API says of the cluster.
///
/// Source: `Resources/provider-controls.json`.
enum ProviderControls {
    static let all: [String: [CISControl]] = {
        let root = FactFile.root(PackageResources.provider_controls_json, "provider-controls.json")
        var out: [String: [CISControl]] = [:]
        for platform in root["platforms"].members {
            out[platform.key] = platform.value.elements.map { CISCatalogue.control($0, of: platform.key) }
                .sorted { CISCatalogue.areInOrder($0.id, $1.id) }
        }
        return out
    }()
}

extension Platform {
    /// The controls of the platform's own benchmark that the Kubernetes benchmark does not have, in order.
    package var ownControls: [CISControl] { ProviderControls.all[ownControlsKey] ?? [] }
}

/// What a field of a provider's description has to be.
struct DescribedCondition: Sendable {
    enum Test: Sendable {
        case bool(Bool, passesWhenUnset: Bool)
        case among(Set<String>), not(Set<String>)
        case includes(String)
        case excludes(String)
        case set(every: Bool)
        case unset
    }

    /// Names with dots between; `[]` is each element, `[enabled=true]` those whose field is so.
    var path: String
    var tests: [Test]

    init(_ node: Node) {
        path = node["path"].string ?? ""
        tests = []
        let passesWhenUnset = node["whenUnset"].equals("pass")
        if let text = node["must"].string { tests.append(.bool(text == "true", passesWhenUnset: passesWhenUnset)) }
        if node["among"].isArray { tests.append(.among(Set(node["among"].strings))) }
        if node["not"].isArray { tests.append(.not(Set(node["not"].strings))) }
        if let text = node["includes"].string { tests.append(.includes(text)) }
        if let text = node["excludes"].string { tests.append(.excludes(text)) }
        if node["set"].exists { tests.append(.set(every: node["every"].bool ?? false)) }
        if node["unset"].exists { tests.append(.unset) }
    }
}

/// What a provider's API says of a cluster, as its own tool prints it.
///
/// Standard: `aws eks describe-cluster`, `gcloud container clusters describe --format json`, `az aks show`.
package struct ProviderDescription: Sendable {
    /// The cluster, without what stands round it.
    package let root: Node
    /// `eks`, `gke`, `aks`.
    package let platform: String

    /// The version of the control plane.
    var version: ComponentVersion? {
        [root["version"], root["currentMasterVersion"], root["currentKubernetesVersion"], root["kubernetesVersion"]]
            .lazy.compactMap { $0.text.flatMap { ComponentVersion($0) } }.first
    }

    /// Nil for what none of the three prints.
    package init?(_ root: Node) {
        let inner = root["cluster"].isObject ? root["cluster"] : root
        if let name = inner["arn"].string, name.hasPrefix("arn:"), name.contains(":eks:") {
            (platform, self.root) = ("eks", inner)
        } else if let type = root["type"].string?.lowercased(), type == "microsoft.containerservice/managedclusters" {
            // Older tools keep the settings below `properties`.
            (platform, self.root) = ("aks", root["properties"].isObject ? root["properties"] : root)
        } else if let link = root["selfLink"].string, link.contains("container.googleapis.com") {
            (platform, self.root) = ("gke", root)
        } else {
            return nil
        }
    }

    /// The nodes of a path. A field that an element lacks is among them, as a missing node.
    func nodes(_ path: String) -> [Node] {
        var found = [root]
        for step in Self.steps(path) {
            found = found.flatMap { node -> [Node] in
                let field = node[step.name]
                guard step.isList else { return [field] }
                guard let filter = step.filter else { return Array(field.elements) }
                return field.elements.filter { $0[filter.name].text == filter.value }
            }
        }
        return found
    }

    private struct Step {
        var name: String
        var isList: Bool
        var filter: (name: String, value: String)?
    }

    private static func steps(_ path: String) -> [Step] {
        path.split(separator: ".").map { part in
            guard let open = part.firstIndex(of: "["), part.last == "]" else {
                return Step(name: String(part), isList: false)
            }
            let inner = part[part.index(after: open)...].dropLast().split(separator: "=", maxSplits: 1)
            return Step(
                name: String(part[..<open]), isList: true,
                filter: inner.count == 2 ? (String(inner[0]), String(inner[1])) : nil)
        }
    }

    /// What of a condition does not hold; nil where it holds.
    private func gap(_ condition: DescribedCondition) -> (message: String, node: Node)? {
        let nodes = nodes(condition.path)
        let path = condition.path
        func told(_ node: Node) -> String { node.text ?? (node.isNull ? "not set" : "there") }
        for test in condition.tests {
            switch test {
            case .bool(let wanted, let passesWhenUnset):
                if nodes.isEmpty { return ("\(path): there is none", root) }
                for node in nodes where node.text != (wanted ? "true" : "false") {
                    if node.isNull, passesWhenUnset { continue }
                    return ("\(path) is \(told(node))", node)
                }
            case .among(let allowed):
                if nodes.isEmpty { return ("\(path): there is none", root) }
                for node in nodes where !(node.text.map(allowed.contains) ?? false) {
                    return ("\(path) is \(told(node))", node)
                }
            case .not(let refused):
                // A provider names its default with the weak value, or leaves it out.
                for node in nodes where node.isNull || node.text.map(refused.contains) ?? false {
                    return ("\(path) is \(told(node))", node)
                }
            case .includes(let wanted):
                if !nodes.contains(where: { $0.text == wanted }) {
                    return ("\(path) has no \"\(wanted)\"", nodes.first ?? root)
                }
            case .excludes(let refused):
                if let node = nodes.first(where: { $0.text == refused }) { return ("\(path) has \(refused)", node) }
            case .set(let every):
                let isThere = { (node: Node) in !node.isNull && !node.equals("") }
                if every, let node = nodes.first(where: { !isThere($0) }) { return ("\(path) is not set", node) }
                if !nodes.contains(where: isThere) { return ("\(path) is not set", nodes.first ?? root) }
            case .unset:
                if let node = nodes.first(where: { !$0.isNull && !$0.equals("") }) { return ("\(path) is set", node) }
            }
        }
        return nil
    }

    /// Whether one of several lists of conditions holds throughout.
    func judge(_ alternatives: [[DescribedCondition]]) -> CISPart {
        var gaps: [(message: String, node: Node)] = []
        for conditions in alternatives {
            let own = conditions.compactMap(gap)
            guard let first = own.first else {
                let text = conditions.map { condition in
                    let values = nodes(condition.path).compactMap(\.text)
                    let shown = values.isEmpty ? "as it should be" : Set(values).sorted().joined(separator: ", ")
                    return "\(condition.path) is \(shown)"
                }
                return CISPart(.pass, text.joined(separator: "; "))
            }
            gaps.append(first)
        }
        guard let first = gaps.first else { return CISPart(.manual, "nothing is asked of the description") }
        return CISPart(.fail, gaps.map(\.message).joined(separator: "; "), evidence: first.node)
    }
}
