/// Pods that no policy can tell apart, as one.
///
/// A pod's class is what policies look at: the labels any selector names, its namespace where that counts, the ports
/// any policy names, and the piece of the address space it is in. Nothing else of a pod can change an answer.
struct PodClasses: Sendable {
    /// Class of every pod; -1 for pods on the network of their node.
    private(set) var classOfPod: [Int32]
    private(set) var members: [[Int32]] = []
    /// The piece of address space a class's pods are in; -1 when they have no address.
    private(set) var atoms: [Int32] = []
    private(set) var portTables: [Int32] = []

    /// Values of the labels that count: one column a key, one number a class; -1 where the label is missing.
    private var columns: [[Int32]] = []
    private var columnIndex: [LabelKey: Int] = [:]
    private var values: [[String]] = []
    private var postings: [[[Int32]]] = []

    var count: Int { members.count }

    private struct Key: Hashable {
        var namespace: Int32
        var account: Int32
        var ports: Int32
        var atom: Int32
        var labels: Int32
    }

    init(_ state: NetworkState, keys: Set<LabelKey>, portNames: Set<String>, atoms space: AddressAtoms?) {
        var ownKeys: Set<String> = []
        var namespaceKeys: Set<String> = []
        var usesNamespaceName = false
        var usesAccounts = false
        for key in keys {
            switch key {
            case .own(let name): ownKeys.insert(name)
            case .namespace(let name): namespaceKeys.insert(name)
            case .namespaceName: usesNamespaceName = true
            case .serviceAccount, .serviceAccountName: usesAccounts = true
            case .orchestrator, .cluster: break
            }
        }
        let labels = Self.narrowed(state.labelSets) { $0.filter { ownKeys.contains($0.key) } }
        let ports = Self.narrowed(state.portTables) { $0.filter { portNames.contains($0.name) } }
        let namespaces: [Int32]
        if usesNamespaceName || usesAccounts {
            namespaces = state.namespaces.indices.map { Int32($0) }
        } else {
            namespaces = Self.narrowed(state.namespaces.map(\.labels)) { $0.filter { namespaceKeys.contains($0.key) } }
        }
        classOfPod = [Int32](repeating: -1, count: state.pods.count)
        var index: [Key: Int32] = [:]
        index.reserveCapacity(state.pods.count / 8)
        var accounts: [String: Int32] = [:]
        for (number, pod) in state.pods.enumerated() where !pod.isOnHostNetwork {
            var key = Key(
                namespace: namespaces[pod.namespace], account: 0, ports: ports[pod.ports], atom: -1,
                labels: labels[pod.labels])
            if usesAccounts {
                let next = Int32(accounts.count)
                key.account = accounts[pod.serviceAccount] ?? next
                if key.account == next { accounts[pod.serviceAccount] = next }
            }
            if let address = pod.addresses.first { key.atom = space.map { Int32($0.index(of: address)) } ?? 0 }
            if space == nil { key.atom = -1 }
            if let known = index[key] {
                classOfPod[number] = known
                members[Int(known)].append(Int32(number))
            } else {
                let new = Int32(members.count)
                index[key] = new
                classOfPod[number] = new
                members.append([Int32(number)])
                atoms.append(key.atom)
                portTables.append(Int32(pod.ports))
            }
        }
        fillColumns(state, keys)
    }

    /// Gives equal numbers to what is equal once only the part that counts is left.
    private static func narrowed<Whole, Part: Hashable>(_ wholes: [Whole], _ part: (Whole) -> Part) -> [Int32] {
        var index: [Part: Int32] = [:]
        return wholes.map { whole in
            let part = part(whole)
            if let known = index[part] { return known }
            let new = Int32(index.count)
            index[part] = new
            return new
        }
    }

    private mutating func fillColumns(_ state: NetworkState, _ keys: Set<LabelKey>) {
        for key in keys {
            columnIndex[key] = columns.count
            var column = [Int32](repeating: -1, count: members.count)
            var numbers: [String: Int32] = [:]
            var names: [String] = []
            var posting: [[Int32]] = []
            for index in members.indices {
                let pod = state.pods[Int(members[index][0])]
                guard
                    let value = state.value(
                        key, namespace: pod.namespace, labels: pod.labels, serviceAccount: pod.serviceAccount)
                else { continue }
                let next = Int32(names.count)
                let number = numbers[value] ?? next
                if number == next {
                    numbers[value] = next
                    names.append(value)
                    posting.append([])
                }
                column[index] = number
                posting[Int(number)].append(Int32(index))
            }
            columns.append(column)
            values.append(names)
            postings.append(posting)
        }
    }

    // MARK: Selecting

    /// An expression with its labels and values turned to numbers.
    private indirect enum Test {
        case always
        case never
        case among(Int, [Int32])
        case notAmong(Int, [Int32])
        case present(Int)
        case not(Test)
        case all([Test])
        case any([Test])
    }

    private func compile(_ expression: LabelExpression) -> Test {
        func numbers(_ column: Int, _ isWanted: (String) -> Bool) -> [Int32] {
            values[column].indices.filter { isWanted(values[column][$0]) }.map { Int32($0) }
        }
        func exact(_ column: Int, _ wanted: [String]) -> [Int32] {
            // Most sets have one value; a scan of the column's few values would cost more where there are many.
            wanted.compactMap { number(of: $0, in: column) }
        }
        switch expression {
        case .everything: return .always
        case .nothing: return .never
        case .isIn(let key, let wanted):
            guard let column = columnIndex[key] else { return .never }
            let found = exact(column, wanted)
            return found.isEmpty ? .never : .among(column, found)
        case .isNotIn(let key, let wanted):
            guard let column = columnIndex[key] else { return .always }
            return .notAmong(column, exact(column, wanted))
        case .exists(let key): return columnIndex[key].map { .present($0) } ?? .never
        case .hasPrefix(let key, let text):
            return columnIndex[key].map { .among($0, numbers($0) { $0.hasPrefix(text) }) } ?? .never
        case .hasSuffix(let key, let text):
            return columnIndex[key].map { .among($0, numbers($0) { $0.hasSuffix(text) }) } ?? .never
        case .contains(let key, let text):
            return columnIndex[key].map { .among($0, numbers($0) { $0.contains(text) }) } ?? .never
        case .not(let inner): return .not(compile(inner))
        case .all(let parts): return .all(parts.map(compile))
        case .any(let parts): return .any(parts.map(compile))
        }
    }

    private func number(of value: String, in column: Int) -> Int32? {
        if valueIndex.isEmpty {
            return values[column].firstIndex(of: value).map { Int32($0) }
        }
        return valueIndex[column][value]
    }

    /// Numbers of values by text, made once all columns are full.
    private var valueIndex: [[String: Int32]] = []

    mutating func indexValues() {
        valueIndex = values.map { names in
            Dictionary(names.enumerated().map { ($0.element, Int32($0.offset)) }) { first, _ in first }
        }
    }

    private func holds(_ test: Test, _ index: Int) -> Bool {
        switch test {
        case .always: return true
        case .never: return false
        case .among(let column, let wanted): return wanted.contains(columns[column][index])
        case .notAmong(let column, let unwanted): return !unwanted.contains(columns[column][index])
        case .present(let column): return columns[column][index] >= 0
        case .not(let inner): return !holds(inner, index)
        case .all(let parts):
            for part in parts where !holds(part, index) { return false }
            return true
        case .any(let parts):
            for part in parts where holds(part, index) { return true }
            return false
        }
    }

    /// Adds the classes that match.
    func select(_ expression: LabelExpression, into bits: inout Bits) {
        let test = compile(expression)
        switch test {
        case .never: return
        case .always: bits.insert(0..<count)
        default:
            guard let candidates = candidates(test) else {
                for index in 0..<count where holds(test, index) { bits.insert(index) }
                return
            }
            for index in candidates where holds(test, Int(index)) { bits.insert(Int(index)) }
        }
    }

    /// The fewest classes that have to be looked at, when a label narrows them.
    private func candidates(_ test: Test) -> [Int32]? {
        switch test {
        case .among(let column, let wanted):
            return wanted.count == 1 ? postings[column][Int(wanted[0])] : wanted.flatMap { postings[column][Int($0)] }
        case .all(let parts):
            var best: (size: Int, test: Test)?
            for part in parts {
                if case .never = part { return [] }
                guard case .among(let column, let wanted) = part else { continue }
                let size = wanted.reduce(0) { $0 + postings[column][Int($1)].count }
                if size < best?.size ?? .max { best = (size, part) }
            }
            return best.flatMap { candidates($0.test) }
        default: return nil
        }
    }
}
