import Documents
import Foundation
import Kubernetes
import NetworkPolicies

extension ConformanceSuite {
    /// Connections and policies that another tool finds in application manifests.
    static let networkSynthesis = ConformanceSuite(
        name: "netpol",
        files: [
            ConformanceFile(name: "synthesis-connections", run: { try NetworkSynthesis.run($0, .connections) }),
            ConformanceFile(name: "synthesis-entries", run: { try NetworkSynthesis.run($0, .entries) }),
            ConformanceFile(name: "synthesis-certificates", run: { try NetworkSynthesis.run($0, .certificates) }),
        ])
}

/// Generated policies beside the expected ones, both weighed by the model.
private struct NetworkSynthesis {
    enum Part { case connections, entries, certificates }

    static func run(_ folder: ConformanceFolder, _ part: Part) throws -> Agreement {
        var agreement = Agreement()
        let root = "\(folder.path)/synthesis"
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(root)/inputs").sorted() {
            let inventory = Inventory(try objects(folder, "synthesis/inputs/\(name)"))
            let state = NetworkState(inventory)
            let generation = PolicyGeneration(state, inventory)
            if part == .certificates {
                let holds = generation.certificate.holds
                agreement.note(name, holds ? nil : "the certificate does not hold: \(generation.certificate)")
                continue
            }
            let wanted = try objects(folder, "synthesis/expected/\(name)")
            guard !wanted.isEmpty else { continue }
            var after = state
            after.read(policies: wanted, among: wanted)
            compare(name, NetworkModel(after), NetworkModel(generation.after), part, &agreement)
        }
        return agreement
    }

    /// What the expected policies allow by TCP has to be allowed by ours. UDP is DNS in all of them: they let every pod
    /// of every namespace be asked, ours only the cluster's DNS.
    private static func compare(
        _ name: String, _ expected: NetworkModel, _ ours: NetworkModel, _ part: Part, _ agreement: inout Agreement
    ) {
        var found: [String: TrafficSet] = [:]
        for connection in ours.connections() {
            found["\(connection.source) \(connection.target)", default: TrafficSet()] =
                (found["\(connection.source) \(connection.target)"] ?? TrafficSet()).union(connection.traffic)
        }
        for connection in expected.connections() {
            guard case .workload(let target) = connection.target else { continue }
            var from = "\(connection.source)"
            switch (connection.source, part) {
            case (.workload, .connections): break
            case (.outside(let range), .entries):
                // Our address space may be cut elsewhere.
                guard range.first.family == .v4 else { continue }
                from = "outside"
            default: continue
            }
            let wanted = connection.traffic.intersection(TrafficSet(.tcp))
            guard !wanted.isEmpty, wanted != TrafficSet(.tcp) else { continue }
            let allowed: TrafficSet
            if from == "outside" {
                let source = ours.endpoint(named: "internet")
                let end = ours.endpoint(named: "\(target.namespace)/\(target.name)")
                allowed =
                    source.flatMap { source in end.map { ours.traffic(from: source, to: $0).possible } } ?? TrafficSet()
            } else {
                allowed = found["\(connection.source) \(connection.target)"] ?? TrafficSet()
            }
            let missing = wanted.subtracting(allowed)
            agreement.note(
                "\(name) \(from) to \(connection.target)",
                missing.isEmpty ? nil : "not allowed: \(missing)")
        }
    }

    /// Objects of every file below a folder; nothing where there is none.
    private static func objects(_ folder: ConformanceFolder, _ path: String) throws -> [KubernetesObject] {
        let root = "\(folder.path)/\(path)"
        guard let files = FileManager.default.enumerator(atPath: root) else { return [] }
        let names = files.compactMap { $0 as? String }.filter { name in
            [".yaml", ".yml", ".json"].contains { name.hasSuffix($0) }
        }
        return try names.sorted().flatMap { name in
            try folder.documents("\(path)/\(name)").documents.flatMap { KubernetesObject.objects(in: $0).objects }
        }
    }
}
