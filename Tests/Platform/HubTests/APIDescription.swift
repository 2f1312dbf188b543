import Documents
import Foundation
import Hub
import Testing

/// `docs/openapi.yaml`, and whether an answer is what it says.
struct APIDescription: Sendable {
    static let shared = APIDescription()

    let root: Node

    private init() {
        var file = URL(filePath: #filePath)
        for _ in 0..<4 { file.deleteLastPathComponent() }
        file.append(path: "docs/openapi.yaml")
        let bytes = (try? Data(contentsOf: file)).map { [UInt8]($0) } ?? []
        let set = DocumentReader.read(SourceText(name: "docs/openapi.yaml", bytes: bytes))
        root = set.documents.first?.root ?? Self.nothing
    }

    private static var nothing: Node {
        DocumentReader.read(SourceText(name: "", bytes: Array("{}".utf8))).documents[0].root
    }

    /// The operation of a request.
    func operation(_ method: String, _ path: String) -> Node? {
        let parts = path.prefix { $0 != "?" }.split(separator: "/")
        var found: Node?
        for member in root["paths"].members {
            let template = member.key.split(separator: "/")
            guard template.count == parts.count,
                zip(template, parts).allSatisfy({ $0.hasPrefix("{") || $0 == $1 })
            else { continue }
            // A literal path wins over one with a parameter.
            if found == nil || !member.key.contains("{") { found = member.value[method.lowercased()] }
        }
        return found.flatMap { $0.exists ? $0 : nil }
    }

    func check(_ method: String, _ path: String, _ answer: HubFixture.Answer) throws {
        guard let operation = operation(method, path), answer.status != 304 else { return }
        var response = operation["responses"]["\(answer.status)"]
        if !response.exists {
            guard answer.status >= 400 else {
                Issue.record("\(method) \(path) answers \(answer.status), which its description does not know")
                return
            }
            response = resolved(operation["responses"]["default"])
        }
        let type = answer.headers["content-type"]?.prefix { $0 != ";" } ?? ""
        guard response["content"].exists else {
            #expect(answer.text.isEmpty, "\(method) \(path) has a body its description does not know")
            return
        }
        let schema = response["content"][String(type)]["schema"]
        guard schema.exists else {
            Issue.record("\(method) \(path) answers \(answer.status) as \(type), which its description does not know")
            return
        }
        guard type.hasSuffix("json") else { return }
        for fault in faults(of: try answer.json, against: schema, at: "$") {
            Issue.record("\(method) \(path): \(fault)")
        }
    }

    private func resolved(_ node: Node) -> Node {
        guard let reference = node["$ref"].string else { return node }
        var found = root
        for part in reference.dropFirst(2).split(separator: "/") { found = found[String(part)] }
        return found
    }

    /// What is wrong with a value; enough of JSON Schema for this description.
    func faults(of value: Node, against schema: Node, at place: String) -> [String] {
        let schema = resolved(schema)
        guard schema.exists else { return ["\(place): the description refers to nothing"] }
        let type = schema["type"]
        let types = type.isArray ? type.strings : type.string.map { [$0] } ?? []
        if !types.isEmpty, !types.contains(where: { Self.isOf($0, value) }) {
            return ["\(place) is \(value.kind), not \(types)"]
        }
        guard value.exists, value.kind != .null else { return [] }
        var out: [String] = []
        let words = schema["enum"].strings
        if !words.isEmpty, !words.contains(value.string ?? "") { out.append("\(place) is none of \(words)") }
        if schema["format"].equals("date-time"), TimeText.milliseconds(value.string ?? "") == nil {
            out.append("\(place) is no moment")
        }
        for name in schema["required"].strings where !value[name].exists { out.append("\(place).\(name) is missing") }
        if schema["properties"].exists {
            for member in value.members {
                let property = schema["properties"][member.key]
                if property.exists {
                    out += faults(of: member.value, against: property, at: "\(place).\(member.key)")
                } else if schema["additionalProperties"].bool == false {
                    out.append("\(place).\(member.key) is not in the description")
                }
            }
        }
        if schema["items"].exists {
            for (index, element) in value.elements.enumerated() {
                out += faults(of: element, against: schema["items"], at: "\(place)[\(index)]")
            }
        }
        return out
    }

    private static func isOf(_ type: String, _ value: Node) -> Bool {
        switch type {
        case "string": value.string != nil
        case "integer": value.int != nil
        case "number": value.double != nil || value.int != nil
        case "boolean": value.bool != nil
        case "array": value.isArray
        case "object": value.isObject
        case "null": value.exists && value.kind == .null
        default: false
        }
    }
}

@Suite struct APIDescriptionTests {
    @Test func everyRouteIsDescribedAndNothingElseIs() throws {
        let description = APIDescription.shared
        var described: Set<String> = []
        for path in description.root["paths"].members {
            for method in path.value.members { described.insert("\(method.key.uppercased()) \(path.key)") }
        }
        // Pages and files of the dashboard are no part of the API.
        let routes = HubRoutes.all().filter {
            $0.path.hasPrefix("/api/") || ["/healthz", "/readyz", "/metrics"].contains($0.path)
        }
        #expect(Set(routes.map { "\($0.method) \($0.path)" }) == described)
    }

    @Test func parametersAndPermissionsAreTheRoutesOwn() throws {
        let description = APIDescription.shared
        for route in HubRoutes.all() where route.path.hasPrefix("/api/") {
            let operation = description.root["paths"][route.path][route.method.rawValue.lowercased()]
            #expect(operation["x-permission"].string == route.permission?.rawValue, "\(route.method) \(route.path)")
            let said = operation["parameters"].elements.filter { $0["in"].equals("query") }.map(Self.parameter)
            #expect(Set(said) == Set(route.query), "\(route.method) \(route.path)")
            let parts = operation["parameters"].elements.filter { $0["in"].equals("path") }
                .compactMap { $0["name"].string }
            let wanted = route.path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
                String($0.dropFirst().dropLast())
            }
            #expect(parts == wanted)
        }
    }

    private static func parameter(_ node: Node) -> QueryParameter {
        var schema = node["schema"]
        let isList = schema["type"].equals("array")
        if isList { schema = schema["items"] }
        let form: QueryParameter.Form =
            switch schema["type"].string {
            case "integer": .integer((schema["minimum"].int ?? 0)...(schema["maximum"].int ?? 0))
            case "boolean": .flag
            default: schema["enum"].exists ? .choice(schema["enum"].strings) : .text
            }
        return QueryParameter(
            node["name"].string ?? "", form, isList: isList, node["description"].string ?? "")
    }

    @Test func everyListAnswersAsDescribed() async throws {
        try await ExampleTests.withManifests { hub, admin, _ in
            var paths = HubRoutes.all().filter { $0.method == .get && $0.path.hasPrefix("/api/") }.map(\.path)
                .filter { !$0.contains("{") && $0 != "/api/v1/stream" && !$0.hasSuffix("policyreport") }
            paths += ["scores", "namespaces", "images"].map { "/api/v1/clusters/demo/\($0)" }
            paths.append("/api/v1/rules/pod/host-port")
            paths.append("/api/v1/exports/findings.policyreport?cluster=demo")
            for path in paths {
                let answer = try await hub.send("GET", path, as: admin)
                #expect(answer.status == 200, "\(path)")
            }
        }
    }
}
