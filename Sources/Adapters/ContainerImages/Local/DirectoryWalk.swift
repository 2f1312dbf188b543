import CFileAttributes
import Images

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Tells a visitor what a folder holds, as if it were a layer's archive.
///
/// Links are never followed and other file systems never entered, so that nothing outside is read.
struct DirectoryWalk {
    private let root: String
    private let hasOverlayMarks: Bool
    private let limits: LayerLimits

    init(_ root: String, hasOverlayMarks: Bool, limits: LayerLimits) throws(ImageError) {
        guard LocalFile.isDirectory(root) else { throw ImageError(.notFound, "\(root): is no folder") }
        self.root = root
        self.hasOverlayMarks = hasOverlayMarks
        self.limits = limits
    }

    func read<Visitor: LayerVisitor>(
        _ layer: ImageLayer, _ visitor: Visitor
    ) throws(ImageError) -> (reading: LayerReading, visitor: Visitor) {
        var state = State(visitor: visitor)
        let descriptor = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ImageError(.damaged, "\(root): \(String(cString: strerror(errno)))") }
        var info = stat()
        fstat(descriptor, &info)
        state.device = UInt64(info.st_dev)
        walk(descriptor, "", depth: 0, &state)
        var notes: [ImageNote] = []
        if state.isCut {
            notes.append(
                ImageNote(.incomplete, "layer-too-large", "\(root) holds more than \(limits.members) files"))
        }
        if !state.unreadable.isEmpty {
            let some = state.unreadable.prefix(3).joined(separator: ", ")
            notes.append(
                ImageNote(
                    .incomplete, "unreadable-files", "\(state.unreadableCount) files cannot be read: \(some)"))
        }
        if !state.otherDevices.isEmpty {
            notes.append(
                ImageNote(
                    .remark, "other-file-systems",
                    "other file systems were not entered: \(state.otherDevices.sorted().prefix(8).joined(separator: ", "))"
                ))
        }
        // A folder has no archive whose digest there could be.
        let digest = layer.diffID ?? BlobHash.digest([])
        let reading = LayerReading(
            digest: digest, size: 0, diffID: digest, unpackedSize: state.bytes, members: state.members, notes: notes)
        return (reading, state.visitor)
    }

    private struct State<Visitor: LayerVisitor> {
        var visitor: Visitor
        var device: UInt64 = 0
        var members = 0
        var bytes = 0
        var isCut = false
        var unreadable: [String] = []
        var unreadableCount = 0
        var otherDevices: Set<String> = []

        mutating func refuse(_ path: String) {
            unreadableCount += 1
            if unreadable.count < 5 { unreadable.append(path) }
        }
    }

    /// Takes over the descriptor.
    private func walk<Visitor>(_ descriptor: CInt, _ path: String, depth: Int, _ state: inout State<Visitor>) {
        guard let folder = fdopendir(descriptor) else {
            close(descriptor)
            return state.refuse(path)
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        names.sort()
        for name in names {
            guard !state.isCut else { return }
            visit(name, in: dirfd(folder), path.isEmpty ? name : "\(path)/\(name)", depth: depth, &state)
        }
    }

    private func visit<Visitor>(
        _ name: String, in folder: CInt, _ path: String, depth: Int, _ state: inout State<Visitor>
    ) {
        var info = stat()
        guard fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 else { return state.refuse(path) }
        state.members += 1
        guard state.members <= limits.members else {
            state.isCut = true
            return
        }
        func member(_ kind: LayerMember.Kind, path: String = path, size: Int = 0) -> LayerMember {
            LayerMember(
                path: path, kind: kind, mode: UInt16(info.st_mode & 0o7777), size: size, user: Int(info.st_uid),
                group: Int(info.st_gid), modified: Int64(info.st_mtim.tv_sec))
        }
        switch info.st_mode & S_IFMT {
        case S_IFDIR:
            guard UInt64(info.st_dev) == state.device else {
                state.otherDevices.insert(path)
                return
            }
            state.visitor.take(member(.directory), contents: nil)
            let descriptor = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0, depth < 512 else {
                if descriptor >= 0 { close(descriptor) }
                return state.refuse(path)
            }
            if hasOverlayMarks, Self.isOpaque(descriptor) {
                state.visitor.take(member(.file, path: "\(path)/.wh..wh..opq"), contents: nil)
            }
            walk(descriptor, path, depth: depth + 1, &state)
        case S_IFREG:
            read(member(.file, size: Int(info.st_size)), name, folder, &state)
        case S_IFLNK:
            var buffer = [CChar](repeating: 0, count: 4097)
            let count = readlinkat(folder, name, &buffer, 4096)
            guard count >= 0 else { return state.refuse(path) }
            let target = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            state.visitor.take(member(.symbolicLink(to: target)), contents: nil)
        case S_IFCHR where hasOverlayMarks && info.st_rdev == 0:
            // What a layer removes is a device 0/0 in overlayfs.
            let parent = path.dropLast(name.count)
            state.visitor.take(member(.file, path: "\(parent).wh.\(name)"), contents: nil)
        default:
            state.visitor.take(member(.other), contents: nil)
        }
    }

    private static func isOpaque(_ descriptor: CInt) -> Bool {
        for name in ["trusted.overlay.opaque", "user.overlay.opaque"] {
            var value: UInt8 = 0
            if fgetxattr(descriptor, name, &value, 1) == 1, value == UInt8(ascii: "y") { return true }
        }
        return false
    }

    private func read<Visitor>(_ member: LayerMember, _ name: String, _ folder: CInt, _ state: inout State<Visitor>) {
        let interest = state.visitor.interest(in: member)
        state.bytes += member.size
        var contents = MemberContents(
            interest, size: member.size, map: nil, hashes: state.visitor.wantsDigest(of: member))
        if !contents.isSkipping {
            // A name may have become a fifo since it was looked at; opening one must not wait.
            let descriptor = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard descriptor >= 0 else {
                state.refuse(member.path)
                return
            }
            let file = LocalFile(descriptor: descriptor, path: member.path, size: member.size)
            do throws(ImageError) {
                try file.read { piece in
                    contents.take(piece)
                    return !contents.isSkipping
                }
            } catch {
                state.refuse(member.path)
                return
            }
        }
        let digest = contents.digest
        let result = contents.finish()
        if result.isTooLarge {
            state.visitor.noteTooLarge(member)
        } else {
            state.visitor.take(member, contents: result.contents, digest: digest)
        }
    }
}

/// A root file system in a folder: one layer, no configuration.
package struct DirectorySource: ImageSource {
    package let path: String

    package init(_ path: String) { self.path = path }

    package func resolve(platform: Platform?) async throws(ImageError) -> ResolvedImage {
        guard LocalFile.isDirectory(path) else { throw ImageError(.notFound, "\(path): is no folder") }
        return ResolvedImage(
            name: path, configuration: ImageConfiguration(),
            layers: [ImageLayer(place: .directory(path, hasOverlayMarks: false), diffID: nil)])
    }

    package func stream(_ blob: Descriptor, _ sink: (Span<UInt8>) -> Bool) async throws(ImageError) {
        throw ImageError(.unsupported, "\(path) is a folder and holds no blobs")
    }
}
