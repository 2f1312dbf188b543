package import Findings

/// How a finding stands.
package enum FindingStatus: Int, Sendable, CaseIterable {
    case failing, waived, unobservable, fixed

    /// The word of the API.
    package var word: String {
        switch self {
        case .failing: "failing"
        case .waived: "waived"
        case .unobservable: "notObservable"
        case .fixed: "fixed"
        }
    }

    package init?(word: String) {
        guard let status = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = status
    }
}

/// A finding with its history: one row for each check and owner, whatever pods come and go.
package struct FindingRow: Sendable, Hashable {
    package var cluster: String
    package var fingerprint: String
    package var rule: String
    package var severity: Severity
    package var status: FindingStatus
    package var group: String
    package var kind: String
    package var namespace: String
    package var name: String
    package var file: String
    package var isSystem: Bool
    /// The rule's headline.
    package var title: String
    /// What the first place says.
    package var message: String
    /// All places, as JSON in the shape of the report: `[{path, message, value, location, object, provenance}]`.
    package var evidence: String
    /// What installed the owner: `Helm shop/cart`.
    package var origin: String
    /// Who found it: `martlet`, or the scanner whose report was taken in.
    package var source: String
    /// For `waived`: the waiver as `owner: reason (until day)`.
    package var waiver: String?
    package var firstSeen: Milliseconds
    package var changedAt: Milliseconds
    package var fixedAt: Milliseconds?
    /// How often it came back after it had been fixed.
    package var reopened: Int
    /// `resourceVersion` of the owner when it last changed.
    package var objectVersion: String
    /// Who made the change, where an audit log tells.
    package var actor: String

    package init(
        cluster: String, fingerprint: String, rule: String, severity: Severity, status: FindingStatus,
        group: String = "", kind: String, namespace: String, name: String, file: String = "", isSystem: Bool = false,
        title: String, message: String, evidence: String = "[]", origin: String = "", source: String = "martlet",
        waiver: String? = nil, objectVersion: String = "", actor: String = ""
    ) {
        self.cluster = cluster
        self.fingerprint = fingerprint
        self.rule = rule
        self.severity = severity
        self.status = status
        self.group = group
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.file = file
        self.isSystem = isSystem
        self.title = title
        self.message = message
        self.evidence = evidence
        self.origin = origin
        self.source = source
        self.waiver = waiver
        firstSeen = 0
        changedAt = 0
        reopened = 0
        self.objectVersion = objectVersion
        self.actor = actor
    }

    /// Of all that a scan says of it: the same digest, nothing to write.
    package var digest: String {
        var hash = FNV1a()
        for part in [
            rule, severity.rawValue, status.word, group, kind, namespace, name, file, title, message, evidence, origin,
            source, waiver ?? "", isSystem ? "1" : "0",
        ] {
            hash.combine(part)
        }
        return hash.hex
    }

    /// The kind of what reports about images are of.
    package static let imageKind = "Image"

    /// 0 for critical, as the database counts.
    var rank: Int { 4 - severity.rank }

    static let columns = """
        cluster, fingerprint, rule, rank, status, api_group, kind, namespace, name, file, system, title, message, \
        evidence, origin, source, waiver, first_seen, changed_at, fixed_at, reopened, object_version, actor
        """

    init(_ row: SQLRow) throws(StoreError) {
        self.init(
            cluster: try row.text(0), fingerprint: try row.text(1), rule: try row.text(2),
            severity: Severity(rank: try row.int(3)), status: FindingStatus(rawValue: try row.int(4)) ?? .failing,
            group: try row.text(5), kind: try row.text(6), namespace: try row.text(7), name: try row.text(8),
            file: try row.text(9), isSystem: try row.bool(10), title: try row.text(11), message: try row.text(12),
            evidence: try row.text(13), origin: try row.text(14), source: try row.text(15),
            waiver: try row.optionalText(16), objectVersion: try row.text(21), actor: try row.text(22))
        firstSeen = try row.int(17)
        changedAt = try row.int(18)
        fixedAt = try row.optionalInt(19)
        reopened = try row.int(20)
    }
}

extension Severity {
    /// From the database's count, 0 for critical.
    package init(rank: Int) {
        self = Severity.allCases.first { 4 - $0.rank == rank } ?? .info
    }

    /// As the database counts, 0 for critical.
    package var storedRank: Int { 4 - rank }
}
