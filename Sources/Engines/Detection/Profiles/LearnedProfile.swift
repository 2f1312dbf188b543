/// What a container of one image does, learned until little that is new is to be expected.
///
/// The chance that the next observation is one never seen is estimated after Good and Turing: the share of
/// observations that were of things seen exactly once. Learning ends when a bound that this chance stays below with
/// confidence falls under the limit (McAllester and Schapire, 2000).
package struct LearnedProfile: Sendable, Hashable {
    /// What is learned: the things of one class are counted apart, for each class grows at its own pace.
    package enum Class: String, Sendable, Hashable, CaseIterable { case process, file, connection }

    /// What a profile is of. All replicas share it, and the next version of the image begins with it.
    package struct Subject: Sendable, Hashable, Comparable {
        package var workload: String
        package var container: String
        package var imageDigest: String

        package init(workload: String, container: String, imageDigest: String) {
            self.workload = workload
            self.container = container
            self.imageDigest = imageDigest
        }

        package static func < (a: Self, b: Self) -> Bool {
            (a.workload, a.container, a.imageDigest) < (b.workload, b.container, b.imageDigest)
        }
    }

    package struct Item: Sendable, Hashable {
        package var count: Int
        /// Digest of the file the item is about, where it is known: it carries the item over to another image.
        package var fileDigest: String?

        package init(count: Int, fileDigest: String? = nil) {
            self.count = count
            self.fileDigest = fileDigest
        }
    }

    package private(set) var items: [Class: [String: Item]] = [:]
    /// Items of a class that were seen once, and all observations.
    private var singles: [Class: Int] = [:]
    private var totals: [Class: Int] = [:]
    private let largest: Int

    /// `largest` bounds the items of a class; a class that outgrows it is never learned.
    package init(largest: Int = 5000) { self.largest = largest }

    /// What was learned before. Things of a class that outgrew its bound are cut, and counted no more.
    package init(items: [Class: [String: Item]], largest: Int = 5000) {
        self.init(largest: largest)
        for (kind, all) in items {
            for (name, item) in all.sorted(by: { $0.key < $1.key }).prefix(largest) {
                self.items[kind, default: [:]][name] = item
                totals[kind, default: 0] += item.count
                if item.count == 1 { singles[kind, default: 0] += 1 }
            }
        }
    }

    /// How often things of a class were seen.
    package func observations(_ kind: Class) -> Int { totals[kind] ?? 0 }

    package enum Verdict: Sendable, Hashable {
        /// Seen before.
        case known
        /// Never seen, while still learning.
        case learned
        /// Never seen, after learning ended: an alert.
        case unexpected
    }

    /// Observes something; `limit` is the chance of something new that is small enough.
    package mutating func observe(
        _ name: String, _ kind: Class, fileDigest: String? = nil, limit: Double = 0.02
    ) -> Verdict {
        let isLearned = isLearned(kind, limit: limit)
        guard var item = items[kind]?[name] else {
            if isLearned { return .unexpected }
            guard (items[kind]?.count ?? 0) < largest else {
                totals[kind, default: 0] += 1
                return .learned
            }
            items[kind, default: [:]][name] = Item(count: 1, fileDigest: fileDigest)
            singles[kind, default: 0] += 1
            totals[kind, default: 0] += 1
            return .learned
        }
        if item.count == 1 { singles[kind, default: 1] -= 1 }
        item.count += 1
        items[kind]?[name] = item
        totals[kind, default: 0] += 1
        return .known
    }

    /// The estimated chance that the next observation of a class is of something never seen.
    package func unseenChance(_ kind: Class) -> Double {
        guard let total = totals[kind], total > 0 else { return 1 }
        return Double(singles[kind] ?? 0) / Double(total)
    }

    /// What the chance stays below in all but one of a hundred samples of this size.
    package func unseenBound(_ kind: Class) -> Double {
        guard let total = totals[kind], total > 0 else { return 1 }
        // 2·√2 + √3 and ln(3/δ) with δ = 0.01 are the constants of the theorem.
        let width = 4.5605 * (5.7038 / Double(total)).squareRoot()
        return min(1, unseenChance(kind) + width)
    }

    package func isLearned(_ kind: Class, limit: Double = 0.02) -> Bool {
        guard (items[kind]?.count ?? 0) < largest else { return false }
        return unseenChance(kind) <= limit && unseenBound(kind) <= max(limit * 10, 0.2)
    }

    /// Takes over what was learned by another replica.
    package mutating func merge(_ other: LearnedProfile) {
        for kind in Class.allCases {
            for (name, item) in other.items[kind] ?? [:] {
                var own = items[kind]?[name] ?? Item(count: 0, fileDigest: item.fileDigest)
                own.count += item.count
                items[kind, default: [:]][name] = own
            }
            totals[kind, default: 0] += other.totals[kind] ?? 0
            singles[kind] = items[kind]?.values.count { $0.count == 1 } ?? 0
        }
    }

    /// The profile another version of the image begins with: what names a file whose digest the new image has too.
    /// Things without a digest are learned again.
    package func carried(to digests: Set<String>) -> LearnedProfile {
        var out = LearnedProfile(largest: largest)
        for kind in Class.allCases {
            for (name, item) in items[kind] ?? [:] where item.fileDigest.map(digests.contains) ?? false {
                out.items[kind, default: [:]][name] = item
                out.totals[kind, default: 0] += item.count
                if item.count == 1 { out.singles[kind, default: 0] += 1 }
            }
        }
        return out
    }
}

/// What a process is called in a profile: its path, its parent's, and the shape of its arguments.
package enum ProcessShape {
    /// `/usr/bin/curl < /bin/sh: -s #URL`.
    package static func name(path: String, parent: String, arguments: [String]) -> String {
        var shapes: [String] = []
        for argument in arguments.prefix(12) {
            let shape = shape(argument)
            // A run of the same shape is one: a list of files is no news when it grows.
            if shape != shapes.last || !shape.hasPrefix("#") { shapes.append(shape) }
        }
        return "\(path) < \(parent):\(shapes.map { " " + $0 }.joined())"
    }

    /// Options stay as they are; values become what they are.
    static func shape(_ argument: String) -> String {
        if argument.hasPrefix("-") {
            guard let equals = argument.firstIndex(of: "=") else { return String(argument.prefix(32)) }
            return argument[..<equals].prefix(32) + "=" + shape(String(argument[argument.index(after: equals)...]))
        }
        let bytes = Array(argument.utf8)
        if bytes.isEmpty { return "#EMPTY" }
        if bytes.allSatisfy(ConditionLexer.isDigit) { return "#NUMBER" }
        if argument.contains("://") { return "#URL" }
        if AddressText.address(bytes) != nil { return "#ADDRESS" }
        if bytes[0] == UInt8(ascii: "/") || bytes[0] == UInt8(ascii: ".") { return "#PATH" }
        if bytes.count <= 24,
            bytes.allSatisfy({ ConditionLexer.isLetter($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") })
        {
            return argument
        }
        return "#TEXT"
    }
}
