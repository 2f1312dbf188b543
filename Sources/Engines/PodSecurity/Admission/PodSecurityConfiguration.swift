package import Documents

/// The plug-in's configuration: what namespaces without labels have, and who is exempt.
///
/// Source: `pod-security.admission.config.k8s.io/v1`, `PodSecurityConfiguration`.
package struct PodSecurityConfiguration: Sendable, Hashable {
    package var defaults: NamespacePolicy
    package var exemptNamespaces: [String]
    package var exemptRuntimeClasses: [String]
    package var exemptUsernames: [String]

    package init(
        defaults: NamespacePolicy = .privileged, exemptNamespaces: [String] = [], exemptRuntimeClasses: [String] = [],
        exemptUsernames: [String] = []
    ) {
        self.defaults = defaults
        self.exemptNamespaces = exemptNamespaces
        self.exemptRuntimeClasses = exemptRuntimeClasses
        self.exemptUsernames = exemptUsernames
    }

    /// Reads the configuration; `problems` name fields an API server would not start with.
    package init(_ node: Node, problems: inout [String]) {
        let defaults = node["defaults"]
        func policy(_ mode: PodSecurityMode, _ problems: inout [String]) -> LevelVersion {
            var out = LevelVersion(.privileged)
            let level = defaults[mode.rawValue]
            let version = defaults["\(mode.rawValue)-version"]
            if !level.isNull, !level.equals("") {
                if let known = level.string.flatMap(PodSecurityLevel.init) {
                    out.level = known
                } else {
                    problems.append(Self.invalid(level, LabelError.badLevel))
                    out.level = .restricted
                }
            }
            if !version.isNull, !version.equals("") {
                if let known = version.string.flatMap(PolicyVersion.init(parsing:)) {
                    out.version = known
                } else {
                    problems.append(Self.invalid(version, LabelError.badVersion))
                }
            }
            return out
        }
        self.defaults = NamespacePolicy(
            enforce: policy(.enforce, &problems), audit: policy(.audit, &problems), warn: policy(.warn, &problems))
        let exemptions = node["exemptions"]
        exemptNamespaces = exemptions["namespaces"].strings
        exemptRuntimeClasses = exemptions["runtimeClasses"].strings
        exemptUsernames = exemptions["usernames"].strings
    }

    private static func invalid(_ node: Node, _ detail: String) -> String {
        "\(node.path): Invalid value: \(GoText.quoted(node.text ?? "")): \(detail)"
    }

    package func isExempt(namespace: String) -> Bool { !namespace.isEmpty && exemptNamespaces.contains(namespace) }
    package func isExempt(username: String) -> Bool { !username.isEmpty && exemptUsernames.contains(username) }
    package func isExempt(runtimeClass: Node) -> Bool {
        guard let name = runtimeClass.string, !name.isEmpty else { return false }
        return exemptRuntimeClasses.contains(name)
    }
}
