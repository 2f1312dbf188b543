package import Documents
package import Findings
package import Kubernetes

/// The checks of how Secrets are kept, made and used, in the order of reports. What is written in plain sight is found
/// by detection, not here.
package enum SecretManagementChecks {
    package static let all: [Check<SecretSubject>] = encryption + external + practice

    package static let rules: [Rule] = all.map(\.rule)

    /// The checks that concern an object of this kind.
    static func concerning(_ object: KubernetesObject) -> [Check<SecretSubject>] {
        let group = object.apiVersion.group
        switch group {
        case "":
            switch object.kind {
            case "Secret": return secretChecks
            case "ServiceAccount": return [missingPullSecret]
            default: return object.podTemplates.isEmpty ? [] : workloadChecks
            }
        case "apiserver.config.k8s.io": return object.kind == "EncryptionConfiguration" ? encryptionFileChecks : []
        case "audit.k8s.io": return object.kind == "Policy" ? [auditedBodies] : []
        case "external-secrets.io", "generators.external-secrets.io", "secrets.hashicorp.com", "bitnami.com",
            "secrets-store.csi.x-k8s.io":
            return external
        default:
            if object.kind == "ClusterDescribe" { return [managedControlPlane] }
            return object.podTemplates.isEmpty ? [] : workloadChecks
        }
    }
}

/// Runs the checks over an inventory.
package struct SecretManagementEvaluation: Sendable {
    package let context: SecretContext
    /// Ids of the rules to evaluate; nil for all.
    package var selected: Set<String>?

    package init(
        _ inventory: Inventory, isCluster: Bool, unlistedKinds: Set<String> = [], policy: SecretPolicy = SecretPolicy(),
        now: EventTime? = nil
    ) {
        context = SecretContext(
            inventory, isCluster: isCluster, unlistedKinds: unlistedKinds, policy: policy, now: now)
    }

    package init(context: SecretContext, selected: Set<String>? = nil) {
        self.context = context
        self.selected = selected
    }

    package var rules: [Rule] { SecretManagementChecks.rules.filter { selected?.contains($0.id) ?? true } }

    /// Kinds that, when one of them changes, may change the result of any Secret: what uses them and what makes them.
    package static let kindsRead: Set<String> = [
        "Secret", "ServiceAccount", "Ingress", "ExternalSecret", "SealedSecret", "SecretStore", "ClusterSecretStore",
        "VaultStaticSecret", "VaultDynamicSecret", "VaultPKISecret", "SecretProviderClass", "Certificate",
        "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "ReplicaSet", "ReplicationController",
    ]

    /// What the checks say of one object; nothing for kinds that do not concern them.
    package func evaluate(_ object: KubernetesObject) -> (findings: [Finding], coverage: Coverage) {
        var findings: [Finding] = []
        var coverage = Coverage()
        let checks = SecretManagementChecks.concerning(object)
        // Pods and ReplicaSets say again what their owner's template says.
        guard !checks.isEmpty, object.controller == nil || object.is("Secret") else { return (findings, coverage) }
        coverage.objects = 1
        let subject = SecretSubject(object, context)
        for check in checks where selected?.contains(check.rule.id) ?? true {
            var report = CheckReport()
            check.evaluate(subject, &report)
            switch report.outcome {
            case .pass: coverage.passed += 1
            case .notApplicable, .waived: coverage.notApplicable += 1
            case .fail, .notObservable:
                let isFailure = report.outcome == .fail
                if isFailure { coverage.failed += 1 } else { coverage.notObservable += 1 }
                findings.append(
                    Finding(
                        rule: check.rule, severity: isFailure ? report.severity : nil, outcome: report.outcome,
                        subject: object.reference, file: object.file,
                        evidence: isFailure ? report.failures : report.unobservable, origin: ObjectOrigin(object)))
            }
        }
        return (findings, coverage)
    }

    /// The operations that mend a finding's places; none where only a person can know.
    package func fix(_ finding: Finding, in object: KubernetesObject) -> JSONPatch {
        guard finding.outcome == .fail, finding.subject == object.reference,
            let fix = SecretManagementChecks.all.first(where: { $0.rule.id == finding.rule.id })?.fix
        else { return JSONPatch() }
        let subject = SecretSubject(object, context)
        // Elements of a list go last first: removing one moves those behind it.
        let places = finding.evidence.sorted { $1.path < $0.path }
        return JSONPatch(places.flatMap { fix(subject, $0) })
    }
}
