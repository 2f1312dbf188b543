import Images

/// A small writer of archives, in the forms that readers meet.
struct TarWriter {
    enum Form: CaseIterable, Sendable { case ustar, pax, gnu }

    private(set) var bytes: [UInt8] = []
    let form: Form

    init(_ form: Form = .ustar) { self.form = form }

    mutating func add(_ member: LayerMember, _ contents: [UInt8] = []) {
        var type = UInt8(ascii: "0")
        var link = ""
        switch member.kind {
        case .file: break
        case .directory: type = UInt8(ascii: "5")
        case .symbolicLink(let target): (type, link) = (UInt8(ascii: "2"), target)
        case .hardLink(let target): (type, link) = (UInt8(ascii: "1"), target)
        case .other: type = UInt8(ascii: "6")
        }
        let name = member.path + (type == UInt8(ascii: "5") ? "/" : "")
        var records: [(String, String)] = []
        if name.utf8.count > 100 || link.utf8.count > 100 || form == .pax {
            switch form {
            case .pax, .ustar:
                records = [("path", name), ("mtime", "\(member.modified).25")]
                if !link.isEmpty { records.append(("linkpath", link)) }
            case .gnu:
                if name.utf8.count > 100 { long("L", name) }
                if link.utf8.count > 100 { long("K", link) }
            }
        }
        if !records.isEmpty { extended("x", records) }
        header(
            name: name, type: type, link: link, size: contents.count, mode: Int(member.mode), user: member.user,
            group: member.group, modified: Int(member.modified))
        body(contents)
    }

    mutating func extended(_ type: Character, _ records: [(String, String)]) {
        var body: [UInt8] = []
        for (key, value) in records {
            // The length counts its own digits.
            let rest = key.utf8.count + value.utf8.count + 3
            var length = rest + 1
            while length != rest + String(length).utf8.count { length = rest + String(length).utf8.count }
            body += Array("\(length) \(key)=\(value)\n".utf8)
        }
        header(name: "pax/\(type)", type: type.asciiValue ?? 0, size: body.count)
        self.body(body)
    }

    private mutating func long(_ type: Character, _ text: String) {
        let body = Array(text.utf8) + [0]
        header(name: "././@LongLink", type: type.asciiValue ?? 0, size: body.count)
        self.body(body)
    }

    mutating func body(_ contents: [UInt8]) {
        bytes += contents
        bytes += [UInt8](repeating: 0, count: -contents.count & 511)
    }

    mutating func header(
        name: String, type: UInt8, link: String = "", size: Int = 0, mode: Int = 0o644, user: Int = 0, group: Int = 0,
        modified: Int = 0
    ) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ start: Int, _ count: Int) {
            for (index, byte) in text.utf8.prefix(count).enumerated() { block[start + index] = byte }
        }
        func octal(_ value: Int, _ start: Int, _ count: Int) {
            let digits = String(value, radix: 8)
            if value >= 0, digits.utf8.count < count {
                put(String(repeating: "0", count: count - 1 - digits.utf8.count) + digits, start, count)
                return
            }
            for index in 0..<count {
                let shift = (count - 1 - index) * 8
                block[start + index] = shift >= 64 ? (value < 0 ? 0xFF : 0) : UInt8(truncatingIfNeeded: value >> shift)
            }
            block[start] |= 0x80
        }
        put(name, 0, 100)
        octal(mode, 100, 8)
        octal(user, 108, 8)
        octal(group, 116, 8)
        octal(size, 124, 12)
        octal(modified, 136, 12)
        block[156] = type
        put(link, 157, 100)
        put(form == .gnu ? "ustar  \0" : "ustar\u{0}00", 257, 8)
        add(block)
    }

    /// Adds a block with its checksum set.
    mutating func add(_ block: [UInt8]) {
        var block = block
        for index in 148..<156 { block[index] = 0x20 }
        let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
        for (index, byte) in (String(repeating: "0", count: 6 - sum.utf8.count) + sum).utf8.enumerated() {
            block[148 + index] = byte
        }
        block[154] = 0
        bytes += block
    }

    /// The archive with its closing blocks.
    var whole: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    /// The bytes as they are, for archives that go wrong in the middle.
    mutating func append(_ raw: [UInt8]) { bytes += raw }
}

/// Notes everything it is told.
struct Recorder: LayerVisitor {
    var members: [LayerMember] = []
    var contents: [String: [UInt8]] = [:]
    var tooLarge: [String] = []
    var wanted: MemberInterest = .contents(atMost: 1 << 20)

    func interest(in member: LayerMember) -> MemberInterest { wanted }

    mutating func take(_ member: LayerMember, contents: [UInt8]?) {
        members.append(member)
        if let contents { self.contents[member.path] = contents }
    }

    mutating func noteTooLarge(_ member: LayerMember) {
        members.append(member)
        tooLarge.append(member.path)
    }
}

/// Numbers that are the same in every run.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
