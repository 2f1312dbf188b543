import Foundation

/// Does what is to be observed, and says what it took of the processor.
enum Maker {
    static func run(_ arguments: [String]) {
        let count = arguments.count > 1 ? Int(arguments[1]) ?? 0 : 0
        switch arguments.first {
        case "null": timed(count) { _ = getppid() }
        // A folder is no file rules name, and reading is dropped in the kernel.
        case "opens": timed(count) { close(open("/usr/share", O_RDONLY)) }
        case "writes": timed(count) { close(open("/dev/null", O_WRONLY)) }
        case "rate": steady(count, seconds: arguments.count > 2 ? Double(arguments[2]) ?? 1 : 1)
        case "mixed": mixed(count)
        case "flood": flood(seconds: Double(count))
        case "programs": programs(count)
        case "containers": Groups.shortContainers(count)
        default: exit(2)
        }
    }

    /// Nanoseconds of the processor that one call takes.
    private static func timed(_ count: Int, _ call: () -> Void) {
        let start = Clock.nanoseconds(CLOCK_PROCESS_CPUTIME_ID)
        for _ in 0..<count { call() }
        let taken = Clock.nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - start
        print(Double(taken) / Double(max(1, count)))
    }

    /// So many files opened for writing a second, in steps of a millisecond.
    private static func steady(_ rate: Int, seconds: Double) {
        let start = Clock.nanoseconds(CLOCK_MONOTONIC)
        let end = start + Int64(seconds * 1e9)
        var done: Int64 = 0
        while true {
            let now = Clock.nanoseconds(CLOCK_MONOTONIC)
            if now >= end { break }
            let due = Int64(Double(now - start) / 1e9 * Double(rate))
            while done < due {
                close(open("/dev/null", O_WRONLY))
                done += 1
            }
            usleep(500)
        }
        print(done)
    }

    /// What a busy node does: files written and replaced, folders made, a connection now and then.
    private static func mixed(_ count: Int) {
        let folder = "/tmp/martlet-load-\(getpid())"
        mkdir(folder, 0o700)
        for i in 0..<count {
            let name = "\(folder)/segment-\(i % 512)"
            switch i % 10 {
            case 0...5: close(open(name, O_WRONLY | O_CREAT, 0o600))
            case 6: rename(name, "\(folder)/current")
            case 7: chmod("\(folder)/current", 0o640)
            case 8: unlink(name)
            default: connect()
            }
        }
        for i in 0..<512 { unlink("\(folder)/segment-\(i)") }
        unlink("\(folder)/current")
        rmdir(folder)
    }

    /// A port of this machine nobody listens at.
    private static func connect() {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(1).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        close(socket)
    }

    /// As much as goes: reads that are dropped, writes that are handed over.
    private static func flood(seconds: Double) {
        let end = Clock.nanoseconds(CLOCK_MONOTONIC) + Int64(seconds * 1e9)
        var calls = 0
        while Clock.nanoseconds(CLOCK_MONOTONIC) < end {
            for i in 0..<256 { close(open("/dev/null", i % 2 == 0 ? O_RDONLY : O_WRONLY)) }
            calls += 256
        }
        print(calls)
    }

    /// Programs one after the other, twenty milliseconds apart.
    private static func programs(_ count: Int) {
        for _ in 0..<count {
            _ = Children.start(["/bin/true"])?.wait()
            usleep(2000)
        }
    }
}

enum Clock {
    static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// Control groups as a kubelet makes them.
enum Groups {
    private static let root: String? = {
        for place in ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"] {
            if access("\(place)/cgroup.procs", W_OK) == 0 { return place }
        }
        return nil
    }()

    static func identifier(_ number: Int) -> String {
        let digits = String(UInt64(getpid()) << 32 | UInt64(number), radix: 16)
        return String(repeating: "0", count: 64 - digits.count) + digits
    }

    /// A container is a control group with a process in it that starts a program; all of it gone some milliseconds later.
    static func shortContainers(_ count: Int) {
        guard let root else { exit(3) }
        let pod = "\(root)/kubepods/burstable/pod11111111-2222-3333-4444-555555555555"
        for folder in ["\(root)/kubepods", "\(root)/kubepods/burstable", pod] { mkdir(folder, 0o755) }
        for i in 0..<count {
            let group = "\(pod)/\(identifier(i))"
            guard mkdir(group, 0o755) == 0 else { exit(4) }
            let script = "echo 0 > \(group)/cgroup.procs; exec /bin/true"
            _ = Children.start(["/bin/dash", "-c", script])?.wait()
            while rmdir(group) != 0, errno == EBUSY { usleep(100) }
        }
        rmdir(pod)
    }
}
