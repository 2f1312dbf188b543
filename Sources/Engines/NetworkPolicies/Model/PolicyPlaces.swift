/// Policies by the namespace they are bound to, so that a new pod is not compared with those of all others.
struct PolicyPlaces: Sendable {
    /// In order, as are those bound to no namespace.
    private var bound: [String: [Int32]] = [:]
    private var free: [Int32] = []
    private var placesOf: [Int32: [String]] = [:]

    /// - Parameter places: the namespaces; nil for any.
    mutating func add(_ policy: Int, _ places: [String]?) {
        let number = Int32(policy)
        guard let places else { return free.insertInOrder(number) }
        placesOf[number] = places
        for place in places { bound[place, default: []].insertInOrder(number) }
    }

    mutating func remove(_ policy: Int) {
        let number = Int32(policy)
        free.removeInOrder(number)
        for place in placesOf.removeValue(forKey: number) ?? [] { bound[place]?.removeInOrder(number) }
    }

    /// In order.
    func policies(in namespace: String) -> [Int] {
        let own = bound[namespace] ?? []
        var out: [Int] = []
        out.reserveCapacity(own.count + free.count)
        var next = 0
        for number in free {
            while next < own.count, own[next] < number {
                out.append(Int(own[next]))
                next += 1
            }
            out.append(Int(number))
        }
        while next < own.count {
            out.append(Int(own[next]))
            next += 1
        }
        return out
    }
}

extension [Int32] {
    /// The place of the first number that is not below.
    private func place(of number: Int32) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    fileprivate mutating func insertInOrder(_ number: Int32) {
        let place = place(of: number)
        if place == count || self[place] != number { insert(number, at: place) }
    }

    fileprivate mutating func removeInOrder(_ number: Int32) {
        let place = place(of: number)
        if place < count, self[place] == number { remove(at: place) }
    }
}

extension LabelExpression {
    /// The namespaces it is bound to by name; nil when it may hold pods of any.
    var boundNamespaces: [String]? {
        switch self {
        case .isIn(.namespaceName, let names), .isIn(.namespace("kubernetes.io/metadata.name"), let names): names
        case .all(let parts): parts.lazy.compactMap(\.boundNamespaces).first
        case .nothing: []
        default: nil
        }
    }
}

extension PeerSelector {
    var boundNamespaces: [String]? {
        switch self {
        case .nobody, .nodes, .domains: return []
        case .pods(let expression): return expression.boundNamespaces
        // Pods are compared only where the plugin does.
        case .addresses(_, let reach): return reach.contains(.pods) ? nil : []
        case .union(let parts):
            var out: [String] = []
            for part in parts {
                guard let places = part.boundNamespaces else { return nil }
                out += places
            }
            return out
        case .intersection(let parts): return parts.lazy.compactMap(\.boundNamespaces).first
        case .unknown(_, let inner): return inner.boundNamespaces
        case .anyone, .complement: return nil
        }
    }
}
