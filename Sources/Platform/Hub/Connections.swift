package import KubernetesClient

extension HubServer {
    /// Watches a cluster, or a folder that stands for one.
    package func watch(_ name: String, _ source: ClusterSource) async throws {
        var server = name
        if case .cluster(let configuration) = source { server = "\(configuration.server)" }
        try await hub.supervisor.add(ClusterName.id(name), name: name, server: server, source: source)
    }

    /// Begins with the cluster of a kubeconfig's context when it answers, else with the folders.
    ///
    /// Gives what it works on, in words.
    package func connect(
        _ configuration: ClientConfiguration?, otherwise folders: [String]
    ) async throws -> String {
        var reason = "no kubeconfig"
        if let configuration {
            do {
                var options = APIClient.Options()
                options.connectTimeout = .seconds(3)
                options.patience = .seconds(5)
                options.tries = 1
                let client = try APIClient(configuration, options: options)
                defer { client.close() }
                let version = try await client.version()
                let name = configuration.displayName
                try await hub.supervisor.add(
                    ClusterName.id(name), name: name, server: "\(configuration.server)",
                    source: .cluster(configuration))
                return "cluster \(name), \(version)"
            } catch let error as ClientError {
                reason = error.message
            }
        }
        guard let first = folders.first else { return "no cluster: \(reason)" }
        let name = first.split(separator: "/").last.map(String.init) ?? first
        try await hub.supervisor.add(ClusterName.id(name), name: name, server: first, source: .files(folders))
        return "the manifests in \(folders.joined(separator: " ")) (\(reason))"
    }
}
