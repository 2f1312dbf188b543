import Foundation

/// The runtime did not start a container; a test of what it does would test nothing.
struct NotStarted: Error {
    let reason: String
}

/// A real container: runc with a busybox of this machine in an overlay, in control groups as the kubelet makes them.
struct TestContainer {
    static let podUID = "11111111-2222-3333-4444-555555555555"
    static let missing: String? = {
        for path in ["/usr/sbin/runc", "/usr/bin/busybox"] where !FileManager.default.isExecutableFile(atPath: path) {
            return "no \(path)"
        }
        if getuid() != 0 { return "containers need root" }
        return nil
    }()

    let id: String
    let folder: String
    private var configuration: [String: Any] = [:]
    /// Whether the root is an overlay; without, it is a plain folder.
    let isOverlay: Bool

    /// What the programs brought along load.
    private(set) var libraries: [String] = []

    /// `programs` are those of this machine that the image has besides busybox.
    init(
        isReadOnly: Bool = false, privileged: Bool = false, mounts: [[String: Any]] = [], programs: [String] = []
    ) throws {
        id = (0..<4).map { _ in String(format: "%016lx", UInt64.random(in: 0...UInt64.max)) }.joined()
        folder = "/var/tmp/martlet-test-\(id.prefix(12))"
        let files = FileManager.default
        for name in [
            "lower/bin", "lower/proc", "lower/tmp", "lower/etc/cron.d", "lower/dev", "lower/root/.ssh",
            "lower/var/log", "lower/var/lib/dpkg", "lower/usr/bin", "lower/sys", "upper", "work", "rootfs",
        ] {
            try files.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        try files.copyItem(atPath: "/usr/bin/busybox", toPath: "\(folder)/lower/bin/busybox")
        for applet in [
            "sh", "cat", "cp", "chmod", "wget", "nc", "id", "mv", "rm", "ln", "ls", "sleep", "mount",
            "touch", "true", "echo", "grep", "sed", "tar", "gzip", "find", "date", "ps", "env", "mkdir", "unshare",
            "chroot",
            "dd", "head", "wc", "sort", "kill", "test", "sync", "stat", "df", "du", "tail", "awk", "xargs", "nslookup",
            "crond", "su", "passwd", "insmod",
        ] {
            try files.createSymbolicLink(atPath: "\(folder)/lower/bin/\(applet)", withDestinationPath: "busybox")
        }
        try Data("root:x:0:0::/root:/bin/sh\nweb:x:1000:1000::/:/bin/sh\n".utf8)
            .write(to: URL(fileURLWithPath: "\(folder)/lower/etc/passwd"))
        try Data("root:!:1::::::\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/lower/etc/shadow"))
        try Data("history".utf8).write(to: URL(fileURLWithPath: "\(folder)/lower/root/.ash_history"))
        for program in programs { libraries += try Self.bring(program, to: "\(folder)/lower") }
        let options = "lowerdir=\(folder)/lower,upperdir=\(folder)/upper,workdir=\(folder)/work"
        isOverlay = try Self.run(["/bin/mount", "-t", "overlay", "overlay", "-o", options, "\(folder)/rootfs"]) == 0
        if !isOverlay {
            _ = try Self.run(["/bin/cp", "-a", "\(folder)/lower/.", "\(folder)/rootfs/"])
        }
        _ = try Self.run(["/usr/sbin/runc", "spec", "--bundle", folder])
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/config.json"))
        configuration = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        configuration["root"] = ["path": "rootfs", "readonly": isReadOnly]
        configuration["annotations"] = [
            "io.kubernetes.cri.container-name": "web", "io.kubernetes.cri.sandbox-name": "web-6d4b75cb6d-hx2zq",
            "io.kubernetes.cri.sandbox-namespace": "shop", "io.kubernetes.cri.image-name": "registry.example/web:1.4",
        ]
        var linux = configuration["linux"] as? [String: Any] ?? [:]
        linux["cgroupsPath"] = "/kubepods/burstable/pod\(Self.podUID)/\(id)"
        let namespaces = linux["namespaces"] as? [[String: Any]] ?? []
        // The network is the machine's: there is a loopback to connect to.
        linux["namespaces"] = namespaces.filter { !["network", "cgroup"].contains($0["type"] as? String ?? "") }
        if privileged {
            linux["maskedPaths"] = [String]()
            linux["readonlyPaths"] = [String]()
        }
        configuration["linux"] = linux
        configuration["mounts"] = (configuration["mounts"] as? [[String: Any]] ?? []) + mounts
        var process = configuration["process"] as? [String: Any] ?? [:]
        process["terminal"] = false
        process["env"] = ["PATH=/bin:/usr/bin", "HOME=/root"]
        if privileged {
            let all = [
                "CAP_SYS_ADMIN", "CAP_NET_RAW", "CAP_SYS_PTRACE", "CAP_CHOWN", "CAP_SYS_CHROOT", "CAP_SETUID",
                "CAP_SETGID", "CAP_KILL", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID",
            ]
            process["capabilities"] = ["bounding": all, "effective": all, "permitted": all]
        } else {
            let few = [
                "CAP_KILL", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_NET_RAW",
                "CAP_SETUID", "CAP_SETGID",
            ]
            process["capabilities"] = ["bounding": few, "effective": few, "permitted": few]
        }
        configuration["process"] = process
    }

    /// Adds a program of this machine to an image, at its own path with every library it needs; these libraries.
    private static func bring(_ program: String, to lower: String) throws -> [String] {
        let libraries = try output(["/usr/bin/ldd", program]).split(separator: "\n").compactMap { line in
            line.split { $0 == " " || $0 == "\t" }.first { $0.hasPrefix("/") }.map(String.init)
        }
        for path in libraries + [program] {
            let place = URL(fileURLWithPath: lower + path)
            try FileManager.default.createDirectory(
                at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(contentsOf: URL(fileURLWithPath: path)).write(to: place)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: place.path)
        }
        return libraries
    }

    /// Runs a script in the container to its end; `meanwhile` is called while it goes on.
    mutating func run(_ script: String, meanwhile: () -> Void) throws {
        var process = configuration["process"] as? [String: Any] ?? [:]
        process["args"] = ["/bin/sh", "-c", script]
        configuration["process"] = process
        try JSONSerialization.data(withJSONObject: configuration)
            .write(to: URL(fileURLWithPath: "\(folder)/config.json"))
        let runtime = Process()
        runtime.executableURL = URL(fileURLWithPath: "/usr/sbin/runc")
        runtime.arguments = ["run", "--bundle", folder, id]
        runtime.standardInput = FileHandle.nullDevice
        runtime.standardOutput = FileHandle.nullDevice
        let complaints = "\(folder)/complaints"
        _ = FileManager.default.createFile(atPath: complaints, contents: nil)
        runtime.standardError = FileHandle(forWritingAtPath: complaints)
        try runtime.run()
        while runtime.isRunning { meanwhile() }
        let said = try String(contentsOfFile: complaints, encoding: .utf8)
        // The script may complain; the runtime may not.
        if said.contains("runc run failed") || said.contains("level=error") { throw NotStarted(reason: said) }
    }

    func remove() {
        _ = try? Self.run(["/usr/sbin/runc", "delete", "--force", id])
        if isOverlay { _ = try? Self.run(["/bin/umount", "\(folder)/rootfs"]) }
        try? FileManager.default.removeItem(atPath: folder)
    }

    @discardableResult
    static func run(_ arguments: [String]) throws -> Int32 {
        let process = process(arguments)
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }

    private static func output(_ arguments: [String]) throws -> String {
        let process = process(arguments)
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func process(_ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        return process
    }
}
