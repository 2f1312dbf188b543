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

    /// Number of classes, those kept free for pods to come included.
    var count: Int { members.count }
    /// Number of classes that were ever given out.
    private(set) var used = 0

    /// What a class is told by.
    struct Key: Hashable, Sendable {
        var namespace: Int32
        var account: Int32
        var ports: Int32
        var atom: Int32
        var labels: Int32
        /// The filters of the node, where these decide over what it hands on.
        var host: Int32 = -1
    }

    /// What any pod of the class has, for looking labels up.
    private struct Sample: Sendable {
        var namespace: Int
        var labels: Int
        var account: String
    }

    private var index: [Key: Int32] = [:]
    private var samples: [Sample] = []
    private var keys: [Key] = []
    private var labels: Narrowing<[String: String]>
    private var ports: Narrowing<[ContainerPort]>
    private var namespaces: Narrowing<[String: String]>?
    private var accounts: [String: Int32] = [:]
    private let usesAccounts: Bool

    /// Labels that differ from pod to pod of one workload; in a model that follows events they tell no classes apart
    /// unless a policy names them.
    private static let fleeting: Set<String> = [
        "pod-template-hash", "controller-revision-hash", "pod-template-generation", "controller-uid", "job-name",
        "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name",
        "batch.kubernetes.io/job-completion-index",
    ]

    /// Gives equal numbers to what is equal once only the part that counts is left.
    private struct Narrowing<Part: Hashable & Sendable>: Sendable {
        private var index: [Part: Int32] = [:]
        private var numbers: [Int32] = []
        private let part: @Sendable (Part) -> Part

        init(_ part: @escaping @Sendable (Part) -> Part) { self.part = part }

        /// The number of what stands at a place of a list that only grows.
        mutating func number(_ place: Int, of wholes: [Part]) -> Int32 {
            while numbers.count <= place {
                let part = part(wholes[numbers.count])
                let next = Int32(index.count)
                let known = index[part] ?? next
                if known == next { index[part] = next }
                numbers.append(known)
            }
            return numbers[place]
        }
    }

    /// - Parameter spare: how many classes to keep free; with any, classes are told apart by all that a policy may ask
    ///   for later.
    init(
        _ state: NetworkState, keys: Set<LabelKey>, portNames: Set<String>, atoms space: AddressAtoms?, spare: Int = 0
    ) {
        var ownKeys: Set<String> = []
        var namespaceKeys: Set<String> = []
        var usesNamespaceName = false
        var usesAccounts = spare > 0
        for key in keys {
            switch key {
            case .own(let name): ownKeys.insert(name)
            case .namespace(let name): namespaceKeys.insert(name)
            case .namespaceName: usesNamespaceName = true
            case .serviceAccount, .serviceAccountName: usesAccounts = true
            case .orchestrator, .cluster: break
            }
        }
        self.usesAccounts = usesAccounts
        if spare > 0 {
            let left = Self.fleeting.subtracting(ownKeys)
            labels = Narrowing { $0.filter { !left.contains($0.key) } }
            ports = Narrowing { $0.filter { !$0.name.isEmpty } }
        } else {
            let kept = ownKeys
            labels = Narrowing { $0.filter { kept.contains($0.key) } }
            ports = Narrowing { $0.filter { portNames.contains($0.name) } }
        }
        if !usesNamespaceName, !usesAccounts {
            let kept = namespaceKeys
            namespaces = Narrowing { $0.filter { kept.contains($0.key) } }
        }
        classOfPod = [Int32](repeating: -1, count: state.pods.count)
        index.reserveCapacity(state.pods.count / 8)
        let namespaceLabels = state.namespaces.map(\.labels)
        for (number, pod) in state.pods.enumerated() where !pod.isOnHostNetwork {
            let key = key(of: pod, state, space, namespaceLabels)
            if let known = index[key] {
                classOfPod[number] = known
                members[Int(known)].append(Int32(number))
            } else {
                classOfPod[number] = Int32(used)
                _ = open(key, pod)
                members[used - 1].append(Int32(number))
            }
        }
        for _ in 0..<spare {
            members.append([])
            atoms.append(-1)
            portTables.append(0)
        }
        fillColumns(state, keys)
    }

    /// What tells the class of a pod.
    mutating func key(
        of pod: NetworkPod, _ state: NetworkState, _ space: AddressAtoms?, _ namespaceLabels: [[String: String]]
    ) -> Key {
        var key = Key(
            namespace: namespaces?.number(pod.namespace, of: namespaceLabels) ?? Int32(pod.namespace), account: 0,
            ports: ports.number(pod.ports, of: state.portTables), atom: -1,
            labels: labels.number(pod.labels, of: state.labelSets))
        if usesAccounts {
            let next = Int32(accounts.count)
            key.account = accounts[pod.serviceAccount] ?? next
            if key.account == next { accounts[pod.serviceAccount] = next }
        }
        key.host = state.hostSign(of: pod)
        if let space, let address = state.comparedAddress(of: pod) { key.atom = Int32(space.index(of: address)) }
        return key
    }

    func number(of key: Key) -> Int? { index[key].map { Int($0) } }

    /// Gives out a new class; nil when none is free.
    private mutating func open(_ key: Key, _ pod: NetworkPod) -> Int? {
        let number = used
        if number == members.count {
            members.append([])
            atoms.append(key.atom)
            portTables.append(Int32(pod.ports))
        } else {
            atoms[number] = key.atom
            portTables[number] = Int32(pod.ports)
        }
        index[key] = Int32(number)
        keys.append(key)
        samples.append(Sample(namespace: pod.namespace, labels: pod.labels, account: pod.serviceAccount))
        used += 1
        return number
    }

    private mutating func fillColumns(_ state: NetworkState, _ keys: Set<LabelKey>) {
        for key in keys { addColumn(key, state) }
    }

    private mutating func addColumn(_ key: LabelKey, _ state: NetworkState) {
        columnIndex[key] = columns.count
        columns.append([Int32](repeating: -1, count: members.count))
        values.append([])
        postings.append([])
        var numbers: [String: Int32] = [:]
        for number in 0..<used { note(number, key, columns.count - 1, &numbers, state) }
        valueIndex.append(numbers)
    }

    /// Writes the value a class has for a key into its column.
    private mutating func note(
        _ number: Int, _ key: LabelKey, _ column: Int, _ numbers: inout [String: Int32], _ state: NetworkState
    ) {
        guard let value = value(key, of: number, state) else { return }
        let next = Int32(values[column].count)
        let place = numbers[value] ?? next
        if place == next {
            numbers[value] = next
            values[column].append(value)
            postings[column].append([])
        }
        columns[column][number] = place
        postings[column][Int(place)].append(Int32(number))
    }

    /// The value a selector compares, for any pod of a class.
    func value(_ key: LabelKey, of number: Int, _ state: NetworkState) -> String? {
        let sample = samples[number]
        return state.value(
            key, namespace: sample.namespace, labels: sample.labels, serviceAccount: sample.account)
    }

    func namespace(of number: Int) -> Int { samples[number].namespace }

    /// The number of the filters of the node its pods run on.
    func host(of number: Int) -> Int32 { keys[number].host }

    // MARK: Following events

    /// Makes room for keys that policies did not ask for before; false when classes are not told apart by them.
    mutating func prepare(_ wanted: Set<LabelKey>, _ state: NetworkState) -> Bool {
        for key in wanted where columnIndex[key] == nil {
            if case .own(let name) = key, Self.fleeting.contains(name) { return false }
            addColumn(key, state)
        }
        return true
    }

    /// Opens a class for a pod; nil when none is free.
    mutating func add(_ key: Key, for pod: NetworkPod, _ state: NetworkState) -> Int? {
        guard used < members.count, let number = open(key, pod) else { return nil }
        for (label, column) in columnIndex {
            var numbers = valueIndex[column]
            valueIndex[column] = [:]
            note(number, label, column, &numbers, state)
            valueIndex[column] = numbers
        }
        return number
    }

    /// Opens a class that differs from another only in the piece of the address space it is in.
    mutating func split(_ number: Int, atom: Int, _ state: NetworkState) -> Int? {
        var key = keys[number]
        key.atom = Int32(atom)
        guard used < members.count, let first = members[number].first else { return nil }
        return add(key, for: state.pods[Int(first)], state)
    }

    mutating func join(_ pod: Int, _ number: Int) {
        if pod == classOfPod.count { classOfPod.append(-1) }
        classOfPod[pod] = Int32(number)
        if number >= 0 { members[number].append(Int32(pod)) }
    }

    mutating func leave(_ pod: Int) {
        let number = Int(classOfPod[pod])
        guard number >= 0, let place = members[number].firstIndex(of: Int32(pod)) else { return }
        members[number].swapAt(place, members[number].count - 1)
        members[number].removeLast()
        classOfPod[pod] = -1
    }

    /// Takes the last pod's number for a pod that has left.
    mutating func fill(_ gap: Int) {
        let last = classOfPod.count - 1
        guard gap != last else {
            classOfPod.removeLast()
            return
        }
        let number = Int(classOfPod[last])
        classOfPod[gap] = Int32(number)
        classOfPod.removeLast()
        guard number >= 0, let place = members[number].firstIndex(of: Int32(last)) else { return }
        members[number][place] = Int32(gap)
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

    private func number(of value: String, in column: Int) -> Int32? { valueIndex[column][value] }

    /// Numbers of values by text, a column each.
    private var valueIndex: [[String: Int32]] = []

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

    /// What selectors look at of a class.
    func traits(of number: Int, _ state: NetworkState, address: IPAddress?) -> ClassTraits {
        let sample = samples[number]
        let namespace = state.namespaces[sample.namespace]
        return ClassTraits(
            labels: state.labelSets[sample.labels], namespaceLabels: namespace.labels, namespace: namespace.name,
            account: sample.account,
            accountLabels: state.serviceAccountLabels["\(namespace.name)/\(sample.account)"] ?? [:],
            cluster: state.plugin.clusterName, address: address)
    }

    /// Adds the classes that match.
    func select(_ expression: LabelExpression, into bits: inout Bits) {
        let test = compile(expression)
        switch test {
        case .never: return
        case .always: bits.insert(0..<used)
        default:
            guard let candidates = candidates(test) else {
                for index in 0..<used where holds(test, index) { bits.insert(index) }
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
