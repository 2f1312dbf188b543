package import Documents
import Findings
package import Kubernetes

extension WorkloadChecks {
    static let secretEnvironment = Check<WorkloadSubject>(
        Rule(
            "workload/secret-environment", .low, [.cis("5.4.1"), .nsa("net-secrets"), .attack("T1552.007")],
            title: "A Secret reaches a container as an environment variable",
            why: """
                The environment is inherited by every child process, shown by debugging pages and crash reports, and \
                does not follow when the Secret is rotated. A file can be read once, by one process.
                """,
            remedy: "Mount the Secret as a volume and read the file.")
    ) { subject, report in
        for use in WorkloadChecks.secretEnvironment(of: subject.spec) {
            let secret = use.secret.isEmpty ? "a Secret" : "Secret \(quoted: use.secret)"
            report.fail(
                at: use.node,
                use.variable.map { "\(use.container.phrase) has \(secret) in variable \(quoted: $0)" }
                    ?? "\(use.container.phrase) has all of \(secret) in its environment")
        }
    }

    /// A Secret that reaches a container's environment.
    package struct SecretUse: Sendable {
        /// `secretKeyRef` or `secretRef`.
        package let node: Node
        package let container: Container
        package let secret: String
        /// Nil where every key of the Secret becomes a variable.
        package let variable: String?
    }

    /// Every Secret in the environment of the pod's containers, in order.
    package static func secretEnvironment(of spec: PodSpec) -> [SecretUse] {
        spec.allContainers.flatMap { container -> [SecretUse] in
            let single = container.node["env"].elements.compactMap { entry -> SecretUse? in
                let reference = entry["valueFrom"]["secretKeyRef"]
                guard !reference.isNull else { return nil }
                return SecretUse(
                    node: reference, container: container, secret: reference["name"].string ?? "",
                    variable: entry["name"].string ?? "")
            }
            let whole = container.node["envFrom"].elements.compactMap { entry -> SecretUse? in
                let reference = entry["secretRef"]
                guard !reference.isNull else { return nil }
                return SecretUse(
                    node: reference, container: container, secret: reference["name"].string ?? "", variable: nil)
            }
            return single + whole
        }
    }
}
