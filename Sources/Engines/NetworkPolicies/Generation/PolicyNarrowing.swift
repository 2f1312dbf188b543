import Documents
import Findings
import Kubernetes

/// Changes of single rules of NetworkPolicies, as patches.
enum PolicyNarrowing {
    /// More addresses than this in one rule are no list that a person keeps.
    private static let most = 64

    /// Leaves 169.254.169.254 out of every block of a rule that holds it; nothing when the rule allows it without one.
    static func withoutMetadata(_ rule: Node) -> [PatchOperation] {
        guard rule["to"].isArray, let metadata = CIDR("169.254.169.254/32") else { return [] }
        var operations: [PatchOperation] = []
        for peer in rule["to"].elements {
            let block = peer["ipBlock"]
            guard let cidr = block["cidr"].string.flatMap({ CIDR($0) }), cidr.contains(metadata), cidr != metadata
            else {
                continue
            }
            let path = block.path.appending("except")
            operations.append(
                block["except"].isArray
                    ? PatchOperation(.add, path.appending(block["except"].count), .string("\(metadata)"))
                    : PatchOperation(.add, path, [.string("\(metadata)")]))
        }
        return operations
    }

    /// Rules taken out, the last first, so that the paths of the others stay right.
    static func removing(_ evidence: [Evidence]) -> [PatchOperation] {
        evidence.map(\.node.path).sorted { $1 < $0 }.compactMap { path in
            guard case .index? = path.last else { return nil }
            return PatchOperation(.remove, path)
        }
    }

    /// Outside addresses that the pods of these classes were seen to open connections to, sorted.
    static func outsideSeen(_ flows: FlowTable, by classes: Bits, _ model: NetworkModel) -> [IPAddress] {
        var out: Set<IPAddress> = []
        for entry in flows.entries where entry.hasPassed {
            guard case .pod(let number) = flows.source(entry), case .outside(let address) = flows.target(entry)
            else { continue }
            let own = model.space.classes.classOfPod[number]
            if own >= 0, classes.contains(Int(own)) { out.insert(address) }
        }
        return out.sorted()
    }

    /// Puts the addresses that were seen in place of the blocks of a rule that hold everything; nil where the rule opens
    /// the world in another way, or the addresses are too many.
    static func toSeen(_ rule: Node, _ seen: [IPAddress]) -> [PatchOperation]? {
        let list = rule["to"]
        guard list.isArray, seen.count <= most else { return nil }
        var wide: [(path: FieldPath, set: AddressSet)] = []
        for peer in list.elements {
            guard let cidr = peer["ipBlock"]["cidr"].string.flatMap({ CIDR($0) }), cidr.length == 0 else { continue }
            var set = AddressSet(cidr)
            for hole in peer["ipBlock"]["except"].strings.compactMap({ CIDR($0) }) {
                set = set.subtracting(AddressSet(hole))
            }
            wide.append((peer.path, set))
        }
        guard !wide.isEmpty else { return nil }
        let needed = seen.filter { address in wide.contains { $0.set.contains(address) } }
        if needed.isEmpty, wide.count == list.count { return [PatchOperation(.remove, rule.path)] }
        let added = needed.enumerated().map { index, address in
            PatchOperation(
                .add, list.path.appending(list.count + index),
                ["ipBlock": ["cidr": .string("\(CIDR(address: address))")]])
        }
        return added + wide.reversed().map { PatchOperation(.remove, $0.path) }
    }
}
