package import Documents
import Kubernetes

/// Reads waivers from a file:
///
/// ```yaml
/// waivers:
/// - check: pod/host-port            # or a list; `*` matches any run of characters
///   owner: payments team
///   reason: the load balancer of the old data centre knows only node ports
///   approver: security board        # may be left out
///   expires: 2027-03-31             # the last day; at most a year from today
///   match:                          # at least one of these
///     kind: DaemonSet
///     namespace: shop
///     name: edge-*
///     labels: {app: edge}           # or matchLabels and matchExpressions
///     path: spec.template.spec.containers[*].ports
///     file: overlays/prod/*
/// ```
///
/// A field that is not in this list is an error: a mistyped `namespace` would waive the whole cluster. An entry that is
/// wrong is left out, so that what it covers keeps failing.
package enum WaiverFile {
    package static func read(_ source: SourceText, today: CalendarDate) -> (waivers: [Waiver], problems: [Problem]) {
        let set = DocumentReader.read(source)
        var reader = WaiverReader(today: today)
        for problem in set.problems {
            reader.problems.append(
                Problem(.invalid, code: problem.code.rawValue, problem.message, location: problem.location))
        }
        for document in set.documents where !document.root.isNull { reader.read(document.root) }
        return (reader.waivers, reader.problems)
    }
}

private struct WaiverReader {
    let today: CalendarDate
    var waivers: [Waiver] = []
    var problems: [Problem] = []

    private static let entryFields = ["check", "owner", "reason", "approver", "expires", "match"]
    private static let matchFields = [
        "kind", "namespace", "name", "labels", "matchLabels", "matchExpressions", "path", "file",
    ]

    mutating func read(_ root: Node) {
        guard root.isObject, root["waivers"].isArray else {
            report(root["waivers"], "expected a list \"waivers\"")
            return
        }
        // A file may carry apiVersion, kind and metadata, for those who keep it in the cluster's repository.
        refuseOthers(in: root, than: ["waivers", "apiVersion", "kind", "metadata"])
        for entry in root["waivers"].elements { readEntry(entry) }
    }

    private mutating func readEntry(_ entry: Node) {
        guard entry.isObject else {
            report(entry, "expected a waiver with check, owner, reason, expires and match")
            return
        }
        let before = problems.count
        refuseOthers(in: entry, than: Self.entryFields)
        let checks = readChecks(entry["check"])
        let owner = required(entry["owner"], "owner", "who answers for it")
        let reason = required(entry["reason"], "reason", "why it is accepted")
        let expires = readExpiry(entry["expires"])
        let scope = readMatch(entry["match"])
        let approver = optional(entry["approver"])
        guard problems.count == before, let scope else { return }
        for check in checks {
            var own = scope
            own.check = check
            waivers.append(
                Waiver(
                    owner: owner, reason: reason, approver: approver, expires: expires, scope: own,
                    place: entry.location?.description ?? entry.path.description))
        }
    }

    private mutating func readChecks(_ node: Node) -> [String] {
        let nodes = node.isArray ? Array(node.elements) : [node]
        let checks = nodes.compactMap { $0.string }.filter { !$0.isEmpty }
        if checks.count != nodes.count || checks.isEmpty {
            report(node, "expected \"check\": the check it waives, such as \"pod/host-port\" or \"pod/*\"")
        }
        return checks
    }

    private mutating func readExpiry(_ node: Node) -> String {
        guard let text = node.text, !text.isEmpty else {
            report(node, "expected \"expires\": the last day it holds, such as \(today.inOneYear)")
            return ""
        }
        guard let day = CalendarDate(text), text == day.description else {
            report(node, "\"expires\" is no date: \"\(text)\"; write it as \(today.inOneYear)")
            return ""
        }
        if let wrong = Waiver.excess(of: day, from: today) { report(node, wrong) }
        return day.description
    }

    private mutating func readMatch(_ node: Node) -> Waiver.Scope? {
        guard node.isObject else {
            report(node, "expected \"match\": what it covers, by kind, namespace, name, labels, path or file")
            return nil
        }
        refuseOthers(in: node, than: Self.matchFields)
        var scope = Waiver.Scope(
            check: "", kind: optional(node["kind"]), namespace: optional(node["namespace"]),
            name: optional(node["name"]), path: optional(node["path"]), file: optional(node["file"]))
        scope.labels = readLabels(node)
        if !scope.isBounded {
            report(node, "\"match\" covers everything; narrow it by kind, namespace, name, labels, path or file")
        }
        return scope
    }

    private mutating func readLabels(_ match: Node) -> LabelSelector? {
        let plain = match["labels"]
        let isSelector = plain["matchLabels"].exists || plain["matchExpressions"].exists
        var selector: LabelSelector?
        if plain.exists {
            selector = isSelector ? LabelSelector(plain) : readPlainLabels(plain)
        } else if match["matchLabels"].exists || match["matchExpressions"].exists {
            selector = LabelSelector(match)
        } else {
            return nil
        }
        guard let selector, selector.isValid, !selector.isEmpty else {
            report(plain, "expected labels with their values, or a selector Kubernetes knows")
            return nil
        }
        return selector
    }

    private mutating func readPlainLabels(_ node: Node) -> LabelSelector? {
        var labels: [String: String] = [:]
        for member in node.members {
            guard let value = member.value.string else { return nil }
            labels[member.key] = value
        }
        return LabelSelector(matchLabels: labels)
    }

    private mutating func required(_ node: Node, _ name: String, _ meaning: String) -> String {
        guard let text = optional(node), text.contains(where: { !$0.isWhitespace }) else {
            if node.isNull || node.text != nil { report(node, "expected \"\(name)\": \(meaning)") }
            return ""
        }
        return text
    }

    private mutating func optional(_ node: Node) -> String? {
        if node.isNull { return nil }
        guard let text = node.text, !text.isEmpty else {
            report(node, "expected text that is not empty")
            return nil
        }
        return text
    }

    private mutating func refuseOthers(in node: Node, than known: [String]) {
        for member in node.members where !known.contains(member.key) {
            report(member.value, "unknown field \"\(member.key)\"; expected one of \(known.joined(separator: ", "))")
        }
    }

    private mutating func report(_ node: Node, _ message: String) {
        let place = node.path.isEmpty ? "" : "\(node.path): "
        problems.append(
            Problem(.invalid, code: "waiver", "\(place)\(message); the waiver is not used", location: node.location))
    }
}

extension Waiver {
    /// What is wrong with an expiry that is too far away; nil when it is near enough.
    static func excess(of day: CalendarDate, from today: CalendarDate) -> String? {
        guard day > today.inOneYear else { return nil }
        return "\(day) is more than a year away; a waiver ends by \(today.inOneYear) and may then be renewed"
    }
}
