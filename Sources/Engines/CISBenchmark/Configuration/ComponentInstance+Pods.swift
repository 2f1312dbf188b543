package import Documents
package import Kubernetes

/// Components found in pods and processes.
extension ComponentInstance {
    /// The components that a pod runs: each container that starts one.
    ///
    /// Only pods and DaemonSets are looked at. A control plane that runs as a Deployment belongs to another cluster.
    package static func inPod(
        _ object: KubernetesObject, files: (_ node: String) -> (capture: NodeCapture?, loose: [String: SourceText])
    ) -> [ComponentInstance] {
        guard object.is("Pod") || object.is("DaemonSet", of: "apps"), let template = object.podTemplates.first else {
            return []
        }
        let node = template.spec.node["nodeName"].string ?? ""
        return template.spec.containers.compactMap { container -> ComponentInstance? in
            let environment = variables(container)
            guard let command = command(container, environment) else { return nil }
            let (capture, loose) = files(node)
            var mounts: [(String, String)] = []
            var mounted: [String] = []
            for mount in container.volumeMounts {
                guard let path = mount["mountPath"].string,
                    let volume = template.spec.volumes.first(where: { $0.name == mount["name"].string })
                else { continue }
                if let host = volume.node["hostPath"]["path"].string {
                    mounts.append((trimmed(path), trimmed(host) + (mount["subPath"].string.map { "/\($0)" } ?? "")))
                } else {
                    mounted.append(trimmed(path))
                }
            }
            var instance = ComponentInstance(
                command.component, node: node, object: object, container: container.node, command: command,
                environment: environment,
                files: ConfigurationFiles(capture: capture, loose: loose, mounts: mounts),
                version: command.component == .etcd ? nil : imageVersion(container.image))
            instance.mountedObjects = mounted
            return instance
        }
    }

    /// The components among a node's processes.
    package static func inProcesses(
        _ capture: NodeCapture, version: ComponentVersion?
    ) -> [ComponentInstance] {
        var out: [ComponentInstance] = []
        for process in capture.processes {
            let words = process.arguments.filter { !$0.isEmpty }.map { ComponentCommand.Word($0) }
            let embedded = K3s(words, on: capture)?.commands ?? []
            // A shell that waits for the component it started has the same text in its arguments: the component counts.
            let direct = ComponentCommand(words).map { [$0] } ?? []
            for command in embedded + direct {
                let instance = ComponentInstance(
                    command.component, node: capture.name, command: command, environment: process.environment,
                    files: ConfigurationFiles(capture: capture), version: command.component == .etcd ? nil : version)
                let isShell = words.first.map { $0.text.hasSuffix("sh") || $0.text.hasSuffix("go-runner") } ?? false
                let known = out.contains { $0.component == command.component }
                if isShell, known { continue }
                if known, let old = out.firstIndex(where: { $0.component == command.component && $0.wasShell }) {
                    out.remove(at: old)
                }
                var copy = instance
                copy.wasShell = isShell
                out.append(copy)
            }
        }
        return out.sorted { $0.component < $1.component }
    }

    private static func command(_ container: Container, _ environment: [String: String]) -> ComponentCommand? {
        func words(_ key: String) -> [ComponentCommand.Word] {
            container.node[key].elements.compactMap { node in
                node.string.map { ComponentCommand.Word(expanded($0, environment), node) }
            }
        }
        let command = words("command")
        let arguments = words("args")
        if let found = ComponentCommand(command + arguments) { return found }
        guard command.isEmpty, arguments.allSatisfy({ $0.text.hasPrefix("-") }),
            let component = imageComponent(container.image)
        else { return nil }
        return ComponentCommand(component, arguments[...])
    }

    /// `$(NAME)` as Kubernetes puts it in: an unknown name stays as it is, `$$` is a dollar.
    static func expanded(_ text: String, _ environment: [String: String]) -> String {
        guard text.contains("$") else { return text }
        var out = ""
        var rest = Substring(text)
        while let c = rest.popFirst() {
            guard c == "$", let next = rest.first else {
                out.append(c)
                continue
            }
            if next == "$" {
                rest.removeFirst()
                out.append("$")
            } else if next == "(", let end = rest.firstIndex(of: ")") {
                let name = String(rest[rest.index(after: rest.startIndex)..<end])
                if let value = environment[name] {
                    out += value
                    rest = rest[rest.index(after: end)...]
                } else {
                    out.append(c)
                }
            } else {
                out.append(c)
            }
        }
        return out
    }

    private static func variables(_ container: Container) -> [String: String] {
        var out: [String: String] = [:]
        for node in container.environment {
            if let name = node["name"].string, node["valueFrom"].isNull { out[name] = node["value"].text ?? "" }
        }
        return out
    }

    private static func imageComponent(_ image: String) -> Component? {
        var name = image.split(separator: "/").last.map(String.init) ?? ""
        name = String(name.prefix { $0 != ":" && $0 != "@" })
        return Component.allCases.first { component in
            ComponentFacts.of(component).images.contains { name == $0 || name.hasPrefix("\($0)-") }
        }
    }

    /// The version in the tag of an image of Kubernetes.
    static func imageVersion(_ image: String) -> ComponentVersion? {
        let name = image.split(separator: "/").last.map(String.init) ?? ""
        guard let colon = name.firstIndex(of: ":") else { return nil }
        return ComponentVersion(String(name[name.index(after: colon)...].prefix { $0 != "@" }))
    }

    private static func trimmed(_ path: String) -> String {
        path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}

extension ComponentInstance {
    /// Takes from the manifest what a process does not tell: the version, where files of the container lie on the node,
    /// and the place to mend a flag.
    mutating func adopt(_ pod: ComponentInstance) {
        object = pod.object
        container = pod.container
        if let version = pod.version { self.version = version }
        mountedObjects = pod.mountedObjects
        files = pod.files
        guard let written = pod.command, var command else {
            self.command = self.command ?? pod.command
            return
        }
        for position in command.flags.indices {
            let flag = command.flags[position]
            command.flags[position].node = written.flags.last { $0.name == flag.name && $0.value == flag.value }?.node
        }
        self.command = command
        // Only the manifest tells where the file of the container lies on the node.
        if command.hidden != nil { readOpenShiftFile() }
    }
}
