package import Kubernetes

/// Answers over every address a pod has.
///
/// A pod of a dual-stack cluster has an address of each family, and a block only ever matches packets of its own. Each
/// family is a network of its own; what one of them lets pass does pass.
package struct DualStack: Sendable {
    /// One model a family, or the one there is.
    package let models: [NetworkModel]

    init(_ models: [NetworkModel]) { self.models = models }

    package init(_ state: NetworkState) { models = state.perFamily.map { NetworkModel($0) } }

    /// Who may talk to whom over any family, in order.
    package func connections(byNamespace: Bool = false) -> [Connection] {
        guard models.count > 1 else { return models[0].connections(byNamespace: byNamespace) }
        return Connection.merged(
            Connection.joined(models.map { $0.connections(byNamespace: byNamespace, mergesRanges: false) }))
    }

    /// Every way in, with the answer of the family that lets more pass.
    package func exposures(_ inventory: Inventory) -> [Exposure] {
        widest(models.map { $0.exposures(inventory) }) { exposure in
            "\(exposure.workload) \(exposure.route) \(exposure.through) \(exposure.node.path) \(exposure.port)"
        } wider: {
            $0.verdict.isWider(than: $1.verdict) ? $0 : $1
        }
    }

    /// What every workload may reach over any family.
    package func outreach() -> [Outreach] {
        widest(models.map { $0.outreach() }) {
            "\($0.workload)"
        } wider: { a, b in
            var out = a
            for place in [\Outreach.internet, \.metadata, \.apiServer, \.otherNamespaces]
            where b[keyPath: place].isWider(than: a[keyPath: place]) { out[keyPath: place] = b[keyPath: place] }
            return out
        }
    }

    /// Rows of several families, one for each thing they speak of, in the order of the first.
    ///
    /// Rows that are said more than once by one family (pods of a workload that differ) stay apart.
    private func widest<Row>(_ families: [[Row]], _ name: (Row) -> String, wider: (Row, Row) -> Row) -> [Row] {
        guard families.count > 1 else { return families.first ?? [] }
        var out: [Row] = []
        var places: [String: Int] = [:]
        for rows in families {
            var seen: [String: Int] = [:]
            for row in rows {
                let name = name(row)
                let number = seen[name, default: 0]
                seen[name] = number + 1
                if let place = places["\(name) \(number)"] {
                    out[place] = wider(out[place], row)
                } else {
                    places["\(name) \(number)"] = out.count
                    out.append(row)
                }
            }
        }
        return out
    }
}

extension NetworkState {
    /// This state for each family that pods have addresses of; itself where no pod has more than one.
    package var perFamily: [NetworkState] {
        guard family == nil, isDualStack else { return [self] }
        return [IPAddress.Family.v4, .v6].map { family in
            var out = self
            out.family = family
            return out
        }
    }
}

extension Connection {
    /// What any of several lists allows, in order.
    static func joined(_ lists: [[Connection]]) -> [Connection] {
        guard lists.count > 1 else { return lists.first ?? [] }
        var known: [Ends: Connection] = [:]
        for connection in lists.joined() {
            let ends = Ends(source: connection.source, target: connection.target)
            guard let other = known[ends] else {
                known[ends] = connection
                continue
            }
            let sure = connection.traffic.union(other.traffic)
            known[ends]?.traffic = sure
            known[ends]?.doubtful = connection.doubtful.union(other.doubtful).subtracting(sure)
        }
        return known.values.sorted()
    }

    private struct Ends: Hashable {
        var source: Party
        var target: Party
    }
}

extension Verdict {
    /// Allowed is wider than what is not known, which is wider than denied.
    fileprivate func isWider(than other: Verdict) -> Bool { rank > other.rank }

    private var rank: Int {
        switch self {
        case .denied: 0
        case .unknown: 1
        case .allowed: 2
        }
    }
}
