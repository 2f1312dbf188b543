package import Documents
package import Kubernetes

/// One place that shows what is said: the field, its place in the file, its value.
package struct Evidence: Sendable {
    /// The field; a missing node where something should stand.
    package let node: Node
    /// What is wrong with it, in words that name the container or volume.
    package let message: String
    /// What few places have, kept aside: there are hundreds of thousands of places in a big cluster.
    private var extra: Extra?

    private final class Extra: Sendable {
        let object: ObjectReference?
        let provenance: String?
        let hidesValue: Bool

        init(_ object: ObjectReference?, _ provenance: String?, hidesValue: Bool) {
            self.object = object
            self.provenance = provenance
            self.hidesValue = hidesValue
        }
    }

    /// `hidesValue`: the value is known to be a secret and is never shown, wherever it stands.
    package init(
        node: Node, message: String, object: ObjectReference? = nil, provenance: String? = nil, hidesValue: Bool = false
    ) {
        self.node = node
        self.message = message
        extra =
            object == nil && provenance == nil && !hidesValue ? nil : Extra(object, provenance, hidesValue: hidesValue)
    }

    /// The object the field is in, where that is not the finding's subject: the pod of a Deployment.
    package var object: ObjectReference? {
        get { extra?.object }
        set {
            let hides = extra?.hidesValue ?? false
            extra =
                newValue == nil && provenance == nil && !hides ? nil : Extra(newValue, provenance, hidesValue: hides)
        }
    }

    /// Whether the value is known to be a secret. Once true it is so for every check that names the field.
    package var hidesValue: Bool {
        get { extra?.hidesValue ?? false }
        set {
            extra =
                object == nil && provenance == nil && !newValue
                ? nil : Extra(object, provenance, hidesValue: newValue)
        }
    }

    /// Where the value came from when it stands in no file: "default of Kubernetes v1.36".
    package var provenance: String? { extra?.provenance }

    package var path: FieldPath { node.path }
    package var location: SourceLocation? { node.location }
    /// The value as text where it is a scalar; nil for containers, missing fields and anything of a Secret.
    package var value: String? {
        node.exists && !isConfidential ? node.text : nil
    }

    /// Whether the value could be a secret: anything of a Secret, the value of an environment variable, and the copy
    /// of the whole object that `kubectl apply` leaves in an annotation.
    private var isConfidential: Bool {
        if extra?.hidesValue == true { return true }
        if object?.kind == "Secret" || node.rootNode["kind"].equals("Secret") { return true }
        let elements = path.elements
        if elements.last == .key("kubectl.kubernetes.io/last-applied-configuration") { return true }
        return elements.count > 2 && elements.last == .key("value") && elements[elements.count - 3] == .key("env")
    }
}

/// Who a finding is about; one value for all findings of an owner.
package final class FindingContext: Sendable, Hashable {
    /// The topmost owner: what a person would change.
    package let subject: ObjectReference
    /// Tells copies of a subject apart among files: the file's name; empty for a cluster.
    package let file: String
    /// The cluster's name; empty for files.
    package let cluster: String
    /// What installed the subject, when that is known.
    package let origin: ObjectOrigin?

    package init(subject: ObjectReference, file: String = "", cluster: String = "", origin: ObjectOrigin? = nil) {
        self.subject = subject
        self.file = file
        self.cluster = cluster
        self.origin = origin
    }

    package static func == (a: FindingContext, b: FindingContext) -> Bool {
        a === b || (a.subject == b.subject && a.file == b.file && a.cluster == b.cluster && a.origin == b.origin)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(subject)
        hasher.combine(file)
    }
}

/// A rule broken by, or not observable on, one owner: all the places together.
///
/// Small, since a big cluster has hundreds of thousands: what all findings of an owner share stands in `context`.
package struct Finding: Sendable {
    package let rule: Rule
    package var context: FindingContext
    package var evidence: [Evidence]
    private var waiverBox: WaiverBox?
    package var severity: Severity
    package var outcome: Outcome
    /// Part of Kubernetes itself or of the provider's system software.
    package var isSystem: Bool

    private final class WaiverBox: Sendable {
        let waiver: Waiver
        init(_ waiver: Waiver) { self.waiver = waiver }
    }

    package init(
        rule: Rule, severity: Severity? = nil, outcome: Outcome, context: FindingContext, evidence: [Evidence],
        isSystem: Bool = false
    ) {
        self.rule = rule
        self.severity = severity ?? rule.severity
        self.outcome = outcome
        self.context = context
        self.evidence = evidence
        self.isSystem = isSystem
    }

    package init(
        rule: Rule, severity: Severity? = nil, outcome: Outcome, subject: ObjectReference, file: String = "",
        evidence: [Evidence], cluster: String = "", origin: ObjectOrigin? = nil, isSystem: Bool = false
    ) {
        self.init(
            rule: rule, severity: severity, outcome: outcome,
            context: FindingContext(subject: subject, file: file, cluster: cluster, origin: origin),
            evidence: evidence, isSystem: isSystem)
    }

    package var subject: ObjectReference { context.subject }
    package var file: String { context.file }
    package var cluster: String { context.cluster }
    package var origin: ObjectOrigin? {
        get { context.origin }
        set {
            context = FindingContext(
                subject: context.subject, file: context.file, cluster: context.cluster, origin: newValue)
        }
    }

    /// For `waived`: the waiver.
    package var waiver: Waiver? {
        get { waiverBox?.waiver }
        set { waiverBox = newValue.map(WaiverBox.init) }
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
