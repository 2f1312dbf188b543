package import Documents
import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Bytes of files, with errors that say what to do.
package enum FileBytes {
    /// The whole file; pipes and devices that the user named are read to their end.
    package static func read(_ path: String) throws(DocumentError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        defer { close(descriptor) }
        return try readAll(descriptor, path)
    }

    static func readAll(_ descriptor: Int32, _ path: String) throws(DocumentError) -> [UInt8] {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw unreadable(path, errno) }
        guard info.st_mode & S_IFMT != S_IFDIR else { throw unreadable(path, EISDIR) }
        let expected = Int(info.st_size)
        guard expected < Int(UInt32.max) else {
            throw DocumentError(.tooLarge, at: place(path), "larger than 4 GiB; no manifest is")
        }
        var failure: Int32 = 0
        // A regular file fits the first read; what has no size of its own grows block by block.
        var bytes = [UInt8](unsafeUninitializedCapacity: max(expected, 1)) { buffer, count in
            while count < expected {
                let got = Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, expected - count)
                if got < 0 { failure = errno }
                guard got > 0 else { break }
                count += got
            }
        }
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while failure == 0 {
            let got = block.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if got < 0 { failure = errno }
            guard got > 0 else { break }
            bytes += block[..<got]
            guard bytes.count < Int(UInt32.max) else {
                throw DocumentError(.tooLarge, at: place(path), "larger than 4 GiB; no manifest is")
            }
        }
        guard failure == 0 else { throw unreadable(path, failure) }
        return bytes
    }

    static func unreadable(_ path: String, _ code: Int32) -> DocumentError {
        let reason =
            switch code {
            case ENOENT where isLink(path): "a link to what is not there"
            case ENOENT: "no such file or folder\(hint(path))"
            case EACCES: "permission denied"
            case EISDIR: "is a folder"
            default: String(cString: strerror(code))
            }
        return DocumentError(.unreadable, at: place(path), reason)
    }

    private static func isLink(_ path: String) -> Bool {
        var info = stat()
        return lstat(path, &info) == 0
    }

    /// What a path that names nothing was meant to name, where its folder has something that is written nearly so.
    package static func hint(_ path: String) -> String {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        while parts.count > 1, parts.last?.isEmpty == true { parts.removeLast() }
        guard let name = parts.popLast(), !name.isEmpty else { return "" }
        let folder = parts.joined(separator: "/")
        let place = parts.isEmpty ? "." : folder.isEmpty ? "/" : folder
        let limit = max(1, min(3, name.utf8.count / 3))
        let beside = ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).sorted()
        let near = EditDistance.nearest(to: name.lowercased(), in: beside, within: limit) { $0.lowercased() }
        return near.map { "; did you mean \(parts.isEmpty ? $0 : "\(folder)/\($0)")?" } ?? ""
    }

    private static func place(_ path: String) -> SourceLocation { SourceLocation(file: path, line: 1, column: 1) }
}

enum StandardInput {
    static func read() -> [UInt8] { (try? FileBytes.readAll(0, "<stdin>")) ?? [] }
}
