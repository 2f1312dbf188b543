/// Opens an archive in memory. Engines read no archives themselves; whoever runs them may.
package struct ArchiveOpener: Sendable {
    package struct Contents: Sendable {
        package var members: [(name: String, bytes: [UInt8])]
        /// What of it was not read, and why.
        package var gaps: [String]

        package init(members: [(name: String, bytes: [UInt8])], gaps: [String]) {
            self.members = members
            self.gaps = gaps
        }
    }

    /// Gives what is in the archive of this name.
    package let open: @Sendable (_ name: String, _ bytes: [UInt8]) -> Contents

    package init(_ open: @escaping @Sendable (_ name: String, _ bytes: [UInt8]) -> Contents) { self.open = open }

    /// Kinds that hold texts nobody sees from outside: zip, xz, bzip2, Zstandard, 7z, RAR, and a tar, told by its mark.
    /// Gzip is none of them: ``LayerScanner`` reads it.
    static func isArchive(_ bytes: [UInt8]) -> Bool {
        let marks: [[UInt8]] = [
            [0x50, 0x4B, 0x03, 0x04], [0xFD, 0x37, 0x7A, 0x58, 0x5A], [0x42, 0x5A, 0x68], [0x28, 0xB5, 0x2F, 0xFD],
            [0x37, 0x7A, 0xBC, 0xAF], [0x52, 0x61, 0x72, 0x21],
        ]
        if marks.contains(where: { bytes.starts(with: $0) }) { return true }
        return bytes.count > 512 && bytes[257..<262].elementsEqual("ustar".utf8)
    }
}
