package import Documents
package import Kubernetes

/// What the checks read of a pod, decoded once.
///
/// Holds answers, not texts: names and values are read again from the nodes when something is wrong, so that a pod
/// that passes costs no `String`.
package struct PodSecurityInput: Sendable {
    /// The `spec`; checks point into it.
    package let spec: Node
    package let metadata: Node
    package private(set) var hostNetwork = false
    package private(set) var hostPID = false
    package private(set) var hostIPC = false
    /// `hostUsers: false`: root in the pod is nobody on the node.
    package private(set) var hasUserNamespace = false
    package private(set) var isWindows = false
    package private(set) var securityContext = SecurityContextInput()
    /// Sysctls the pod sets, whichever they are.
    package private(set) var sysctls: [Node] = []
    /// Init, regular and ephemeral containers, in this order.
    package private(set) var containers: [ContainerInput] = []
    package private(set) var volumes: [VolumeInput] = []
    /// Annotations that set AppArmor or seccomp profiles.
    package private(set) var profileAnnotations: [Node.Member] = []
    package private(set) var problems: [PodSecurityProblem] = []

    /// What an API server of v1.36 would fill in before it evaluates, as far as a verdict depends on it.
    package enum Defaults: Sendable {
        /// Nothing: the object comes from an API server, or is to be judged as it stands.
        case none
        /// What templates get: a volume without a source is an `emptyDir`.
        case template
        /// What pods get too: ports of a pod on the node's network are ports of the node, and AppArmor annotations
        /// become fields.
        case pod
    }

    private let defaults: Defaults

    /// Decodes a pod or the template of a workload.
    package init(_ pod: PodSpec, defaults: Defaults = .none) {
        spec = pod.node
        metadata = pod.metadata
        self.defaults = defaults
        var reader = FieldReader()
        readSpec(&reader)
        readAnnotations(&reader)
        if defaults == .pod, !profileAnnotations.isEmpty, !isWindows { copyAppArmorAnnotations() }
        problems = reader.problems
    }

    /// Decodes a template as the API server would see it, whether it was read from a file or from a cluster.
    package init(_ template: PodTemplate, of object: KubernetesObject) {
        self.init(template.spec, defaults: object.is("Pod") ? .pod : .template)
    }

    private mutating func readSpec(_ reader: inout FieldReader) {
        guard reader.isObject(spec, FieldReader.everyCheck) else { return }
        var initial: Node?
        var regular: Node?
        var ephemeral: Node?
        for member in spec.members {
            if member.hasKey("hostNetwork") {
                hostNetwork = reader.bool(member.value, [.hostNamespaces]) ?? false
            } else if member.hasKey("hostPID") {
                hostPID = reader.bool(member.value, [.hostNamespaces]) ?? false
            } else if member.hasKey("hostIPC") {
                hostIPC = reader.bool(member.value, [.hostNamespaces]) ?? false
            } else if member.hasKey("hostUsers") {
                hasUserNamespace =
                    reader.bool(member.value, [.procMount, .runAsNonRoot, .runAsUser]) == false
            } else if member.hasKey("os") {
                if reader.isObject(member.value, FieldReader.windowsChecks) {
                    let name = member.value["name"]
                    if reader.isString(name, FieldReader.windowsChecks) { isWindows = name.equals("windows") }
                }
            } else if member.hasKey("securityContext") {
                readSecurityContext(member.value, &reader)
            } else if member.hasKey("volumes") {
                for volume in reader.elements(member.value, [.hostPath, .volumeTypes]) {
                    volumes.append(VolumeInput(volume, emptyIsAllowed: defaults != .none, &reader))
                }
            } else if member.hasKey("containers") {
                regular = member.value
            } else if member.hasKey("initContainers") {
                initial = member.value
            } else if member.hasKey("ephemeralContainers") {
                ephemeral = member.value
            }
        }
        let opens = defaults == .pod && hostNetwork
        if let initial { readContainers(initial, opensPorts: opens, &reader) }
        if let regular { readContainers(regular, opensPorts: opens, &reader) }
        if let ephemeral { readContainers(ephemeral, opensPorts: false, &reader) }
    }

    private mutating func readContainers(_ list: Node, opensPorts: Bool, _ reader: inout FieldReader) {
        for container in reader.elements(list, FieldReader.containerChecks) {
            containers.append(ContainerInput(container, opensPorts: opensPorts, &reader))
        }
    }

    /// Does what the API server does with annotations of containers that have no profile of their own.
    private mutating func copyAppArmorAnnotations() {
        let shared = AppArmorProfile(spec["securityContext"]["appArmorProfile"])
        for index in containers.indices where containers[index].securityContext.appArmor == .unset {
            let key = AppArmorProfile.annotationPrefix + containers[index].name
            guard let annotation = profileAnnotations.first(where: { $0.key == key })?.value,
                let profile = annotation.string.flatMap(AppArmorProfile.init(annotation:)), profile != shared
            else { continue }
            containers[index].copyAppArmor(profile)
        }
    }

    private mutating func readSecurityContext(_ node: Node, _ reader: inout FieldReader) {
        guard reader.isObject(node, FieldReader.contextChecks) else { return }
        securityContext = SecurityContextInput(node, &reader)
        let list = node["sysctls"]
        guard list.exists else { return }
        for sysctl in reader.elements(list, [.sysctls]) {
            if reader.isObject(sysctl, [.sysctls]) { _ = reader.isString(sysctl["name"], [.sysctls]) }
            sysctls.append(sysctl)
        }
    }

    private mutating func readAnnotations(_ reader: inout FieldReader) {
        let annotations = metadata["annotations"]
        guard reader.isObject(annotations, [.appArmor, .seccompBaseline]) else { return }
        for member in annotations.members {
            let key = member.key
            guard key.hasPrefix(AppArmorProfile.annotationPrefix) || key.contains(SeccompAnnotation.domain)
            else {
                continue
            }
            if reader.isString(member.value, [.appArmor, .seccompBaseline]) { profileAnnotations.append(member) }
        }
    }
}

/// Annotations that set seccomp profiles, from before there were fields for it.
enum SeccompAnnotation {
    static let domain = "seccomp.security.alpha.kubernetes.io/"
    static let pod = "seccomp.security.alpha.kubernetes.io/pod"
    /// Behind it the container's name.
    static let containerPrefix = "container.seccomp.security.alpha.kubernetes.io/"
}

/// One container, of whichever kind.
package struct ContainerInput: Sendable {
    package let node: Node
    package private(set) var securityContext = SecurityContextInput()
    package private(set) var hasHostPort = false
    /// Whether its ports become ports of the node, as the pod is on the node's network.
    let opensPorts: Bool
    /// Whether a probe or lifecycle handler names a host.
    package private(set) var hasProbeHost = false

    package var name: String { node["name"].string ?? "" }

    init(_ node: Node, opensPorts: Bool, _ reader: inout FieldReader) {
        self.node = node
        self.opensPorts = opensPorts
        guard reader.isObject(node, FieldReader.containerChecks) else { return }
        for member in node.members {
            if member.hasKey("securityContext") {
                if reader.isObject(member.value, FieldReader.contextChecks) {
                    securityContext = SecurityContextInput(member.value, &reader)
                }
            } else if member.hasKey("ports") {
                for port in reader.elements(member.value, [.hostPort]) where reader.isObject(port, [.hostPort]) {
                    let number = reader.int(port["hostPort"], in: FieldReader.int32, [.hostPort]) ?? 0
                    if number != 0 || (opensPorts && (port["containerPort"].int ?? 0) != 0) { hasHostPort = true }
                }
            } else if member.hasKey("livenessProbe") || member.hasKey("readinessProbe")
                || member.hasKey("startupProbe")
            {
                readHandler(member.value, &reader)
            } else if member.hasKey("lifecycle") {
                guard reader.isObject(member.value, [.hostProbes]) else { continue }
                readHandler(member.value["postStart"], &reader)
                readHandler(member.value["preStop"], &reader)
            }
        }
    }

    mutating func copyAppArmor(_ profile: AppArmorProfile) { securityContext.setAppArmor(profile) }

    private mutating func readHandler(_ handler: Node, _ reader: inout FieldReader) {
        guard handler.exists, reader.isObject(handler, [.hostProbes]) else { return }
        for action in [handler["httpGet"], handler["tcpSocket"]] where reader.isObject(action, [.hostProbes]) {
            let host = action["host"]
            if reader.isString(host, [.hostProbes]), host.textLength > 0 { hasProbeHost = true }
        }
    }

    /// The places of hosts in probes and lifecycle handlers, in the order the API server looks at them.
    var probeHosts: [Node] {
        let handlers = [
            node["livenessProbe"], node["readinessProbe"], node["startupProbe"], node["lifecycle"]["postStart"],
            node["lifecycle"]["preStop"],
        ]
        return handlers.flatMap { [$0["httpGet"]["host"], $0["tcpSocket"]["host"]] }.filter { $0.textLength > 0 }
    }
}

/// What pods and containers both set; each check reads what holds for it.
package struct SecurityContextInput: Sendable {
    /// How a seccomp or AppArmor profile is set.
    package enum Profile: Sendable {
        case unset
        /// `RuntimeDefault` or `Localhost`.
        case confined
        /// Any other value, the empty one too.
        case unconfined
    }

    /// What SELinux options ask for beyond what the runtime gives.
    struct SELinux: OptionSet {
        var rawValue: UInt8
        static let user = SELinux(rawValue: 1)
        static let role = SELinux(rawValue: 2)
        static let type = SELinux(rawValue: 4)
        /// `container_engine_t`, allowed since v1.31.
        static let engineType = SELinux(rawValue: 8)
    }

    struct Capabilities: OptionSet {
        var rawValue: UInt8
        static let dropsAll = Capabilities(rawValue: 1)
        /// One beyond those a runtime gives anyway.
        static let addsBeyondDefault = Capabilities(rawValue: 2)
        /// One beyond `NET_BIND_SERVICE`.
        static let addsBeyondBinding = Capabilities(rawValue: 4)
    }

    package private(set) var privileged = false
    package private(set) var allowPrivilegeEscalation: Bool?
    package private(set) var runAsNonRoot: Bool?
    /// `runAsUser: 0`
    package private(set) var runsAsRoot = false
    package private(set) var hostProcess = false
    /// `procMount` is set to something else than `Default`.
    package private(set) var changesProcMount = false
    package private(set) var seccomp = Profile.unset
    package private(set) var appArmor = Profile.unset
    private(set) var seLinux: SELinux = []
    private(set) var capabilities: Capabilities = []

    init() {}

    init(_ node: Node, _ reader: inout FieldReader) {
        for member in node.members {
            let value = member.value
            if member.hasKey("allowPrivilegeEscalation") {
                allowPrivilegeEscalation = reader.bool(value, [.allowPrivilegeEscalation])
            } else if member.hasKey("capabilities") {
                readCapabilities(value, &reader)
            } else if member.hasKey("privileged") {
                privileged = reader.bool(value, [.privileged]) ?? false
            } else if member.hasKey("runAsNonRoot") {
                runAsNonRoot = reader.bool(value, [.runAsNonRoot])
            } else if member.hasKey("runAsUser") {
                runsAsRoot = reader.int(value, [.runAsUser]) == 0
            } else if member.hasKey("seccompProfile") {
                seccomp = Self.profile(value, [.seccompBaseline, .seccompRestricted], &reader)
            } else if member.hasKey("appArmorProfile") {
                appArmor = Self.profile(value, [.appArmor], &reader)
            } else if member.hasKey("procMount") {
                if reader.isString(value, [.procMount, .procMountRestricted]), !value.isNull {
                    changesProcMount = !value.equals("Default")
                }
            } else if member.hasKey("seLinuxOptions") {
                readSELinux(value, &reader)
            } else if member.hasKey("windowsOptions") {
                if reader.isObject(value, [.windowsHostProcess]) {
                    hostProcess = reader.bool(value["hostProcess"], [.windowsHostProcess]) ?? false
                }
            }
        }
    }

    mutating func setAppArmor(_ profile: AppArmorProfile) {
        appArmor = profile.type == "Unconfined" ? .unconfined : .confined
    }

    private static func profile(
        _ node: Node, _ checks: @autoclosure () -> Set<PodSecurityCheck.ID>, _ reader: inout FieldReader
    ) -> Profile {
        guard reader.isObject(node, checks()), !node.isNull else { return .unset }
        let type = node["type"]
        guard reader.isString(type, checks()) else { return .unset }
        return type.equals("RuntimeDefault") || type.equals("Localhost") ? .confined : .unconfined
    }

    private mutating func readCapabilities(_ node: Node, _ reader: inout FieldReader) {
        guard reader.isObject(node, FieldReader.capabilityChecks) else { return }
        for dropped in reader.elements(node["drop"], [.capabilitiesRestricted])
        where reader.isString(dropped, [.capabilitiesRestricted]) && dropped.equals("ALL") {
            capabilities.insert(.dropsAll)
        }
        for added in reader.elements(node["add"], FieldReader.capabilityChecks)
        where reader.isString(added, FieldReader.capabilityChecks) {
            if !added.equals("NET_BIND_SERVICE") {
                capabilities.insert(.addsBeyondBinding)
                if !Capability.isDefault(added) { capabilities.insert(.addsBeyondDefault) }
            }
        }
    }

    private mutating func readSELinux(_ node: Node, _ reader: inout FieldReader) {
        guard reader.isObject(node, [.seLinux]) else { return }
        let type = node["type"]
        if reader.isString(type, [.seLinux]), type.textLength > 0, !SELinuxType.isAllowed(type) {
            seLinux.insert(type.equals(SELinuxType.engine) ? .engineType : .type)
        }
        if reader.isString(node["user"], [.seLinux]), node["user"].textLength > 0 { seLinux.insert(.user) }
        if reader.isString(node["role"], [.seLinux]), node["role"].textLength > 0 { seLinux.insert(.role) }
    }
}

/// One volume, by what the levels make of its source.
package struct VolumeInput: Sendable {
    package let node: Node
    package private(set) var hasHostPath = false
    /// Whether a source that restricted allows is set.
    package private(set) var hasAllowedSource = false

    package var name: String { node["name"].string ?? "" }

    init(_ node: Node, emptyIsAllowed: Bool, _ reader: inout FieldReader) {
        self.node = node
        guard reader.isObject(node, [.hostPath, .volumeTypes]) else { return }
        var hasSource = false
        for member in node.members where !member.hasKey("name") && !member.value.isNull {
            guard reader.isObject(member.value, [.hostPath, .volumeTypes]) else { continue }
            if member.hasKey("hostPath") {
                hasHostPath = true
            } else if VolumeType.isAllowed(member) {
                hasAllowedSource = true
            } else if VolumeType.isKnown(member) {
                hasSource = true
            }
        }
        if emptyIsAllowed, !hasHostPath, !hasSource { hasAllowedSource = true }
    }
}
