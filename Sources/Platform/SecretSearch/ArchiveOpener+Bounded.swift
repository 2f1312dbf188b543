package import Secrets
import SourceTrees

extension ArchiveOpener {
    /// Opens what ``ArchiveReader`` opens, archives in archives to its depth, and tells what of it stayed shut.
    package static let bounded = ArchiveOpener { name, bytes in
        var archives = ArchiveReader()
        var members: [(name: String, bytes: [UInt8])] = []
        let gaps = archives.read(SourceItem(path: name, bytes: bytes)) { members.append(($0.path, $0.bytes)) }
        return Contents(members: members, gaps: gaps.map { "\($0.path): \($0.reason)" })
    }
}
