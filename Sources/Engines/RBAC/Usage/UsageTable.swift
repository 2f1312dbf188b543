/// Who did what how often, in bounded memory: each different request of an identity is one short row.
///
/// What is dropped when there is too much, and by which rule:
/// - Identities beyond `identityLimit` that no binding names are put together by those of their groups that bindings
///   name: nothing else gives them rights, so that proposals stay the same (users of a single sign-on, node names).
/// - More than a number of names (or paths) of one kind of request become all names; more than a number of namespaces
///   become all of them. The number is 256, falls to 16 when half of `rowLimit` is taken and to 0 when all is.
struct UsageTable: Sendable {
    struct Row: Sendable {
        var identity: Int32
        var request: AccessRequest
        var count = 0
    }

    /// An identity with the days it was seen on, since 1970.
    struct Person: Sendable {
        var identity: Identity
        var days: Set<Int32> = []
    }

    private struct Key: Hashable {
        var identity: Int32
        var request: AccessRequest
    }

    private(set) var rows: [Row] = []
    private(set) var people: [Person] = []
    private(set) var folded = 0
    private(set) var widened: Set<Int32> = []
    private var numbers: [Key: Int32] = [:]
    private var identities: [Identity: Int32] = [:]
    private var names: [Key: Int32] = [:]
    private var places: [Key: Int32] = [:]
    private let bound: Set<Subject>?

    static let nameLimit = 256
    static let identityLimit = 20_000
    static let rowLimit = 200_000

    /// `bound`: whom bindings name; nil where that is not known.
    init(bound: Set<Subject>?) { self.bound = bound }

    private var limit: Int32 {
        rows.count < Self.rowLimit / 2 ? Int32(Self.nameLimit) : rows.count < Self.rowLimit ? 16 : 0
    }

    mutating func number(of identity: Identity) -> Int32 {
        if let known = identities[identity] { return known }
        var own = identity
        if people.count >= Self.identityLimit, !isNamed(identity) {
            let groups = bound.map { bound in
                identity.groups.filter { $0 == Identity.masters || bound.contains(Subject(.group, $0)) }
            }
            own = Identity(user: "", groups: groups ?? ["system:authenticated"])
            folded += 1
            if let known = identities[own] { return known }
        }
        let number = Int32(people.count)
        people.append(Person(identity: own))
        identities[own] = number
        return number
    }

    private func isNamed(_ identity: Identity) -> Bool {
        guard let bound else { return false }
        if bound.contains(Subject(.user, identity.user)) { return true }
        guard let account = ServiceAccountName(userName: identity.user) else { return false }
        return bound.contains(Subject(.serviceAccount, namespace: account.namespace, account.name))
    }

    /// Counts a request; gives the row it is counted in, which may stand for more than the one.
    mutating func note(_ identity: Int32, _ request: AccessRequest, day: Int32) -> Int32 {
        let row = row(identity, request)
        note(row, day: day)
        return row
    }

    /// Counts again what a row stands for.
    mutating func note(_ row: Int32, day: Int32) {
        rows[Int(row)].count += 1
        let person = Int(rows[Int(row)].identity)
        if day != people[person].days.first { people[person].days.insert(day) }
    }

    private mutating func row(_ identity: Int32, _ request: AccessRequest) -> Int32 {
        if let known = numbers[Key(identity: identity, request: request)] { return known }
        let limit = limit
        var kept = request
        var isWider = false
        let bare = request.withoutName
        let whole = Key(identity: identity, request: bare)
        // A namespace counts once for each kind of request, however many names there are in it.
        let isNewPlace = names[whole] == nil && numbers[whole] == nil
        let everywhere = bare.withoutPlace
        if everywhere != bare, isNewPlace, !Self.take(&places, Key(identity: identity, request: everywhere), limit) {
            kept = everywhere
            isWider = true
        } else if bare != request, !Self.take(&names, whole, limit) {
            kept = bare
            isWider = true
        }
        let key = Key(identity: identity, request: kept)
        let row: Int32
        if let known = numbers[key] {
            row = known
        } else {
            row = Int32(rows.count)
            rows.append(Row(identity: identity, request: kept))
            numbers[key] = row
        }
        if isWider { widened.insert(row) }
        return row
    }

    private static func take(_ counts: inout [Key: Int32], _ key: Key, _ limit: Int32) -> Bool {
        let count = counts[key] ?? 0
        guard count < limit else { return false }
        counts[key] = count + 1
        return true
    }
}

/// Days by number, so that a year of them is small: the Gregorian calendar from 1970-01-01, day 0.
enum DayNumber {
    /// Of a time as RFC 3339 writes it; nil for anything else.
    static func of(_ text: some Collection<UInt8>) -> Int32? {
        var fields: [Int32] = [0, 0, 0]
        var field = 0
        for (position, byte) in text.prefix(10).enumerated() {
            if position == 4 || position == 7 {
                guard byte == UInt8(ascii: "-") else { return nil }
                field += 1
                continue
            }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            fields[field] = fields[field] * 10 + Int32(byte - UInt8(ascii: "0"))
        }
        guard field == 2, (1...12).contains(fields[1]), (1...31).contains(fields[2]) else { return nil }
        // Years begin in March here, so that the leap day is their last.
        let year = fields[1] > 2 ? fields[0] : fields[0] - 1
        let month = (fields[1] + 9) % 12
        return year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + fields[2] - 719_469
    }

    static func text(_ number: Int32) -> String {
        var year: Int32 = 1970 + number / 366
        while first(of: year + 1) <= number { year += 1 }
        var month: Int32 = 1
        while month < 12, day(year, month + 1) <= number { month += 1 }
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(number - day(year, month) + 1, 2))"
    }

    private static func first(of year: Int32) -> Int32 { day(year, 1) }
    private static func day(_ year: Int32, _ month: Int32) -> Int32 {
        of("\(pad(year, 4))-\(pad(month, 2))-01".utf8) ?? 0
    }
    private static func pad(_ number: Int32, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
