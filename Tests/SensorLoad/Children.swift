import Foundation

/// A child process and what it printed.
struct Children {
    let id: pid_t
    private let output: Int32

    static func start(_ arguments: [String], keepsOutput: Bool = false) -> Children? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var ends: [Int32] = [-1, -1]
        if keepsOutput {
            guard pipe(&ends) == 0 else { return nil }
            posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
            posix_spawn_file_actions_addclose(&actions, ends[0])
        }
        var pointers = arguments.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var id: pid_t = 0
        let failed = posix_spawn(&id, arguments[0], &actions, nil, pointers, environ)
        if keepsOutput { close(ends[1]) }
        return failed == 0 ? Children(id: id, output: ends[0]) : nil
    }

    /// This program, doing something else.
    static func own(_ arguments: String...) -> Children? {
        start(["/proc/self/exe"] + arguments, keepsOutput: true)
    }

    var isRunning: Bool {
        var facts = siginfo_t()
        return waitid(P_PID, id_t(id), &facts, WEXITED | WNOHANG | WNOWAIT) == 0 && facts._sifields._kill.si_pid == 0
    }

    /// What the child printed, to its end.
    func text() -> String {
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(output, &buffer, buffer.count)
            guard count > 0 else { break }
            out += buffer[..<count]
        }
        close(output)
        _ = wait()
        return String(decoding: out, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @discardableResult
    func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        return status
    }

    func stop() {
        kill(id, SIGTERM)
        wait()
        close(output)
    }

    /// Kilobytes of memory that are the process's now.
    var resident: Double {
        guard let text = try? String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8) else { return 0 }
        for line in text.split(separator: "\n") where line.hasPrefix("VmRSS:") {
            return line.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
        }
        return 0
    }
}
