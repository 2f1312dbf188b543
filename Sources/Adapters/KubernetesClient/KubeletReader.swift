package import Documents
package import Kubernetes

/// Asks kubelets what they run with: flags, file and drop-ins together, as one answer of `/configz`.
///
/// Two ways lead there. Through the API server's proxy the right `get nodes/proxy` is needed, which is more than reading:
/// it runs commands in every container of the node, so nobody should be given it for this. Straight to the kubelet
/// `get nodes/configz` is enough (KubeletFineGrainedAuthz, on since 1.33), and allows nothing else.
package struct KubeletReader: Sendable {
    package enum Route: String, Sendable, CaseIterable {
        /// Through the API server.
        case proxy
        /// To the kubelet's own port.
        case direct
        /// Not at all.
        case off
    }

    package let client: APIClient
    package let route: Route
    /// Kubelets asked at once.
    package var width = 8

    package init(_ client: APIClient, route: Route) {
        self.client = client
        self.route = route
    }

    package struct Answers: Sendable {
        /// By node.
        package var configurations: [String: Node] = [:]
        /// Why there is none, by node.
        package var problems: [String: String] = [:]
    }

    package func read(_ nodes: [KubernetesObject]) async -> Answers {
        var answers = Answers()
        guard route != .off else {
            for node in nodes { answers.problems[node.name] = "kubelets were not asked (--kubelet off)" }
            return answers
        }
        let results = await withTaskGroup(of: (String, Result<Node, ClientError>).self) { group in
            var pending = nodes[...]
            var out: [(String, Result<Node, ClientError>)] = []
            func add() {
                guard let node = pending.popFirst() else { return }
                group.addTask { (node.name, await ask(node)) }
            }
            for _ in 0..<width { add() }
            while let result = await group.next() {
                out.append(result)
                add()
            }
            return out
        }
        for (name, result) in results {
            switch result {
            case .success(let node) where node["kubeletconfig"].isObject: answers.configurations[name] = node
            case .success: answers.problems[name] = "the kubelet's answer holds no kubeletconfig"
            case .failure(let error): answers.problems[name] = hint(error)
            }
        }
        return answers
    }

    private func ask(_ node: KubernetesObject) async -> Result<Node, ClientError> {
        do {
            if route == .proxy { return .success(try await client.node("/api/v1/nodes/\(node.name)/proxy/configz")) }
            guard let endpoint = Self.endpoint(node) else {
                return .failure(ClientError(.notFound, "node \(node.name) has no address"))
            }
            var configuration = client.configuration
            configuration.server = endpoint
            // The certificate is for the node, whatever the API server's is for.
            configuration.tlsServerName = nil
            let kubelet = try APIClient(configuration, options: client.options)
            defer { kubelet.close() }
            return .success(try await kubelet.node("/configz"))
        } catch let error as ClientError {
            return .failure(error)
        } catch {
            return .failure(ClientError(.timeout, "\(error)"))
        }
    }

    /// The address the kubelet of a node serves on.
    static func endpoint(_ node: KubernetesObject) -> Endpoint? {
        let addresses = node.node["status"]["addresses"].elements
        let wanted = ["InternalIP", "InternalDNS", "Hostname", "ExternalIP"]
        for type in wanted {
            guard let host = addresses.first(where: { $0["type"].equals(type) })?["address"].string else { continue }
            let port = node.node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"].int ?? 10250
            return Endpoint(isSecure: true, host: host, port: port)
        }
        return nil
    }

    private func hint(_ error: ClientError) -> String {
        switch (error.code, route) {
        case (.forbidden, .proxy):
            "not allowed to get nodes/proxy, which is more than should be given; get nodes/configz is enough with "
                + "--kubelet direct"
        case (.forbidden, _): "the kubelet does not allow get nodes/configz"
        default: "the kubelet was not reached: \(error.message)"
        }
    }
}

extension APIClient {
    /// The files in a ConfigMap, by `namespace/name/key`; nothing when it is not there or may not be read.
    package func configuration(inConfigMap name: String, of namespace: String) async throws -> [String: Node] {
        let object: Node
        do {
            object = try await node("/api/v1/namespaces/\(namespace)/configmaps/\(name)")
        } catch let error as ClientError where error.code == .notFound || error.code == .forbidden {
            return [:]
        }
        var out: [String: Node] = [:]
        for member in object["data"].members {
            guard let text = member.value.string else { continue }
            let set = DocumentReader.read(SourceText(name: "", bytes: Array(text.utf8)))
            if let root = set.documents.first?.root, root.isObject { out["\(namespace)/\(name)/\(member.key)"] = root }
        }
        return out
    }
}
