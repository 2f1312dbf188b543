import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The terminal, or what stands in for it.
enum Console {
    static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }
    static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Colour only on a terminal, and not where NO_COLOR or TERM=dumb say no (no-color.org).
    static var usesColour: Bool {
        let environment = ProcessInfo.processInfo.environment
        if let force = environment["CLICOLOR_FORCE"], force != "0" { return true }
        return outputIsTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// Columns of the terminal; 100 where there is none.
    static var width: Int {
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }.map { max(40, $0) } ?? 100
    }

    static func error(_ message: String) {
        write(
            message.hasPrefix("Error") || message.hasPrefix("Usage") ? message : "martlet: \(message)",
            to: STDERR_FILENO)
    }

    static func note(_ message: String) { write(message, to: STDERR_FILENO) }

    /// Writes to standard output, whole.
    static func print(_ text: String) { write(text, to: STDOUT_FILENO, newline: !text.hasSuffix("\n")) }

    private static func write(_ text: String, to descriptor: Int32, newline: Bool = true) {
        var bytes = Array(text.utf8)
        if newline { bytes.append(0x0A) }
        _ = writeAll(bytes, to: descriptor)
    }

    /// False when the other side stopped taking bytes.
    static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return false
            }
            offset += count
        }
        return true
    }
}

/// One line on the terminal's error side that says how far a long piece of work is; shown only after a second.
final class ProgressLine: Sendable {
    private let started = ContinuousClock.now
    private let isOn: Bool

    init(quiet: Bool) { isOn = Console.errorIsTerminal && !quiet }

    func update(_ text: String) {
        guard isOn, ContinuousClock.now - started > .seconds(1) else { return }
        _ = Console.writeAll(Array("\r\u{1B}[K\(text)".utf8), to: STDERR_FILENO)
    }

    func clear() {
        guard isOn, ContinuousClock.now - started > .seconds(1) else { return }
        _ = Console.writeAll(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO)
    }
}

/// Files the program writes.
enum OutputFile {
    /// Replaces a file's content in one step, with the permissions it had, so that a cut never leaves half a file.
    ///
    /// - Parameter newMode: permissions of a file that is made.
    static func replace(_ path: String, with bytes: [UInt8], mode newMode: mode_t = 0o644) throws {
        var info = stat()
        let exists = stat(path, &info) == 0
        // Pipes and devices (/dev/stdout, /dev/null) are written to, never replaced.
        if exists, info.st_mode & S_IFMT != S_IFREG { return try write(path, bytes) }
        let mode = exists ? info.st_mode & 0o7777 : newMode
        // A link's target is replaced, not the link.
        let target = realpath(path, nil).map { pointer in
            defer { free(pointer) }
            return String(cString: pointer)
        }
        let final = target ?? path
        let temporary = "\(final).martlet-\(getpid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw Failure(message: "\(path): cannot be written: \(String(cString: strerror(errno)))")
        }
        fchmod(descriptor, mode)
        let written = Console.writeAll(bytes, to: descriptor) && fsync(descriptor) == 0
        close(descriptor)
        guard written, rename(temporary, final) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(temporary)
            throw Failure(message: "\(path): cannot be written: \(reason)")
        }
    }

    private static func write(_ path: String, _ bytes: [UInt8]) throws {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(message: "\(path): cannot be written: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        guard Console.writeAll(bytes, to: descriptor) else {
            throw Failure(message: "\(path): cannot be written: \(String(cString: strerror(errno)))")
        }
    }
}
