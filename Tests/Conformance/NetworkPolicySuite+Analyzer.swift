import Documents
import Foundation
import Kubernetes
import NetworkPolicies

extension ConformanceFile {
    /// The lists of netpol-analyzer under its compatibility switch, one agreement a list.
    static let analyzerLists = ConformanceFile(name: "netpol-analyzer-list") { folder in
        var agreement = Agreement()
        for line in try folder.lines("netpol-analyzer/normal.jsonl") where !(line["multipleNetworks"].bool ?? false) {
            let id = line["id"].string ?? "?"
            let inventory = try AnalyzerTruth.inventory(folder, line)
            let focus = AnalyzerTruth.Focus(line)
            let found = Set(AnalyzerLikeness(inventory).edges.compactMap { focus.text($0) })
            let expected = try AnalyzerTruth.expected(folder, line)
            let missing = expected.subtracting(found).sorted()
            let extra = found.subtracting(expected).sorted()
            agreement.note(
                id,
                missing.isEmpty && extra.isEmpty
                    ? nil
                    : "missing \(missing.prefix(4)) (\(missing.count)), extra \(extra.prefix(4)) (\(extra.count))")
        }
        return agreement
    }

    /// The lists of inputs with more networks than one; a pair may stand there once for each network.
    static let analyzerNetworks = ConformanceFile(name: "netpol-analyzer-networks") { folder in
        var agreement = Agreement()
        for line in try folder.lines("netpol-analyzer/normal.jsonl") where line["multipleNetworks"].bool ?? false {
            let focus = AnalyzerTruth.Focus(line)
            let found = AnalyzerLikeness(try AnalyzerTruth.inventory(folder, line)).edges.compactMap { focus.text($0) }
                .sorted()
            let expected = line["edges"].elements.map { AnalyzerTruth.text($0) }.sorted()
            let missing = Set(expected).subtracting(found).sorted()
            let extra = Set(found).subtracting(expected).sorted()
            agreement.note(
                line["id"].string ?? "?",
                found == expected
                    ? nil
                    : "\(found.count) of \(expected.count), missing \(missing.prefix(3)), extra \(extra.prefix(3))")
        }
        return agreement
    }

    /// What workloads are exposed to beside each other, under the same switch: one agreement a list.
    static let analyzerExposures = ConformanceFile(name: "netpol-analyzer-exposure") { folder in
        var agreement = Agreement()
        for line in try folder.lines("netpol-analyzer/normal.jsonl") where line["exposure"].bool ?? false {
            let focus = AnalyzerTruth.Focus(line)
            let found = Set(
                AnalyzerLikeness(try AnalyzerTruth.inventory(folder, line)).exposures(on: focus.connection)
                    .compactMap { focus.text($0) })
            let expected = try AnalyzerTruth.expectedExposures(folder, line)
            let missing = expected.subtracting(found).sorted()
            let extra = found.subtracting(expected).sorted()
            agreement.note(
                line["id"].string ?? "?",
                missing.isEmpty && extra.isEmpty
                    ? nil
                    : "missing \(missing.prefix(3)) (\(missing.count)), extra \(extra.prefix(3)) (\(extra.count))")
        }
        return agreement
    }

    /// Every difference of the exact answer from the list has a reason.
    static let analyzerDifferences = ConformanceFile(name: "netpol-analyzer-differences-explained") { folder in
        var agreement = Agreement()
        var seen: Set<String> = []
        for line in try folder.lines("netpol-analyzer/normal.jsonl") where !(line["multipleNetworks"].bool ?? false) {
            guard seen.insert(line["dir"].string ?? "").inserted else { continue }
            for difference in AnalyzerLikeness(try AnalyzerTruth.inventory(folder, line)).differences() {
                agreement.note(
                    "\(line["dir"].string ?? "") \(difference.source) to \(difference.target)",
                    difference.reasons.isEmpty
                        ? "no reason; more \(difference.more), less \(difference.less)" : nil)
            }
        }
        return agreement
    }
}

/// How the suite writes netpol-analyzer's lists.
private enum AnalyzerTruth {
    static func inventory(_ folder: ConformanceFolder, _ line: Node) throws -> Inventory {
        let path = "\(folder.path)/netpol-analyzer/inputs/\(line["dir"].string ?? "")"
        var objects: [KubernetesObject] = []
        let files = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        for file in files.sorted() where [".yaml", ".yml", ".json"].contains(where: { file.hasSuffix($0) }) {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(file)")))
            let read = DocumentReader.read(SourceText(name: file, bytes: bytes))
            objects += read.documents.flatMap { KubernetesObject.objects(in: $0).objects }
        }
        return Inventory(objects)
    }

    /// The normal form leaves the edges out where exposure was asked for one connection only; the tool's own output has
    /// them.
    static func expected(_ folder: ConformanceFolder, _ line: Node) throws -> Set<String> {
        guard line["exposure"].bool ?? false, line["focusConn"].exists else {
            return Set(line["edges"].elements.map { text($0) })
        }
        let output = try folder.json("netpol-analyzer/expected/\(line["id"].string ?? "")")
        return Set(
            output["connlist_conn_focus_results"].elements.map { edge in
                let ends = [edge["src"], edge["dst"]].map { end in
                    let text = end.string ?? ""
                    return text.hasSuffix("[External]") ? String(text.dropLast(10)) : text
                }
                return "\(ends[0]) -> \(ends[1]) "
            })
    }

    static func expectedExposures(_ folder: ConformanceFolder, _ line: Node) throws -> Set<String> {
        guard line["focusConn"].exists else {
            let (into, out) = (line["ingressExposure"].elements, line["egressExposure"].elements)
            return Set(into.map { "in \(text($0))" } + out.map { "out \(text($0))" })
        }
        let output = try folder.json("netpol-analyzer/expected/\(line["id"].string ?? "")")[
            "exposure_conn_focus_results"]
        return Set(
            [("in", "ingress_exposure"), ("out", "egress_exposure")].flatMap { word, key in
                output[key].elements.map { edge in
                    let ends = [edge["src"], edge["dst"]].map { end in
                        let text = end.string ?? ""
                        return text.hasSuffix("[External]") ? String(text.dropLast(10)) : text
                    }
                    return "\(word) \(ends[0]) -> \(ends[1]) "
                }
            })
    }

    static func text(_ edge: Node) -> String {
        "\(party(edge["src"])) -> \(party(edge["dst"])) \(edge["conn"].exists ? connection(edge["conn"]) : "")"
    }

    private static func party(_ node: Node) -> String {
        switch node["kind"].string {
        case "workload":
            "\(node["namespace"].string ?? "")/\(node["name"].string ?? "")[\(node["workloadKind"].string ?? "")]"
        case "external": "\(node["range"][0].string ?? "")-\(node["range"][1].string ?? "")"
        case "text": node["text"].string ?? ""
        default: node["kind"].string ?? ""
        }
    }

    private static func connection(_ node: Node) -> String {
        if node.equals("all") { return "all" }
        return node.members.map { member in
            let ports = member.value.elements.map { range in
                range.isArray ? "\(range[0].int ?? 0)-\(range[1].int ?? 0)" : range.text ?? ""
            }
            return "\(member.key) \(ports.joined(separator: ","))"
        }.sorted().joined(separator: " ")
    }

    /// What of a list was asked for.
    struct Focus {
        private let workloads: [String]
        private let peers: [String]
        private let direction: String?
        let connection: Traffic?

        init(_ line: Node) {
            workloads = line["focusWorkloads"].strings
            peers = line["focusWorkloadPeers"].strings
            direction = line["focusDirection"].string
            let parts = line["focusConn"].string?.split(separator: "-").map(String.init) ?? []
            connection =
                parts.count == 2
                ? TransportProtocol(name: parts[0]).flatMap { transport in
                    UInt16(parts[1]).map { Traffic(transport, $0) }
                } : nil
        }

        func text(_ edge: AnalyzerLikeness.Edge) -> String? {
            let isIn = isMeant(edge.target, edge, workloads) && isMeant(edge.source, edge, peers)
            let isOut = isMeant(edge.source, edge, workloads) && isMeant(edge.target, edge, peers)
            switch direction {
            case "ingress": guard isIn else { return nil }
            case "egress": guard isOut else { return nil }
            default: guard isIn || isOut else { return nil }
            }
            let source = edge.isFromController ? "ingress-controller" : name(edge.source)
            if let connection {
                guard edge.traffic.contains(connection) else { return nil }
                return "\(source) -> \(name(edge.target)) "
            }
            return "\(source) -> \(name(edge.target)) \(traffic(edge.traffic))"
        }

        func text(_ exposure: AnalyzerExposure) -> String? {
            guard direction == nil || direction == exposure.direction.rawValue else { return nil }
            guard case .workload(let reference) = exposure.workload, workloads.isEmpty || names(reference, workloads)
            else { return nil }
            if !peers.isEmpty, exposure.peer != .entireCluster { return nil }
            let other =
                switch exposure.peer {
                case .entireCluster: "entire-cluster"
                case .outside(let range): "\(range.first)-\(range.last)"
                case .pods(let text): text
                }
            let own = name(exposure.workload)
            let ends = exposure.direction == .ingress ? "in \(other) -> \(own)" : "out \(own) -> \(other)"
            if let connection { return exposure.traffic.contains(connection) ? "\(ends) " : nil }
            let ports = [TransportProtocol.tcp, .udp, .sctp].compactMap { transport -> String? in
                let ranges = exposure.traffic.ports(of: transport).map { "\($0.lowerBound)-\($0.upperBound)" }
                let words = ranges + exposure.names.filter { $0.protocols.contains(transport) }.map(\.name).sorted()
                return words.isEmpty ? nil : "\(transport.rawValue) \(words.joined(separator: ","))"
            }
            let all = exposure.names.isEmpty ? traffic(exposure.traffic) : ""
            return "\(ends) \(all == "all" ? all : ports.sorted().joined(separator: " "))"
        }

        private func names(_ reference: ObjectReference, _ names: [String]) -> Bool {
            names.contains(reference.name) || names.contains("\(reference.namespace)/\(reference.name)")
        }

        private func isMeant(_ party: Party, _ edge: AnalyzerLikeness.Edge, _ names: [String]) -> Bool {
            guard !names.isEmpty else { return true }
            guard case .workload(let reference) = party else { return false }
            if edge.isFromController, party == edge.source { return names.contains("ingress-controller") }
            return names.contains(reference.name) || names.contains("\(reference.namespace)/\(reference.name)")
        }

        private func name(_ party: Party) -> String {
            switch party {
            case .workload(let reference): "\(reference.namespace)/\(reference.name)[\(reference.kind)]"
            case .outside(let range): "\(range.first)-\(range.last)"
            default: "\(party)"
            }
        }

        private func traffic(_ set: TrafficSet) -> String {
            let transports = [TransportProtocol.tcp, .udp, .sctp]
            if transports.allSatisfy({ set.ports(of: $0) == [1...65535] }) { return "all" }
            return transports.compactMap { transport in
                let ranges = set.ports(of: transport).map { "\($0.lowerBound)-\($0.upperBound)" }
                return ranges.isEmpty ? nil : "\(transport.rawValue) \(ranges.joined(separator: ","))"
            }.sorted().joined(separator: " ")
        }
    }
}
