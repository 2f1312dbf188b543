import NetworkPolicies
import RBAC

/// How hard each thing in the graph is away from one target, and by what next step: one walk from the target against
/// every arc, by rising effort.
struct RiskSearch: Sendable {
    /// What is no arc of the rights.
    enum Hop: Sendable {
        case seed(Int)
        /// Over the network into another workload, by one of its weaknesses.
        case network(to: Int, weakness: Int, port: UInt16)
    }

    static let far = Int32.max

    /// Effort from each node.
    private(set) var efforts: [Int32]
    /// The arc to take next; -1 for none, and below that a hop.
    private(set) var next: [Int32]
    private(set) var hops: [Hop] = []

    /// A workload that can be broken into over the network, waiting for those who may connect to it.
    private struct Inlet {
        var workload: Int32
        var weakness: Int32
        var port: UInt16
    }

    /// What to look at when its effort is reached: a node, or an inlet as -1 - number.
    private var buckets: [[Int32]] = []
    private var inlets: [Inlet] = []

    init(_ graph: RiskGraph, target: Int) {
        efforts = [Int32](repeating: Self.far, count: graph.rights.nodeCount)
        next = [Int32](repeating: -1, count: graph.rights.nodeCount)
        for (number, seed) in graph.seeds[target].enumerated() {
            guard efforts[Int(seed.node)] > seed.effort else { continue }
            reach(seed.node, Int32(seed.effort), by: seed.text.isEmpty ? -1 : hop(.seed(number)))
        }
        var walk = graph.reach.walk()
        var effort = 0
        while effort < buckets.count {
            var place = 0
            while place < buckets[effort].count {
                let entry = buckets[effort][place]
                place += 1
                if entry < 0 {
                    open(inlets[Int(-1 - entry)], Int32(effort), graph, &walk)
                } else if efforts[Int(entry)] == effort {
                    visit(entry, Int32(effort), graph)
                }
            }
            buckets[effort] = []
            effort += 1
        }
    }

    private mutating func hop(_ hop: Hop) -> Int32 {
        hops.append(hop)
        return -1 - Int32(hops.count)
    }

    func hop(_ number: Int32) -> Hop { hops[Int(-2 - number)] }

    private mutating func reach(_ node: Int32, _ effort: Int32, by step: Int32) {
        efforts[Int(node)] = effort
        next[Int(node)] = step
        push(node, effort)
    }

    private mutating func push(_ entry: Int32, _ effort: Int32) {
        while buckets.count <= Int(effort) { buckets.append([]) }
        buckets[Int(effort)].append(entry)
    }

    private mutating func visit(_ node: Int32, _ effort: Int32, _ graph: RiskGraph) {
        for number in graph.incoming[node] where !graph.closed.contains(number) {
            let joint = graph.joints[Int(number)]
            let cost = effort + (joint.isStep ? 1 : 0)
            if efforts[Int(joint.from)] > cost { reach(joint.from, cost, by: number) }
        }
        guard let workload = graph.workload(at: node) else { return }
        for (number, weakness) in graph.workloads[workload].weaknesses.enumerated() {
            for port in weakness.port.map({ [$0] }) ?? graph.workloads[workload].ports {
                inlets.append(Inlet(workload: Int32(workload), weakness: Int32(number), port: port))
                push(-Int32(inlets.count), effort + Int32(weakness.effort))
            }
        }
    }

    private mutating func open(_ inlet: Inlet, _ effort: Int32, _ graph: RiskGraph, _ walk: inout ClassReach.Walk) {
        let traffic = ClassReach.traffic(inlet.port)
        var number: Int32 = 0
        for target in graph.workloads[Int(inlet.workload)].classes {
            for source in walk.senders(to: Int(target), on: traffic) {
                for member in graph.membersOfClass[source] where member != inlet.workload {
                    let node = graph.workloadNode(Int(member))
                    guard efforts[Int(node)] > effort else { continue }
                    if number == 0 {
                        number = hop(
                            .network(to: Int(inlet.workload), weakness: Int(inlet.weakness), port: inlet.port))
                    }
                    reach(node, effort, by: number)
                }
            }
        }
    }
}
