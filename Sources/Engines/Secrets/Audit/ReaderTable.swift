/// Who read which Secrets how often, exactly: only answers that gave something count, each request once.
package struct ReaderTable: Sendable {
    package struct Key: Sendable, Hashable, Comparable {
        /// The identity the server let read: the impersonated one where there is one.
        package var identity: String
        /// Empty for reads over all namespaces.
        package var namespace: String
        /// Empty for lists and watches of more than one.
        package var name: String
        package var verb: String

        package init(identity: String, namespace: String, name: String, verb: String) {
            self.identity = identity
            self.namespace = namespace
            self.name = name
            self.verb = verb
        }

        package static func < (a: Self, b: Self) -> Bool {
            (a.identity, a.namespace, a.name, a.verb) < (b.identity, b.namespace, b.name, b.verb)
        }
    }

    package struct Row: Sendable, Hashable {
        package var count = 0
        package var first = ""
        package var last = ""
        package var addresses: Set<String> = []
    }

    private var rows: [Key: Row] = [:]
    /// Watches that have begun and not ended: each counts once, when it ends or at the end of the log.
    private var open: [Key: Row] = [:]

    package init() {}

    package mutating func note(_ event: SecretEvent) {
        guard event.isRead, event.isSuccess else { return }
        let key = Key(
            identity: event.actor, namespace: event.namespace, name: event.name, verb: event.verb)
        switch event.stage {
        case .started: Self.count(event, &open[key, default: Row()])
        case .complete:
            Self.count(event, &rows[key, default: Row()])
            if event.verb == "watch", var pending = open[key] {
                pending.count -= 1
                open[key] = pending.count > 0 ? pending : nil
            }
        case .panic: break
        }
    }

    private static func count(_ event: SecretEvent, _ row: inout Row) {
        row.count += 1
        let time = event.time.description
        if row.first.isEmpty || time < row.first { row.first = time }
        if time > row.last { row.last = time }
        if !event.address.isEmpty, row.addresses.count < 32 { row.addresses.insert(event.address) }
    }

    /// The rows in order; a watch that lasts still counts as one.
    package var sorted: [(key: Key, row: Row)] {
        var all = rows
        for (key, pending) in open {
            var row = all[key] ?? Row()
            row.count += pending.count
            row.first = row.first.isEmpty ? pending.first : min(row.first, pending.first)
            row.last = max(row.last, pending.last)
            row.addresses.formUnion(pending.addresses)
            all[key] = row
        }
        return all.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }
    }

    /// Reads that could have shown one Secret: of it by name, of its namespace, or of all.
    package func readers(of name: String, in namespace: String) -> [(key: Key, row: Row)] {
        sorted.filter { entry in
            (entry.key.namespace == namespace && (entry.key.name == name || entry.key.name.isEmpty))
                || (entry.key.namespace.isEmpty && entry.key.name.isEmpty)
        }
    }
}
