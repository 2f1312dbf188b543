import Documents
import Findings

/// Reads frameworks, families and mappings, ours and other people's, in one form:
///
/// ```yaml
/// frameworks:
/// - id: acme
///   title: Acme baseline
///   edition: "2026"
///   extends: soc2                 # takes its controls over; those below replace or add
///   without: [CC1.1]
///   controls:
///   - id: A-1
///     title: Nobody holds wildcards
///     reach: strong               # strong, partial or none
///     evidence: [rbac-admin]      # families
///     checks: [rbac/wildcard]     # checks beside them, with *
///     parts:                # other controls that make it up
/// families:
/// - id: acme-images
///   title: Our images
///   checks: [image/no-digest]
///   includes: [image-provenance]
///   people: the release manager's list
/// mappings:                       # changes to a framework that is there
/// - framework: pci-dss
///   control: 1.3.1
///   add: {evidence: [acme-images], checks: [pod/host-port]}
///   remove: {evidence: [network-isolation]}
/// ```
///
/// Everything that is wrong is told, with its place: unknown checks, families and fields, ids that stand twice, and
/// circles among families, parts and frameworks.
struct CatalogueReader {
    private var catalogue: ComplianceCatalogue
    private var problems: [Problem] = []
    private var places: [String: Node] = [:]
    private var excluded: [String: [String]] = [:]
    private var mappings: [Node] = []
    private var patterns: [(CheckPattern, Node)] = []
    private var newFrameworks: Set<String> = []

    init(_ base: ComplianceCatalogue) { catalogue = base }

    // MARK: Reading

    mutating func read(_ source: SourceText) {
        let set = DocumentReader.read(source)
        for problem in set.problems {
            problems.append(
                Problem(.invalid, code: problem.code.rawValue, problem.message, location: problem.location))
        }
        for document in set.documents where !document.root.isNull { read(root: document.root) }
    }

    private mutating func read(root: Node) {
        guard root.isObject else {
            report(root, "expected \"frameworks\", \"families\" or \"mappings\"")
            return
        }
        refuseOthers(
            in: root,
            than: ["frameworks", "families", "mappings", "populations", "judgedByPeople", "apiVersion", "kind"])
        for node in list(root["families"]) { readFamily(node) }
        for node in list(root["frameworks"]) { readFramework(node) }
        for node in list(root["populations"]) {
            catalogue.populations.append(
                PopulationKind(
                    id: node["id"].string ?? "", title: node["title"].string ?? "",
                    isSeenWhenAbsent: node["absent"].equals("notApplicable"),
                    checks: node["checks"].strings.map(CheckPattern.init)))
        }
        catalogue.judgedByPeople.formUnion(root["judgedByPeople"].strings)
        mappings += list(root["mappings"])
    }

    private mutating func readFamily(_ node: Node) {
        let known = Set(catalogue.families.map(\.id))
        guard let id = identity(node, "family", known: known) else { return }
        refuseOthers(in: node, than: ["id", "title", "checks", "includes", "cis", "needs", "people", "record"])
        var record: EvidenceFamily.Record?
        if node["record"].exists {
            record = node["record"].string.flatMap(EvidenceFamily.Record.init)
            if record == nil { report(node["record"], "\"record\" is inventory, exceptions, scans or history") }
        }
        let family = EvidenceFamily(
            id: id, title: node["title"].string ?? id, checks: checks(node["checks"]),
            includes: strings(node["includes"]), cis: strings(node["cis"]), needs: node["needs"].string,
            people: node["people"].string, record: record)
        if family.checks.isEmpty, family.includes.isEmpty, family.needs == nil, family.people == nil, record == nil {
            report(node, "family \"\(id)\" has nothing to show: give it checks, includes, people or needs")
        }
        catalogue.families.append(family)
        places["family \(id)"] = node
    }

    private mutating func readFramework(_ node: Node) {
        let others = Set(catalogue.frameworks.map(\.id))
        guard let id = identity(node, "framework", known: others) else { return }
        refuseOthers(in: node, than: ["id", "title", "edition", "source", "extends", "without", "controls"])
        var framework = ComplianceFramework(
            id: id, title: node["title"].string ?? id, edition: node["edition"].text ?? "",
            source: node["source"].string ?? "", base: node["extends"].string ?? "")
        excluded[id] = strings(node["without"])
        places["framework \(id)"] = node
        var known: Set<String> = []
        for control in list(node["controls"]) {
            guard let read = readControl(control, in: id, known: known) else { continue }
            known.insert(read.id)
            framework.controls.append(read)
        }
        if framework.controls.isEmpty, framework.base.isEmpty {
            report(node, "framework \"\(id)\" has no controls")
        }
        newFrameworks.insert(id)
        catalogue.frameworks.append(framework)
    }

    private mutating func readControl(_ node: Node, in framework: String, known: Set<String>) -> ComplianceControl? {
        guard let id = identity(node, "control", known: known) else { return nil }
        refuseOthers(in: node, than: ["id", "title", "reach", "evidence", "checks", "parts", "note"])
        var reach = ControlReach.partial
        if node["reach"].exists {
            if let known = node["reach"].string.flatMap(ControlReach.init) {
                reach = known
            } else {
                report(node["reach"], "\"reach\" is strong, partial or none")
            }
        }
        places["control \(framework)/\(id)"] = node
        return ComplianceControl(
            id: id, title: node["title"].string ?? id, reach: reach, evidence: strings(node["evidence"]),
            checks: checks(node["checks"]), parts: strings(node["parts"]), note: node["note"].string)
    }

    private mutating func identity(_ node: Node, _ what: String, known: Set<String>) -> String? {
        // Ids such as 1.20 are to be quoted: as a number it would be 1.2.
        guard let id = node["id"].string ?? (node["id"].kind == .number ? node["id"].text : nil), !id.isEmpty else {
            report(node["id"], "expected \"id\" of a \(what)")
            return nil
        }
        guard !known.contains(id) else {
            report(node["id"], "the \(what) id \"\(id)\" stands twice; ids are used once")
            return nil
        }
        return id
    }

    private mutating func checks(_ node: Node) -> [CheckPattern] {
        let found = strings(node).map(CheckPattern.init)
        patterns += zip(found, node.elements).map { ($0, $1) }
        return found
    }

    private mutating func strings(_ node: Node) -> [String] {
        guard !node.isNull else { return [] }
        guard node.isArray else {
            report(node, "expected a list")
            return []
        }
        return node.elements.map { $0.text ?? "" }
    }

    private mutating func list(_ node: Node) -> [Node] {
        guard !node.isNull else { return [] }
        guard node.isArray else {
            report(node, "expected a list")
            return []
        }
        return Array(node.elements)
    }

    private mutating func refuseOthers(in node: Node, than known: Set<String>) {
        for member in node.members where !known.contains(member.key) {
            report(member.value, "unknown field \"\(member.key)\"; known are \(known.sorted().joined(separator: ", "))")
        }
    }

    private mutating func report(_ node: Node, _ message: String) {
        problems.append(Problem(.invalid, code: "framework", message, location: node.location))
    }

    // MARK: The whole

    /// - Parameter rules: every check; nil leaves patterns unasked.
    mutating func finished(rules: [Rule]?) -> (ComplianceCatalogue, [Problem]) {
        refuseCircles()
        guard problems.isEmpty else { return (catalogue, problems) }
        for index in catalogue.frameworks.indices where newFrameworks.contains(catalogue.frameworks[index].id) {
            catalogue.frameworks[index].controls = inherited(catalogue.frameworks[index])
        }
        for mapping in mappings { apply(mapping) }
        resolveNames()
        if let rules { refuseUnknown(rules) }
        return (catalogue, problems)
    }

    private func inherited(_ framework: ComplianceFramework) -> [ComplianceControl] {
        guard let base = catalogue.framework(framework.base) else { return framework.controls }
        let without = Set(excluded[framework.id] ?? [])
        let taken = newFrameworks.contains(base.id) ? inherited(base) : base.controls
        var out = taken.filter { !without.contains($0.id) }
        for control in framework.controls {
            if let place = out.firstIndex(where: { $0.id == control.id }) {
                out[place] = control
            } else {
                out.append(control)
            }
        }
        return out
    }

    private mutating func apply(_ mapping: Node) {
        refuseOthers(in: mapping, than: ["framework", "control", "add", "remove"])
        let (name, id) = (mapping["framework"].string ?? "", mapping["control"].text ?? "")
        guard let place = catalogue.frameworks.firstIndex(where: { $0.id == name }) else {
            report(mapping["framework"], "unknown framework \"\(name)\"")
            return
        }
        guard let control = catalogue.frameworks[place].controls.firstIndex(where: { $0.id == id }) else {
            report(mapping["control"], "framework \"\(name)\" has no control \"\(id)\"")
            return
        }
        var changed = catalogue.frameworks[place].controls[control]
        let gone = (strings(mapping["remove"]["evidence"]), Set(strings(mapping["remove"]["checks"])))
        changed.evidence.removeAll { gone.0.contains($0) }
        changed.checks.removeAll { gone.1.contains($0.text) }
        for family in strings(mapping["add"]["evidence"]) where !changed.evidence.contains(family) {
            if catalogue.family(family) == nil { report(mapping["add"]["evidence"], "unknown family \"\(family)\"") }
            changed.evidence.append(family)
        }
        for check in checks(mapping["add"]["checks"]) where !changed.checks.contains(check) {
            changed.checks.append(check)
        }
        catalogue.frameworks[place].controls[control] = changed
    }

    private mutating func resolveNames() {
        for family in catalogue.families {
            for name in family.includes where catalogue.family(name) == nil {
                report("family \(family.id)", "family \"\(family.id)\" includes \"\(name)\", which is not there")
            }
        }
        for framework in catalogue.frameworks where newFrameworks.contains(framework.id) {
            if !framework.base.isEmpty, catalogue.framework(framework.base) == nil {
                report(
                    "framework \(framework.id)", "\"\(framework.id)\" extends \"\(framework.base)\", which is not there"
                )
            }
            for control in framework.controls {
                let key = "control \(framework.id)/\(control.id)"
                for name in control.evidence where catalogue.family(name) == nil {
                    report(key, "control \"\(control.id)\" names the unknown family \"\(name)\"")
                }
                for name in control.parts where framework.control(name) == nil {
                    report(key, "control \"\(control.id)\" has the part \"\(name)\", which is not there")
                }
            }
        }
    }

    private mutating func report(_ key: String, _ message: String) {
        problems.append(Problem(.invalid, code: "framework", message, location: places[key]?.location))
    }

    private mutating func refuseUnknown(_ rules: [Rule]) {
        let controls = Set(catalogue.framework("cis")?.controls.map(\.id) ?? [])
        for (pattern, node) in patterns where !rules.contains(where: pattern.matches) {
            if pattern.text.hasPrefix("cis:"), controls.contains(String(pattern.text.dropFirst(4))) { continue }
            report(node, "unknown check \"\(pattern)\"; `martlet checks` lists them")
        }
    }

    private mutating func refuseCircles() {
        let families = Dictionary(catalogue.families.map { ($0.id, $0.includes) }) { first, _ in first }
        if let circle = Self.circle(families) {
            report("family \(circle[0])", "families include each other in a circle: \(Self.words(circle))")
        }
        let bases = Dictionary(catalogue.frameworks.map { ($0.id, $0.base.isEmpty ? [] : [$0.base]) }) { a, _ in a }
        if let circle = Self.circle(bases) {
            report("framework \(circle[0])", "frameworks extend each other in a circle: \(Self.words(circle))")
        }
        for framework in catalogue.frameworks where newFrameworks.contains(framework.id) {
            let parts = Dictionary(framework.controls.map { ($0.id, $0.parts) }) { first, _ in first }
            guard let circle = Self.circle(parts) else { continue }
            report(
                "control \(framework.id)/\(circle[0])",
                "controls of \"\(framework.id)\" are parts of each other in a circle: \(Self.words(circle))")
        }
    }

    private static func words(_ circle: [String]) -> String { circle.joined(separator: " → ") }

    /// The first circle in the order of names, first and last the same; nil where there is none. Without recursion:
    /// a file may chain as many as it likes.
    static func circle(_ links: [String: [String]]) -> [String]? {
        var isDone: Set<String> = []
        for start in links.keys.sorted() where !isDone.contains(start) {
            var path = [start]
            var onPath: Set<String> = [start]
            var next = [0]
            while let name = path.last {
                let place = next[next.count - 1]
                let list = links[name] ?? []
                guard place < list.count else {
                    isDone.insert(name)
                    onPath.remove(name)
                    path.removeLast()
                    next.removeLast()
                    continue
                }
                next[next.count - 1] += 1
                let other = list[place]
                if onPath.contains(other), let first = path.firstIndex(of: other) { return path[first...] + [other] }
                guard !isDone.contains(other), links[other] != nil else { continue }
                path.append(other)
                onPath.insert(other)
                next.append(0)
            }
        }
        return nil
    }
}
