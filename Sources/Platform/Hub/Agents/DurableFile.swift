import Store

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Files that are whole after a power cut: appended to and replaced with the disk's word for it.
enum DurableFile {
    static func failure(_ path: String) -> StoreError {
        let code = errno
        let reason = String(cString: strerror(code))
        return StoreError(code == ENOSPC || code == EDQUOT ? .full : .unavailable, "\(path): \(reason)")
    }

    /// The bytes of a file; nil when it is not there.
    static func read(_ path: String) throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw failure(path) }
            return nil
        }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw failure(path) }
        return try read(descriptor, from: 0, count: Int(info.st_size), path)
    }

    static func read(_ descriptor: Int32, from offset: Int, count: Int, _ path: String) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            // The pointer stays within the closure; the count is what is left of the array.
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress?.advanced(by: done), count - done, off_t(offset + done))
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else {
                if got == 0 { return Array(bytes.prefix(done)) }
                throw failure(path)
            }
            done += got
        }
        return bytes
    }

    static func write(_ descriptor: Int32, _ bytes: [UInt8], at offset: Int, _ path: String) throws {
        var done = 0
        while done < bytes.count {
            let put = bytes.withUnsafeBytes { buffer in
                pwrite(descriptor, buffer.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset + done))
            }
            if put < 0, errno == EINTR { continue }
            guard put > 0 else { throw failure(path) }
            done += put
        }
    }

    /// Puts a file in place in one step; nobody but its user may read it.
    static func replace(_ path: String, with bytes: [UInt8]) throws {
        let temporary = "\(path).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(temporary) }
        do {
            defer { close(descriptor) }
            try write(descriptor, bytes, at: 0, temporary)
            guard fsync(descriptor) == 0 else { throw failure(temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else { throw failure(path) }
        // The name is durable when its folder is.
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let handle = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if handle >= 0 {
            fsync(handle)
            close(handle)
        }
    }
}
