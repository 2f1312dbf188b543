/// Policies by the namespace they are bound to, so that a new pod is not compared with those of all others.
struct PolicyPlaces: Sendable {
    private var bound: [String: Set<Int32>] = [:]
    private var free: Set<Int32> = []
    private var placesOf: [Int32: [String]] = [:]

    /// - Parameter places: the namespaces; nil for any.
    mutating func add(_ policy: Int, _ places: [String]?) {
        let number = Int32(policy)
        guard let places else {
            free.insert(number)
            return
        }
        placesOf[number] = places
        for place in places { bound[place, default: []].insert(number) }
    }

    mutating func remove(_ policy: Int) {
        let number = Int32(policy)
        free.remove(number)
        for place in placesOf.removeValue(forKey: number) ?? [] { bound[place]?.remove(number) }
    }

    /// In order.
    func policies(in namespace: String) -> [Int] {
        (free.map { Int($0) } + (bound[namespace] ?? []).map { Int($0) }).sorted()
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
