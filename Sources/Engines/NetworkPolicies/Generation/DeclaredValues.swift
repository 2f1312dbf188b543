import Documents
import Kubernetes

/// The addresses in what a workload is given: environment, arguments, ConfigMaps.
struct DeclaredValues: Sendable {
    struct Found: Sendable {
        var address: TextAddress
        /// A port that stands in a variable beside it.
        var port: UInt16?
        var why: String
        var location: SourceLocation?
        /// From the text of a file, where addresses outside may be remarks and namespaces of XML.
        var isLoose = false
    }

    private let spec: PodSpec
    private let object: KubernetesObject
    private let inventory: Inventory
    private let names: ServiceNames
    private let namespace: String
    private(set) var found: [Found] = []
    /// Why addresses may be there that were not seen.
    private(set) var hidden: String?

    init(
        _ spec: PodSpec, _ object: KubernetesObject, _ inventory: Inventory, _ names: ServiceNames, _ namespace: String
    ) {
        self.spec = spec
        self.object = object
        self.inventory = inventory
        self.names = names
        self.namespace = namespace
    }

    mutating func read() {
        for container in spec.allContainers { read(container) }
        for volume in spec.volumes {
            guard let source = volume.source else { continue }
            var maps: [Node] = source.type == "configMap" ? [source.node["name"]] : []
            maps += source.node["sources"].elements.map { $0["configMap"]["name"] }
            for name in maps { read(fileOf: name) }
        }
    }

    private struct Variable {
        var name: String
        var text: String
        var why: String
        var location: SourceLocation?
    }

    private mutating func read(_ container: Container) {
        var variables: [Variable] = []
        for source in container.node["envFrom"].elements {
            if let name = source["secretRef"]["name"].string {
                hide("envFrom Secret \(name)")
            }
            guard let map = configMap(source["configMapRef"]["name"]) else { continue }
            let prefix = source["prefix"].string ?? ""
            for member in map.node["data"].members {
                guard let text = member.value.string else { continue }
                variables.append(
                    Variable(
                        name: prefix + member.key, text: text, why: "ConfigMap \(map.name) \(member.key)",
                        location: member.value.location))
            }
        }
        for entry in container.environment {
            let name = entry["name"].string ?? ""
            let from = entry["valueFrom"]
            if let text = entry["value"].text {
                variables.append(
                    Variable(name: name, text: text, why: "env \(name)", location: entry["value"].location))
            } else if from["configMapKeyRef"].isObject {
                let reference = from["configMapKeyRef"]
                guard let map = configMap(reference["name"]), let key = reference["key"].string,
                    let text = map.node["data"][key].string
                else { continue }
                variables.append(
                    Variable(
                        name: name, text: text, why: "env \(name) of ConfigMap \(map.name)",
                        location: map.node["data"][key].location))
            } else if let secret = from["secretKeyRef"]["name"].string, Self.meansAddress(name) {
                hide("env \(name) of Secret \(secret)")
            }
        }
        var values: [String: String] = [:]
        for index in variables.indices {
            variables[index].text = expanded(variables[index].text, values)
            values[variables[index].name] = variables[index].text
        }
        for variable in variables { read(variable, values) }
        var previous = ""
        for argument in Array(container.node["command"].elements) + Array(container.node["args"].elements) {
            let text = expanded(argument.text ?? "", values)
            for address in AddressText.addresses(in: text) {
                let isBare = address.port == nil && !address.host.contains(".") && address.scheme.isEmpty
                // A lone word is a command or a mode, unless a flag stands before it.
                if isBare, !previous.hasPrefix("-") { continue }
                found.append(Found(address: address, why: "argument of \(container.name)", location: argument.location))
            }
            previous = text
        }
    }

    private mutating func read(_ variable: Variable, _ values: [String: String]) {
        let isFile = variable.text.contains("\n")
        let text = isFile ? Self.withoutRemarks(variable.text) : variable.text
        for address in AddressText.addresses(in: text) {
            var port: UInt16?
            if address.port == nil { port = Self.portBeside(variable.name, values) }
            found.append(
                Found(
                    address: address, port: port, why: variable.why, location: variable.location,
                    isLoose: isFile && Self.isRemark(address.host)))
        }
    }

    private mutating func read(fileOf name: Node) {
        guard let map = configMap(name) else { return }
        for member in map.node["data"].members {
            guard let text = member.value.string else { continue }
            for address in AddressText.addresses(in: Self.withoutRemarks(text)) {
                if address.port == nil, address.scheme.isEmpty, !address.host.contains(".") { continue }
                found.append(
                    Found(
                        address: address, why: "ConfigMap \(map.name) \(member.key)", location: member.value.location,
                        isLoose: Self.isRemark(address.host)))
            }
        }
    }

    private func configMap(_ name: Node) -> KubernetesObject? {
        guard let name = name.string else { return nil }
        let reference = ObjectReference(group: "", kind: "ConfigMap", namespace: object.namespace, name: name)
        return inventory.resolve(reference, from: object)
    }

    private mutating func hide(_ reason: String) { if hidden == nil { hidden = reason } }

    /// Whether a variable of this name holds an address.
    static func meansAddress(_ name: String) -> Bool {
        let upper = name.uppercased()
        return ["URL", "URI", "HOST", "ADDR", "DSN", "ENDPOINT", "CONNECTION", "BROKER", "SERVER", "JDBC"].contains {
            upper.contains($0)
        }
    }

    /// `DB_PORT` for `DB_HOST`.
    private static func portBeside(_ name: String, _ values: [String: String]) -> UInt16? {
        for suffix in ["_HOST", "_HOSTNAME", "_ADDR", "_ADDRESS", "_SERVER", "_SERVICE", "_NAME", "HOST"]
        where name.hasSuffix(suffix) {
            let stem = name.dropLast(suffix.count)
            for port in ["_PORT", "PORT"] {
                if let value = values[stem + port].flatMap({ UInt16($0) }) { return value }
            }
        }
        return values["\(name)_PORT"].flatMap { UInt16($0) }
    }

    /// `$(NAME)` as Kubernetes replaces it and `${NAME}` as shells do; names of Services' variables too.
    private func expanded(_ text: String, _ values: [String: String]) -> String {
        guard text.contains("$") else { return text }
        var out = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            out += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            guard let open = rest.first, open == "(" || open == "{",
                let close = rest.firstIndex(of: open == "(" ? ")" : "}")
            else {
                out += "$"
                continue
            }
            let name = String(rest[rest.index(after: rest.startIndex)..<close])
            if let value = values[name] {
                out += value
            } else if let (service, isPort) = names.service(ofVariable: name, in: namespace) {
                out += isPort ? service.node["spec"]["ports"][0]["port"].text ?? "" : service.name
            } else {
                out += "$\(open)\(name)\(open == "(" ? ")" : "}")"
            }
            rest = rest[rest.index(after: close)...]
        }
        return out + rest
    }

    /// A file's text without lines that are remarks.
    private static func withoutRemarks(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            let start = line.drop { $0 == " " || $0 == "\t" }
            return !["#", "//", ";", "<!--", "*"].contains { start.hasPrefix($0) }
        }.joined(separator: "\n")
    }

    /// Hosts that name schemas and namespaces.
    private static func isRemark(_ host: String) -> Bool {
        ["w3.org", "xmlsoap.org", "json-schema.org", "apache.org", "xml.org", "springframework.org"].contains {
            host == $0 || host.hasSuffix(".\($0)")
        }
    }
}
