import Documents
import Kubernetes

@testable import NetworkPolicies

/// Objects of a test, read as files are.
struct Cluster {
    let inventory: Inventory
    let state: NetworkState

    init(_ text: String, plugin: NetworkPlugin? = nil) {
        inventory = Inventory(Self.objects(text))
        state = NetworkState(inventory, plugin: plugin)
    }

    static func objects(_ text: String) -> [KubernetesObject] {
        DocumentReader.read(SourceText(name: "cluster.yaml", bytes: Array(text.utf8))).documents.flatMap {
            KubernetesObject.objects(in: $0).objects
        }
    }

    /// A table of lines of flow logs.
    func flows(_ lines: String) -> FlowTable {
        var table = FlowTable(state, inventory)
        var reader = FlowLogReader()
        for line in lines.split(separator: "\n") { reader.read(line: Array(line.utf8)) { table.add($0) } }
        reader.finish { table.add($0) }
        table.statistics.add(reader.statistics)
        return table
    }

    func generate(_ flows: String = "", _ change: (inout GenerationOptions) -> Void = { _ in }) -> PolicyGeneration {
        var options = GenerationOptions()
        change(&options)
        return PolicyGeneration(state, inventory, flows: flows.isEmpty ? nil : self.flows(flows), options)
    }

    static func deployment(
        _ name: String, in namespace: String = "shop", labels: String? = nil, _ container: String = "", pod: String = ""
    ) -> String {
        """
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: \(name), namespace: \(namespace)}
        spec:
          selector: {matchLabels: {\(labels ?? "app: \(name)")}}
          template:
            metadata: {labels: {\(labels ?? "app: \(name)")}}
            spec: {\(pod.isEmpty ? "" : pod + ", ")containers: [{name: c, image: i\(container.isEmpty ? "" : ", " + container)}]}

        """
    }

    static func service(
        _ name: String, in namespace: String = "shop", port: String = "80", target: String = "8080", more: String = ""
    ) -> String {
        """
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: \(name), namespace: \(namespace)}
        spec: {selector: {app: \(name)}, ports: [{port: \(port), targetPort: \(target)}]\(more.isEmpty ? "" : ", " + more)}

        """
    }

    static let shop =
        deployment(
            "web",
            "ports: [{containerPort: 8080, name: http}], env: [{name: DB_URL, value: 'postgres://u:p@db:5432/x'}]")
        + deployment("db", "ports: [{containerPort: 5432}]")
        + service("db", port: "5432", target: "5432")
}
