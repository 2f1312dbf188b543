/// Facts that were read from the store, so that the next request for the same image does not read them again.
///
/// Bounded by what is held, not by the number of images: one may have a thousand vulnerabilities.
struct FactsMemory {
    /// What is known of one digest: of an index, one for each manifest that was looked into.
    struct Entry {
        var parts: [ImageFacts]
        var members: [String]

        var weight: Int { parts.reduce(1) { $0 + 1 + $1.vulnerabilities.count } }
    }

    private let capacity: Int
    private var entries: [String: Entry] = [:]
    /// Indexes by the manifests they hold.
    private var holders: [String: Set<String>] = [:]
    private(set) var weight = 0

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    subscript(digest: String) -> [ImageFacts]? { entries[digest]?.parts }

    mutating func keep(_ entry: Entry, of digest: String) {
        if weight + entry.weight > capacity { removeAll() }
        remove(digest)
        entries[digest] = entry
        weight += entry.weight
        for member in entry.members where member != digest { holders[member, default: []].insert(digest) }
    }

    /// Forgets a manifest, and every index that holds it.
    mutating func forget(_ digest: String) {
        remove(digest)
        for holder in holders[digest] ?? [] { remove(holder) }
        holders[digest] = nil
    }

    private mutating func remove(_ digest: String) {
        guard let entry = entries.removeValue(forKey: digest) else { return }
        weight -= entry.weight
    }

    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        holders.removeAll(keepingCapacity: true)
        weight = 0
    }
}
