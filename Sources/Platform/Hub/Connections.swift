import Findings
package import KubernetesClient
import Store

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
        if let configuration {
            // It is tried again until it answers, and shown as lost until then.
            try await watch(configuration.displayName, .cluster(configuration))
        }
        guard let first = folders.first else { return "no cluster yet: \(reason)" }
        let name = first.split(separator: "/").last.map(String.init) ?? first
        let id = ClusterName.id(name)
        try await hub.supervisor.add(id, name: name, server: first, source: .files(folders))
        if let configuration {
            let cluster = ClusterName.id(configuration.displayName)
            Task { await leave(id, whenSeen: cluster) }
        }
        return "the manifests in \(folders.joined(separator: " ")) (\(reason))"
    }

    /// What stands in for a cluster goes when the cluster is there.
    private func leave(_ standIn: String, whenSeen cluster: String) async {
        guard standIn != cluster else { return }
        while (try? await Task.sleep(for: .seconds(2))) != nil, hub.supervisor.isRunning(standIn) {
            do {
                guard try await hub.store.read({ try $0.cluster(cluster) })?.state == .watching else { continue }
                hub.supervisor.stop(standIn)
                _ = try await hub.store.write { try $0.removeCluster(standIn) }
                hub.log.info("the cluster answers now", metadata: ["cluster": "\(cluster)"])
                return
            } catch {
                hub.log.warning("the stand-in was not removed", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Waits for the first results of every cluster and says how they stand, in lines for people.
    package func firstPosture(within seconds: Int) async throws -> [String] {
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            let rows = try await hub.store.read { try $0.clusters() }
            let isOver = ContinuousClock.now >= end
            guard isOver || !rows.isEmpty && rows.allSatisfy({ $0.scanAt != nil || $0.state == .lost }) else {
                try await Task.sleep(for: .milliseconds(200))
                continue
            }
            let counts = try await hub.store.read { try $0.rollups(.cluster) }
            return rows.map { row in
                let failing = counts.filter { $0.cluster == row.id && $0.status == .failing }
                let words = Severity.allCases.reversed().compactMap { severity -> String? in
                    let total = failing.reduce(0) { $1.severity == severity ? $0 + $1.total : $0 }
                    return total == 0 ? nil : "\(total) \(severity.rawValue)"
                }
                let score = row.score.map { "score \(Int(($0 * 100).rounded(.down))) %" } ?? "\(row.state.rawValue)"
                let found = words.isEmpty ? row.detail : words.joined(separator: ", ")
                return "\(row.name): \(score); \(found)"
            }
        }
    }
}
