import Documents
package import Findings
package import Kubernetes
import RBAC

/// Joins what the other engines know of a workload, and says where it is dangerous together.
package struct RiskEvaluation: Sendable {
    private let graph: RiskGraph
    /// Ids of the rules to evaluate; nil for all.
    package var selected: Set<String>?
    /// The cluster's name; empty for files.
    package var cluster = ""

    package init(_ graph: RiskGraph) { self.graph = graph }

    /// What is said of each workload that the internet reaches, by owner, and how many were asked.
    package func results() -> [OwnerIdentity: OwnerResult] {
        let exposed = graph.workloads.indices.filter {
            !graph.workloads[$0].exposures.isEmpty && !graph.workloads[$0].isSystem
        }
        guard !exposed.isEmpty else { return [:] }
        // Without weaknesses the ways are by rights and fields alone.
        let searches = graph.targets.indices.map { RiskSearch(graph, target: $0) }
        let answers = RiskGraph.Answers(searches: searches)
        var out: [OwnerIdentity: OwnerResult] = [:]
        for number in exposed {
            let workload = graph.workloads[number]
            let owner = OwnerIdentity(workload.reference, file: file(of: workload.reference))
            var result = out[owner] ?? OwnerResult(owner: owner)
            let context = FindingContext(subject: owner.reference, file: owner.file, cluster: cluster)
            for (rule, evidence) in judged(number, answers) where selected?.contains(rule.id) ?? true {
                guard let evidence else {
                    result.coverage.passed += 1
                    continue
                }
                result.coverage.failed += 1
                result.findings.append(Finding(rule: rule, outcome: .fail, context: context, evidence: evidence))
            }
            out[owner] = result
        }
        return out
    }

    private func file(of reference: ObjectReference) -> String { graph.inventory[ObjectKey(reference)]?.file ?? "" }

    /// Each rule with what proves it; nil where it does not hold.
    private func judged(_ number: Int, _ answers: RiskGraph.Answers) -> [(Rule, [Evidence]?)] {
        let workload = graph.workloads[number]
        let (_, _, exposure, weakness) = graph.entry(workload)
        guard let exposure else { return [] }
        let way = evidence(
            RiskEvidence(
                "\(exposure.route.rawValue) \(exposure.through) leads to \(exposure.port): \(exposure.reason)",
                exposure.node),
            of: exposure.through, number)
        let secrets = workload.mountsToken ? secretGrant(workload.account) : nil
        let flaw = weakness.flatMap { $0.isKnownExploited ? $0 : nil }.map {
            evidence(RiskEvidence("\($0.words) in \($0.image)", nil), of: workload.reference, number)
        }
        let reads = secrets.map { grant in
            evidence(
                RiskEvidence("its token may \(grant.rule): \(grant)", grant.ruleNode), of: grant.source.reference,
                number)
        }
        return [
            (RiskRules.exploitedReader, flaw.flatMap { flaw in reads.map { [way, flaw, $0] } }),
            // The worse of two that say the same is said.
            (RiskRules.exploited, reads == nil ? flaw.map { [way, $0] } : nil),
            (RiskRules.administrator, ownWay(number, to: .clusterAdmin, answers).map { [way] + $0 }),
            (RiskRules.reader, flaw == nil ? reads.map { [way, $0] } : nil),
            (RiskRules.node, ownWay(number, to: .nodeRoot, answers).map { [way] + $0 }),
            (RiskRules.cloud, ownWay(number, to: .cloud, answers).map { [way] + $0 }),
        ]
    }

    /// The steps from a workload to a target that need no other workload's flaw; nil where there are none, or where
    /// they hang on something that nobody could see.
    private func ownWay(_ number: Int, to target: RiskTarget, _ answers: RiskGraph.Answers) -> [Evidence]? {
        guard let position = graph.targets.firstIndex(of: target) else { return nil }
        let node = Int(graph.workloadNode(number))
        let search = answers.searches[position]
        guard search.efforts[node] < RiskSearch.far else { return nil }
        let term = RiskTerm(
            workload: graph.workloads[number].reference, start: .pod, points: 0, startEffort: 0,
            wayEffort: Int(search.efforts[node]), value: target.value, number: number, target: position)
        let steps = graph.path(term, answers).steps.filter {
            $0.kind == .rights || $0.kind == .data || $0.kind == .network
        }
        guard !steps.isEmpty, steps.count <= 4, steps.allSatisfy({ $0.kind != .network && $0.condition == nil }) else {
            return nil
        }
        return steps.map { step in
            let proof = step.evidence.first
            let text = proof.map { ": \($0.text)" } ?? ""
            return evidence(
                RiskEvidence("\(step.from) → \(step.to) by \(step.by)\(text)", proof?.node),
                of: graph.workloads[number].reference, number)
        }
    }

    /// The first grant by which an account reads Secrets it need not name.
    private func secretGrant(_ account: ServiceAccountName) -> Grant? {
        let identity = Identity.serviceAccount(account.namespace, account.name)
        for namespace in ["", account.namespace] + graph.model.namespaces(of: identity) {
            for grant in graph.model.grants(of: identity, in: namespace) where grant.rule.resourceNames.isEmpty {
                for verb in ["get", "list"] {
                    let request = AccessRequest(
                        verb, .init("secrets", name: verb == "get" ? "any" : "", namespace: namespace))
                    if grant.rule.allows(request) { return grant }
                }
            }
        }
        return nil
    }

    private func evidence(_ found: RiskEvidence, of object: ObjectReference, _ number: Int) -> Evidence {
        let subject = graph.workloads[number].reference
        let place = graph.inventory[ObjectKey(subject)]?.node["metadata"]
        let node = found.node ?? place ?? KubernetesObject.nowhere
        return Evidence(node: node, message: found.text, object: object == subject ? nil : object)
    }
}

extension KubernetesObject {
    /// Where no object of the input tells the place.
    static let nowhere: Node = {
        guard let document = DocumentReader.read(SourceText(name: "", bytes: Array("{}".utf8))).documents.first else {
            preconditionFailure("{} is a document")
        }
        return document.root
    }()
}
