import RBAC

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A log read block by block, so that its size does not matter; `gzip` and `zstd` unpack theirs.
struct LogFile {
    let path: String
    /// Whether a log that begins like this is one list of events, over as many lines as it likes.
    var isEventList: (ArraySlice<UInt8>) -> Bool = { _ in false }

    /// Longest line taken; a longer one is no event anybody wrote.
    private static let lineLimit = 64 << 20
    private static let blockSize = 1 << 20

    /// Gives every line without its line break; `tooLong` is told of lines nobody wrote.
    func read(_ take: ([UInt8]) -> Void, tooLong: () -> Void) throws {
        guard path != "-" else { return try readLines(STDIN_FILENO, take, tooLong) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(message: "\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var magic = [UInt8](repeating: 0, count: 4)
        let got = pread(descriptor, &magic, 4, 0)
        let program =
            if got >= 2, magic[0] == 0x1F, magic[1] == 0x8B {
                "gzip"
            } else if got == 4, magic == [0x28, 0xB5, 0x2F, 0xFD] {
                "zstd"
            } else {
                ""
            }
        guard !program.isEmpty else { return try readLines(descriptor, take, tooLong) }
        let (output, child) = try unpack(program)
        defer { close(output) }
        try readLines(output, take, tooLong)
        var status: Int32 = 0
        guard waitpid(child, &status, 0) == child, status == 0 else {
            throw Failure(message: "\(path): \(program) could not unpack all of it")
        }
    }

    private func unpack(_ program: String) throws -> (output: Int32, child: pid_t) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure(message: "\(path): \(String(cString: strerror(errno)))") }
        defer { close(ends[1]) }
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends[1])
        var arguments: [UnsafeMutablePointer<CChar>?] = [program, "-dc", "--", path].map { (text: String) in
            strdup(text)
        }
        defer { for argument in arguments { free(argument) } }
        arguments.append(nil)
        var child: pid_t = 0
        let failure = posix_spawnp(&child, program, &actions, nil, arguments, environ)
        guard failure == 0 else {
            close(ends[0])
            throw Failure(message: "\(path) needs the program \(program), which is not installed")
        }
        return (ends[0], child)
    }

    private func readLines(_ descriptor: Int32, _ take: ([UInt8]) -> Void, _ tooLong: () -> Void) throws {
        var block = [UInt8](repeating: 0, count: Self.blockSize)
        var rest: [UInt8] = []
        var isFirst = true
        var list: EventListSplitter?
        var isSkipping = false
        while true {
            let count = block.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(message: "\(path): \(String(cString: strerror(errno)))") }
            guard count > 0 else { break }
            if isFirst {
                if isEventList(block[..<min(count, 4096)]) { list = EventListSplitter() }
                isFirst = false
            }
            if list != nil {
                list?.take(block[..<count]) { event in
                    if let event { take(event) } else { tooLong() }
                }
                continue
            }
            var start = 0
            while start < count {
                guard let end = block[start..<count].firstIndex(of: 0x0A) else {
                    if !isSkipping { rest += block[start..<count] }
                    break
                }
                if isSkipping {
                    isSkipping = false
                } else if rest.isEmpty {
                    take(Array(block[start..<end]))
                } else {
                    rest += block[start..<end]
                    take(rest)
                }
                rest.removeAll(keepingCapacity: true)
                start = end + 1
            }
            if rest.count > Self.lineLimit {
                rest = []
                isSkipping = true
                tooLong()
            }
        }
        if list?.isCutOff == true { tooLong() }
        if !rest.isEmpty { take(rest) }
    }
}
