package import Kubernetes

/// A decision to live with findings: who, why, for what and until when.
///
/// Never a pass: the finding stays in the report with this beside it.
package struct Waiver: Sendable, Hashable {
    package var owner: String
    package var reason: String
    package var approver: String?
    /// The last day it holds, `2027-03-31`.
    package var expires: String
    package var scope: Scope
    /// Where it was written: `waivers.yaml:12:3` or the annotated object.
    package var place: String

    /// What it covers; a nil part covers everything. Names may have `*`.
    package struct Scope: Sendable, Hashable {
        package var check: String
        package var kind: String?
        package var namespace: String?
        package var name: String?
        package var labels: LabelSelector?
        /// A field and all below it: `spec.template.spec.containers[*].ports`.
        package var path: String?
        /// The file the object stands in, as the report names it; tells overlays of one object apart.
        package var file: String?

        package init(
            check: String, kind: String? = nil, namespace: String? = nil, name: String? = nil,
            labels: LabelSelector? = nil, path: String? = nil, file: String? = nil
        ) {
            self.check = check
            self.kind = kind
            self.namespace = namespace
            self.name = name
            self.labels = labels
            self.path = path
            self.file = file
        }

        /// Whether anything but the check narrows it; a pattern that everything matches does not.
        package var isBounded: Bool {
            if let labels, !labels.isEmpty { return true }
            return [kind, namespace, name, path, file].contains { $0.map { !Glob($0).matchesAll } ?? false }
        }
    }

    package init(owner: String, reason: String, approver: String? = nil, expires: String, scope: Scope, place: String) {
        self.owner = owner
        self.reason = reason
        self.approver = approver
        self.expires = expires
        self.scope = scope
        self.place = place
    }

    /// Whether it holds on that day; the last day counts.
    package func holds(on day: CalendarDate) -> Bool { CalendarDate(expires).map { $0 >= day } ?? false }
}
