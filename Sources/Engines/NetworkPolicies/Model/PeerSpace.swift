/// Everything traffic can come from or go to, numbered: classes of pods, nodes in two roles, pieces of the outside.
///
/// A node is one peer as the node a pod runs on and another as any other node, since plugins treat the two apart; a
/// class of pods need not know its nodes for that.
struct PeerSpace: Sendable {
    var classes: PodClasses
    var atoms: AddressAtoms
    private let nodeKeys: Set<LabelKey>
    private(set) var nodeClassOf: [Int32] = []
    private var nodeMembers: [[Int]] = []
    private let nodeList: [NetworkNode]

    let podCount: Int
    var nodeCount: Int { nodeMembers.count }
    var count: Int { podCount + 2 * nodeCount + atoms.capacity }
    var outside: Range<Int> { podCount + 2 * nodeCount..<count }
    var nodes: Range<Int> { podCount..<podCount + 2 * nodeCount }
    var ownNodes: Range<Int> { podCount..<podCount + nodeCount }
    var otherNodes: Range<Int> { podCount + nodeCount..<podCount + 2 * nodeCount }

    /// - Parameter spare: classes and address ranges to keep free, for a model that follows events.
    init(
        _ state: NetworkState, selectors: [PeerSelector], expressions: [LabelExpression], portNames: Set<String>,
        spare: Int = 0
    ) {
        var keys: Set<LabelKey> = []
        var nodeKeys: Set<LabelKey> = []
        var sets: Set<AddressSet> = []
        var comparesPods = false
        for expression in expressions { expression.visitKeys { keys.insert($0) } }
        for selector in selectors {
            selector.visit { part in
                switch part {
                case .pods(let expression): expression.visitKeys { keys.insert($0) }
                case .nodes(let expression, _): expression.visitKeys { nodeKeys.insert($0) }
                case .addresses(let set, let reach):
                    sets.insert(set)
                    if reach.contains(.pods) { comparesPods = true }
                default: break
                }
            }
        }
        nodeList = state.nodes.map(state.withComparedAddressFirst)
        atoms = AddressAtoms(sets, spare: spare)
        classes = PodClasses(
            state, keys: keys, portNames: portNames, atoms: comparesPods || spare > 0 ? atoms : nil, spare: spare)
        self.nodeKeys = nodeKeys
        podCount = classes.count
        numberNodes(nodeKeys, nodeList, state.hostSigns)
    }

    private mutating func numberNodes(_ keys: Set<LabelKey>, _ nodes: [NetworkNode], _ signs: [Int32]) {
        struct Key: Hashable {
            var labels: [String: String]
            var atom: Int
            var sign: Int32
        }
        var index: [Key: Int32] = [:]
        for (number, node) in nodes.enumerated() {
            let labels = node.labels.filter { keys.contains(.own($0.key)) }
            let key = Key(
                labels: labels, atom: node.addresses.first.map { atoms.index(of: $0) } ?? -1,
                sign: number < signs.count ? signs[number] : -1)
            let new = Int32(nodeMembers.count)
            let known = index[key] ?? new
            if known == new {
                index[key] = new
                nodeMembers.append([])
            }
            nodeMembers[Int(known)].append(number)
            nodeClassOf.append(known)
        }
    }

    /// The number of the piece of the outside an address lies in.
    func outsideIndex(of address: IPAddress) -> Int { outside.lowerBound + atoms.index(of: address) }

    // MARK: Following events

    /// Keys of labels of nodes that policies ask for.
    func knows(nodeKeys wanted: Set<LabelKey>) -> Bool { wanted.isSubset(of: nodeKeys) }

    /// Whether a cut between a range's halves would tell nodes of one class apart.
    func partsNodes(at cut: IPAddress) -> Bool {
        let number = atoms.index(of: cut)
        return nodeMembers.contains { members in
            let addresses = members.compactMap { nodeList[$0].addresses.first }
            guard let first = addresses.first, atoms.index(of: first) == number else { return false }
            return addresses.contains {
                $0.family == cut.family && ($0.value >= cut.value) != (first.value >= cut.value)
            }
        }
    }

    func nodes(ofClass index: Int) -> [Int] { nodeMembers[index] }

    /// The nodes behind the number of a peer.
    func nodes(at peer: Int) -> [Int] { nodeMembers[(peer - podCount) % nodeCount] }

    /// Peers for sure, and peers that may be. The second is nil when nothing is in doubt.
    struct Selection: Sendable {
        var sure: Bits
        var possible: Bits?

        var most: Bits { possible ?? sure }
        init(_ sure: Bits, possible: Bits? = nil) {
            self.sure = sure
            self.possible = possible
        }
    }

    func select(_ selector: PeerSelector) -> Selection {
        switch selector {
        case .anyone: return Selection(Bits(full: count))
        case .nobody: return Selection(Bits(count: count))
        case .pods(let expression):
            var bits = Bits(count: count)
            classes.select(expression, into: &bits)
            return Selection(bits)
        case .nodes(let expression, let place): return Selection(nodes(expression, place))
        case .addresses(let set, let reach): return addresses(set, reach)
        // Any address may be what a name resolves to.
        case .domains: return doubt(.world)
        case .union(let parts):
            return parts.dropFirst().reduce(parts.first.map(select) ?? Selection(Bits(count: count))) { sum, part in
                let next = select(part)
                let possible = sum.possible == nil && next.possible == nil ? nil : sum.most.union(next.most)
                return Selection(sum.sure.union(next.sure), possible: possible)
            }
        case .intersection(let parts):
            return parts.dropFirst().reduce(parts.first.map(select) ?? Selection(Bits(full: count))) { sum, part in
                let next = select(part)
                let possible = sum.possible == nil && next.possible == nil ? nil : sum.most.intersection(next.most)
                return Selection(sum.sure.intersection(next.sure), possible: possible)
            }
        case .complement(let inner):
            let selection = select(inner)
            let all = Bits(full: count)
            return Selection(
                all.subtracting(selection.most),
                possible: selection.possible.map { _ in all.subtracting(selection.sure) })
        case .unknown(_, let inner): return doubt(inner)
        }
    }

    private func doubt(_ selector: PeerSelector) -> Selection {
        Selection(Bits(count: count), possible: select(selector).most)
    }

    private func nodes(_ expression: LabelExpression, _ place: PeerSelector.NodePlace) -> Bits {
        var bits = Bits(count: count)
        for (index, members) in nodeMembers.enumerated() {
            let labels = nodeList[members[0]].labels
            let isMatch = expression.matches { key in
                if case .own(let name) = key { labels[name] } else { nil }
            }
            guard isMatch else { continue }
            if place != .other { bits.insert(podCount + index) }
            if place != .same { bits.insert(podCount + nodeCount + index) }
        }
        return bits
    }

    private func addresses(_ set: AddressSet, _ reach: PeerSelector.AddressReach) -> Selection {
        var sure = Bits(count: count)
        var inside = Bits(count: atoms.capacity)
        for (index, range) in atoms.ranges.enumerated() where set.contains(range.first) {
            inside.insert(Int(atoms.numbers[index]))
        }
        if reach.contains(.outside) { inside.forEach { sure.insert(outside.lowerBound + $0) } }
        // A block that holds a whole family holds every address a pod can be given in it.
        let isWhole = set.v4 == AddressSet.all.v4 || set.v6 == AddressSet.all.v6
        var doubtful: [Int] = []
        if reach.contains(.pods) {
            for index in 0..<classes.used {
                let atom = classes.atoms[index]
                if atom >= 0 ? inside.contains(Int(atom)) : isWhole {
                    sure.insert(index)
                } else if atom < 0, !set.isEmpty {
                    doubtful.append(index)
                }
            }
        }
        if reach.contains(.nodes) {
            for (index, members) in nodeMembers.enumerated() {
                let address = nodeList[members[0]].addresses.first
                if address.map(set.contains) ?? isWhole {
                    sure.insert(podCount + index)
                    sure.insert(podCount + nodeCount + index)
                } else if address == nil, !set.isEmpty {
                    doubtful += [podCount + index, podCount + nodeCount + index]
                }
            }
        }
        guard !doubtful.isEmpty else { return Selection(sure) }
        var possible = sure
        for index in doubtful { possible.insert(index) }
        return Selection(sure, possible: possible)
    }
}
