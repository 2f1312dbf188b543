import Documents
package import Kubernetes

/// What an API server refuses in a pod, as far as it is about security contexts, ports, probes, volumes and names.
///
/// Source: validation of `core/v1`, Kubernetes v1.36. It matters twice: a refused pod has no level, and a fix must not
/// make a pod that is refused. No error here does not mean that there is none: quantities, affinities, environment and
/// the many fields no check reads are left to the server.
package struct PodValidation: Sendable {
    let pod: PodSpec
    let isPod: Bool
    let otherVolumes: Set<String>?
    private(set) var errors: [PodFieldError] = []

    /// The errors in an object as written; the API server's defaults are applied first.
    package static func errors(in object: KubernetesObject) -> [PodFieldError] {
        let filled = object.defaulted()
        let claims = filled.node["spec"]["volumeClaimTemplates"].elements.compactMap { $0["metadata"]["name"].string }
        return filled.podTemplates.flatMap { template in
            // The controller of a custom resource may add volumes that are not written in it.
            let others = template.discovery == .builtIn ? Set(claims) : nil
            return errors(in: template.spec, isPod: object.is("Pod"), otherVolumes: others)
        }
    }

    /// The errors in a pod, or in the template of one, that has its defaults.
    ///
    /// `otherVolumes` are those its controller adds, the claims of a StatefulSet; nil where they are not known.
    package static func errors(
        in pod: PodSpec, isPod: Bool, otherVolumes: Set<String>? = []
    ) -> [PodFieldError] {
        var validation = PodValidation(pod: pod, isPod: isPod, otherVolumes: otherVolumes)
        validation.checkAnnotations()
        validation.checkSpec()
        validation.checkAnnotationsMatchFields()
        return validation.errors
    }

    private init(pod: PodSpec, isPod: Bool, otherVolumes: Set<String>?) {
        self.pod = pod
        self.isPod = isPod
        self.otherVolumes = otherVolumes
    }

    mutating func add(_ error: PodFieldError) { errors.append(error) }

    private mutating func checkSpec() {
        let spec = pod.node
        checkVolumes()
        checkContainers()
        checkHostNetworkPorts()
        choice(spec["restartPolicy"], ["Always", "OnFailure", "Never"])
        choice(spec["dnsPolicy"], ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"])
        checkPodSecurityContext()
        checkHostProcess()
        checkUserNamespace()
        checkOS()
        if isPod {
            for container in pod.containers + pod.initContainers { checkImageSpace(container.node["image"]) }
        }
        if !pod.node["ephemeralContainers"].isEmpty {
            let why = isPod ? "cannot be set on create" : "ephemeral containers not allowed in pod template"
            add(.forbidden(spec["ephemeralContainers"], why))
        }
    }

    func isTrue(_ node: Node) -> Bool { node.bool == true }

    /// A text that has to be one of several.
    mutating func choice(_ node: Node, _ values: [String]) {
        if isEmpty(node) {
            add(.required(node))
        } else if !values.contains(where: node.equals) {
            add(.unsupported(node, of: values))
        }
    }

    func isEmpty(_ node: Node) -> Bool { node.isNull || node.equals("") }

    mutating func checkImageSpace(_ image: Node) {
        guard let text = image.string, let first = text.first, let last = text.last else { return }
        if first.isWhitespace || last.isWhitespace {
            add(.invalid(image, "must not have leading or trailing whitespace"))
        }
    }

    /// A name as most things in a pod have it.
    mutating func checkLabelName(_ node: Node) {
        guard let name = node.string, !name.isEmpty else { return add(.required(node)) }
        if name.utf8.count > 63 { add(.invalid(node, "must be no more than 63 bytes")) }
        guard !DNSName.isLabel(name) else { return }
        if DNSName.isSubdomain(name) {
            add(.invalid(node, "must not contain dots"))
        } else {
            add(.invalid(node, DNSName.labelRule))
        }
    }

    // MARK: The pod's own fields

    private mutating func checkHostNetworkPorts() {
        guard pod.hostNetwork else { return }
        for container in pod.containers {
            for port in container.ports {
                let number = port["hostPort"].int ?? 0
                if isPod || number != 0, number != port["containerPort"].int ?? 0 {
                    add(.invalid(port["hostPort"], "must match `containerPort` when `hostNetwork` is true"))
                }
            }
        }
    }

    private mutating func checkHostProcess() {
        let shared = pod.securityContext["windowsOptions"]["hostProcess"].bool
        let containers = pod.allContainers
        var count = 0
        for container in containers {
            let field = container.securityContext["windowsOptions"]["hostProcess"]
            if let shared, let own = field.bool, own != shared {
                add(.invalid(field, "pod hostProcess value must be identical if both are specified, was \(shared)"))
            }
            if field.bool ?? shared ?? false { count += 1 }
        }
        guard count > 0 else { return }
        let spec = pod.node
        if count != containers.count {
            add(
                PodFieldError(
                    node: spec, field: spec.path.description,
                    message: "Invalid value: \"\": If pod contains any hostProcess containers then all containers must "
                        + "be HostProcess containers"))
        }
        if !pod.hostNetwork {
            add(
                PodFieldError(
                    node: spec["hostNetwork"], field: spec["hostNetwork"].path.description,
                    message: "Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers"
                ))
        }
    }

    private mutating func checkUserNamespace() {
        guard !pod.hostUsers else { return }
        let why = "when `hostUsers` is false"
        if pod.hostNetwork { add(.forbidden(pod.node["hostNetwork"], why)) }
        // The server spells these two with a capital.
        for (name, shared) in [("hostPID", pod.hostPID), ("hostIPC", pod.hostIPC)] where shared {
            let field = pod.node.path.appending("H" + name.dropFirst()).description
            add(PodFieldError(node: pod.node[name], field: field, message: "Forbidden: \(why)"))
        }
        for container in pod.allContainers where !container.node["volumeDevices"].isEmpty {
            add(.forbidden(container.node["volumeDevices"], why))
        }
    }

    private mutating func checkOS() {
        let os = pod.node["os"]
        guard os.isObject else { return }
        let name = os["name"]
        if isEmpty(name) { return add(.required(name)) }
        if name.equals("windows") { return checkWindows() }
        if name.equals("linux") { return checkLinux() }
        add(
            PodFieldError(
                node: name, field: os.path.description,
                message: "Unsupported value: \(GoText.quoted(name.string ?? "")): supported values: \"linux\", "
                    + "\"windows\""))
    }

    private mutating func checkLinux() {
        for context in [pod.securityContext] + pod.allContainers.map(\.securityContext)
        where context["windowsOptions"].isObject {
            add(.forbidden(context["windowsOptions"], "windows options cannot be set for a linux pod"))
        }
    }

    private mutating func checkWindows() {
        let why = "cannot be set for a windows pod"
        let spec = pod.node
        let context = pod.securityContext
        func isSet(_ node: Node) -> Bool { !node.isNull }
        let shared: [(Node, Bool)] = [
            (context["appArmorProfile"], isSet(context["appArmorProfile"])),
            (context["seLinuxOptions"], isSet(context["seLinuxOptions"])),
            (spec["hostUsers"], isSet(spec["hostUsers"])), (spec["hostPID"], pod.hostPID),
            (spec["hostIPC"], pod.hostIPC), (context["seccompProfile"], isSet(context["seccompProfile"])),
            (context["fsGroup"], isSet(context["fsGroup"])),
            (context["fsGroupChangePolicy"], isSet(context["fsGroupChangePolicy"])),
            (context["sysctls"], !context["sysctls"].isEmpty),
            (spec["shareProcessNamespace"], isSet(spec["shareProcessNamespace"])),
            (context["runAsUser"], isSet(context["runAsUser"])),
            (context["runAsGroup"], isSet(context["runAsGroup"])),
            (context["supplementalGroups"], isSet(context["supplementalGroups"])),
            (context["supplementalGroupsPolicy"], isSet(context["supplementalGroupsPolicy"])),
            (context["seLinuxChangePolicy"], isSet(context["seLinuxChangePolicy"])),
        ]
        for (node, set) in shared where set { add(.forbidden(node, why)) }
        let own = [
            "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem",
            "privileged", "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
        ]
        for container in pod.allContainers {
            for name in own where isSet(container.securityContext[name]) {
                add(.forbidden(container.securityContext[name], why))
            }
        }
    }
}
