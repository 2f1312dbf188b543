/// What happens at the door when a rule is broken.
package enum AdmissionMode: String, Sendable, Hashable, Comparable, CaseIterable {
    /// Nothing; the rule is not asked.
    case off
    /// Noted in the audit log.
    case audit
    /// Noted, and told to whoever sent the object.
    case warn
    /// Refused.
    case enforce

    private var rank: Int {
        switch self {
        case .off: 0
        case .audit: 1
        case .warn: 2
        case .enforce: 3
        }
    }

    package static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
}
