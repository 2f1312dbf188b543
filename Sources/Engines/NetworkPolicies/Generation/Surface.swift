/// How much of a cluster can be reached: figures to compare before and after.
package struct Surface: Sendable, Hashable {
    /// Ordered pairs of workloads of which one may open some connection to the other.
    package var pairs = 0
    /// Ports of TCP, UDP and SCTP over all these pairs.
    package var ports = 0
    /// Workloads that reach some public address, and that some public address reaches.
    package var toInternet = 0
    package var fromInternet = 0
    /// Workloads that reach the cloud's metadata address on port 80.
    package var toMetadata = 0

    package init() {}

    package init(_ model: NetworkModel) {
        let space = model.space
        // Workloads that share a class count each.
        let stands = model.representatives()
        var weights = [Int](repeating: 0, count: space.count)
        for (_, pod) in stands {
            let own = model.space.classes.classOfPod[pod]
            if own >= 0 { weights[Int(own)] += 1 }
        }
        func weight(_ bits: Bits) -> Int {
            var sum = 0
            bits.forEach { if $0 < space.podCount { sum += weights[$0] } }
            return sum
        }
        var reached = [Bits?](repeating: nil, count: space.podCount)
        for block in model.blocks() {
            let count = block.traffic.portCount
            var both = 0
            block.sources.forEach { source in
                guard source < space.podCount else { return }
                reached[source] = reached[source].map { $0.union(block.targets) } ?? block.targets
                if block.targets.contains(source) { both += weights[source] }
            }
            ports += (weight(block.sources) * weight(block.targets) - both) * count
        }
        for (index, targets) in reached.enumerated() {
            guard let targets else { continue }
            pairs += weights[index] * weight(targets) - (targets.contains(index) ? weights[index] : 0)
        }
        let internet = model.publicPeers
        var metadata = Bits(count: space.count)
        metadata.insert(space.outside.lowerBound + space.atoms.index(of: NetworkModel.metadataAddress))
        for (_, pod) in stands {
            if model.anyAllowed(.egress, pod, internet, .withPorts) != .denied { toInternet += 1 }
            if model.anyAllowed(.ingress, pod, internet, .withPorts) != .denied { fromInternet += 1 }
            if model.anyAllowed(.egress, pod, metadata, TrafficSet(.tcp, 80...80)) != .denied { toMetadata += 1 }
        }
    }
}

extension TrafficSet {
    /// Number of ports of TCP, UDP and SCTP in the set; port 0 is none.
    var portCount: Int {
        [TransportProtocol.tcp, .udp, .sctp].reduce(0) { sum, transport in
            ports(of: transport).reduce(sum) { $0 + Int($1.upperBound) - Int(max(1, $1.lowerBound)) + 1 }
        }
    }
}
