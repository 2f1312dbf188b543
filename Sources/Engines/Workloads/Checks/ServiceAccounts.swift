package import Documents
import Findings
package import Kubernetes

extension WorkloadChecks {
    static let unneededToken = Check<WorkloadSubject>(
        Rule(
            "workload/unneeded-token", .medium,
            [.cis("5.1.6"), .nsa("pod-sa-token"), .attack("T1528"), .attack("T1550.001"), .attack("T1613")],
            title: "A pod holds a token for the API server that nobody needs",
            why: """
                Whoever reads a file in the container can speak to the API server as this account: look around today, \
                and use every right that anyone gives the account tomorrow.
                """,
            remedy: """
                Set automountServiceAccountToken: false on the pod. Where the program does speak to the API server, \
                give its account a Role of its own.
                """),
        fix: { subject, evidence in
            // A volume was written by somebody who wants the token; the automatic mount was not.
            guard evidence.path == subject.template.specPath.appending("automountServiceAccountToken") else {
                return []
            }
            return [PatchOperation(.replace, evidence.path, false)]
        }
    ) { subject, report in
        if let reason = subject.incompleteness { return report.notObservable(at: subject.spec.node, reason) }
        let mount: TokenMount
        switch WorkloadChecks.tokenMount(for: subject) {
        case .no: return
        case .unknown(let node, let reason): return report.notObservable(at: node, reason)
        case .yes(let found): mount = found
        }
        // A token for another audience than the API server is there for somebody: a vault, a cloud, a mesh.
        if mount.isForOthers || subject.showsTokenUse { return }
        let name = subject.spec.serviceAccountName
        switch subject.rights {
        case .bound: return
        case .none:
            report.fail(at: mount.node, "holds a token of service account \(quoted: name), which no role binding names")
            // Without a right of its own the token shows what every account may see.
            if name == "default" { report.severity = .low }
        case .unknown(let reason):
            report.notObservable(
                at: mount.node, "holds a token of service account \(quoted: name); \(reason), so its use is not known")
        }
    }

    static let defaultServiceAccount = Check<WorkloadSubject>(
        Rule(
            "workload/default-service-account", .low, [.cis("5.1.5"), .nsa("pod-sa-token"), .attack("T1078.001")],
            title: "A pod speaks to the API server as the default service account",
            why: """
                Every pod of the namespace that names no account shares this one. A role given to it for one program \
                is given to all of them, and the audit log cannot tell them apart.
                """,
            remedy: "Make a ServiceAccount for the workload, give it the role, and name it in serviceAccountName.")
    ) { subject, report in
        guard subject.spec.serviceAccountName == "default", case .yes = WorkloadChecks.tokenMount(for: subject) else {
            return
        }
        if let reason = subject.incompleteness { return report.notObservable(at: subject.spec.node, reason) }
        let field = subject.spec.node["serviceAccountName"]
        switch subject.rights {
        case .bound:
            report.fail(at: field, "runs as the default service account, to which a role is bound")
            report.severity = .high
        // A token that nobody uses is what workload/unneeded-token speaks of.
        case .none where !subject.showsTokenUse: return
        case .none: report.fail(at: field, "runs as the default service account, whose token an agent uses")
        case .unknown(let reason):
            report.notObservable(at: field, "runs as the default service account; \(reason)")
        }
    }
}

/// Where a pod gets a token for its service account from.
package struct TokenMount: Sendable {
    /// The field that decided: the pod's or the account's `automountServiceAccountToken`, or a volume.
    package let node: Node
    /// Whether every token is for another audience than the API server.
    package let isForOthers: Bool
}

/// Whether a pod holds a token.
package enum TokenMounted: Sendable {
    case yes(TokenMount)
    case no
    case unknown(Node, String)

    package var isMounted: Bool {
        if case .yes = self { return true }
        return false
    }
}

extension WorkloadChecks {
    /// Whether a pod of this template holds a token for its service account.
    ///
    /// The pod's own word comes before its account's, and that before the default, which is to mount one. A projected
    /// volume with a token, or the token Secret of an account, counts whatever the automatic mount says. A pod that
    /// is stored already shows the volume that admission gave it.
    package static func tokenMounted(for template: PodTemplate, of object: KubernetesObject, in inventory: Inventory)
        -> Bool
    {
        let subject = WorkloadSubject(template, of: object, in: WorkloadContext(inventory))
        return tokenMount(for: subject).isMounted
    }

    /// The same for a template in its surroundings, with the field that decided.
    package static func tokenMount(for subject: WorkloadSubject) -> TokenMounted {
        if subject.isMirrorPod { return .no }
        let projected = subject.tokenVolume
        if let projected, !projected.isForOthers { return .yes(projected) }
        if subject.isAutomounted { return .yes(TokenMount(node: subject.automountField, isForOthers: false)) }
        return projected.map(TokenMounted.yes) ?? .no
    }
}

extension WorkloadSubject {
    /// The pod's ServiceAccount object, where it is known.
    var serviceAccount: KubernetesObject? {
        let reference = ObjectReference(
            group: "", kind: "ServiceAccount", namespace: object.namespace, name: spec.serviceAccountName)
        return context.inventory.resolve(reference, from: object)
    }

    /// What bindings give the pod's account.
    fileprivate var rights: AccountBindings.Rights {
        context.accounts.rights(
            of: spec.serviceAccountName, in: object.namespace, for: object, defined: serviceAccount)
    }

    /// The field that a person would write to stop the automatic mount.
    fileprivate var automountField: Node { spec.node["automountServiceAccountToken"] }

    fileprivate var isAutomounted: Bool {
        if isStoredPod {
            return spec.volumes.contains { volume in
                volume.name.hasPrefix("kube-api-access-") && !volume.node["projected"].isNull && isMounted(volume.name)
            }
        }
        if let own = spec.automountServiceAccountToken { return own }
        return serviceAccount?.node["automountServiceAccountToken"].bool ?? true
    }

    /// A volume with a token that somebody wrote down and some container mounts.
    fileprivate var tokenVolume: TokenMount? {
        var found: TokenMount?
        for volume in spec.volumes where !(isStoredPod && volume.name.hasPrefix("kube-api-access-")) {
            guard let mount = token(in: volume), isMounted(volume.name) else { continue }
            if !mount.isForOthers { return mount }
            found = found ?? mount
        }
        return found
    }

    private func token(in volume: Volume) -> TokenMount? {
        guard let source = volume.source else { return nil }
        switch source.type {
        case "projected":
            var found: TokenMount?
            for entry in source.node["sources"].elements where !entry["serviceAccountToken"].isNull {
                let audience = entry["serviceAccountToken"]["audience"].string ?? ""
                let mount = TokenMount(
                    node: entry["serviceAccountToken"], isForOthers: !audience.isEmpty && !Self.isAPIServer(audience))
                if !mount.isForOthers { return mount }
                found = found ?? mount
            }
            return found
        case "secret":
            guard let name = source.node["secretName"].string else { return nil }
            let reference = ObjectReference(group: "", kind: "Secret", namespace: object.namespace, name: name)
            guard let secret = context.inventory.resolve(reference, from: object),
                secret.node["type"].equals("kubernetes.io/service-account-token")
                    || secret.metadata["annotations"]["kubernetes.io/service-account.name"].exists
            else { return nil }
            return TokenMount(node: source.node["secretName"], isForOthers: false)
        default: return nil
        }
    }

    /// The audiences an API server answers to by default.
    private static func isAPIServer(_ audience: String) -> Bool {
        audience.hasPrefix("https://kubernetes.default.svc") || audience == "kubernetes.default.svc"
            || audience == "api"
    }

    private func isMounted(_ volume: String) -> Bool {
        containers.contains { container in container.volumeMounts.contains { $0["name"].equals(volume) } }
    }

    /// Whether annotations tell of an agent that logs in with the token, for which no role is bound.
    fileprivate var showsTokenUse: Bool {
        let annotations = spec.annotations
        return annotations["vault.hashicorp.com/agent-inject"].exists
            || annotations["secrets.infisical.com/auto-reload"].exists
            || annotations["conjur.org/container-mode"].exists
    }
}
