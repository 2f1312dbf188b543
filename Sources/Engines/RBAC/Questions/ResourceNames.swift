package import Kubernetes

/// The words people use for resources, and the API groups they are in.
///
/// Source: `kubectl api-resources` of Kubernetes 1.36; of custom resources, their definitions or an API server's list.
package struct ResourceNames: Sendable {
    private var custom: [String: (group: String, plural: String)] = [:]
    private var customClusterScoped: Set<String> = []

    /// Kubernetes' own, and those of the definitions among `objects`.
    package init(_ objects: some Sequence<KubernetesObject> = EmptyCollection()) {
        for object in objects where object.kind == "CustomResourceDefinition" {
            let spec = object.node["spec"]
            let names = spec["names"]
            guard let plural = names["plural"].string, let group = spec["group"].string else { continue }
            let others = [names["singular"].string, names["kind"].string?.lowercased()].compactMap(\.self)
            add(
                group: group, plural: plural, others: others + names["shortNames"].strings,
                isNamespaced: !spec["scope"].equals("Cluster"))
        }
    }

    /// Adds a resource; a word that means something already keeps its meaning, as with kubectl.
    package mutating func add(group: String, plural: String, others: [String], isNamespaced: Bool) {
        for word in [plural] + others where !word.isEmpty && Self.byName[word] == nil && custom[word] == nil {
            custom[word] = (group, plural)
        }
        if !isNamespaced { customClusterScoped.insert("\(plural).\(group)") }
    }

    /// Group, plural, singular and short names; the plural comes first.
    private static let table: [(group: String, names: String)] = [
        ("", "pods pod po"), ("", "secrets secret"), ("", "configmaps configmap cm"), ("", "services service svc"),
        ("", "serviceaccounts serviceaccount sa"), ("", "namespaces namespace ns"), ("", "nodes node no"),
        ("", "persistentvolumes persistentvolume pv"), ("", "persistentvolumeclaims persistentvolumeclaim pvc"),
        ("", "endpoints ep"), ("", "events event ev"), ("", "replicationcontrollers replicationcontroller rc"),
        ("", "resourcequotas resourcequota quota"), ("", "limitranges limitrange limits"),
        ("", "podtemplates podtemplate"), ("", "bindings binding"), ("", "users user"), ("", "groups group"),
        ("apps", "deployments deployment deploy"), ("apps", "daemonsets daemonset ds"),
        ("apps", "statefulsets statefulset sts"), ("apps", "replicasets replicaset rs"),
        ("apps", "controllerrevisions controllerrevision"), ("batch", "jobs job"), ("batch", "cronjobs cronjob cj"),
        ("rbac.authorization.k8s.io", "roles role"), ("rbac.authorization.k8s.io", "rolebindings rolebinding"),
        ("rbac.authorization.k8s.io", "clusterroles clusterrole"),
        ("rbac.authorization.k8s.io", "clusterrolebindings clusterrolebinding"),
        ("networking.k8s.io", "networkpolicies networkpolicy netpol"), ("networking.k8s.io", "ingresses ingress ing"),
        ("networking.k8s.io", "ingressclasses ingressclass"),
        ("storage.k8s.io", "storageclasses storageclass sc"), ("storage.k8s.io", "volumeattachments volumeattachment"),
        ("storage.k8s.io", "csidrivers csidriver"), ("storage.k8s.io", "csinodes csinode"),
        ("policy", "poddisruptionbudgets poddisruptionbudget pdb"),
        ("autoscaling", "horizontalpodautoscalers horizontalpodautoscaler hpa"),
        ("certificates.k8s.io", "certificatesigningrequests certificatesigningrequest csr"),
        ("certificates.k8s.io", "signers signer"), ("certificates.k8s.io", "clustertrustbundles clustertrustbundle"),
        ("coordination.k8s.io", "leases lease"), ("discovery.k8s.io", "endpointslices endpointslice"),
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations mutatingwebhookconfiguration"),
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations validatingwebhookconfiguration"),
        ("admissionregistration.k8s.io", "validatingadmissionpolicies validatingadmissionpolicy"),
        ("admissionregistration.k8s.io", "validatingadmissionpolicybindings validatingadmissionpolicybinding"),
        ("admissionregistration.k8s.io", "mutatingadmissionpolicies mutatingadmissionpolicy"),
        ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings mutatingadmissionpolicybinding"),
        ("apiextensions.k8s.io", "customresourcedefinitions customresourcedefinition crd crds"),
        ("apiregistration.k8s.io", "apiservices apiservice"), ("node.k8s.io", "runtimeclasses runtimeclass"),
        ("scheduling.k8s.io", "priorityclasses priorityclass pc"),
        ("authentication.k8s.io", "tokenreviews tokenreview"), ("authentication.k8s.io", "uids uid"),
        ("authentication.k8s.io", "userextras userextra"),
        ("authorization.k8s.io", "subjectaccessreviews subjectaccessreview"),
        ("authorization.k8s.io", "localsubjectaccessreviews localsubjectaccessreview"),
        ("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectaccessreview"),
        ("flowcontrol.apiserver.k8s.io", "flowschemas flowschema"),
        ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations prioritylevelconfiguration"),
        ("resource.k8s.io", "resourceclaims resourceclaim"), ("resource.k8s.io", "resourceslices resourceslice"),
        ("resource.k8s.io", "resourceclaimtemplates resourceclaimtemplate"),
        ("resource.k8s.io", "deviceclasses deviceclass"), ("metrics.k8s.io", "podmetrics nodemetrics"),
    ]

    /// Resources that are in no namespace.
    private static let clusterScoped: Set<String> = [
        "namespaces", "nodes", "persistentvolumes", "users", "groups", "clusterroles", "clusterrolebindings",
        "ingressclasses", "storageclasses", "volumeattachments", "csidrivers", "csinodes",
        "certificatesigningrequests", "signers", "clustertrustbundles", "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations", "validatingadmissionpolicies", "validatingadmissionpolicybindings",
        "mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "customresourcedefinitions", "apiservices",
        "runtimeclasses", "priorityclasses", "tokenreviews", "uids", "userextras", "subjectaccessreviews",
        "selfsubjectaccessreviews", "flowschemas", "prioritylevelconfigurations", "resourceslices", "deviceclasses",
    ]

    private static let byName: [String: (group: String, plural: String)] = {
        var out: [String: (group: String, plural: String)] = [:]
        for (group, names) in table {
            let words = names.split(separator: " ").map(String.init)
            for word in words { out[word] = (group, words[0]) }
        }
        return out
    }()

    /// Reads `pods`, `po`, `pods/log`, `deployments.apps`, `deploy/scale`, `widgets.example.com`, `*`.
    package func parse(_ text: String) -> (group: String, resource: String, subresource: String) {
        let slash = text.firstIndex(of: "/")
        let whole = slash.map { String(text[..<$0]) } ?? text
        let subresource = slash.map { String(text[text.index(after: $0)...]) } ?? ""
        if whole == "*" { return ("*", "*", subresource) }
        if let known = Self.byName[whole.lowercased()] ?? custom[whole.lowercased()] {
            return (known.group, known.plural, subresource)
        }
        if let dot = whole.firstIndex(of: ".") {
            let name = String(whole[..<dot]).lowercased()
            let group = String(whole[whole.index(after: dot)...])
            let own = custom[name].flatMap { $0.group == group ? $0.plural : nil }
            return (group, own ?? Self.byName[name]?.plural ?? name, subresource)
        }
        return ("", whole, subresource)
    }

    package func isClusterScoped(_ resource: String, in group: String) -> Bool {
        Self.clusterScoped.contains(resource) || customClusterScoped.contains("\(resource).\(group)")
    }
}
