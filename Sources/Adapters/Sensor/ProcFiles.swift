#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Small files of the kernel.
enum ProcFiles {
    static func read(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while out.count < limit {
            let count = systemRead(file, &buffer, buffer.count)
            guard count > 0 else { break }
            out += buffer[..<count]
        }
        return out
    }

    static func exists(_ path: String) -> Bool {
        var facts = stat()
        return lstat(path, &facts) == 0
    }

    static func link(_ path: String) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            let text = bytes.bindMemory(to: CChar.self)
            return text.baseAddress.map { readlink(path, $0, text.count) } ?? -1
        }
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    /// Text of zero-terminated pieces.
    static func pieces(_ bytes: [UInt8]) -> [[UInt8]] {
        var end = bytes.count
        while end > 0, bytes[end - 1] == 0 { end -= 1 }
        guard end > 0 || !bytes.isEmpty else { return [] }
        return bytes[..<end].split(separator: 0, omittingEmptySubsequences: false).map(Array.init)
    }
}

private func systemRead(_ file: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(file, buffer, count)
}

/// Files of a container, which whoever runs there may have put there.
package enum NodeFile {
    /// A regular file's bytes. A pipe in its place does not stop the reader, a link is not followed.
    package static func read(_ path: String, limit: Int) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16384)
        while out.count < limit {
            let count = systemRead(file, &buffer, min(buffer.count, limit - out.count))
            guard count > 0 else { break }
            out += buffer[..<count]
        }
        return out
    }
}
