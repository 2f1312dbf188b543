import Documents

/// Canonical's CVE tracker: what each release's source package has to do with a CVE, in words.
///
/// The policy for what the tracker gave up on ("ignored (end of life)"), which is where scanners differ most:
/// - The paid track (ESM) of the same release is younger knowledge: its fix counts, and so does its "not affected"
///   where it says why (code not present, binary not built).
/// - Where the release before it says that the binary is not built there, it was not built here either.
/// - Everything else stays vulnerable, with the status `end of life`.
enum UbuntuFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        guard let id = node["id"].string else {
            collector.report("a record of the Ubuntu tracker without an id")
            return
        }
        var advisory = Advisory(id)
        advisory.severity = node["priority"].string.flatMap { Severity(word: $0) }
        advisory.vectors = node["cvss"].strings + (node["cvss"].string.map { [$0] } ?? [])
        if node["cvss"].isArray {
            advisory.vectors += node["cvss"].elements.compactMap { $0["vector"].string ?? $0["baseVector"].string }
        }
        advisory.vectors = advisory.vectors.filter { CVSS($0) != nil }
        advisory.published = node["date"].string.flatMap { CivilDate($0) }
        for package in node["packages"].members { read(package.key, package.value, &advisory) }
        collector.add(advisory)
    }

    /// The tracks behind one release: `trusty/esm`, `esm-infra/xenial`, `esm-apps/focal`.
    private static func extended(_ name: String, _ statuses: [String: String]) -> String? {
        statuses["esm-infra/\(name)"] ?? statuses["\(name)/esm"] ?? statuses["esm-apps/\(name)"]
    }

    private static func read(_ source: String, _ node: Node, _ advisory: inout Advisory) {
        var statuses: [String: String] = [:]
        var known: [(release: ReleaseNames.Release, status: String)] = []
        for member in node.members {
            guard let text = member.value.string else { continue }
            statuses[member.key] = text
            if let release = ReleaseNames.release(member.key, of: "ubuntu") { known.append((release, text)) }
        }
        known.sort { $0.release.order < $1.release.order }
        for (index, item) in known.enumerated() {
            var package = AffectedPackage(EcosystemKey("ubuntu:\(item.release.number)"), source)
            let paid = extended(item.release.codename, statuses)
            var status = item.status
            if isGivenUp(status) {
                if let paid, paid.hasPrefix("released") || hasReason(paid) {
                    status = paid
                    if paid.hasPrefix("released") { package.note = "fixed in ESM" }
                } else if paid == nil, isNotBuilt(before: index, known, statuses) {
                    status = "not-affected (binary not built)"
                }
            }
            if apply(status, to: &package) { advisory.affected.append(package) }
            if let paid {
                var track = AffectedPackage(EcosystemKey("ubuntu:\(item.release.number)+esm"), source)
                if apply(paid, to: &track) { advisory.affected.append(track) }
            }
        }
        // Releases that the tracker knows by their paid track alone.
        for (key, status) in statuses.sorted(by: { $0.key < $1.key }) where key.contains("esm") {
            let name = key.split(separator: "/").map(String.init).first { !$0.contains("esm") } ?? ""
            guard statuses[name] == nil, let release = ReleaseNames.release(name, of: "ubuntu"),
                extended(name, statuses) == status
            else { continue }
            for track in ["", "+esm"] {
                var package = AffectedPackage(EcosystemKey("ubuntu:\(release.number)\(track)"), source)
                if track.isEmpty, status.hasPrefix("released") { package.note = "fixed in ESM" }
                if apply(status, to: &package) { advisory.affected.append(package) }
            }
        }
    }

    private static func isGivenUp(_ status: String) -> Bool {
        status.hasPrefix("ignored (end of") || status.hasPrefix("ignored (out of")
    }

    /// `not-affected (code not present)`, not `not-affected (2.31-1)`.
    private static func hasReason(_ status: String) -> Bool {
        guard status.hasPrefix("not-affected ("), let first = inside(status)?.utf8.first else { return false }
        return !first.isDigit
    }

    private static func isNotBuilt(
        before index: Int, _ known: [(release: ReleaseNames.Release, status: String)], _ statuses: [String: String]
    ) -> Bool {
        for item in known[..<index].reversed() {
            let own = isGivenUp(item.status) || item.status.hasPrefix("needs-triage")
            let status = own ? extended(item.release.codename, statuses) ?? item.status : item.status
            if status.hasPrefix("ignored") || status.hasPrefix("needs-triage") { continue }
            return status.contains("not built")
        }
        return false
    }

    private static func inside(_ status: String) -> String? {
        guard let open = status.firstIndex(of: "("), let close = status.lastIndex(of: ")"), open < close else {
            return nil
        }
        return String(status[status.index(after: open)..<close])
    }

    /// false where the status says nothing about this release (`DNE`).
    private static func apply(_ status: String, to package: inout AffectedPackage) -> Bool {
        let word = status.prefix { $0 != " " }
        let reason = inside(status) ?? ""
        switch word {
        case "released":
            guard let version = reason.split(separator: " ").first, version.utf8.first?.isDigit == true else {
                package.status = .notAffected
                package.note = "released, in a version that is not named"
                return true
            }
            package.fix(in: version.filter { $0 != "," }.trimmed)
        case "not-affected":
            package.status = .notAffected
            package.note = reason
        case "DNE", "not-for-us": return false
        case "needs-triage":
            package.status = .underInvestigation
            package.affectsAll()
        case "deferred":
            package.status = .deferred
            package.note = reason
            package.affectsAll()
        case "ignored":
            package.status = isGivenUp(status) ? .endOfLife : .ignored
            package.note = reason
            package.affectsAll()
        default:
            // needed, pending, active, in-progress
            package.note = reason.isEmpty ? String(word) : "\(word) (\(reason))"
            package.affectsAll()
        }
        return true
    }
}
