package import Findings
import PodSecurity

/// Something at the door that people want to hear of later: a refusal, an emergency, a tag that was moved.
package struct DoorEvent: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        /// A request was refused.
        case refused
        /// One was let in with a reason although it would have been refused.
        case brokenGlass = "break-glass"
        /// A pod runs another image than was judged.
        case imageMoved = "image-moved"
    }

    package var kind: Kind
    package var severity: Severity
    package var namespace: String
    /// `Deployment shop/web`
    package var subject: String
    package var user: String
    /// Ids of the rules that are broken.
    package var rules: [String]
    /// One line, without values of anybody's fields.
    package var message: String

    package init(
        _ kind: Kind, _ severity: Severity, namespace: String, subject: String, user: String = "", rules: [String],
        message: String
    ) {
        self.kind = kind
        self.severity = severity
        self.namespace = namespace
        self.subject = subject
        self.user = user
        self.rules = rules
        self.message = message
    }

    /// What a decision is told as; nil for what passed as it should, and for dry runs, which leave no trace.
    ///
    /// A refusal is the door at work, and low; an emergency is for somebody to look at.
    init?(_ decision: AdmissionDecision, of request: ReviewRequest) {
        guard !request.isDryRun else { return nil }
        let admission = request.admission
        let subject =
            (request.object ?? request.oldObject).map { "\($0.reference)" } ?? "\(admission.kind) \(admission.name)"
        var rules: [String] = []
        for finding in decision.refusals where !rules.contains(finding.rule.id) { rules.append(finding.rule.id) }
        if let podSecurity = decision.response.auditAnnotations["enforce-policy"], rules.isEmpty {
            rules = ["pod-security \(podSecurity)"]
        }
        let told = rules.isEmpty ? "it cannot be judged" : rules.joined(separator: ", ")
        switch decision.outcome {
        case .refused:
            let verb = admission.operation == .update ? "change" : admission.operation == .delete ? "delete" : "create"
            self.init(
                .refused, .low, namespace: admission.namespace, subject: subject, user: admission.username,
                rules: rules, message: "\(admission.username) may not \(verb) \(subject): \(told)")
        case .brokenGlass:
            // The annotation begins with who it was.
            let reason = decision.response.auditAnnotations["break-glass"] ?? admission.username
            self.init(
                .brokenGlass, .high, namespace: admission.namespace, subject: subject, user: admission.username,
                rules: rules, message: "\(subject) was let in although it breaks \(told); \(reason)")
        case .allowed, .exempt, .invalid: return nil
        }
    }
}
