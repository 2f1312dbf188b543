import ContainerImages
import Images

/// What must hold for every layer: it is read to its end or refused, in pieces of any length alike, no path leaves the
/// root, and nothing longer than was asked for is handed over.
enum ArchiveTarget {
    struct Watcher: LayerVisitor {
        var count = 0
        var bytes = 0
        static let limit = 4096

        func interest(in member: LayerMember) -> MemberInterest {
            switch member.size % 4 {
            case 0: .contents(atMost: Self.limit)
            case 1: .contentsBeginning(with: [[0x7F], [0, 0]], atMost: Self.limit)
            case 2: .digest
            default: .none
            }
        }

        mutating func take(_ member: LayerMember, contents: [UInt8]?) {
            count += 1
            precondition(!member.path.hasPrefix("/") && !member.path.hasSuffix("/"), "a path is below the root")
            for part in member.path.split(separator: "/", omittingEmptySubsequences: false) {
                precondition(part != "..", "a path leads down only")
            }
            precondition((contents?.count ?? 0) <= max(32, Self.limit), "no more than was asked for")
            bytes += contents?.count ?? 0
        }

        mutating func noteTooLarge(_ member: LayerMember) { count += 1 }
    }

    static func run(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        if first & 1 == 0 {
            var whole = Watcher()
            var pieces = Watcher()
            let sound = (try? TarReader.read(rest, &whole)) != nil
            let again = inPieces(rest, Int(first >> 1) + 1, &pieces)
            precondition(sound == again, "pieces make no difference")
            precondition(whole.count == pieces.count && whole.bytes == pieces.bytes, "and tell the same")
        } else {
            var limits = LayerLimits()
            limits.unpacked = 1 << 22
            var stream = LayerStream(Watcher(), limits: limits)
            stream.take(rest.span)
            let reading = stream.finish().reading
            precondition(reading.unpackedSize <= limits.unpacked + 1 << 17, "bounds hold")
        }
    }

    private static func inPieces(_ bytes: [UInt8], _ length: Int, _ watcher: inout Watcher) -> Bool {
        var reader = TarReader()
        do throws(TarError) {
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + length)
                try reader.take(bytes.span.extracting(start..<end), &watcher)
                start = end
            }
            try reader.finish()
            return true
        } catch {
            return false
        }
    }
}

/// What libFuzzer calls with each text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    ArchiveTarget.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}
