import Compression

/// What an archive is, by its first bytes and never by its name.
enum ArchiveKind: Sendable, Equatable {
    case zip
    case tar
    /// Debian's packages and static libraries.
    case ar
    /// One text, packed; often a tar.
    case packed(PackedBytes.Format)
    /// A kind that is known and not read.
    case foreign(String)

    private static let foreign: [(mark: [UInt8], name: String)] = [
        ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "7z archive"),
        (Array("Rar!".utf8) + [0x1A, 0x07], "RAR archive"),
        ([0xED, 0xAB, 0xEE, 0xDB], "RPM package"),
        (Array("MSCF".utf8) + [0, 0, 0, 0], "cabinet"),
        (Array("070701".utf8), "cpio archive"), (Array("070702".utf8), "cpio archive"),
        (Array("070707".utf8), "cpio archive"),
        ([0x04, 0x22, 0x4D, 0x18], "file packed with LZ4"),
        (Array("LZIP".utf8) + [0x01], "file packed with lzip"),
        ([0x1F, 0x9D], "file packed with compress"),
        (Array("xar!".utf8), "xar archive"),
        ([0x89] + Array("LZO".utf8) + [0x00, 0x0D], "file packed with lzop"),
    ]

    /// nil for what is no archive.
    init?(_ bytes: [UInt8]) {
        if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) || bytes.starts(with: [0x50, 0x4B, 0x05, 0x06]) {
            self = .zip
        } else if let format = PackedBytes.Format(bytes) {
            self = .packed(format)
        } else if bytes.starts(with: Array("!<arch>\n".utf8)) {
            self = .ar
        } else if Self.isTar(bytes) {
            self = .tar
        } else if let other = Self.foreign.first(where: { bytes.starts(with: $0.mark) }) {
            self = .foreign(other.name)
        } else {
            return nil
        }
    }

    /// Whether the first block is a header whose checksum holds: all forms of tar have it.
    ///
    /// Source: POSIX.1-2017, pax, "ustar Interchange Format": the sum of the block's bytes, its own field as blanks.
    static func isTar(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 512, bytes[0] != 0 else { return false }
        var written = 0
        var digits = 0
        for byte in bytes[148..<156] {
            if byte == 0x20 || byte == 0 {
                if digits > 0 { break }
                continue
            }
            guard (0x30...0x37).contains(byte) else { return false }
            written = written << 3 | Int(byte - 0x30)
            digits += 1
        }
        guard digits > 0 else { return false }
        var sum = 8 * 0x20
        for (index, byte) in bytes[..<512].enumerated() where !(148..<156).contains(index) { sum += Int(byte) }
        return sum == written
    }
}
