import CISBenchmark
import Documents
import Findings
import Kubernetes
import Policies

/// Asks the cluster's own ValidatingAdmissionPolicies whether they would let a bad pod in.
///
/// A policy may refuse any pod for another reason, a missing label say. So a pod with nothing wrong is tried too, and only
/// what is said of the bad one alone counts.
struct PolicyTrial {
    enum Verdict {
        case admitted
        /// By which policy, and what it says.
        case refused(String)
        case unknown(String)
    }

    private let evaluation: PolicyEvaluation
    /// Bindings that refuse, rather than warn or record.
    private let denying: Set<ObjectReference>
    private let good: Node

    init(_ input: CISInput, good: Node) {
        evaluation = PolicyEvaluation(input.inventory, isCluster: input.isCluster)
        denying = Set(
            input.inventory.objects("ValidatingAdmissionPolicyBinding", of: "admissionregistration.k8s.io").filter {
                $0.node["spec"]["validationActions"].strings.contains("Deny")
            }.map(\.reference))
        self.good = good
    }

    func verdict(_ pod: Node, in namespace: String) -> Verdict {
        guard evaluation.isConcerned, !denying.isEmpty else { return .admitted }
        let bad = said(of: pod, in: namespace)
        let usual = said(of: good, in: namespace)
        if let denial = bad.denials.first(where: { !usual.denials.contains($0) }) { return .refused(denial) }
        if let failure = bad.failures.first(where: { !usual.failures.contains($0) }) ?? bad.failures.first {
            return .unknown(failure)
        }
        return .admitted
    }

    private func said(of pod: Node, in namespace: String) -> (denials: [String], failures: [String]) {
        var editor = DocumentEditor(pod)
        _ = editor.set("metadata.namespace", .string(namespace))
        let object = KubernetesObject(editor.finish(), apiVersion: "v1", kind: "Pod")
        var denials: [String] = []
        var failures: [String] = []
        for finding in evaluation.evaluate(object).findings {
            let messages = finding.evidence.filter { evidence in
                evidence.object.map(denying.contains) ?? true
            }.map(\.message)
            switch finding.rule.id {
            case PolicyRules.violated.id: denials += messages
            case PolicyRules.unevaluated.id: failures += messages
            default: break
            }
        }
        return (denials, failures)
    }
}
