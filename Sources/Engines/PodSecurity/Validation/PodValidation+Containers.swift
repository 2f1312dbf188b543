import Documents
import Kubernetes

extension PodValidation {
    mutating func checkContainers() {
        let spec = pod.node
        if pod.containers.isEmpty { add(.required(spec["containers"])) }
        var names: Set<String> = []
        for container in pod.containers {
            let node = container.node
            checkCommon(node)
            checkUnique(container, &names)
            checkLifecycle(node["lifecycle"])
            checkProbes(node)
        }
        checkPortConflicts(pod.containers.map(\.node))
        for container in pod.initContainers {
            let node = container.node
            checkCommon(node)
            checkUnique(container, &names)
            checkPortConflicts([node])
            if container.isSidecar {
                checkLifecycle(node["lifecycle"])
                checkProbes(node)
                continue
            }
            for name in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] where node[name].isObject {
                add(.forbidden(node[name], "may not be set for init containers without restartPolicy=Always"))
            }
        }
        checkEphemeralContainers(names)
    }

    private mutating func checkUnique(_ container: Container, _ names: inout Set<String>) {
        guard !container.name.isEmpty else { return }
        if !names.insert(container.name).inserted { add(.duplicate(container.node["name"], container.name)) }
    }

    private mutating func checkCommon(_ container: Node) {
        checkLabelName(container["name"])
        if isEmpty(container["image"]) { add(.required(container["image"])) }
        choice(container["terminationMessagePolicy"], ["File", "FallbackToLogsOnError"])
        checkPorts(container["ports"])
        checkMounts(container)
        choice(container["imagePullPolicy"], ["Always", "IfNotPresent", "Never"])
        checkSecurityContext(container["securityContext"])
    }

    private mutating func checkEphemeralContainers(_ names: Set<String>) {
        var all = names
        for container in pod.ephemeralContainers {
            let node = container.node
            checkCommon(node)
            checkImageSpace(node["image"])
            checkUnique(container, &all)
            let target = node["targetContainerName"]
            if let name = target.string, !name.isEmpty, !names.contains(name) { add(.notFound(target, name)) }
            let refused = ["ports", "resources", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"]
            for name in refused where !node[name].isEmpty {
                add(.forbidden(node[name], "cannot be set for an Ephemeral Container"))
            }
            for mount in node["volumeMounts"].elements {
                for name in ["subPath", "subPathExpr"] where !isEmpty(mount[name]) {
                    add(.forbidden(mount[name], "cannot be set for an Ephemeral Container"))
                }
            }
        }
    }

    // MARK: Ports

    private mutating func checkPorts(_ ports: Node) {
        var names: Set<String> = []
        for port in ports.elements {
            if let name = port["name"].string, !name.isEmpty {
                let wrong = Self.portNameErrors(name)
                for why in wrong { add(.invalid(port["name"], why)) }
                if wrong.isEmpty, !names.insert(name).inserted { add(.duplicate(port["name"], name)) }
            }
            let number = port["containerPort"]
            if number.isNull || number.int == 0 { add(.required(number)) } else { checkPortNumber(number) }
            if let host = port["hostPort"].int, host != 0 { checkPortNumber(port["hostPort"]) }
            choice(port["protocol"], ["SCTP", "TCP", "UDP"])
        }
    }

    private mutating func checkPortNumber(_ node: Node) {
        if let number = node.int, !(1...65535).contains(number) {
            add(.invalid(node, "must be between 1 and 65535, inclusive"))
        }
    }

    private static func portNameErrors(_ name: String) -> [String] {
        var errors: [String] = []
        let bytes = Array(name.utf8)
        if bytes.count > 15 { errors.append("must be no more than 15 bytes") }
        let dash = UInt8(ascii: "-")
        if bytes.isEmpty || !bytes.allSatisfy({ DNSName.isAlphanumeric($0) || $0 == dash }) {
            errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !bytes.contains(where: { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }) {
            errors.append("must contain at least one letter (a-z)")
        }
        if name.contains("--") { errors.append("must not contain consecutive hyphens") }
        if bytes.first == dash || bytes.last == dash { errors.append("must not begin or end with a hyphen") }
        return errors
    }

    private mutating func checkPortConflicts(_ containers: [Node]) {
        var taken: Set<String> = []
        for container in containers {
            for port in container["ports"].elements {
                guard let number = port["hostPort"].int, number != 0 else { continue }
                let key = "\(port["protocol"].string ?? "")/\(port["hostIP"].string ?? "")/\(number)"
                guard !taken.insert(key).inserted else { continue }
                // The server counts init containers from zero each time, as it looks at them one by one.
                let field = Self.field(port["hostPort"], first: containers.count == 1)
                add(
                    PodFieldError(
                        node: port["hostPort"], field: field, message: "Duplicate value: \(GoText.quoted(key))"))
            }
        }
    }

    private static func field(_ node: Node, first: Bool) -> String {
        guard first else { return node.path.description }
        var path = node.path
        guard let list = path.elements.firstIndex(where: { if case .index = $0 { true } else { false } }) else {
            return path.description
        }
        path.elements[list] = .index(0)
        return path.description
    }

    // MARK: Mounts

    private mutating func checkMounts(_ container: Node) {
        var paths: Set<String> = []
        for mount in container["volumeMounts"].elements {
            let name = mount["name"]
            if isEmpty(name) { add(.required(name)) }
            if !hasVolume(name.string ?? "") { add(.notFound(name, name.string ?? "")) }
            let path = mount["mountPath"]
            if isEmpty(path) { add(.required(path)) }
            if !paths.insert(path.string ?? "").inserted { add(.invalid(path, "must be unique")) }
            let propagation = mount["mountPropagation"]
            guard !propagation.isNull else { continue }
            choice(propagation, ["Bidirectional", "HostToContainer", "None"])
            if propagation.equals("Bidirectional"), !isTrue(container["securityContext"]["privileged"]) {
                add(
                    .forbidden(
                        propagation, "Bidirectional mount propagation is available only to privileged containers"))
            }
        }
    }

    private func hasVolume(_ name: String) -> Bool {
        guard let otherVolumes else { return true }
        return otherVolumes.contains(name)
            || pod.node["volumes"].elements.contains { ($0["name"].string ?? "") == name }
    }

    // MARK: Probes and handlers

    private mutating func checkProbes(_ container: Node) {
        for name in ["livenessProbe", "readinessProbe", "startupProbe"] where container[name].isObject {
            let probe = container[name]
            checkHandler(probe)
            for field in [
                "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold",
            ] {
                if let number = probe[field].int, number < 0 {
                    add(.invalid(probe[field], "must be greater than or equal to 0"))
                }
            }
            let grace = probe["terminationGracePeriodSeconds"]
            if let number = grace.int, number <= 0 { add(.invalid(grace, "must be greater than 0")) }
            if name == "readinessProbe" {
                if !grace.isNull { add(.invalid(grace, "must not be set for readinessProbes")) }
            } else if probe["successThreshold"].int ?? 1 != 1 {
                add(.invalid(probe["successThreshold"], "must be 1"))
            }
        }
    }

    private mutating func checkLifecycle(_ lifecycle: Node) {
        for name in ["postStart", "preStop"] where lifecycle[name].isObject { checkHandler(lifecycle[name]) }
    }

    private mutating func checkHandler(_ handler: Node) {
        let kinds = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"].filter { handler[$0].isObject }
        for extra in kinds.dropFirst() { add(.forbidden(handler[extra], "may not specify more than 1 handler type")) }
        guard let kind = kinds.first else { return add(.required(handler, "must specify a handler type")) }
        let action = handler[kind]
        switch kind {
        case "exec":
            if action["command"].isEmpty { add(.required(action["command"])) }
        case "httpGet":
            if isEmpty(action["path"]) { add(.required(action["path"])) }
            checkPortReference(action["port"])
            choice(action["scheme"], ["HTTP", "HTTPS"])
        case "tcpSocket", "grpc": checkPortReference(action["port"])
        default: break
        }
    }

    /// A port's number or name; nothing reads as 0.
    private mutating func checkPortReference(_ port: Node) {
        if let name = port.string {
            for why in Self.portNameErrors(name) { add(.invalid(port, why)) }
        } else if !(1...65535).contains(port.int ?? 0) {
            let message = "Invalid value: \(port.int ?? 0): must be between 1 and 65535, inclusive"
            add(PodFieldError(node: port, field: port.path.description, message: message))
        }
    }
}
