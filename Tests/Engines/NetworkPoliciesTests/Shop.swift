import Documents
import Findings
import Kubernetes

@testable import NetworkPolicies

/// A small cluster to ask questions of: two namespaces, a handful of pods, and the policies of a test.
struct Shop {
    let state: NetworkState
    let model: NetworkModel
    let inventory: Inventory

    init(_ policies: String = "", plugin: NetworkPlugin? = nil) {
        let text = Self.cluster + (policies.isEmpty ? "" : "\n---\n" + policies)
        let source = SourceText(name: "shop.yaml", bytes: Array(text.utf8))
        let objects = DocumentReader.read(source).documents.flatMap { KubernetesObject.objects(in: $0).objects }
        inventory = Inventory(objects)
        state = NetworkState(inventory, plugin: plugin)
        model = NetworkModel(state)
    }

    func verdict(_ from: String, _ to: String, _ port: UInt16 = 80, _ transport: TransportProtocol = .tcp) -> Verdict? {
        guard let source = model.endpoint(named: from), let target = model.endpoint(named: to) else { return nil }
        return model.verdict(from: source, to: target, Traffic(transport, port)).verdict
    }

    func explanation(_ from: String, _ to: String, _ port: UInt16 = 80) -> [String] {
        guard let source = model.endpoint(named: from), let target = model.endpoint(named: to) else { return [] }
        let answer = model.verdict(from: source, to: target, Traffic(.tcp, port))
        return model.explain(answer.egress, .egress) + model.explain(answer.ingress, .ingress)
    }

    var findings: [Finding] { NetworkEvaluation(model).results().findings }

    private static let cluster = """
        {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: red}}}
        ---
        {apiVersion: v1, kind: Namespace, metadata: {name: tools, labels: {team: blue}}}
        ---
        {apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 172.18.0.2}]}}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop, labels: {app: web}}
        spec: {nodeName: n1, containers: [{name: c, image: i, ports: [{name: http, containerPort: 80}]}]}
        status: {phase: Running, podIP: 10.0.1.1}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: db, namespace: shop, labels: {app: db}}
        spec: {nodeName: n1, containers: [{name: c, image: i, ports: [{name: sql, containerPort: 5432}]}]}
        status: {phase: Running, podIP: 10.0.1.2}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: old, namespace: shop, labels: {app: old}}
        spec: {containers: [{name: c, image: i}]}
        status: {phase: Succeeded}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: probe, namespace: tools}
        spec: {template: {metadata: {labels: {app: probe}}, spec: {containers: [{name: c, image: i}]}}}
        """
}
