import Foundation

/// A real container that sleeps: runc with this machine's busybox.
struct Containers {
    static let isPossible = ["/usr/sbin/runc", "/usr/bin/busybox"].allSatisfy {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    private let id: String
    private let folder: String

    init?() {
        id = (0..<4).map { _ in String(format: "%016lx", UInt64.random(in: 0...UInt64.max)) }.joined()
        folder = "/var/tmp/martlet-load-\(id.prefix(12))"
        let files = FileManager.default
        for name in ["bin", "proc", "dev", "sys", "etc"] {
            try? files.createDirectory(atPath: "\(folder)/rootfs/\(name)", withIntermediateDirectories: true)
        }
        try? files.copyItem(atPath: "/usr/bin/busybox", toPath: "\(folder)/rootfs/bin/busybox")
        try? files.createSymbolicLink(atPath: "\(folder)/rootfs/bin/sh", withDestinationPath: "busybox")
        guard Self.run(["/usr/sbin/runc", "spec", "--bundle", folder]),
            let data = files.contents(atPath: "\(folder)/config.json"),
            var specification = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
        else { return nil }
        specification["annotations"] = [
            "io.kubernetes.cri.container-name": "web", "io.kubernetes.cri.sandbox-name": "web-6d4b75cb6d-hx2zq",
            "io.kubernetes.cri.sandbox-namespace": "shop", "io.kubernetes.cri.image-name": "registry.example/web:1.4",
        ]
        var linux = specification["linux"] as? [String: Any] ?? [:]
        linux["cgroupsPath"] = "/kubepods/burstable/pod11111111-2222-3333-4444-555555555555/\(id)"
        specification["linux"] = linux
        var process = specification["process"] as? [String: Any] ?? [:]
        process["terminal"] = false
        process["args"] = ["/bin/sh", "-c", "while true; do /bin/busybox sleep 5; done"]
        specification["process"] = process
        guard let bytes = try? JSONSerialization.data(withJSONObject: specification),
            (try? bytes.write(to: URL(fileURLWithPath: "\(folder)/config.json"))) != nil,
            Self.run(["/usr/sbin/runc", "run", "--detach", "--bundle", folder, id])
        else { return nil }
    }

    func remove() {
        _ = Self.run(["/usr/sbin/runc", "delete", "--force", id])
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func run(_ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
