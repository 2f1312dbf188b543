import Findings
import Kubernetes
import NetworkPolicies
import RBAC

/// What the joined engines say of every owner, kept until an event changes something that ways are made of.
struct RiskPosture: Sendable {
    var selected: Set<String>?
    var options = ScanOptions()
    private(set) var results: [OwnerIdentity: OwnerResult] = [:]
    private var isStale = true

    mutating func evaluate(_ inventory: Inventory) {
        isStale = false
        results = [:]
        let isWanted = selected.map { !$0.isDisjoint(with: RiskRules.all.map(\.id)) } ?? true
        // Without a way in there is nothing to join; most folders have none.
        guard isWanted, Self.hasWayIn(inventory) else { return }
        let graph = RiskGraph(
            inventory, isCluster: !options.cluster.isEmpty, weaknesses: options.weaknesses,
            unlistedKinds: options.workloads.unlistedKinds, minor: PostureScan.minor(options))
        var evaluation = RiskEvaluation(graph)
        evaluation.selected = selected
        evaluation.cluster = options.cluster
        results = evaluation.results()
        noteHoles()
    }

    /// Says of each kind that could not be listed that ways may be missing.
    private mutating func noteHoles() {
        let rule = RiskRules.administrator
        guard selected?.contains(rule.id) ?? true else { return }
        for kind in options.workloads.unlistedKinds.filter(RiskGraph.isNeeded).sorted() {
            let subject = ObjectReference(group: "", kind: kind, namespace: "", name: "*")
            let owner = OwnerIdentity(subject, file: "")
            var result = OwnerResult(owner: owner)
            result.coverage.notObservable = 1
            let place = KubernetesObject.nowhere
            result.findings = [
                Finding(
                    rule: rule, outcome: .notObservable, subject: subject,
                    evidence: [Evidence(node: place, message: "\(kind) objects could not be listed")],
                    cluster: options.cluster)
            ]
            results[owner] = result
        }
    }

    private static func hasWayIn(_ inventory: Inventory) -> Bool {
        if !inventory.keys("Ingress", of: "networking.k8s.io").isEmpty { return true }
        if !inventory.keys("Route", of: "route.openshift.io").isEmpty { return true }
        for kind in ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"]
        where !inventory.keys(kind, of: "gateway.networking.k8s.io").isEmpty { return true }
        let isOpen = inventory.objects("Service").contains { service in
            let spec = service.node["spec"]
            return spec["type"].equals("LoadBalancer") || !spec["externalIPs"].isEmpty
        }
        if isOpen { return true }
        return inventory.objects("Node").contains { node in
            node.node["status"]["addresses"].elements.contains { $0["type"].equals("ExternalIP") }
        }
    }

    /// Takes note of touched objects; what changes nothing that ways are made of leaves the results as they are.
    mutating func note(_ touched: some Sequence<ObjectKey>, before: Inventory, after: Inventory) {
        guard !isStale else { return }
        isStale = touched.contains { key in
            if RBACEvaluation.kindsRead.contains(key.reference.kind) { return true }
            if NetworkTraits.differ(before[key], after[key]) { return true }
            // A pod's way out of its containers.
            let (old, new) = (before[key]?.podTemplate?.spec.node, after[key]?.podTemplate?.spec.node)
            return (old != nil || new != nil) && old?.json() != new?.json()
        }
    }

    /// Evaluates again where something has changed; gives the owners whose results are others now.
    mutating func settle(_ inventory: Inventory) -> [OwnerIdentity] {
        guard isStale else { return [] }
        let old = results
        evaluate(inventory)
        return results.owners(changedFrom: old)
    }
}
