import Compression
import ContainerImages
import Images

/// Opens archives, and archives in archives, and hands over the texts that lie in them.
///
/// The kind is told by the first bytes. Everything is bounded; what a bound, damage or encryption keeps shut is told as
/// a gap, so that an archive is never passed over in silence.
package struct ArchiveReader: Sendable {
    package struct Limits: Sendable {
        /// Archives in archives.
        package var depth = 6
        /// Bytes unpacked of one file, all that is nested in it together.
        package var total = 2 << 30
        /// Bytes of the greatest member that is read.
        package var member = 256 << 20
        package var members = 200_000

        package init() {}
    }

    /// Members of a tar are handed over after so many bytes, so that they are not all in memory twice.
    private static let piece = 1 << 20

    private let limits: Limits
    private var budget = 0
    private var membersLeft = 0
    private var gaps: [SourceGap] = []

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Hands over the file itself where it is no archive; else everything in it, named `file!/member`.
    package mutating func read(_ item: SourceItem, each: (SourceItem) -> Void) -> [SourceGap] {
        guard let kind = ArchiveKind(item.bytes) else {
            each(item)
            return []
        }
        budget = limits.total
        membersLeft = limits.members
        gaps = []
        open(item, kind, depth: 0, each)
        return gaps
    }

    private mutating func open(
        _ item: SourceItem, _ kind: ArchiveKind, depth: Int, _ each: (SourceItem) -> Void
    ) {
        guard depth < limits.depth else {
            gap(item.path, "archives are nested deeper than \(limits.depth) times")
            return
        }
        switch kind {
        case .foreign(let name): gap(item.path, "a \(name), a kind that is not read")
        case .zip: zip(item, depth, each)
        case .ar: ar(item, depth, each)
        case .tar:
            var tar = TarMembers(limits.member)
            let stored = item.bytes
            for start in stride(from: 0, to: stored.count, by: Self.piece) where tar.failure == nil {
                tar.take(stored.span.extracting(start..<min(stored.count, start + Self.piece)))
                drain(&tar, item, depth, each)
            }
            end(tar, item)
        case .packed(let format): packed(item, format, depth, each)
        }
    }

    /// One member: an archive itself, or a text.
    private mutating func member(
        _ name: String, _ bytes: [UInt8], of item: SourceItem, _ depth: Int, _ each: (SourceItem) -> Void
    ) {
        guard membersLeft > 0, budget >= bytes.count else { return }
        membersLeft -= 1
        budget -= bytes.count
        let inner = SourceItem(path: "\(item.path)!/\(name)", bytes: bytes, commit: item.commit)
        if let kind = ArchiveKind(bytes) { open(inner, kind, depth: depth + 1, each) } else { each(inner) }
        if membersLeft == 0 { gap(item.path, "it holds more than \(limits.members) members") }
        if budget == 0 { gap(item.path, tooMuch) }
    }

    private var tooMuch: String { "it holds more than \(limits.total >> 20) MiB when unpacked" }

    /// Whether so many bytes more may be unpacked; told once where not.
    private mutating func affords(_ count: Int, _ path: String) -> Bool {
        guard membersLeft > 0 else { return false }
        guard budget >= count else {
            if budget > 0 { gap(path, tooMuch) }
            budget = 0
            return false
        }
        return true
    }

    private mutating func gap(_ path: String, _ reason: String) { gaps.append(SourceGap(path: path, reason: reason)) }

    // MARK: zip

    private mutating func zip(_ item: SourceItem, _ depth: Int, _ each: (SourceItem) -> Void) {
        let directory: ZipDirectory
        do throws(ZipDirectory.Failure) {
            directory = try ZipDirectory(item.bytes, limit: limits.members)
        } catch {
            gap(item.path, error.message)
            return
        }
        for entry in directory.entries where !entry.name.hasSuffix("/") {
            let path = "\(item.path)!/\(entry.name)"
            guard !entry.isEncrypted else {
                gap(path, "encrypted")
                continue
            }
            guard affords(entry.size, item.path) else { return }
            do {
                let bytes = try directory.contents(entry, limit: min(limits.member, budget))
                member(entry.name, bytes, of: item, depth, each)
            } catch {
                gap(path, Self.words(error))
            }
        }
    }

    private static func words(_ error: any Error) -> String {
        switch error {
        case let error as ZipDirectory.Failure: error.message
        case let error as CompressionError: error.message
        case let error as TarError: error.message
        default: "\(error)"
        }
    }

    // MARK: ar

    /// `!<arch>` and then, for each member, 60 bytes of header with the size as decimal digits at 48.
    ///
    /// Source: ar(5) of FreeBSD and deb(5).
    private mutating func ar(_ item: SourceItem, _ depth: Int, _ each: (SourceItem) -> Void) {
        let bytes = item.bytes
        var place = 8
        while place + 60 <= bytes.count {
            let digits = bytes[place + 48..<place + 58].prefix { (0x30...0x39).contains($0) }
            guard let size = Int(String(decoding: digits, as: UTF8.self)), place + 60 + size <= bytes.count,
                bytes[place + 58] == 0x60
            else {
                gap(item.path, "an ar archive that is damaged")
                return
            }
            let name = bytes[place..<place + 16].prefix { $0 != UInt8(ascii: "/") && $0 != 0x20 }
            let begin = place + 60
            if !name.isEmpty, affords(size, item.path) {
                let contents = Array(bytes[begin..<begin + size])
                member(String(decoding: name, as: UTF8.self), contents, of: item, depth, each)
            }
            place = begin + size + size % 2
        }
    }

    // MARK: Packed

    private mutating func packed(
        _ item: SourceItem, _ format: PackedBytes.Format, _ depth: Int, _ each: (SourceItem) -> Void
    ) {
        var head: [UInt8] = []
        var tar: TarMembers?
        var isDecided = false
        var text: [UInt8] = []
        var unpacked = 0
        let most = min(limits.member, budget)
        do {
            try PackedBytes.unpack(item.bytes, format) { piece in
                unpacked += piece.count
                guard unpacked <= budget else { throw CompressionError(code: .tooLarge, message: tooMuch) }
                if isDecided, tar == nil {
                    guard text.count + piece.count <= most else {
                        throw CompressionError(code: .tooLarge, message: "larger than \(most >> 20) MiB when unpacked")
                    }
                    piece.withUnsafeBufferPointer { text.append(contentsOf: $0) }
                } else if isDecided {
                    tar?.take(piece)
                } else {
                    piece.withUnsafeBufferPointer { head.append(contentsOf: $0) }
                    guard head.count >= 512 else { return true }
                    isDecided = true
                    if ArchiveKind.isTar(head) {
                        tar = TarMembers(limits.member)
                        tar?.take(head.span)
                    } else {
                        text = head
                    }
                }
                if tar != nil { drain(&tar, item, depth, each) }
                return tar?.failure == nil && membersLeft > 0
            }
        } catch {
            gap(item.path, Self.words(error))
            // What came out before the damage is looked at all the same.
        }
        if let tar {
            end(tar, item)
        } else {
            if !isDecided { text = head }
            guard !text.isEmpty else { return }
            member(Self.name(unpacked: item.path), text, of: item, depth, each)
        }
    }

    /// `values.yaml` of `deploy/values.yaml.gz`.
    private static func name(unpacked path: String) -> String {
        let base = path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]
        for ending in [".gz", ".zst", ".xz", ".bz2"] where base.hasSuffix(ending) && base.count > ending.count {
            return String(base.dropLast(ending.count))
        }
        return base.hasSuffix(".svgz") ? "\(base.dropLast())" : "content"
    }

    // MARK: tar

    private mutating func drain(
        _ tar: inout TarMembers?, _ item: SourceItem, _ depth: Int, _ each: (SourceItem) -> Void
    ) {
        guard var open = tar else { return }
        tar = nil
        drain(&open, item, depth, each)
        tar = open
    }

    private mutating func drain(
        _ tar: inout TarMembers, _ item: SourceItem, _ depth: Int, _ each: (SourceItem) -> Void
    ) {
        for path in tar.takeTooLarge() { gap("\(item.path)!/\(path)", "larger than \(limits.member >> 20) MiB") }
        for (path, bytes) in tar.takeMembers() {
            guard affords(bytes.count, item.path) else { return }
            member(path, bytes, of: item, depth, each)
        }
    }

    private mutating func end(_ tar: TarMembers, _ item: SourceItem) {
        if let failure = tar.finish() { gap(item.path, failure) }
    }
}

/// The files of a tar, as they stream by.
private struct TarMembers {
    private struct Visitor: LayerVisitor {
        let limit: Int
        var members: [(path: String, bytes: [UInt8])] = []
        var tooLarge: [String] = []

        mutating func interest(in member: LayerMember) -> MemberInterest {
            member.kind == .file && member.size > 0 ? .contents(atMost: limit) : .none
        }

        mutating func take(_ member: LayerMember, contents: [UInt8]?) {
            if let contents, member.kind == .file { members.append((member.path, contents)) }
        }

        mutating func noteTooLarge(_ member: LayerMember) { tooLarge.append(member.path) }
    }

    private var reader = TarReader()
    private var visitor: Visitor
    private(set) var failure: String?

    init(_ limit: Int) { visitor = Visitor(limit: limit) }

    mutating func take(_ piece: Span<UInt8>) {
        guard failure == nil else { return }
        do throws(TarError) {
            try reader.take(piece, &visitor)
        } catch {
            failure = "\(error.message) (at byte \(error.offset) of the archive)"
        }
    }

    mutating func takeMembers() -> [(path: String, bytes: [UInt8])] {
        defer { visitor.members = [] }
        return visitor.members
    }

    mutating func takeTooLarge() -> [String] {
        defer { visitor.tooLarge = [] }
        return visitor.tooLarge
    }

    /// Why not everything was read.
    func finish() -> String? {
        if let failure { return failure }
        do throws(TarError) {
            try reader.finish()
            return nil
        } catch {
            return error.message
        }
    }
}
