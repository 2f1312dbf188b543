package import Documents
package import Findings
package import PodSecurity

/// What was decided of one request, and why.
package struct AdmissionDecision: Sendable {
    /// What became of one finding at the door.
    package enum Fate: Sendable, Hashable {
        case refused, warned, audited
        /// Noted only: the owner that made the object was told the same.
        case toldOwner
        /// Noted only: the object had it before the update.
        case knownBefore
        /// Noted only: somebody has waived it.
        case waived
        /// Noted only: it could not be seen.
        case notObservable

        package var word: String {
            switch self {
            case .refused: "refused"
            case .warned: "warned"
            case .audited: "audited"
            case .toldOwner: "told-owner"
            case .knownBefore: "known-before"
            case .waived: "waived"
            case .notObservable: "not-observable"
            }
        }
    }

    package struct Judged: Sendable {
        package var finding: Finding
        package var fate: Fate
    }

    package enum Outcome: String, Sendable, CaseIterable {
        case allowed, refused, exempt
        /// Allowed in an emergency although it would have been refused.
        case brokenGlass = "break-glass"
        /// The request could not be understood.
        case invalid
    }

    package var response: AdmissionResponse
    package var outcome: Outcome
    package var judged: [Judged] = []
    /// What is written into the object; only where it is let in.
    package var patch = JSONPatch()
    /// The change that would let it in; empty where no field mends it.
    package var fix = JSONPatch()

    package init(response: AdmissionResponse, outcome: Outcome) {
        self.response = response
        self.outcome = outcome
    }

    package var refusals: [Finding] { judged.filter { $0.fate == .refused }.map(\.finding) }

    /// The AdmissionReview that answers.
    package var body: [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("apiVersion", "admission.k8s.io/v1")
            writer.member("kind", "AdmissionReview")
            writer.key("response")
            guard response.allowed, !patch.isEmpty else {
                response.write(to: &writer)
                return
            }
            writer.object { writer in
                writer.member("uid", response.uid)
                writer.member("allowed", true)
                writer.member("patchType", "JSONPatch")
                writer.member("patch", Base64.encoded(patch.json().utf8))
                if !response.auditAnnotations.isEmpty {
                    writer.member(
                        "auditAnnotations",
                        object: { writer in
                            for (key, value) in response.auditAnnotations.sorted(by: { $0.key < $1.key }) {
                                writer.member(key, value)
                            }
                        })
                }
                if !response.warnings.isEmpty { writer.member("warnings", response.warnings) }
            }
        }
        return writer.takeBytes()
    }
}
