/// What decides about a plain request of an audit log, found without reading the whole event.
///
/// Most of a log is the same few requests of the same few programs. A glance finds the places of what tells them apart;
/// it takes nothing whose strings, brackets and members do not close, and gives up on whatever is unusual, which is
/// then read as a whole.
struct AuditGlance {
    private(set) var verb = 0..<0
    private(set) var uri = 0..<0
    private(set) var user = 0..<0
    private(set) var groups = 0..<0
    private(set) var time = 0..<0
    private var stage = 0..<0
    private var code = 0..<0
    private var decision = 0..<0
    private var hasObject = false

    /// Nil for what is not plain: refused, impersonated, of another stage, about rights or questions about them.
    init?(_ bytes: Span<UInt8>) {
        var scan = EventScan()
        guard scan.open(bytes, UInt8(ascii: "{")) else { return nil }
        while let key = scan.key(bytes) {
            switch key.count {
            case 4 where EventScan.equal(bytes, key, Word.verb): verb = scan.string(bytes)
            case 4 where EventScan.equal(bytes, key, Word.user): person(bytes, &scan)
            case 5 where EventScan.equal(bytes, key, Word.stage): stage = scan.string(bytes)
            case 5 where EventScan.equal(bytes, key, Word.items): return nil
            case 9 where EventScan.equal(bytes, key, Word.objectRef):
                hasObject = scan.isAt(bytes, UInt8(ascii: "{"))
                scan.skip(bytes)
            case 10 where EventScan.equal(bytes, key, Word.requestURI): uri = scan.string(bytes)
            case 11 where EventScan.equal(bytes, key, Word.annotations): decision = notes(bytes, &scan)
            case 14 where EventScan.equal(bytes, key, Word.responseStatus): code = status(bytes, &scan)
            case 16 where EventScan.equal(bytes, key, Word.impersonatedUser): return nil
            case 24 where EventScan.equal(bytes, key, Word.requestReceivedTimestamp): time = scan.string(bytes)
            default: scan.skip(bytes)
            }
        }
        guard scan.isWhole(bytes), isPlain(bytes) else { return nil }
    }

    private mutating func person(_ bytes: Span<UInt8>, _ scan: inout EventScan) {
        guard scan.open(bytes, UInt8(ascii: "{")) else { return }
        while let key = scan.key(bytes) {
            let isName = EventScan.equal(bytes, key, Word.username)
            let isGroups = EventScan.equal(bytes, key, Word.groups)
            let value = scan.skip(bytes)
            if isName { user = value }
            if isGroups { groups = value }
        }
    }

    private func status(_ bytes: Span<UInt8>, _ scan: inout EventScan) -> Range<Int> {
        member(Word.code, bytes, &scan)
    }
    private func notes(_ bytes: Span<UInt8>, _ scan: inout EventScan) -> Range<Int> {
        member(Word.decision, bytes, &scan)
    }

    private func member(_ name: [UInt8], _ bytes: Span<UInt8>, _ scan: inout EventScan) -> Range<Int> {
        var found = 0..<0
        guard scan.open(bytes, UInt8(ascii: "{")) else { return found }
        while let key = scan.key(bytes) {
            let isWanted = EventScan.equal(bytes, key, name)
            let value = scan.skip(bytes)
            if isWanted { found = value }
        }
        return found
    }

    private func isPlain(_ bytes: Span<UInt8>) -> Bool {
        guard hasObject, !uri.isEmpty, user.count > 2, time.count >= 20,
            EventScan.equal(bytes, stage, Word.complete),
            EventScan.equal(bytes, code, Word.ok) || EventScan.equal(bytes, code, Word.made),
            decision.isEmpty || EventScan.equal(bytes, decision, Word.allowed)
        else { return false }
        if EventScan.equal(bytes, verb, Word.read) || EventScan.equal(bytes, verb, Word.listed)
            || EventScan.equal(bytes, verb, Word.watched) || EventScan.equal(bytes, verb, Word.deleted)
        {
            return true
        }
        // What writes needs more where it made the object, and where rights are what it is about.
        guard
            EventScan.equal(bytes, verb, Word.created)
                || EventScan.equal(bytes, code, Word.ok)
                    && (EventScan.equal(bytes, verb, Word.updated) || EventScan.equal(bytes, verb, Word.patched))
        else {
            return false
        }
        return !EventScan.contains(bytes, uri, Word.authorization)
    }

    /// Whether an escape has to be read before the words mean what they say.
    func hasEscapes(_ bytes: Span<UInt8>) -> Bool {
        for range in [verb, uri, user, groups] {
            for position in range where bytes[position] == UInt8(ascii: "\\") { return true }
        }
        return bytes[user.lowerBound] != UInt8(ascii: "\"")
    }

    func identity(_ line: [UInt8]) -> Identity {
        var names: [String] = []
        var start: Int?
        for position in groups where line[position] == UInt8(ascii: "\"") {
            if let from = start { names.append(Self.text(line, from..<position)) }
            start = start == nil ? position + 1 : nil
        }
        return Identity(user: Self.text(line, user.lowerBound + 1..<user.upperBound - 1), groups: names)
    }

    func request(_ line: [UInt8]) -> AccessRequest {
        AuditUsage.request(Self.text(line, verb), Self.text(line, uri), hasObject: true)
    }

    private static func text(_ line: [UInt8], _ range: Range<Int>) -> String {
        String(decoding: line[range], as: UTF8.self)
    }
}

/// What was made of bytes the last time they stood in a line: two ranges that together tell a thing.
///
/// A look is a hash and a comparison; nothing is decoded. When it is full it is emptied, so that it stays small.
struct GlanceMemory<Value: Sendable>: Sendable {
    private var entries: [UInt64: (key: [UInt8], split: Int, value: Value)] = [:]
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func value(_ bytes: Span<UInt8>, _ first: Range<Int>, _ second: Range<Int>, _ hash: UInt64) -> Value? {
        guard let found = entries[hash], found.split == first.count, found.key.count == first.count + second.count
        else { return nil }
        let own = found.key.span
        var at = 0
        for position in first {
            guard own[at] == bytes[position] else { return nil }
            at += 1
        }
        for position in second {
            guard own[at] == bytes[position] else { return nil }
            at += 1
        }
        return found.value
    }

    mutating func keep(
        _ value: Value, _ bytes: Span<UInt8>, _ first: Range<Int>, _ second: Range<Int>, _ hash: UInt64
    ) {
        if entries.count >= limit { entries.removeAll(keepingCapacity: true) }
        var key: [UInt8] = []
        key.reserveCapacity(first.count + second.count)
        for position in first { key.append(bytes[position]) }
        for position in second { key.append(bytes[position]) }
        entries[hash] = (key, first.count, value)
    }

    /// FNV-1a over eight bytes at a time, with a turn in between.
    static func hash(_ bytes: Span<UInt8>, _ first: Range<Int>, _ second: Range<Int>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for range in [first, second] {
            var position = range.lowerBound
            while position + 8 <= range.upperBound {
                var word: UInt64 = 0
                for offset in 0..<8 { word |= UInt64(bytes[position + offset]) << UInt64(8 * offset) }
                hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
                hash ^= hash >> 32
                position += 8
            }
            while position < range.upperBound {
                hash = (hash ^ UInt64(bytes[position])) &* 0x100_0000_01B3
                position += 1
            }
            hash = hash &* 0x100_0000_01B3 ^ (hash >> 29)
        }
        return hash
    }
}

/// Goes through the members of a JSON object without taking them in (RFC 8259). Broken text ends every loop.
struct EventScan {
    private(set) var position = 0
    private var depth = 0
    private var isFirst = true
    private var isBroken = false

    /// Whether everything closed and nothing but space follows.
    mutating func isWhole(_ bytes: Span<UInt8>) -> Bool {
        space(bytes)
        return !isBroken && depth == 0 && position == bytes.count
    }

    mutating func isAt(_ bytes: Span<UInt8>, _ byte: UInt8) -> Bool {
        space(bytes)
        return position < bytes.count && bytes[position] == byte
    }

    /// Goes into an object; skips what is none.
    mutating func open(_ bytes: Span<UInt8>, _ byte: UInt8) -> Bool {
        guard isAt(bytes, byte) else {
            skip(bytes)
            return false
        }
        position += 1
        depth += 1
        isFirst = true
        return true
    }

    /// The next key of the object, which is left when there is none.
    mutating func key(_ bytes: Span<UInt8>) -> Range<Int>? {
        guard !isBroken else { return nil }
        if isAt(bytes, UInt8(ascii: "}")) {
            position += 1
            depth -= 1
            isFirst = false
            return nil
        }
        if !isFirst {
            guard isAt(bytes, UInt8(ascii: ",")) else { return fail() }
            position += 1
        }
        isFirst = false
        guard isAt(bytes, UInt8(ascii: "\"")) else { return fail() }
        let key = string(bytes)
        guard isAt(bytes, UInt8(ascii: ":")) else { return fail() }
        position += 1
        return key
    }

    private mutating func fail() -> Range<Int>? {
        isBroken = true
        return nil
    }

    /// The inside of a string as it is written; nothing for another value.
    mutating func string(_ bytes: Span<UInt8>) -> Range<Int> {
        guard isAt(bytes, UInt8(ascii: "\"")) else {
            skip(bytes)
            return 0..<0
        }
        let start = position + 1
        var at = start
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
            at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard at < bytes.count else {
            isBroken = true
            position = bytes.count
            return 0..<0
        }
        position = at + 1
        return start..<at
    }

    /// Goes past a value, and gives where it stands.
    @discardableResult
    mutating func skip(_ bytes: Span<UInt8>) -> Range<Int> {
        space(bytes)
        let start = position
        var open = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""): _ = string(bytes)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                open += 1
                position += 1
                continue
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard open > 0 else { return end(start) }
                open -= 1
                position += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0A, 0x0D:
                guard open > 0 else { return end(start) }
                position += 1
                continue
            default: word(bytes)
            }
            if open == 0 { return start..<position }
        }
        isBroken = true
        return 0..<0
    }

    private mutating func end(_ start: Int) -> Range<Int> {
        if start == position { isBroken = true }
        return start..<position
    }

    /// A number, true, false or null.
    private mutating func word(_ bytes: Span<UInt8>) {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "E"):
                position += 1
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x09, 0x0A, 0x0D: return
            default:
                isBroken = true
                position = bytes.count
            }
        }
    }

    private mutating func space(_ bytes: Span<UInt8>) {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    static func equal(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: [UInt8]) -> Bool {
        guard range.count == text.count else { return false }
        for index in text.indices where text[index] != bytes[range.lowerBound + index] { return false }
        return true
    }

    static func contains(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: [UInt8]) -> Bool {
        guard range.count >= text.count else { return false }
        for start in range.lowerBound...(range.upperBound - text.count)
        where equal(bytes, start..<start + text.count, text) { return true }
        return false
    }
}

/// The words of an audit event that are looked for.
private enum Word {
    static let verb = Array("verb".utf8)
    static let user = Array("user".utf8)
    static let stage = Array("stage".utf8)
    static let items = Array("items".utf8)
    static let objectRef = Array("objectRef".utf8)
    static let requestURI = Array("requestURI".utf8)
    static let annotations = Array("annotations".utf8)
    static let responseStatus = Array("responseStatus".utf8)
    static let impersonatedUser = Array("impersonatedUser".utf8)
    static let requestReceivedTimestamp = Array("requestReceivedTimestamp".utf8)
    static let username = Array("username".utf8)
    static let groups = Array("groups".utf8)
    static let complete = Array("ResponseComplete".utf8)
    static let ok = Array("200".utf8)
    static let made = Array("201".utf8)
    static let allowed = Array("\"allow\"".utf8)
    static let read = Array("get".utf8)
    static let listed = Array("list".utf8)
    static let watched = Array("watch".utf8)
    static let deleted = Array("delete".utf8)
    static let created = Array("create".utf8)
    static let updated = Array("update".utf8)
    static let patched = Array("patch".utf8)
    static let authorization = Array("authorization.k8s.io".utf8)
    static let code = Array("code".utf8)
    static let decision = Array("authorization.k8s.io/decision".utf8)
}
