import Documents

/// What the API server fills into a pod, or into the template of one.
///
/// Source: defaults of `core/v1` in Kubernetes v1.36 and the pod strategy's preparation. Left out, because no verdict
/// hangs on it: rounding and canonical writing of quantities, requests of pod-level resources, and the label keys of
/// affinities and spread constraints.
struct PodDefaulting {
    private let pod: PodSpec
    private(set) var editor: DocumentEditor

    init(_ pod: PodSpec, _ editor: DocumentEditor) {
        self.pod = pod
        self.editor = editor
    }

    mutating func fillIn(asPod: Bool) {
        guard pod.node.isObject else { return }
        fillSpec()
        for volume in pod.node["volumes"].elements where volume.isObject { fillVolume(volume) }
        for container in pod.allContainers where container.node.isObject { fillContainer(container.node) }
        if asPod { fillPod() }
    }

    // MARK: The pod

    private mutating func fillSpec() {
        let spec = pod.node
        text(spec["dnsPolicy"], "ClusterFirst")
        text(spec["restartPolicy"], "Always")
        absent(spec["securityContext"], [:])
        absent(spec["terminationGracePeriodSeconds"], 30)
        text(spec["schedulerName"], "default-scheduler")
        // The older name of the field is kept equal to the newer.
        if let name = spec["serviceAccountName"].string ?? spec["serviceAccount"].string, !name.isEmpty {
            text(spec["serviceAccountName"], name)
            text(spec["serviceAccount"], name)
        }
    }

    /// What pods get and templates do not, until their pods are made.
    private mutating func fillPod() {
        let spec = pod.node
        absent(spec["enableServiceLinks"], true)
        for container in pod.initContainers + pod.containers {
            let limits = container.node["resources"]["limits"]
            let requests = container.node["resources"]["requests"]
            for limit in limits.members { absent(requests[limit.key], DocumentValue(limit.value)) }
            guard pod.hostNetwork else { continue }
            for port in container.node["ports"].elements {
                guard let number = port["containerPort"].int else { continue }
                zero(port["hostPort"], number)
            }
        }
        copyAppArmorAnnotations()
    }

    /// Annotations from before v1.30 become the field, unless it is set or the pod's says the same.
    private mutating func copyAppArmorAnnotations() {
        guard !pod.isWindows, pod.annotations.isObject else { return }
        let shared = AppArmorProfile(pod.securityContext["appArmorProfile"])
        for container in pod.allContainers {
            let field = container.securityContext["appArmorProfile"]
            guard field.isNull, let text = pod.annotations[AppArmorProfile.annotationPrefix + container.name].string,
                let profile = AppArmorProfile(annotation: text), profile != shared
            else { continue }
            editor.set(field.path, profile.value)
        }
    }

    // MARK: Volumes

    private mutating func fillVolume(_ volume: Node) {
        if VolumeSources.names.allSatisfy({ volume[$0].isNull }) { editor.set(volume["emptyDir"].path, [:]) }
        for name in ["secret", "configMap", "downwardAPI", "projected"] where volume[name].isObject {
            absent(volume[name]["defaultMode"], 0o644)
        }
        for (source, fields) in VolumeSources.defaults where volume[source].isObject {
            for (field, value) in fields { text(volume[source][field], value) }
        }
        // Its fields are pointers: an empty text stands.
        if volume["azureDisk"].isObject {
            for (field, value) in VolumeSources.azureDisk { absent(volume["azureDisk"][field], value) }
        }
        if volume["hostPath"].isObject { absent(volume["hostPath"]["type"], "") }
        if volume["image"].isObject, let reference = volume["image"]["reference"].string {
            text(volume["image"]["pullPolicy"], ImagePullPolicy.standard(for: reference))
        }
        fillFieldReferences(volume["downwardAPI"]["items"])
        for source in volume["projected"]["sources"].elements {
            fillFieldReferences(source["downwardAPI"]["items"])
            if source["serviceAccountToken"].isObject {
                absent(source["serviceAccountToken"]["expirationSeconds"], 3600)
            }
        }
        let claim = volume["ephemeral"]["volumeClaimTemplate"]
        if claim.isObject { absent(claim["spec"]["volumeMode"], "Filesystem") }
    }

    private mutating func fillFieldReferences(_ items: Node) {
        for item in items.elements where item["fieldRef"].isObject { text(item["fieldRef"]["apiVersion"], "v1") }
    }

    // MARK: Containers

    private mutating func fillContainer(_ container: Node) {
        text(container["imagePullPolicy"], ImagePullPolicy.standard(for: container["image"].string ?? ""))
        text(container["terminationMessagePath"], "/dev/termination-log")
        text(container["terminationMessagePolicy"], "File")
        for port in container["ports"].elements { text(port["protocol"], "TCP") }
        for variable in container["env"].elements {
            let source = variable["valueFrom"]
            if source["fieldRef"].isObject { text(source["fieldRef"]["apiVersion"], "v1") }
            if source["fileKeyRef"].isObject { absent(source["fileKeyRef"]["optional"], false) }
        }
        for name in ["livenessProbe", "readinessProbe", "startupProbe"] where container[name].isObject {
            let probe = container[name]
            zero(probe["timeoutSeconds"], 1)
            zero(probe["periodSeconds"], 10)
            zero(probe["successThreshold"], 1)
            zero(probe["failureThreshold"], 3)
            fillHTTP(probe["httpGet"])
            if probe["grpc"].isObject { absent(probe["grpc"]["service"], "") }
        }
        fillHTTP(container["lifecycle"]["postStart"]["httpGet"])
        fillHTTP(container["lifecycle"]["preStop"]["httpGet"])
    }

    private mutating func fillHTTP(_ action: Node) {
        guard action.isObject else { return }
        text(action["path"], "/")
        text(action["scheme"], "HTTP")
    }

    // MARK: Writing

    /// Fills in a text that is absent or empty.
    private mutating func text(_ field: Node, _ value: String) {
        if field.isNull || field.equals("") { editor.set(field.path, .string(value)) }
    }

    /// Fills in a number that is absent or zero.
    private mutating func zero(_ field: Node, _ value: Int) {
        if field.isNull || field.int == 0 { editor.set(field.path, .int(value)) }
    }

    /// Fills in a field only where there is none.
    private mutating func absent(_ field: Node, _ value: DocumentValue) {
        if field.isNull { editor.set(field.path, value) }
    }
}
