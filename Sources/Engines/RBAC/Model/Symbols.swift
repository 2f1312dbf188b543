/// Texts by number, so that rules and requests compare by integers.
struct Symbols: Sendable {
    private var numbers: [String: Int32] = [:]
    private(set) var texts: [String] = []

    /// `*`, always the first.
    static let star: Int32 = 0
    /// The number of a text nobody wrote: equal to none.
    static let unknown: Int32 = -1

    init() { _ = intern("*") }

    mutating func intern(_ text: String) -> Int32 {
        if let number = numbers[text] { return number }
        let number = Int32(texts.count)
        numbers[text] = number
        texts.append(text)
        return number
    }

    func find(_ text: String) -> Int32 { numbers[text] ?? Self.unknown }
    subscript(_ number: Int32) -> String { texts[Int(number)] }
}

/// Rules by number: each different one is kept once, its words in one flat list.
struct RuleStore: Sendable {
    struct Entry: Sendable {
        var start: UInt32
        var verbs: UInt32
        var groups: UInt32
        var resources: UInt32
        var names: UInt32
        var urls: UInt32
    }

    private(set) var entries: [Entry] = []
    private(set) var words: [Int32] = []
    private var numbers: [[Int32]: Int32] = [:]
    /// Between the lists of a rule in a key of `numbers`.
    private static let separator: Int32 = -2

    mutating func intern(_ rule: PolicyRule, _ symbols: inout Symbols) -> Int32 {
        var key: [Int32] = []
        key.reserveCapacity(rule.verbs.count + rule.apiGroups.count + rule.resources.count + 8)
        for list in [rule.verbs, rule.apiGroups, rule.resources, rule.resourceNames, rule.nonResourceURLs] {
            for word in list { key.append(symbols.intern(word)) }
            key.append(Self.separator)
        }
        if let number = numbers[key] { return number }
        let number = Int32(entries.count)
        numbers[key] = number
        entries.append(
            Entry(
                start: UInt32(words.count), verbs: UInt32(rule.verbs.count), groups: UInt32(rule.apiGroups.count),
                resources: UInt32(rule.resources.count), names: UInt32(rule.resourceNames.count),
                urls: UInt32(rule.nonResourceURLs.count)))
        for word in key where word != Self.separator { words.append(word) }
        return number
    }

    /// The rule as it was read.
    func rule(_ number: Int32, _ symbols: Symbols) -> PolicyRule {
        let entry = entries[Int(number)]
        var position = Int(entry.start)
        func list(_ count: UInt32) -> [String] {
            defer { position += Int(count) }
            return words[position..<position + Int(count)].map { symbols[$0] }
        }
        return PolicyRule(
            verbs: list(entry.verbs), apiGroups: list(entry.groups), resources: list(entry.resources),
            resourceNames: list(entry.names), nonResourceURLs: list(entry.urls))
    }

    /// The resources a rule names.
    func resources(of number: Int32) -> ArraySlice<Int32> {
        let entry = entries[Int(number)]
        let start = Int(entry.start + entry.verbs + entry.groups)
        return words[start..<start + Int(entry.resources)]
    }

    func hasURLs(_ number: Int32) -> Bool { entries[Int(number)].urls > 0 }

    /// Whether a rule allows a request: `PolicyRule.allows` in numbers.
    static func allows(
        _ entry: Entry, _ words: borrowing Span<Int32>, _ symbols: borrowing Symbols, _ request: NumberedRequest
    ) -> Bool {
        var position = Int(entry.start)
        guard has(words, position, entry.verbs, request.verb) else { return false }
        position += Int(entry.verbs)
        if let path = request.path {
            position += Int(entry.groups + entry.resources + entry.names)
            for index in position..<position + Int(entry.urls)
            where PolicyRule.urlCovers(symbols[words[index]], path) {
                return true
            }
            return false
        }
        guard has(words, position, entry.groups, request.group) else { return false }
        position += Int(entry.groups)
        var found = false
        for index in position..<position + Int(entry.resources) {
            let word = words[index]
            if word == Symbols.star || word == request.resource || word == request.anySubresource {
                found = true
                break
            }
        }
        guard found else { return false }
        guard entry.names > 0 else { return true }
        position += Int(entry.resources)
        for index in position..<position + Int(entry.names) where words[index] == request.name { return true }
        return false
    }

    private static func has(_ words: borrowing Span<Int32>, _ start: Int, _ count: UInt32, _ wanted: Int32) -> Bool {
        for index in start..<start + Int(count) where words[index] == Symbols.star || words[index] == wanted {
            return true
        }
        return false
    }
}

/// A request in the numbers of one model. Words nobody wrote are `unknown` and match stars only.
struct NumberedRequest {
    var verb: Int32
    var group: Int32
    /// Resource and subresource together.
    var resource: Int32
    /// `*/sub`, or -3 without a subresource, which equals nothing.
    var anySubresource: Int32
    var name: Int32
    var namespace: Int32?
    var path: String?

    init(_ request: AccessRequest, _ symbols: Symbols) {
        verb = Self.only(symbols.find(request.verb))
        switch request.target {
        case .path(let path):
            self.path = path
            (group, resource, anySubresource, name) = (-3, -3, -3, -3)
        case .resource(let target):
            group = Self.only(symbols.find(target.group))
            resource = Self.only(symbols.find(target.combined))
            anySubresource =
                target.subresource.isEmpty ? -3 : Self.only(symbols.find("*/\(target.subresource)"))
            name = Self.only(symbols.find(target.name))
            namespace = target.namespace.isEmpty ? nil : symbols.find(target.namespace)
        }
    }

    private static func only(_ number: Int32) -> Int32 { number == Symbols.unknown ? -3 : number }
}
