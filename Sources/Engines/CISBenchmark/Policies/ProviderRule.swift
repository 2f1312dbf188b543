import Documents
import Kubernetes

/// Controls of providers' own benchmarks that the objects of the cluster decide, or help a person to decide.
extension PolicyControl {
    func provider(_ name: String, _ argument: String?) -> [CISPart] {
        switch name {
        case "network-plugin": evaluate(name).parts
        case "public-nodes": publicNodes()
        case "own-identities": ownIdentities(argument ?? "")
        case "load-balancer-tls": loadBalancers(argument)
        case "node-image": nodeImages(argument ?? "")
        case "group-bindings": bindings(to: argument ?? "")
        case "storage-keys": storageKeys(argument ?? "")
        case "sandbox": sandbox(argument ?? "")
        case "unsupported-overrides": unsupportedOverrides()
        default: [CISPart(.manual, "neither the cluster nor its description tells; a person has to look")]
        }
    }

    private var nodes: [KubernetesObject] { input.inventory.objects("Node") }

    /// What an answer about all of something has to say where none of it was given.
    private func unseen(_ what: String) -> [CISPart] {
        [CISPart(.notObservable, input.isCluster ? "no \(what) was listed" : "no \(what) was given")]
    }

    private func publicNodes() -> [CISPart] {
        guard !nodes.isEmpty else { return unseen("Node") }
        return nodes.map { node in
            let addresses = node.node["status"]["addresses"].elements
            guard let address = addresses.first(where: { $0["type"].equals("ExternalIP") && !$0["address"].equals("") })
            else { return CISPart(.pass, "the node has no public address", node: node.name) }
            return CISPart(
                .fail, "the node has the public address \(address["address"].text ?? "")", node: node.name,
                evidence: address, object: node.reference)
        }
    }

    private func nodeImages(_ wanted: String) -> [CISPart] {
        guard !nodes.isEmpty else { return unseen("Node") }
        return nodes.map { node in
            let image = node.node["status"]["nodeInfo"]["osImage"]
            let text = image.string ?? "an image it does not tell"
            let outcome: CISOutcome = image.string == nil ? .notObservable : text.contains(wanted) ? .pass : .fail
            return CISPart(
                outcome, "the node runs \(text)", node: node.name, value: text, evidence: image,
                object: node.reference)
        }
    }

    private func ownIdentities(_ annotation: String) -> [CISPart] {
        let accounts = input.inventory.objects("ServiceAccount").filter { !Self.isSystem($0.namespace) }
        let mapped = accounts.filter { $0.node["metadata"]["annotations"][annotation].exists }
        guard !accounts.isEmpty || input.isCluster else { return unseen("ServiceAccount") }
        return [
            CISPart(
                .manual,
                "\(mapped.count) of \(accounts.count) service accounts have an identity of the provider by \(annotation); "
                    + "which workloads call the provider is for a person")
        ]
    }

    private func loadBalancers(_ annotation: String?) -> [CISPart] {
        let services = input.inventory.objects("Service").filter { $0.node["spec"]["type"].equals("LoadBalancer") }
        let plain = services.filter { service in
            annotation.map { !service.node["metadata"]["annotations"][$0].exists } ?? true
        }
        let open = input.inventory.objects("Ingress", of: "networking.k8s.io").filter { $0.node["spec"]["tls"].isEmpty }
        let found = (plain + open).map(\.reference.description)
        guard !found.isEmpty else {
            return input.isCluster
                ? [CISPart(.pass, "no load balancer serves without TLS")] : unseen("Service or Ingress")
        }
        // TLS may end in the pod behind: what is seen here is where to look, not that it is missing.
        let named = found.sorted().prefix(4).joined(separator: ", ")
        return [
            CISPart(
                .manual,
                "\(found.count) serve without TLS of the load balancer's own: \(named)\(found.count > 4 ? " …" : "")")
        ]
    }

    /// Bindings that Kubernetes itself makes.
    private static let usual: Set<String> = [
        "system:public-info-viewer", "system:basic-user", "system:discovery", "gce:podsecuritypolicy:authenticated",
    ]

    /// Those that OpenShift makes.
    private static let usualOfOpenShift: Set<String> = [
        "self-access-reviewers", "system:oauth-token-deleters", "system:openshift:public-info-viewer",
        "system:scope-impersonation", "system:webhooks",
    ]

    /// `spec.unsupportedConfigOverrides` of the operator's object for the API server.
    private func unsupportedOverrides() -> [CISPart] {
        let objects = input.inventory.objects("KubeAPIServer", of: "operator.openshift.io")
        guard !objects.isEmpty else { return unseen("KubeAPIServer of operator.openshift.io") }
        return objects.map { object in
            let overrides = object.node["spec"]["unsupportedConfigOverrides"]
            return overrides.isNull || overrides.isEmpty
                ? CISPart(.pass, "nothing is overridden", object: object.reference)
                : CISPart(
                    .fail, "\(object.name) overrides \(overrides.members.map(\.key).joined(separator: ", "))",
                    evidence: overrides, object: object.reference)
        }
    }

    private func bindings(to who: String) -> [CISPart] {
        let group = "rbac.authorization.k8s.io"
        let bindings =
            input.inventory.objects("ClusterRoleBinding", of: group) + input.inventory.objects("RoleBinding", of: group)
        guard !bindings.isEmpty else { return unseen("binding") }
        let found = bindings.filter { binding in
            !Self.usual.contains(binding.name)
                && !(platform.id == "openshift" && Self.usualOfOpenShift.contains(binding.name))
                && binding.node["subjects"].elements.contains {
                    $0["name"].equals(who) && !$0["kind"].equals("ServiceAccount")
                }
        }
        guard !found.isEmpty else { return [CISPart(.pass, "nothing beyond the default is bound to \(who)")] }
        return found.map { binding in
            CISPart(
                .fail, "\(binding.reference) gives \(binding.node["roleRef"]["name"].text ?? "a role") to \(who)",
                evidence: binding.node["subjects"], object: binding.reference)
        }
    }

    private func storageKeys(_ parameter: String) -> [CISPart] {
        let classes = input.inventory.objects("StorageClass", of: "storage.k8s.io")
        guard !classes.isEmpty else { return unseen("StorageClass") }
        return classes.map { object in
            let key = object.node["parameters"][parameter]
            return key.exists
                ? CISPart(.pass, "\(object.name) has a key of its own", object: object.reference)
                : CISPart(
                    .fail, "\(object.name) has no \(parameter)", evidence: object.node["parameters"],
                    object: object.reference)
        }
    }

    private func sandbox(_ handler: String) -> [CISPart] {
        let classes = input.inventory.objects("RuntimeClass", of: "node.k8s.io")
        if let found = classes.first(where: { $0.node["handler"].equals(handler) }) {
            return [CISPart(.pass, "the runtime class \(found.name) is a sandbox", object: found.reference)]
        }
        guard input.isCluster else { return unseen("RuntimeClass") }
        return [CISPart(.manual, "there is no runtime class with \(handler); is any code of others run?")]
    }
}
