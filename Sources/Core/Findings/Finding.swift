package import Documents
package import Kubernetes

/// One place that shows what is said: the field, its place in the file, its value.
package struct Evidence: Sendable {
    /// The field; a missing node where something should stand.
    package let node: Node
    /// What is wrong with it, in words that name the container or volume.
    package let message: String
    /// The object the field is in, where that is not the finding's subject: the pod of a Deployment.
    package var object: ObjectReference?
    /// Where the value came from when it stands in no file: "default of Kubernetes v1.36".
    package var provenance: String?

    package init(node: Node, message: String, object: ObjectReference? = nil, provenance: String? = nil) {
        self.node = node
        self.message = message
        self.object = object
        self.provenance = provenance
    }

    package var path: FieldPath { node.path }
    package var location: SourceLocation? { node.location }
    /// The value as text where it is a scalar; nil for containers, missing fields and anything of a Secret.
    package var value: String? {
        node.exists && !isConfidential ? node.text : nil
    }

    /// Whether the value could be a secret: anything of a Secret, the value of an environment variable, and the copy
    /// of the whole object that `kubectl apply` leaves in an annotation.
    private var isConfidential: Bool {
        if object?.kind == "Secret" || node.rootNode["kind"].equals("Secret") { return true }
        let elements = path.elements
        if elements.last == .key("kubectl.kubernetes.io/last-applied-configuration") { return true }
        return elements.count > 2 && elements.last == .key("value") && elements[elements.count - 3] == .key("env")
    }
}

/// A rule broken by, or not observable on, one owner: all the places together.
package struct Finding: Sendable {
    package let rule: Rule
    package var severity: Severity
    package var outcome: Outcome
    /// The topmost owner: what a person would change.
    package var subject: ObjectReference
    /// Tells copies of a subject apart among files: the file's name; empty for a cluster.
    package var file: String
    package var evidence: [Evidence]
    /// The cluster's name; empty for files.
    package var cluster: String
    /// What installed the subject, when that is known.
    package var origin: ObjectOrigin?
    /// Part of Kubernetes itself or of the provider's system software.
    package var isSystem: Bool
    /// For `waived`: the waiver.
    package var waiver: Waiver?

    package init(
        rule: Rule, severity: Severity? = nil, outcome: Outcome, subject: ObjectReference, file: String = "",
        evidence: [Evidence], cluster: String = "", origin: ObjectOrigin? = nil, isSystem: Bool = false
    ) {
        self.rule = rule
        self.severity = severity ?? rule.severity
        self.outcome = outcome
        self.subject = subject
        self.file = file
        self.evidence = evidence
        self.cluster = cluster
        self.origin = origin
        self.isSystem = isSystem
    }

    /// The first place in a file, for formats that allow one.
    package var location: SourceLocation? { evidence.lazy.compactMap(\.location).first }

    /// What history, waivers and alerts follow: the check, the cluster and the topmost owner, whatever pods come and go.
    ///
    /// 16 hexadecimal digits; a file's folder counts, so that overlays of one object stay apart.
    package var fingerprint: String {
        var hash = FNV1a()
        for part in [rule.id, cluster, subject.group, subject.kind, subject.namespace, subject.name, file] {
            hash.combine(part)
        }
        return hash.hex
    }

    /// Worst first, then by owner, rule and place: the order of every output.
    package static func areInOrder(_ a: Finding, _ b: Finding) -> Bool {
        if a.severity != b.severity { return a.severity > b.severity }
        if a.subject != b.subject { return a.subject < b.subject }
        if a.rule.id != b.rule.id { return a.rule.id < b.rule.id }
        return a.file < b.file
    }
}

/// A small hash that is the same on every machine and in every run; not for secrets.
///
/// Source: Fowler, Noll, Vo; 64-bit FNV-1a.
package struct FNV1a: Sendable {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    package mutating func combine(_ text: String) {
        for byte in text.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        // A separator no text contains.
        state = (state ^ 0xFF) &* 0x100_0000_01B3
    }

    package var hex: String {
        let digits = String(state, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
