#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file without a name: it is gone when it is closed, however the program ends.
final class TemporaryFile {
    private var descriptor: CInt
    private let folder: String
    private(set) var size = 0

    init() throws(ImageError) {
        folder = getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var name = Array("\(folder)/martlet-XXXXXX".utf8CString)
        descriptor = mkstemp(&name)
        guard descriptor >= 0 else {
            throw ImageError(.damaged, "\(folder): cannot be written to: \(String(cString: strerror(errno)))")
        }
        unlink(&name)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func append(_ piece: Span<UInt8>) throws(ImageError) {
        var done = 0
        while done < piece.count {
            let count = piece.extracting(done..<piece.count).withUnsafeBytes {
                write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw ImageError(.damaged, "\(folder): \(String(cString: strerror(errno)))") }
            done += count
        }
        size += piece.count
    }

    /// Gives the file away to be read.
    func finish(path: String) -> LocalFile {
        let given = descriptor
        descriptor = -1
        return LocalFile(descriptor: given, path: path, size: size)
    }
}
