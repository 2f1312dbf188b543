import Documents
import FoundationEssentials
import HTTPTypes
import KubernetesClient
import Store

/// Clusters that the hub reaches by an uploaded kubeconfig; it is kept sealed, and never told again.
enum ConnectionRoutes {
    static let all: [Route] = [add]

    private static let add = Route(.post, "/api/v1/clusters", .administer) { request in
        let body = try request.json(["name", "kubeconfig", "context"])
        let text = try body.required("kubeconfig", limit: 512 << 10)
        let context = try body.optional("context", limit: 300)
        let configuration = try UploadedKubeconfig.read(Array(text.utf8), context: context)
        let name = try body.optional("name", limit: 200) ?? configuration.displayName
        let id = ClusterName.id(name)
        try request.require(.administer, cluster: id)
        let sealed = try SecretBox(request.hub.key, purpose: "connections").seal(
            Array(text.utf8), for: "connection \(id)")
        let row = ConnectionRow(
            cluster: id, name: name, context: context ?? "", sealed: sealed, addedAt: request.now)
        let supervisor = request.hub.supervisor
        try await supervisor.add(id, name: name, server: "\(configuration.server)", source: .cluster(configuration))
        let cluster = try await request.hub.store.write { db in
            try db.write(row)
            try request.audit(db, "cluster.add", target: id)
            return try db.cluster(id)
        }
        guard let cluster else { throw HubProblem.notFound("such cluster") }
        return .json(status: .created) { $0.cluster(cluster, failing: [], agent: nil) }
    }
}

/// A kubeconfig somebody sent: everything it needs must stand in it.
///
/// One that names files or programs would make the hub read or run them.
enum UploadedKubeconfig {
    static func read(_ bytes: [UInt8], context: String?) throws -> ClientConfiguration {
        do {
            var file = Kubeconfig()
            try file.add(bytes, file: "the kubeconfig")
            for entry in Array(file.clusters.values) + Array(file.users.values) {
                for field in ["certificate-authority", "client-certificate", "client-key", "tokenFile"]
                where entry.node[field].exists {
                    throw HubProblem.invalid(
                        "the kubeconfig names a file (\(field)); kubectl config view --flatten --minify --raw writes one without"
                    )
                }
                for field in ["exec", "auth-provider"] where entry.node[field].exists {
                    throw HubProblem.invalid(
                        "the kubeconfig names a program (\(field)), which the hub will not run; use a token of a service account"
                    )
                }
            }
            var flags = KubeconfigFlags()
            flags.context = context
            return try ClientConfiguration.resolve(file, flags, on: Machine.current(isTerminal: false))
        } catch let error as ClientError {
            throw HubProblem.invalid(error.message)
        }
    }
}

extension HubServer {
    /// Begins to watch every cluster whose kubeconfig is kept.
    package func connectKept() async throws -> [String] {
        let rows = try await hub.store.read { try $0.connections() }
        let box = SecretBox(hub.key, purpose: "connections")
        var names: [String] = []
        for row in rows {
            do {
                let bytes = try box.open(row.sealed, of: "connection \(row.cluster)")
                let configuration = try UploadedKubeconfig.read(
                    bytes, context: row.context.isEmpty ? nil : row.context)
                try await hub.supervisor.add(
                    row.cluster, name: row.name, server: "\(configuration.server)", source: .cluster(configuration))
                names.append(row.name)
            } catch {
                let detail = (error as? HubProblem)?.detail ?? "\(error)"
                hub.log.warning(
                    "a kept kubeconfig is not used", metadata: ["cluster": "\(row.cluster)", "error": "\(detail)"])
                try await hub.store.write { try $0.setState(of: row.cluster, .lost, detail: detail) }
            }
        }
        return names
    }
}
