package import Findings
package import Kubernetes

/// Runs the detection over the objects of an inventory, for the scan.
package struct SecretsEvaluation: Sendable {
    /// Ids of the rules to evaluate; nil for all.
    package var selected: Set<String>?
    private let scanner: ObjectScanner
    private let isCluster: Bool
    /// Whether seals may be shown: only where a key of the user's own makes them.
    private let showsSeals: Bool

    /// `key` seals values so that the same one is known elsewhere; without it messages tell no seal. `archives` opens
    /// those in ConfigMaps; without it each of them counts as not observed.
    package init(
        _ inventory: Inventory, isCluster: Bool, key: [UInt8]? = nil, archives: ArchiveOpener? = nil
    ) {
        self.isCluster = isCluster
        showsSeals = key != nil
        var scanner = ObjectScanner(seal: key.map { SecretSeal(key: $0) } ?? .unkeyed, isManifest: !isCluster)
        scanner.opener = archives
        self.scanner = scanner
    }

    package var rules: [Rule] { SecretDetectionRules.all.filter { selected?.contains($0.id) ?? true } }

    /// Kinds whose change may alter what is found in others: none, every object speaks for itself.
    package static let kindsRead: Set<String> = []

    /// What is found in one object; nothing for pods and sets that say again what their owner says.
    package func evaluate(_ object: KubernetesObject) -> (findings: [Finding], coverage: Coverage) {
        var coverage = Coverage()
        guard object.controller == nil else { return ([], coverage) }
        coverage.objects = 1
        var scanner = scanner
        var evidence: [String: [Evidence]] = [:]
        var severity: [String: Severity] = [:]
        let secrets = scanner.scan(object)
        // What stayed shut may hold one: such an object never reads as clean.
        coverage.notObservable += Set(scanner.unread.map { "\($0.node.path)" }).count
        for found in secrets {
            let rule = SecretDetectionRules.rule(for: found)
            evidence[rule.id, default: []].append(
                Evidence(node: found.node, message: message(found), object: nil, hidesValue: true))
            let own = found.place == .plain ? found.secret.severity : rule.severity
            severity[rule.id] = max(severity[rule.id] ?? .info, own)
        }
        if isCluster, object.is("Secret"), hasCopy(object) {
            let rule = SecretDetectionRules.lastApplied
            evidence[rule.id] = [
                Evidence(
                    node: object.metadata["annotations"]["kubectl.kubernetes.io/last-applied-configuration"],
                    message: "kubectl apply left a copy of this Secret in an annotation", hidesValue: true)
            ]
            severity[rule.id] = rule.severity
        }
        var findings: [Finding] = []
        for rule in SecretDetectionRules.all where selected?.contains(rule.id) ?? true {
            guard let places = evidence[rule.id] else {
                coverage.passed += 1
                continue
            }
            coverage.failed += 1
            findings.append(
                Finding(
                    rule: rule, severity: severity[rule.id], outcome: .fail, subject: object.reference,
                    file: object.file, evidence: places, origin: ObjectOrigin(object)))
        }
        return (findings, coverage)
    }

    private func hasCopy(_ object: KubernetesObject) -> Bool {
        object.metadata["annotations"]["kubectl.kubernetes.io/last-applied-configuration"].exists
    }

    private func message(_ found: ObjectSecret) -> String {
        let secret = found.secret
        var text = "\(secret.title) \(secret.hint)"
        if !secret.layers.isEmpty { text += " in \(secret.layers.joined(separator: ", "))" }
        if showsSeals { text += ", seal \(secret.seal.prefix(16))" }
        return text
    }
}
