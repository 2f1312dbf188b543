/// What a mode does with a pod that breaks its level.
package enum PodSecurityMode: String, Sendable, CaseIterable {
    /// Refuses the pod.
    case enforce
    /// Notes it in the audit log.
    case audit
    /// Warns whoever sent it.
    case warn

    /// `pod-security.kubernetes.io/enforce`
    package var levelLabel: String { Self.domain + rawValue }
    /// `pod-security.kubernetes.io/enforce-version`
    package var versionLabel: String { Self.domain + rawValue + "-version" }

    package static let domain = "pod-security.kubernetes.io/"
}

/// The levels a namespace has in its three modes.
package struct NamespacePolicy: Sendable, Hashable {
    package var enforce: LevelVersion
    package var audit: LevelVersion
    package var warn: LevelVersion

    package init(enforce: LevelVersion, audit: LevelVersion, warn: LevelVersion) {
        self.enforce = enforce
        self.audit = audit
        self.warn = warn
    }

    /// What a cluster without a configuration of its own has: privileged in every mode.
    package static let privileged = NamespacePolicy(
        enforce: LevelVersion(.privileged), audit: LevelVersion(.privileged), warn: LevelVersion(.privileged))

    /// Reads a namespace's labels over the cluster's defaults.
    ///
    /// There is always a policy: where enforcement cannot be read it is restricted, audit and warn are then privileged,
    /// and a version that cannot be read is the latest. A namespace that enforces more than it warns of warns of
    /// that too, unless its labels say how it warns.
    package init(labels: [String: String], defaults: NamespacePolicy, errors: inout [LabelError]) {
        self = defaults
        var enforces = false
        if let text = labels[PodSecurityMode.enforce.levelLabel] {
            let level = Self.level(text, .enforce, &errors)
            enforce.level = level ?? .restricted
            enforces = level != nil
        }
        Self.readVersion(labels, .enforce, &enforce, &errors)
        if let text = labels[PodSecurityMode.audit.levelLabel] {
            audit.level = Self.level(text, .audit, &errors) ?? .privileged
        }
        Self.readVersion(labels, .audit, &audit, &errors)
        let warning = labels[PodSecurityMode.warn.levelLabel]
        if let warning { warn.level = Self.level(warning, .warn, &errors) ?? .privileged }
        Self.readVersion(labels, .warn, &warn, &errors)

        if warning == nil, enforces, enforce.level > warn.level {
            warn.level = enforce.level
            if labels[PodSecurityMode.warn.versionLabel] == nil { warn.version = enforce.version }
        }
    }

    /// Reads a namespace's labels; what is wrong with them is left to the API server.
    package init(labels: [String: String], defaults: NamespacePolicy = .privileged) {
        var errors: [LabelError] = []
        self.init(labels: labels, defaults: defaults, errors: &errors)
    }

    package subscript(_ mode: PodSecurityMode) -> LevelVersion {
        switch mode {
        case .enforce: enforce
        case .audit: audit
        case .warn: warn
        }
    }

    package var isFullyPrivileged: Bool { PodSecurityMode.allCases.allSatisfy { self[$0].level == .privileged } }

    package func isEquivalent(to other: NamespacePolicy) -> Bool {
        PodSecurityMode.allCases.allSatisfy { self[$0].isEquivalent(to: other[$0]) }
    }

    private static func level(
        _ text: String, _ mode: PodSecurityMode, _ errors: inout [LabelError]
    ) -> PodSecurityLevel? {
        if let level = PodSecurityLevel(rawValue: text) { return level }
        errors.append(LabelError(label: mode.levelLabel, value: text, detail: LabelError.badLevel))
        return nil
    }

    private static func readVersion(
        _ labels: [String: String], _ mode: PodSecurityMode, _ policy: inout LevelVersion, _ errors: inout [LabelError]
    ) {
        guard let text = labels[mode.versionLabel] else { return }
        let version = PolicyVersion(parsing: text)
        policy.version = version ?? .latest
        if version == nil {
            errors.append(LabelError(label: mode.versionLabel, value: text, detail: LabelError.badVersion))
        }
    }
}

/// A label of a namespace that says nothing the standard knows.
package struct LabelError: Sendable, Hashable, CustomStringConvertible {
    package let label: String
    package let value: String
    package let detail: String

    static let badLevel = "must be one of privileged, baseline, restricted"
    static let badVersion = "must be \"latest\" or \"v1.x\""

    package var field: String { "metadata.labels[\(label)]" }
    /// `Invalid value: "x": must be …`
    package var message: String { "Invalid value: \(GoText.quoted(value)): \(detail)" }
    /// As the API server prints it.
    package var description: String { "\(field): \(message)" }

    /// Several errors in one text: in brackets, or alone.
    static func joined(_ errors: [LabelError]) -> String {
        errors.count == 1 ? errors[0].description : "[\(errors.map(\.description).joined(separator: ", "))]"
    }
}
