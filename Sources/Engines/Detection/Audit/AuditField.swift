internal import Documents
import Encodings

/// How one field is read from an audit event. Made once for each field a rule set reads.
struct AuditField: Sendable {
    private enum Way: Sendable {
        case keys([String], isList: Bool)
        case pointer([String])
        case container(list: String, keys: [String], shape: Shape)
        case containerTruth
        case containerFirst(isRepository: Bool)
        case rules(String)
        case recursive([String])
        case subjects(kind: String, isNamespaced: Bool)
        case hostPath
        case volumeTypes
        case uriParameter
        case podName
        case constant(String)
        case whole
        case time
        case generic(String)
    }

    /// How the values of containers become texts.
    private enum Shape: Sendable { case skipping, strict, joined, repositories, ports, effective(String) }

    private let way: Way
    private let argument: String?
    private let index: Int?
    /// The member of the event that the value is in, when it is in one.
    let topKey: String?

    init?(_ field: FieldReference) {
        argument = field.argument.map { $0.asText }
        index = argument.flatMap { Int($0) }
        guard let way = Self.way(field.name, argument) else { return nil }
        self.way = way
        switch way {
        case .keys(let keys, _): topKey = keys.first
        case .pointer(let keys): topKey = keys.first
        case .container, .containerTruth, .containerFirst, .rules, .recursive, .subjects, .hostPath, .volumeTypes:
            topKey = "requestObject"
        default: topKey = nil
        }
    }

    private static let plain: [String: [String]] = [
        "ka.auditid": ["auditID"], "ka.stage": ["stage"],
        "ka.auth.decision": ["annotations", "authorization.k8s.io/decision"],
        "ka.auth.reason": ["annotations", "authorization.k8s.io/reason"],
        "ka.auth.openshift.decision": ["annotations", "authentication.openshift.io/decision"],
        "ka.auth.openshift.username": ["annotations", "authentication.openshift.io/username"],
        "ka.validations.admission.policy.failure": [
            "annotations", "validation.policy.admission.k8s.io/validation_failure",
        ],
        "ka.security.pod.violations": ["annotations", "pod-security.kubernetes.io/audit-violations"],
        "ka.user.name": ["user", "username"], "ka.impuser.name": ["impersonatedUser", "username"],
        "ka.verb": ["verb"], "ka.uri": ["requestURI"], "ka.target.name": ["objectRef", "name"],
        "ka.target.namespace": ["objectRef", "namespace"], "ka.target.resource": ["objectRef", "resource"],
        "ka.target.subresource": ["objectRef", "subresource"],
        "ka.req.binding.role": ["requestObject", "roleRef", "name"], "ka.req.configmap.name": ["objectRef", "name"],
        "ka.req.configmap.obj": ["requestObject", "data"],
        "ka.req.pod.host_ipc": ["requestObject", "spec", "hostIPC"],
        "ka.req.pod.host_network": ["requestObject", "spec", "hostNetwork"],
        "ka.req.container.host_network": ["requestObject", "spec", "hostNetwork"],
        "ka.req.pod.host_pid": ["requestObject", "spec", "hostPID"],
        "ka.req.pod.run_as_user": ["requestObject", "spec", "securityContext", "runAsUser"],
        "ka.req.pod.run_as_group": ["requestObject", "spec", "securityContext", "runAsGroup"],
        "ka.req.pod.fs_group": ["requestObject", "spec", "securityContext", "fsGroup"],
        "ka.req.service.type": ["requestObject", "spec", "type"],
        "ka.resp.name": ["responseObject", "metadata", "name"],
        "ka.response.code": ["responseStatus", "code"], "ka.response.reason": ["responseStatus", "reason"],
        "ka.useragent": ["userAgent"], "ka.cluster.name": ["annotations", "cluster_name"],
    ]

    private static let lists: [String: [String]] = [
        "ka.user.groups": ["user", "groups"], "ka.req.binding.subjects": ["requestObject", "subjects"],
        "ka.req.role.rules": ["requestObject", "rules"],
        "ka.req.pod.supplemental_groups": ["requestObject", "spec", "securityContext", "supplementalGroups"],
    ]

    private static let ofContainer: [String: ([String], Shape)] = [
        "args": (["args"], .joined), "command": (["command"], .joined), "name": (["name"], .strict),
        "image": (["image"], .strict), "image.repository": (["image"], .repositories), "host_port": (["ports"], .ports),
        "privileged": (["securityContext", "privileged"], .skipping),
        "allow_privilege_escalation": (["securityContext", "allowPrivilegeEscalation"], .skipping),
        "read_only_fs": (["securityContext", "readOnlyRootFilesystem"], .skipping),
        "run_as_user": (["securityContext", "runAsUser"], .skipping),
        "run_as_group": (["securityContext", "runAsGroup"], .skipping),
        "eff_run_as_user": (["runAsUser"], .effective("runAsUser")),
        "eff_run_as_group": (["runAsGroup"], .effective("runAsGroup")),
        "proc_mount": (["securityContext", "procMount"], .skipping),
        "add_capabilities": (["securityContext", "capabilities", "add"], .skipping),
    ]

    private static func way(_ name: String, _ argument: String?) -> Way? {
        if let keys = plain[name] { return .keys(keys, isList: false) }
        if let keys = lists[name] { return .keys(keys, isList: true) }
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            let prefix = "ka.req.pod.\(list)."
            if name.hasPrefix(prefix), let (keys, shape) = ofContainer[String(name.dropFirst(prefix.count))] {
                return .container(list: list, keys: keys, shape: shape)
            }
        }
        switch name {
        case "jevt.value", "json.value": return .pointer(pointer(argument ?? ""))
        case "jevt.obj", "json.obj": return .whole
        case "jevt.rawtime", "json.rawtime": return .time
        case "ka.uri.param": return .uriParameter
        case "ka.target.pod.name": return .podName
        case "ka.req.binding.subjects.user_names": return .subjects(kind: "User", isNamespaced: false)
        case "ka.req.binding.subjects.serviceaccount_names":
            return .subjects(kind: "ServiceAccount", isNamespaced: false)
        case "ka.req.binding.subjects.serviceaccount_ns_names":
            return .subjects(kind: "ServiceAccount", isNamespaced: true)
        case "ka.req.binding.subjects.group_names": return .subjects(kind: "Group", isNamespaced: false)
        case "ka.req.binding.subject.has_name": return .constant("true")
        case "ka.req.container.image": return .containerFirst(isRepository: false)
        case "ka.req.container.image.repository": return .containerFirst(isRepository: true)
        case "ka.req.container.privileged": return .containerTruth
        case "ka.req.role.rules.apiGroups": return .rules("apiGroups")
        case "ka.req.role.rules.nonResourceURLs": return .rules("nonResourceURLs")
        case "ka.req.role.rules.verbs": return .rules("verbs")
        case "ka.req.role.rules.resources": return .rules("resources")
        case "ka.sourceips": return .rules("sourceIPs")
        case "ka.req.service.ports": return .recursive(["spec", "ports"])
        case "ka.req.volume.hostpath": return .hostPath
        case "ka.req.pod.volumes.hostpath": return .recursive(["spec", "volumes", "hostPath", "path"])
        case "ka.req.pod.volumes.flexvolume_driver": return .recursive(["spec", "volumes", "flexVolume", "driver"])
        case "ka.req.pod.volumes.volume_type": return .volumeTypes
        default: return name.hasPrefix("evt.") ? .generic(name) : nil
        }
    }

    /// The keys of a JSON pointer (RFC 6901); the leading slash may be missing.
    private static func pointer(_ text: String) -> [String] {
        guard !text.isEmpty else { return [] }
        let body = text.hasPrefix("/") ? text.dropFirst() : text[...]
        return body.split(separator: "/", omittingEmptySubsequences: false).map { key in
            var out = ""
            var escaped = false
            for character in key {
                if escaped {
                    out += character == "1" ? "/" : character == "0" ? "~" : "~\(character)"
                    escaped = false
                } else if character == "~" {
                    escaped = true
                } else {
                    out.append(character)
                }
            }
            return escaped ? out + "~" : out
        }
    }

    // MARK: Reading

    /// The values; nil for none. An empty list is none: so plugins hand it over.
    func values(_ event: AuditEvent) -> [FieldValue]? {
        let node = event.node
        switch way {
        case .keys(let keys, let isList):
            guard let found = Self.get(node, keys) else { return nil }
            guard isList else { return [FieldValue(Self.text(found))] }
            guard found.isArray, !found.isEmpty else { return nil }
            return found.elements.map { FieldValue(Self.text($0)) }
        case .pointer(let keys):
            guard let found = Self.get(node, keys) else { return nil }
            return [FieldValue(Self.text(found))]
        case .whole:
            var writer = JSONWriter(compact: false)
            writer.value(node)
            return [FieldValue(writer.string)]
        case .time: return [FieldValue(String(event.time))]
        case .constant(let text): return [FieldValue(text)]
        case .podName:
            guard node["objectRef"]["resource"].equals("pods"), node["objectRef"]["subresource"].string ?? "" == "",
                let name = Self.get(node, ["responseObject", "metadata", "name"])
            else { return nil }
            return [FieldValue(Self.text(name))]
        case .uriParameter:
            guard let argument, let uri = Self.get(node, ["requestURI"]) else { return nil }
            return QueryText.value(of: argument, in: Self.text(uri)).map { [FieldValue($0)] }
        case .generic(let name): return Self.generic(name, event)
        default: break
        }
        guard let request = Self.member(node, "requestObject") else {
            // Names of subjects of a request without an object are an empty list, which is none.
            return nil
        }
        return ofRequest(request)?.map { FieldValue($0) }
    }

    private func ofRequest(_ request: Node) -> [String]? {
        switch way {
        case .container(let list, let keys, let shape): return containers(request, list, keys, shape)
        case .containerTruth:
            guard let values = recursive(request, ["spec", "containers", "securityContext", "privileged"], nil) else {
                return nil
            }
            return [values.contains { $0?.bool == true } ? "true" : "false"]
        case .containerFirst(let isRepository):
            guard let images = strict(recursive(request, ["spec", "containers", "image"], 0)), let first = images.first
            else { return nil }
            return [isRepository ? Self.repository(first) : first]
        case .rules(let key):
            guard let values = recursive(request, ["rules", key], index) else { return nil }
            let out = values.flatMap { $0?.elements.map(Self.text) ?? [] }
            return out.isEmpty ? nil : out
        case .recursive(let keys): return skipping(recursive(request, keys, index))
        case .hostPath:
            guard let argument, !argument.isEmpty,
                let values = recursive(request, ["spec", "volumes", "hostPath", "path"], nil)
            else { return nil }
            let paths = values.compactMap { $0.map(Self.text) }
            let prefix = String(argument.dropLast())
            let isPrefix = argument.hasSuffix("*")
            return [paths.contains { $0 == argument || (isPrefix && $0.hasPrefix(prefix)) } ? "true" : "false"]
        case .volumeTypes:
            guard let values = recursive(request, ["spec", "volumes", ""], index) else { return nil }
            let out = values.flatMap { $0?.members.map(\.key).filter { $0 != "name" } ?? [] }
            return out.isEmpty ? nil : out
        case .subjects(let kind, let isNamespaced):
            guard let subjects = Self.member(request, "subjects"), subjects.isArray else { return nil }
            let out = subjects.elements.compactMap { subject -> String? in
                guard let found = Self.member(subject, "kind"), let name = Self.member(subject, "name"),
                    Self.text(found) == kind
                else { return nil }
                guard isNamespaced else { return Self.text(name) }
                return Self.member(subject, "namespace").map { "\(Self.text($0)):\(Self.text(name))" }
            }
            return out.isEmpty ? nil : out
        default: return nil
        }
    }

    private func containers(_ request: Node, _ list: String, _ keys: [String], _ shape: Shape) -> [String]? {
        let values = recursive(request, ["spec", list] + keys, index)
        switch shape {
        case .skipping: return skipping(values)
        case .strict: return strict(values)
        case .repositories: return strict(values)?.map(Self.repository)
        case .joined:
            var out: [String] = []
            for value in values ?? [] {
                guard let value else { continue }
                guard value.isArray, value.elements.allSatisfy({ $0.kind == .string }) else { return nil }
                out.append(value.strings.joined(separator: " "))
            }
            return out.isEmpty ? nil : out
        case .ports:
            var out: [String] = []
            for value in values ?? [] {
                guard let value else { continue }
                guard value.isArray else { return nil }
                for port in value.elements {
                    // With the host's network the container's port is the host's too.
                    if let found = Self.member(port, "hostPort") ?? Self.member(port, "containerPort") {
                        out.append(Self.text(found))
                    }
                }
            }
            return out.isEmpty ? nil : out
        case .effective(let key):
            let fallback = Self.get(request, ["spec", key]).map(Self.text) ?? "0"
            guard let values, !values.isEmpty else { return nil }
            return values.map { $0.map(Self.text) ?? fallback }
        }
    }

    private func skipping(_ values: [Node?]?) -> [String]? {
        let out = values?.compactMap { $0.map(Self.text) } ?? []
        return out.isEmpty ? nil : out
    }

    /// Nothing when one of the values is missing.
    private func strict(_ values: [Node?]?) -> [String]? {
        guard let values, !values.isEmpty else { return nil }
        var out: [String] = []
        for value in values {
            guard let value else { return nil }
            out.append(Self.text(value))
        }
        return out
    }

    /// Follows keys through objects, and through every element of the lists on the way or the one at `index`; an
    /// element without the rest of the way counts as nil. nil when the way ends outside a list.
    private func recursive(_ node: Node, _ keys: [String], _ index: Int?) -> [Node?]? {
        var node = node
        for (i, key) in keys.enumerated() {
            if node.isArray {
                guard let index else {
                    let rest = Array(keys[i...])
                    return node.elements.flatMap { recursive($0, rest, nil) ?? [nil] }
                }
                let element = node[index]
                guard index >= 0, element.exists else { return nil }
                node = element
            }
            if key.isEmpty { continue }
            guard let next = Self.member(node, key) else { return nil }
            node = next
        }
        return [node]
    }

    private static func member(_ node: Node, _ key: String) -> Node? {
        if node.isArray { return Int(key).flatMap { $0 >= 0 && node[$0].exists ? node[$0] : nil } }
        let child = node[key]
        return child.exists ? child : nil
    }

    private static func get(_ node: Node, _ keys: [String]) -> Node? {
        var node = node
        for key in keys {
            guard let next = member(node, key) else { return nil }
            node = next
        }
        return node
    }

    /// A string as it is, everything else as JSON.
    static func text(_ node: Node) -> String {
        if let text = node.string { return text }
        if node.kind == .number || node.kind == .bool, let text = node.text { return text }
        var writer = JSONWriter()
        writer.value(node)
        return writer.string
    }

    /// The image without tag and digest, cut as Falco cuts it: at the first colon, a registry's port included.
    private static func repository(_ image: String) -> String {
        let name = image.prefix { $0 != ":" }
        return String(name.prefix { $0 != "@" })
    }

    /// The fields every source has.
    private static func generic(_ name: String, _ event: AuditEvent) -> [FieldValue]? {
        switch name {
        case "evt.source": [FieldValue("k8s_audit")]
        case "evt.pluginname": [FieldValue("k8saudit")]
        case "evt.rawtime": [.number(event.time)]
        case "evt.rawtime.s": [.number(event.time / 1_000_000_000)]
        case "evt.rawtime.ns": [.number(event.time % 1_000_000_000)]
        case "evt.time": [FieldValue(Timestamp.timeOfDay(event.time))]
        case "evt.time.s": [FieldValue(String(Timestamp.timeOfDay(event.time).prefix(8)))]
        case "evt.time.iso8601": [FieldValue(Timestamp.text(event.time))]
        case "evt.is_async": [.number(0)]
        default: nil
        }
    }
}

/// Parameters of a request's address.
enum QueryText {
    /// The first value of a parameter; nil when the query does not read.
    static func value(of name: String, in uri: String) -> String? {
        let bytes = Array(uri.utf8)
        guard let mark = bytes.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        let query = bytes[(mark + 1)...].prefix { $0 != UInt8(ascii: "#") }
        for pair in query.split(separator: UInt8(ascii: "&")) {
            guard !pair.contains(UInt8(ascii: ";")) else { return nil }
            let halves = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = decoded(halves[0]) else { return nil }
            if key == name { return decoded(halves.count > 1 ? halves[1] : []) }
        }
        return nil
    }

    private static func decoded(_ text: ArraySlice<UInt8>) -> String? {
        PercentEncoding.decoded(text, plusIsSpace: true)?.asText
    }
}
