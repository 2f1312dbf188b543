import Documents
import Foundation
import Policies

extension ConformanceSuite {
    static let cel = ConformanceSuite(
        name: "cel",
        files: [
            language("conformance") { $0.isEmpty },
            language("conformance.dyn") { $0 == ["dyn"] },
            language("conformance.extensions") { tags in
                tags.contains { $0.hasPrefix("extension:") } && !tags.contains("proto-messages")
                    && !tags.contains("wkt")
            },
            language("conformance.check-only") { $0 == ["check-only"] },
            ConformanceFile(name: "k8s-library", run: { try library($0, .result) }),
            ConformanceFile(name: "k8s-library.cost", run: { try library($0, .cost) }),
            ConformanceFile(name: "k8s-library.estimate", run: { try library($0, .estimate) }),
            ConformanceFile(name: "policies", run: policies),
        ])

    // MARK: The language

    private static func language(
        _ name: String, _ isWanted: @escaping @Sendable ([String]) -> Bool
    ) -> ConformanceFile {
        ConformanceFile(name: name) { folder in
            var agreement = Agreement()
            for line in try folder.lines("conformance.jsonl") where isWanted(line["tags"].strings) {
                agreement.note(line["id"].string ?? "?", difference(line))
            }
            return agreement
        }
    }

    private static func difference(_ line: Node) -> String? {
        var environment = CELEnvironment.everything
        environment.container = line["container"].string ?? ""
        for declared in line["type_env"].elements {
            let name = declared["name"].string ?? ""
            if declared["ident"].exists {
                environment.variables[name] = CELSuiteValues.type(declared["ident"]["type"])
            }
            for overload in declared["function"]["overloads"].elements {
                let arguments = overload["params"].elements.map(CELSuiteValues.type)
                environment.add([
                    CELFunction(
                        name,
                        [
                            CELOverload(
                                overload["overload_id"].string ?? name,
                                member: overload["is_instance_function"].bool ?? false, arguments,
                                CELSuiteValues.type(overload["result_type"]))
                        ]
                    ) { _ in .error(CELError("unbound function")) }
                ])
            }
        }
        let expect = line["expect"]
        let kind = expect["kind"].string ?? ""
        let result = outcome(line, environment)
        if let type = result.type, expect["deduced_type"].exists {
            let wanted = CELSuiteValues.type(expect["deduced_type"])
            if type != wanted { return "type \(type) instead of \(wanted)" }
        }
        if line["check_only"].bool ?? false { return result.issue }
        switch kind {
        case "eval_error", "any_eval_errors":
            if case .error? = result.value { return nil }
            return result.issue == nil ? "no error" : nil
        default:
            if let issue = result.issue { return issue }
            guard let wanted = CELSuiteValues.value(expect["value"]) ?? CELSuiteValues.value(expect["result"]) else {
                return "value that is not understood"
            }
            guard let value = result.value else { return "no value" }
            if value == wanted, value.runtimeType.name == wanted.runtimeType.name { return nil }
            if case .double(let a) = value, case .double(let b) = wanted, a.isNaN, b.isNaN { return nil }
            return "\(value) instead of \(wanted)"
        }
    }

    private static func outcome(
        _ line: Node, _ environment: CELEnvironment
    ) -> (value: CELValue?, type: CELType?, issue: String?) {
        let text = line["expr"].string ?? ""
        var bindings: [String: CELValue] = [:]
        for member in line["bindings"].members {
            bindings[member.key] = CELSuiteValues.value(member.value["value"])
        }
        do {
            if line["disable_check"].bool ?? false {
                let program = try CELProgram(unchecked: environment.parse(text), in: environment)
                return (program.evaluate(limit: .max) { bindings[$0] }.value, nil, nil)
            }
            let checked = try environment.check(text)
            if line["check_only"].bool ?? false { return (nil, checked.type, nil) }
            let program = try CELProgram(checked, in: environment)
            return (program.evaluate(limit: .max) { bindings[$0] }.value, checked.type, nil)
        } catch {
            return (nil, nil, "\(error)")
        }
    }

    // MARK: Policies

    private static func policies(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        var policies: [String: ValidatingPolicy] = [:]
        for line in try folder.lines("vap-policies.jsonl") {
            policies[line["id"].string ?? ""] = ValidatingPolicy(line["policy"].asRoot)
        }
        for line in try folder.lines("vap-cases.jsonl") {
            let name = line["policy"].string ?? ""
            let id = "\(line["id"].string ?? "?") \(name)"
            guard let policy = policies[name] else {
                agreement.note(id, "no such policy")
                continue
            }
            let decision = policy.decide(
                AdmissionInput(
                    object: CELValue(line["object"]), oldObject: CELValue(line["oldObject"]),
                    params: CELValue(line["params"]), namespaceObject: CELValue(line["namespaceObject"]),
                    request: request(line)))
            let wanted = ([line["expect"].string ?? ""] + line["messages"].strings).joined(separator: "\n")
            let found = (["\(decision.verdict)"] + decision.denials.map(\.message))
                .joined(separator: "\n")
            let defects = policy.defects.map { "\($0.path): \($0.message)" }.joined(separator: "; ")
            agreement.note(id, expected: wanted, found: found + defects)
        }
        return agreement
    }

    private static func request(_ line: Node) -> CELValue {
        var entries = CELEntries()
        entries.insert(.string(line["operation"].string ?? "CREATE"), for: .string("operation"))
        let metadata = line["object"]["metadata"]
        entries.insert(.string(metadata["name"].string ?? ""), for: .string("name"))
        entries.insert(
            .string(metadata["namespace"].string ?? line["namespaceObject"]["metadata"]["name"].string ?? ""),
            for: .string("namespace"))
        return .map(.entries(entries))
    }

    // MARK: Kubernetes

    private enum Aspect { case result, cost, estimate }

    private static func library(_ folder: ConformanceFolder, _ aspect: Aspect) throws -> Agreement {
        var agreement = Agreement()
        let bindings = try folder.json("pod-policy-bindings.json")
        var environment = CELEnvironment.kubernetes
        for name in ["object", "oldObject", "params", "request", "namespaceObject"] {
            environment.variables[name] = .dyn
        }
        for line in try folder.lines("k8s-library.jsonl") {
            let expect = line["expect"]
            let text = line["expr"].string ?? ""
            let id = "\(line["id"].string ?? "?") \(text)"
            let isBound = line["bindings"].exists
            let checked: CELChecked
            do {
                checked = try environment.check(text)
            } catch {
                if aspect == .result {
                    let found = "\(error.all.map(\.message))"
                    agreement.note(id, expect["compile"].exists ? nil : "does not compile: \(found)")
                }
                continue
            }
            if aspect == .estimate {
                guard expect["estimatedCost"].exists else { continue }
                let wanted = expect["estimatedCost"].elements.compactMap(\.text).joined(separator: "-")
                let cost = checked.estimatedCost(in: environment)
                agreement.note(id, expected: wanted, found: "\(cost.least)-\(cost.most)")
                continue
            }
            if expect["compile"].exists {
                if aspect == .result { agreement.note(id, "compiles, expected \(expect["messages"].strings)") }
                continue
            }
            let program: CELProgram
            do throws(CELError) {
                program = try CELProgram(checked, in: environment)
            } catch {
                if aspect == .result { agreement.note(id, expect["program"].exists ? nil : "program: \(error)") }
                continue
            }
            let result = program.evaluate(limit: .max) { name in
                isBound && bindings[name].exists ? CELValue(bindings[name]) : nil
            }
            if aspect == .cost {
                guard let wanted = expect["cost"].int else { continue }
                agreement.note(id, expected: "\(wanted)", found: "\(result.cost)")
                continue
            }
            if expect["program"].exists {
                agreement.note(id, "becomes a program, expected \(expect["program"].string ?? "")")
                continue
            }
            let type = CELSuiteValues.typeName(checked.type)
            if type != expect["type"].string {
                agreement.note(id, expected: expect["type"].string ?? "", found: type)
                continue
            }
            let found = CELSuiteValues.canonical(result.value)
            if case .error(let error) = result.value {
                let wanted = expect["runtimeError"].string
                agreement.note(id, wanted == nil ? "error \(error.message)" : nil)
            } else if expect["runtimeError"].exists {
                agreement.note(id, "\(found) instead of the error \(expect["runtimeError"].string ?? "")")
            } else {
                agreement.note(id, expected: CELSuiteValues.canonical(expect["value"]), found: found)
            }
        }
        return agreement
    }
}

/// Values and types as the suites write them.
enum CELSuiteValues {
    static func type(_ node: Node) -> CELType {
        if node["dyn"].exists { return .dyn }
        if node["null"].exists { return .null }
        if node["error"].exists { return .error }
        if let name = node["primitive"].string { return primitive(name) }
        if let name = node["wrapper"].string { return .wrapper(primitive(name)) }
        if let name = node["well_known"].string {
            switch name {
            case "ANY": return .any
            case "TIMESTAMP": return .timestamp
            default: return .duration
            }
        }
        if node["list_type"].exists { return .list(type(node["list_type"]["elem_type"])) }
        if node["map_type"].exists {
            return .map(type(node["map_type"]["key_type"]), type(node["map_type"]["value_type"]))
        }
        if let name = node["type_param"].string { return .parameter(name) }
        if let name = node["message_type"].string { return .object(name) }
        if node["abstract_type"].exists {
            let name = node["abstract_type"]["name"].string ?? ""
            return .opaque(name, node["abstract_type"]["parameter_types"].elements.map(type))
        }
        if node["type"].exists { return .type(node["type"].isNull ? nil : type(node["type"])) }
        return .dyn
    }

    private static func primitive(_ name: String) -> CELType {
        switch name {
        case "BOOL": .bool
        case "INT64": .int
        case "UINT64": .uint
        case "DOUBLE": .double
        case "STRING": .string
        default: .bytes
        }
    }

    /// A value in proto3 JSON; nil where it is a message.
    static func value(_ node: Node) -> CELValue? {
        if let value = node["bool_value"].bool { return .bool(value) }
        if node["null_value"].exists { return .null }
        if let text = node["int64_value"].text { return Int64(text).map(CELValue.int) }
        if let text = node["uint64_value"].text { return UInt64(text).map(CELValue.uint) }
        if node["double_value"].exists {
            switch node["double_value"].text {
            case "NaN": return .double(.nan)
            case "Infinity": return .double(.infinity)
            case "-Infinity": return .double(-.infinity)
            default: return node["double_value"].text.flatMap(Double.init).map(CELValue.double)
            }
        }
        if let text = node["string_value"].string { return .string(text) }
        if let text = node["bytes_value"].string {
            return Data(base64Encoded: text).map { .bytes(Array($0)) }
        }
        if let name = node["type_value"].string { return .type(named(name)) }
        if node["list_value"].exists {
            return .list(.values(node["list_value"]["values"].elements.compactMap(value)))
        }
        if node["map_value"].exists {
            var entries = CELEntries()
            for entry in node["map_value"]["entries"].elements {
                guard let key = value(entry["key"]), let content = value(entry["value"]) else { return nil }
                entries.insert(content, for: key)
            }
            return .map(.entries(entries))
        }
        let object = node["object_value"]
        switch object["@type"].string {
        case "type.googleapis.com/google.protobuf.Duration":
            return program("duration('\(object["value"].string ?? "")')")
        case "type.googleapis.com/google.protobuf.Timestamp":
            return program("timestamp('\(object["value"].string ?? "")')")
        default: return nil
        }
    }

    private static func program(_ text: String) -> CELValue? {
        guard let checked = try? CELEnvironment.standard.check(text),
            let program = try? CELProgram(checked, in: .standard)
        else { return nil }
        return program.evaluate([:]).value
    }

    private static func named(_ name: String) -> CELType {
        switch name {
        case "google.protobuf.Timestamp": .timestamp
        case "google.protobuf.Duration": .duration
        default: .object(name)
        }
    }

    static func typeName(_ type: CELType) -> String {
        switch type {
        case .timestamp, .duration, .null: type.name
        case .list(let element): "list(\(typeName(element)))"
        case .map(let key, let value): "map(\(typeName(key)), \(typeName(value)))"
        case .type(let inner?): "type(\(typeName(inner)))"
        case .opaque(let name, let parameters) where !parameters.isEmpty:
            "\(name)(\(parameters.map(typeName).joined(separator: ", ")))"
        default: type.description
        }
    }

    /// A value as one text, maps without order.
    static func canonical(_ value: CELValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): String(value)
        case .int(let value): "int \(value)"
        case .uint(let value): "uint \(value)"
        case .double(let value): "double \(value.isNaN ? "nan" : "\(value)")"
        case .string(let text): "\"\(text)\""
        case .bytes(let bytes): "bytes \(Data(bytes).base64EncodedString())"
        case .timestamp: "timestamp \(value.plainText)"
        case .duration: "duration \(value.plainText)"
        case .list(let list): "[\(list.values.map(canonical).joined(separator: ", "))]"
        case .map(let map):
            "{\(map.keys.map { "\(canonical($0)): \(map[$0].map(canonical) ?? "")" }.sorted().joined(separator: ", "))}"
        case .type(let type): "type \(type.name)"
        case .optional(let inner): inner.map { "optional \(canonical($0))" } ?? "optional \"none\""
        case .opaque(let opaque): "\(opaque.type.name) \(opaque.text)"
        case .error(let error): "error \(error.message)"
        }
    }

    static func canonical(_ node: Node) -> String {
        if node.isNull { return "null" }
        if let value = node.bool { return String(value) }
        if let text = node.string { return "\"\(text)\"" }
        if node.isArray { return "[\(node.elements.map(canonical).joined(separator: ", "))]" }
        if let text = node["int"].text { return "int \(text)" }
        if let text = node["uint"].text { return "uint \(text)" }
        if let text = node["double"].text {
            return "double \(text == "NaN" ? "nan" : "\(Double(text.replacing("Infinity", with: "inf")) ?? 0)")"
        }
        if let text = node["bytes"].string { return "bytes \(text)" }
        if let text = node["duration"].string {
            return program("duration('\(text)')").map { "duration \($0.plainText)" } ?? "?"
        }
        if let text = node["timestamp"].string { return "timestamp \(text)" }
        if node["map"].exists {
            let pairs = node["map"].elements.map { "\(canonical($0[0])): \(canonical($0[1]))" }
            return "{\(pairs.sorted().joined(separator: ", "))}"
        }
        if node["optional"].exists { return "optional \(canonical(node["optional"]))" }
        if let name = node["type"].string { return "type \(name)" }
        if let name = node["opaque"].string { return "\(name) \(node["string"].string ?? "")" }
        return node.json()
    }
}
