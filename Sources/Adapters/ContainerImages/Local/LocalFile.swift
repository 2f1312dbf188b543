#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file that is read by parts; closed when nobody needs it any more.
final class LocalFile: Sendable {
    let path: String
    let size: Int
    private let descriptor: CInt

    init(_ path: String) throws(ImageError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ImageError(errno == ENOENT ? .notFound : .damaged, "\(path): \(String(cString: strerror(errno)))")
        }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else {
            close(descriptor)
            throw ImageError(.damaged, "\(path): \(String(cString: strerror(errno)))")
        }
        guard info.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw ImageError(.unsupported, "\(path): is no file")
        }
        size = Int(info.st_size)
    }

    /// Takes over an open file.
    init(descriptor: CInt, path: String, size: Int) {
        self.descriptor = descriptor
        self.path = path
        self.size = size
    }

    deinit { close(descriptor) }

    /// Hands over the bytes piece by piece until `sink` has enough.
    func read(offset: Int = 0, count: Int? = nil, _ sink: (Span<UInt8>) -> Bool) throws(ImageError) {
        var position = offset
        let end = min(size, count.map { offset + $0 } ?? size)
        var buffer = [UInt8](repeating: 0, count: min(1 << 18, max(1, end - position)))
        while position < end {
            let wanted = min(buffer.count, end - position)
            let got = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, wanted, off_t(position)) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw ImageError(.damaged, "\(path): \(String(cString: strerror(errno)))") }
            // The file became shorter meanwhile.
            guard got > 0 else { return }
            position += got
            guard sink(buffer.span.extracting(0..<got)) else { return }
        }
    }

    func bytes(offset: Int = 0, count: Int) throws(ImageError) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(min(count, size))
        try read(offset: offset, count: count) { piece in
            piece.withUnsafeBufferPointer { out.append(contentsOf: $0) }
            return true
        }
        return out
    }

    /// A small file as a whole.
    static func bytes(_ path: String, limit: Int) throws(ImageError) -> [UInt8] {
        let file = try LocalFile(path)
        guard file.size <= limit else { throw ImageError(.tooLarge, "\(path): has more than \(limit) bytes") }
        return try file.bytes(count: file.size)
    }

    static func isDirectory(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    static func exists(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0
    }
}
