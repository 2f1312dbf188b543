package import Documents
import Findings
package import Store

extension JSONWriter {
    /// A moment as RFC 3339; null for none.
    package mutating func member(_ key: String, time: Milliseconds?) {
        self.key(key)
        if let time { value(TimeText.rfc3339(time)) } else { null() }
    }

    package mutating func member(_ key: String, optional text: String?) {
        self.key(key)
        if let text { value(text) } else { null() }
    }

    package mutating func member(_ key: String, ratio: Double?) {
        self.key(key)
        if let ratio { value(ratio, digits: 4) } else { null() }
    }

    /// A page of a list: its entries, and where the next one begins.
    package mutating func page<Row>(_ rows: [Row], next: String?, _ write: (inout JSONWriter, Row) -> Void) {
        member("items", array: { json in for row in rows { json.object { write(&$0, row) } } })
        member("next", optional: next)
    }

    mutating func cluster(_ row: ClusterRow, failing: [RollupRow], agent: AgentRow?) {
        member("id", row.id)
        member("name", row.name)
        member("source", row.source)
        member("server", row.server)
        member("version", row.version)
        member("score", ratio: row.score)
        member(
            "freshness",
            object: { json in
                json.member("state", row.state.rawValue)
                json.member("detail", row.detail)
                json.member("lastEvent", time: row.eventAt)
                json.member("lastScan", time: row.scanAt)
                json.key("lagMilliseconds")
                if let lag = row.lag { json.value(lag) } else { json.null() }
                json.member("holes", row.holes)
            })
        member(
            "coverage",
            object: { json in
                json.member("objects", row.counts.objects)
                json.member("workloads", row.counts.workloads)
                json.member("passed", row.counts.passed)
                json.member("failed", row.counts.failed)
                json.member("waived", row.counts.waived)
                json.member("notObservable", row.counts.unobservable)
                json.member("ratio", ratio: row.counts.coverage)
            })
        member("findings", object: { $0.counts(failing) })
        if let agent { member("agent", object: { $0.agent(agent) }) }
        member("addedAt", time: row.addedAt)
        member("serial", row.serial)
    }

    /// Failing findings by severity, and how many there are of each other status.
    mutating func counts(_ rows: [RollupRow]) {
        for severity in Severity.allCases.reversed() {
            let total = rows.reduce(0) { sum, row in
                row.status == .failing && row.severity == severity ? sum + row.total : sum
            }
            member(severity.rawValue, total)
        }
        for status in FindingStatus.allCases {
            member(status.word, rows.reduce(0) { $1.status == status ? $0 + $1.total : $0 })
        }
    }

    mutating func finding(_ row: FindingRow, evidence: Bool = false) {
        member("cluster", row.cluster)
        member("fingerprint", row.fingerprint)
        member("rule", row.rule)
        member("title", row.title)
        member("severity", row.severity.rawValue)
        member("status", row.status.word)
        member(
            "subject",
            object: { json in
                json.member("group", row.group)
                json.member("kind", row.kind)
                json.member("namespace", row.namespace)
                json.member("name", row.name)
            })
        member("file", row.file)
        member("message", row.message)
        member("system", row.isSystem)
        member("origin", row.origin)
        member("source", row.source)
        member("waiver", optional: row.waiver)
        member("firstSeen", time: row.firstSeen)
        member("changedAt", time: row.changedAt)
        member("fixedAt", time: row.fixedAt)
        member("reopened", row.reopened)
        member("objectVersion", row.objectVersion)
        member("actor", row.actor)
        if evidence {
            key("evidence")
            raw(row.evidence)
        }
    }

    mutating func object(_ row: ObjectRow) {
        member("cluster", row.cluster)
        member("group", row.group)
        member("kind", row.kind)
        member("namespace", row.namespace)
        member("name", row.name)
        member("file", row.file)
        member("labels", row.labels)
        member("images", row.images)
        member("serviceAccount", row.serviceAccount)
        member("origin", row.origin)
        member("worst", optional: row.worst?.rawValue)
        member("failing", row.failing)
        member("system", row.isSystem)
        member("seenAt", time: row.seenAt)
    }

    mutating func waiver(_ row: WaiverRow) {
        member("id", row.id)
        member("cluster", row.cluster)
        member("rule", row.rule)
        member("kind", optional: row.kind)
        member("namespace", optional: row.namespace)
        member("name", optional: row.name)
        member("path", optional: row.path)
        member("owner", row.owner)
        member("reason", row.reason)
        member("expires", row.expires)
        member("state", row.state.rawValue)
        member("requestedBy", row.requestedBy)
        member("requestedAt", time: row.requestedAt)
        member("decidedBy", optional: row.decidedBy)
        member("decidedAt", time: row.decidedAt)
    }

    mutating func alert(_ row: AlertRow) {
        member("id", row.id)
        member("cluster", row.cluster)
        member("namespace", row.namespace)
        member("rule", row.rule)
        member("group", row.groupKey)
        member("severity", row.severity.rawValue)
        member("state", row.state.rawValue)
        member("title", row.title)
        member("total", row.total)
        key("items")
        raw(row.content)
        member("startedAt", time: row.startedAt)
        member("changedAt", time: row.changedAt)
        member("endedAt", time: row.endedAt)
        member("acknowledgedBy", optional: row.acknowledgedBy)
        member("acknowledgedAt", time: row.acknowledgedAt)
    }

    mutating func event(_ row: EventRow) {
        member("id", row.id)
        member("cluster", row.cluster)
        member("namespace", row.namespace)
        member("at", time: row.at)
        member("source", row.source)
        member("severity", row.severity.rawValue)
        member("rule", row.rule)
        member("subject", row.subject)
        member("message", row.message)
        key("content")
        raw(row.content)
    }

    mutating func user(_ row: UserRow, _ grants: [GrantRow]) {
        member("id", row.id)
        member("name", row.name)
        member("source", row.source)
        member("disabled", row.isDisabled)
        member("createdAt", time: row.createdAt)
        member("lastLogin", time: row.loginAt)
        self.grants(grants)
    }

    mutating func grants(_ grants: [GrantRow]) {
        member(
            "grants",
            array: { json in
                for grant in grants {
                    json.object { json in
                        json.member("role", grant.role)
                        json.member("cluster", grant.cluster)
                        json.member("namespace", grant.namespace)
                        json.member(
                            "labels",
                            object: { json in
                                for label in grant.labels {
                                    let sides = label.split(
                                        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                                    json.member(String(sides[0]), String(sides[1]))
                                }
                            })
                    }
                }
            })
    }

    mutating func token(_ row: TokenRow, _ grants: [GrantRow]) {
        member("id", row.id)
        member("name", row.name)
        member("createdBy", row.createdBy)
        member("createdAt", time: row.createdAt)
        member("expiresAt", time: row.expiresAt)
        member("lastUsed", time: row.usedAt)
        member("revoked", row.isRevoked)
        self.grants(grants)
    }
}
