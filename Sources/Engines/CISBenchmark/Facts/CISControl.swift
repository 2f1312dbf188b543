import Documents
package import Findings

/// One recommendation of the benchmark: its id and rank, and what has to hold.
///
/// Source: `Resources/cis-2.0.1.json`. Ids, levels and what passes are the benchmark's; the words are ours.
package struct CISControl: Sendable {
    /// `1.2.9`
    package var id: String
    package var level: Int
    /// Whether the benchmark itself calls the control automated. Most of the others are decided here all the same.
    package var isAutomated: Bool
    /// `kube-apiserver`, `pki`, `policies`: who has to change something.
    package var subject: String
    /// The control that has to be met first: while it fails, this one is part of it and no finding of its own.
    package var root: String?
    package var rule: Rule
    var ask: Ask

    /// `1.2` of `1.2.9`, `2` of `2.7`.
    package var section: String {
        let parts = id.split(separator: ".")
        return parts.count > 2 ? "\(parts[0]).\(parts[1])" : String(parts[0])
    }

    package var component: Component? { Component(rawValue: subject) }

    /// What a file decides, not a process or the API.
    package var needsNode: Bool {
        if case .place = ask { return true }
        return false
    }

    /// Whether two components have to be seen together.
    var comparesComponents: Bool {
        if case .rule("etcd-authority", _) = ask { return true }
        return false
    }

    /// What has to hold.
    enum Ask: Sendable {
        case setting(names: [String], Condition, whenUnset: WhenUnset)
        /// A feature gate that must not be off.
        case gate(String)
        /// Files of a place, each.
        case place(String, FileCondition)
        /// A function of its own.
        case rule(String, Arguments)
        /// What the provider says of the cluster: all conditions of one of the lists.
        case described([[DescribedCondition]])
    }

    enum Condition: Sendable {
        case bool(Bool)
        case set, unset, review, loopback
        case not(String)
        case equals(Int)
        case above(Int)
        case atLeast(Int, zeroIsUnlimited: Bool)
        case includes(String), excludes(String)
    }

    /// What a setting that nobody wrote means to the benchmark.
    enum WhenUnset: String, Sendable {
        case fail, pass, review
        /// The default counts as if it were written.
        case `default`
        /// The default counts where the version has one that passes.
        case version
    }

    enum FileCondition: Sendable {
        case mode(Int)
        case owner(String)
    }

    struct Arguments: Sendable {
        var setting: String?
        var minimum: String?
        var among: [String] = []
        var includes: String?
        var excludes: String?
    }

    /// What to write, where one value is right for everybody.
    package var value: String?
}

/// All controls of the benchmark, in order.
package struct CISCatalogue: Sendable {
    package let version: String
    package let controls: [CISControl]
    private let positions: [String: Int]

    package static let current = CISCatalogue()

    package subscript(_ id: String) -> CISControl? { positions[id].map { controls[$0] } }

    /// `1.2.9` before `1.2.10`.
    package static func areInOrder(_ a: String, _ b: String) -> Bool {
        a.split(separator: ".").map { Int($0) ?? 0 }.lexicographicallyPrecedes(
            b.split(separator: ".").map { Int($0) ?? 0 })
    }

    package static let sections: [(id: String, title: String)] = [
        ("1.1", "Files of the control plane"), ("1.2", "API server"), ("1.3", "Controller manager"),
        ("1.4", "Scheduler"), ("2", "etcd"), ("3.1", "Who logs in, and how"), ("3.2", "Audit"),
        ("4.1", "Files of the nodes"), ("4.2", "Kubelet"), ("4.3", "kube-proxy"), ("5.1", "Rights and accounts"),
        ("5.2", "What pods are admitted"), ("5.3", "Network policies"), ("5.4", "Secrets"),
        ("5.5", "Admission of images"), ("5.6", "Namespaces and workloads"),
    ]

    private init() {
        let root = FactFile.root(PackageResources.cis_2_0_1_json, "cis-2.0.1.json")
        version = root["version"].string ?? ""
        controls = root["controls"].elements.map { Self.control($0) }
        positions = Dictionary(controls.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// - Parameter platform: the platform whose own control it is; nil for those of the Kubernetes benchmark.
    static func control(_ node: Node, of platform: String? = nil) -> CISControl {
        let id = node["id"].string ?? ""
        let ask = node["ask"]
        let rule = Rule(
            platform.map { "cis/\($0)-\(id)" } ?? "cis/\(id)",
            node["severity"].string.flatMap(Severity.init) ?? .medium, [.cis(id)],
            title: node["title"].string ?? "", why: node["why"].string ?? "", remedy: node["fix"].string ?? "")
        return CISControl(
            id: id, level: node["level"].int ?? 1, isAutomated: node["scored"].bool ?? false,
            subject: node["component"].string ?? "", root: node["root"].string, rule: rule, ask: self.ask(ask),
            value: ask["value"].string)
    }

    private static func ask(_ node: Node) -> CISControl.Ask {
        if let place = node["place"].string {
            if let mode = node["mode"].string { return .place(place, .mode(Int(mode, radix: 8) ?? 0)) }
            return .place(place, .owner(node["owner"].string ?? ""))
        }
        if node["described"].isArray { return .described([node["described"].elements.map(DescribedCondition.init)]) }
        if node["any"].isArray {
            return .described(node["any"].elements.map { $0.elements.map(DescribedCondition.init) })
        }
        if let gate = node["gate"].string { return .gate(gate) }
        if let rule = node["rule"].string {
            return .rule(
                rule,
                CISControl.Arguments(
                    setting: node["setting"].string, minimum: node["minimum"].string, among: node["among"].strings,
                    includes: node["includes"].string, excludes: node["excludes"].string))
        }
        let whenUnset = node["whenUnset"].string.flatMap(CISControl.WhenUnset.init) ?? .fail
        return .setting(names: node["settings"].strings, condition(node), whenUnset: whenUnset)
    }

    private static func condition(_ node: Node) -> CISControl.Condition {
        if let text = node["must"].string { return .bool(text == "true") }
        if node["set"].exists { return .set }
        if node["unset"].exists { return .unset }
        if node["loopback"].exists { return .loopback }
        if let text = node["not"].string { return .not(text) }
        if let number = node["equals"].int { return .equals(number) }
        if let number = node["above"].int { return .above(number) }
        if let number = node["atLeast"].int {
            return .atLeast(number, zeroIsUnlimited: node["zeroIsUnlimited"].bool ?? false)
        }
        if let text = node["includes"].string { return .includes(text) }
        if let text = node["excludes"].string { return .excludes(text) }
        return .review
    }
}
