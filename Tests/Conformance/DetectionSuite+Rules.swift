import Detection
import Documents
import Foundation

/// Cases of whole rule files, and of events against them.
enum DetectionRuleCases {
    // MARK: Loading

    static func load(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for vector in try folder.lines("vectors/rules-load.jsonl") {
            let (set, results) = try loaded(vector["files"], folder)
            let expect = vector["expect"]
            agreement.note(vector["id"].string ?? "", difference(set, results, expect))
        }
        return agreement
    }

    private static func loaded(
        _ files: Node, _ folder: ConformanceFolder
    ) throws -> (RuleSet, [RuleFileResult]) {
        var set = RuleSet()
        var results: [RuleFileResult] = []
        for file in files.elements {
            let bytes: [UInt8]
            if let reference = file["ref"].string {
                bytes = try folder.bytes(reference)
            } else {
                bytes = Array((file["content"].string ?? "").utf8)
            }
            let result = set.load(SourceText(name: file["name"].string ?? "rules.yaml", bytes: bytes))
            results.append(result)
            if !result.isSuccessful { break }
        }
        return (set, results)
    }

    private static func difference(_ set: RuleSet, _ results: [RuleFileResult], _ expect: Node) -> String? {
        if expect["exception"].exists {
            // There the engine failed while it described the rule, after it had loaded it.
            return results.allSatisfy(\.isSuccessful)
                && results.contains { $0.warnings.contains { $0.code == .invalidListName } }
                ? nil : "expected to load with a warning of the list's name"
        }
        var notes: [String] = []
        let ok = results.allSatisfy(\.isSuccessful)
        if ok != expect["ok"].bool { notes.append("ok \(ok), expected \(!ok)") }
        for (result, expected) in zip(results, expect["files"].elements) {
            compare(result.errors, expected["errors"], "error", &notes)
            compare(result.warnings, expected["warnings"], "warning", &notes)
            if let schema = expected["schema"].string, schema != result.schema.description {
                notes.append("schema \(result.schema), expected \(schema)")
            }
        }
        if ok {
            let found = Dictionary(set.rules.map { ($0.name, $0) }) { first, _ in first }
            let expected = Array(expect["rules"].elements)
            if found.count != expected.count { notes.append("\(found.count) rules, expected \(expected.count)") }
            for rule in expected {
                guard let own = found[rule["name"].string ?? ""] else {
                    notes.append("no rule \(rule["name"].string ?? "")")
                    continue
                }
                notes += self.notes(own, rule)
            }
        }
        return notes.isEmpty ? nil : notes.prefix(6).joined(separator: "\n    ")
    }

    private static func compare(_ found: [LoadMessage], _ expected: Node, _ kind: String, _ notes: inout [String]) {
        let own = found.map { message in
            let places = message.context.locations.map {
                "\($0.item.rawValue) '\($0.itemName)' \($0.line):\($0.column)"
            }
            return "\(message.code.rawValue) \(places.joined(separator: " > "))"
        }.sorted()
        let theirs = expected.elements.map { message in
            let places = message["locations"].elements.map {
                "\($0["item_type"].string ?? "") '\($0["item_name"].string ?? "")' "
                    + "\($0["position"]["line"].int ?? -1):\($0["position"]["column"].int ?? -1)"
            }
            return "\(message["code"].string ?? "") \(places.joined(separator: " > "))"
        }.sorted()
        guard own != theirs else { return }
        let extra = own.filter { !theirs.contains($0) }.prefix(2)
        let missing = theirs.filter { !own.contains($0) }.prefix(2)
        notes.append("\(kind)s: not expected \(Array(extra)), missing \(Array(missing))")
        for message in found.prefix(1) { notes.append("  says: \(message.message)") }
    }

    private static func notes(_ own: DetectionRule, _ expected: Node) -> [String] {
        var notes: [String] = []
        func note(_ what: String, _ found: String, _ wanted: String) {
            if found != wanted { notes.append("\(own.name): \(what) \(found), expected \(wanted)") }
        }
        note("source", own.source, expected["source"].string ?? "")
        note("priority", own.priority.name, expected["priority"].string ?? "")
        note("enabled", "\(own.isEnabled)", "\(expected["enabled"].bool ?? false)")
        note("tags", "\(own.tags)", "\(expected["tags"].strings.sorted())")
        note("output", own.output.template, expected["output_compiled"].string ?? "")
        note("macros", "\(own.macros)", "\(expected["macros"].strings.sorted())")
        note("lists", "\(own.lists)", "\(expected["lists"].strings.sorted())")
        note(
            "fields", "\(own.fields.map(\.description).sorted())", "\(expected["condition_fields"].strings.sorted())")
        note(
            "output fields", "\(own.output.fields.map(\.name).sorted())",
            "\(expected["output_fields"].strings.sorted())")
        note("tree", DetectionTree.json(own.condition), expected["ast"].canonicalJSON())
        return notes
    }

    // MARK: Events

    static func systemCalls(_ folder: ConformanceFolder) throws -> Agreement {
        let rules = ["falco_rules.yaml", "falco-incubating_rules.yaml"]
        guard var detector = try detector("syscall", rules, folder) else { return Agreement() }
        var agreement = Agreement()
        for vector in try folder.lines("vectors/syscall-events.jsonl") {
            let event = TraceEvent(vector)
            agreement.note(vector["id"].string ?? "", difference(&detector, vector["matches"], event.values))
        }
        return agreement
    }

    /// Field values and matches of audit events; a case agrees when all of them do.
    static func auditEvents(_ folder: ConformanceFolder) throws -> Agreement {
        guard var detector = try detector("k8s_audit", ["k8s_audit_rules.yaml"], folder) else { return Agreement() }
        var agreement = Agreement()
        for vector in try folder.lines("vectors/k8saudit-events.jsonl") {
            let event = AuditEvent(vector["event"])
            var notes: [String] = []
            for member in vector["fields"].members {
                let field = FieldReference(spelled: member.key)
                let values = event.values(field, FieldInfo(field.name, .string)) ?? []
                let found = values.map {
                    if case .bytes(let bytes) = $0 { String(decoding: bytes, as: UTF8.self) } else { "?" }
                }
                let wanted = member.value.isArray ? member.value.strings : [member.value.string ?? ""]
                if found != wanted { notes.append("\(member.key) is \(found), expected \(wanted)") }
            }
            if let difference = difference(&detector, vector["matches"], event.values) { notes.append(difference) }
            agreement.note(vector["id"].string ?? "", notes.isEmpty ? nil : notes.joined(separator: "\n    "))
        }
        return agreement
    }

    /// The vectors say which rules match, not which are switched on.
    private static func detector(
        _ source: String, _ files: [String], _ folder: ConformanceFolder
    ) throws -> Detector? {
        var set = RuleSet()
        for file in files {
            let result = set.load(SourceText(name: file, bytes: try folder.bytes("rules/\(file)")))
            guard result.isSuccessful else {
                throw ConformanceError(description: "\(file): \(result.errors.map(\.message))")
            }
        }
        return set.detector(source, isEnabled: { _ in true })
    }

    private static func difference(
        _ detector: inout Detector, _ matches: Node, _ values: (FieldReference, FieldInfo) -> [FieldValue]?
    ) -> String? {
        let found = detector.match(values)
        let expected = Array(matches.elements)
        let names = found.map(\.name).sorted()
        let wanted = expected.compactMap { $0["rule"].string }.sorted()
        guard names == wanted else { return "found \(names), expected \(wanted)" }
        for match in expected {
            guard let rule = found.first(where: { $0.name == match["rule"].string }) else { continue }
            let output = match["output"].string ?? ""
            let text = rule.output.text(values)
            // The vectors' outputs end where the first value is absent.
            let agrees = output.isEmpty || text == output || text.hasPrefix(output + OutputFormat.absent)
            if rule.priority.name != match["priority"].string || !agrees {
                return "\(rule.priority.name) \(text)\n    expected \(output)"
            }
        }
        return nil
    }
}
