package import Kubernetes

/// Which classes of pods may for sure open a connection to which: for whoever joins the network with something else,
/// such as ways of an attack.
package struct ClassReach: Sendable {
    private let model: NetworkModel
    /// Classes whose outgoing, or incoming, side a policy decides over that cannot be read.
    private let unsureOut: Bits
    private let unsureIn: Bits
    private let pods: Bits

    package init(_ model: NetworkModel) {
        self.model = model
        var (out, into) = (Bits(count: model.space.podCount), Bits(count: model.space.podCount))
        for (gap, touched) in zip(model.state.gaps, model.gaps) {
            if gap.egress { out.formUnion(touched) }
            if gap.ingress { into.formUnion(touched) }
        }
        unsureOut = out
        unsureIn = into
        var all = Bits(count: model.space.count)
        all.insert(0..<model.space.podCount)
        pods = all
    }

    package var classCount: Int { model.space.podCount }

    /// The workloads of every class, each once, in order; pods on the network of their node have none.
    package func workloadsByClass() -> [[ObjectReference]] {
        model.space.classes.members.map { members in
            var seen: Set<ObjectReference> = []
            for member in members {
                let pod = model.state.pods[Int(member)]
                var owner = pod.owner
                owner.namespace = model.state.namespaces[pod.namespace].name
                seen.insert(owner)
            }
            return seen.sorted()
        }
    }

    /// Ports on which a policy lets nobody out or in at all are found by asking; `port` nil means any.
    package static func traffic(_ port: UInt16?) -> TrafficSet {
        port.map { TrafficSet(.tcp, $0...$0) } ?? .all
    }

    /// A walk against the direction of connections that meets every class once.
    package func walk() -> Walk { Walk(self) }

    package struct Walk {
        private let reach: ClassReach
        private var open: Bits
        /// Peers of one group of classes for a kind of traffic.
        private var known: [Key: Bits] = [:]

        private struct Key: Hashable {
            var group: Int32
            var traffic: TrafficSet
        }

        fileprivate init(_ reach: ClassReach) {
            self.reach = reach
            open = Bits(count: reach.model.space.count)
            open.insert(0..<reach.model.space.classes.used)
        }

        /// Classes that may connect to a class and were not given before, in order.
        package mutating func senders(to target: Int, on traffic: TrafficSet) -> [Int] {
            guard !reach.unsureIn.contains(target) else { return [] }
            guard let inbound = peers(.ingress, of: target, traffic) else { return [] }
            var out: [Int] = []
            open.intersection(inbound).forEach { source in
                guard source != target, !reach.unsureOut.contains(source),
                    peers(.egress, of: source, traffic)?.contains(target) ?? false
                else { return }
                out.append(source)
            }
            // Pods of one class may talk to each other where they may talk to their own class.
            if open.contains(target), inbound.contains(target), !reach.unsureOut.contains(target),
                peers(.egress, of: target, traffic)?.contains(target) ?? false
            {
                out.append(target)
            }
            for source in out { open.remove(source) }
            return out
        }

        /// Peers that are allowed the traffic for sure; some of it is enough.
        private mutating func peers(_ direction: Direction, of number: Int, _ traffic: TrafficSet) -> Bits? {
            let table = reach.model.table(direction)
            let group = table.groupOfClass[number]
            guard group >= 0 else { return nil }
            let key = Key(group: direction == .ingress ? group : -1 - group, traffic: traffic)
            if let found = known[key] { return found }
            var bits = Bits(count: reach.model.space.count)
            for part in table.groups[Int(group)].allowed where part.traffic.intersects(traffic) {
                bits.formUnion(part.sure)
            }
            bits.formIntersection(reach.pods)
            known[key] = bits
            return bits
        }
    }
}
