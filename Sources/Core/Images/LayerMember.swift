/// One entry of an image layer's archive, as the OCI Image Layer Specification names it.
package struct LayerMember: Sendable, Hashable {
    /// What the entry makes at its path.
    package enum Kind: Sendable, Hashable {
        case file
        case directory
        /// The target as it stands in the archive, not resolved.
        case symbolicLink(to: String)
        /// The path of an earlier entry, cleaned as `path` is.
        case hardLink(to: String)
        /// A device, a fifo, or a kind this reader does not know.
        case other
    }

    /// The path below the image's root: no leading slash, no `.` and no `..` in it.
    package let path: String
    package let kind: Kind
    /// Permission bits with setuid, setgid and sticky: 0o7777.
    package let mode: UInt16
    /// The length of the contents in bytes; of a sparse file, its length once unfolded.
    package let size: Int
    package let user: Int
    package let group: Int
    /// Seconds since 1970.
    package let modified: Int64

    package init(
        path: String, kind: Kind, mode: UInt16 = 0o644, size: Int = 0, user: Int = 0, group: Int = 0,
        modified: Int64 = 0
    ) {
        self.path = path
        self.kind = kind
        self.mode = mode
        self.size = size
        self.user = user
        self.group = group
        self.modified = modified
    }

    /// The last part of the path.
    package var name: Substring { path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...] }

    /// Whether any of the execute bits is set.
    package var isExecutable: Bool { mode & 0o111 != 0 }
}

/// How much of a member somebody wants to see while a layer streams by.
package enum MemberInterest: Sendable, Hashable {
    case none
    /// The contents, if they are no longer than that; a longer member is told as too large, never cut.
    case contents(atMost: Int)
    /// The contents if they begin with one of these bytes (an ELF header, a zip's), else nothing.
    case contentsBeginning(with: [[UInt8]], atMost: Int)
    /// Only the SHA-256 of the contents.
    case digest
}
