import Foundation
import Testing

@testable import Sensor

@Suite(.serialized) struct FallbackTests {
    private static func message(_ what: UInt32, _ words: [UInt32]) -> [UInt8] {
        var out: [UInt8] = []
        func add<T>(_ number: T) { withUnsafeBytes(of: number) { out += $0 } }
        let length = 16 + 20 + 16 + 4 * words.count
        for number in [UInt32(length), 3, 0, 0] { add(number) }
        for number in [UInt32(1), 1, 0, 0] { add(number) }
        add(UInt16(16 + 4 * words.count))
        add(UInt16(0))
        add(what)
        add(UInt32(0))
        add(UInt64(77))
        for word in words { add(word) }
        return out
    }

    @Test func newsOfProcessesAreRead() {
        let fork = Self.message(1, [10, 10, 20, 20])
        let thread = Self.message(1, [10, 10, 21, 20])
        let exec = Self.message(2, [20, 20])
        let exit = Self.message(0x8000_0000, [20, 20, 256, 17])
        #expect(ProcessConnector.read(fork[...]) == [.fork(parent: 10, child: 20)])
        #expect(ProcessConnector.read(thread[...]).isEmpty)
        #expect(
            ProcessConnector.read((fork + exec + exit)[...]) == [
                .fork(parent: 10, child: 20), .exec(20), .exit(20, status: 256),
            ])
        for end in 0..<exec.count { #expect(ProcessConnector.read(exec[..<end]).isEmpty) }
    }

    @Test func bytesThatAreNoNewsAreRefused() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...120, using: &generator)).map { _ in
                UInt8.random(in: 0...90, using: &generator)
            }
            _ = ProcessConnector.read(bytes[...])
        }
    }

    @Test func theContainersOwnLayerIsTold() {
        let table = """
            30 20 0:40 / / rw,relatime - overlay overlay rw,lowerdir=/l1:/l2,upperdir=/var/lib/c/7/fs,workdir=/w
            31 30 0:41 / /proc rw - proc proc rw
            """
        #expect(Overlay(mounts: table)?.upper == "/var/lib/c/7/fs")
        #expect(Overlay(mounts: "30 20 8:1 / / rw - ext4 /dev/sda1 rw") == nil)
        #expect(Overlay(mounts: "") == nil)
    }

    /// A watcher that no longer answers would stop whoever wants to start a program there.
    @Test func nobodyWaitsOnAFileSystemOfTheMachine() {
        let table = """
            20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
            21 20 0:5 / /dev rw - devtmpfs none rw
            30 20 0:40 / /run/containerd/x/rootfs rw - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w
            """
        #expect(HostMounts.has(major: 8, minor: 1, table))
        #expect(HostMounts.has(major: 0, minor: 5, table))
        #expect(!HostMounts.has(major: 0, minor: 40, table))
        #expect(HostMounts.has(major: 0, minor: 40, "30 20 0:40 / / rw - overlay overlay rw"))
        var facts = stat()
        #expect(stat("/", &facts) == 0)
        #expect(HostMounts.has(UInt64(facts.st_dev)))
    }

    @Test func memoryThatIsNoVolumeOfThePodIsToldApart() {
        let table = """
            31 30 0:41 / /proc rw - proc proc rw
            32 30 0:42 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k
            33 30 0:43 / /dev/shm rw,nosuid - tmpfs shm rw
            34 30 0:44 / /tools rw,relatime - tmpfs tmpfs rw
            35 30 0:44 /bin /opt/bin rw,relatime - tmpfs tmpfs rw
            36 30 0:45 / /run/secrets ro,relatime - tmpfs tmpfs rw
            37 30 1:2 / /ram rw - ramfs none rw
            38 30 x:y / /odd rw - tmpfs tmpfs rw
            39 30
            """
        let folders = MemoryFolders(mounts: table)
        #expect(folders.folders.map(\.path) == ["/dev", "/dev/shm", "/tools", "/opt/bin", "/ram"])
        let rest = folders.besides(["/tools"])
        #expect(rest.map(\.path) == ["/dev", "/dev/shm", "/ram"])
        #expect(rest.map(\.device) == [42, 43, 1 << 20 | 2])
    }

    @Test func processesAreSeenWithoutKernelPrograms() throws {
        let sensor: FallbackSensor
        do {
            sensor = try FallbackSensor(SensorOptions())
        } catch {
            print("skipped: \(error.message)")
            return
        }
        #expect(!sensor.blindSpots.isEmpty)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "sleep 0.2; exit 3"]
        try process.run()
        let pid = UInt32(process.processIdentifier)
        var found: [SensorEvent] = []
        while process.isRunning { _ = sensor.poll(milliseconds: 10) { found.append($0) } }
        _ = sensor.poll(milliseconds: 10) { found.append($0) }
        #expect(found.contains { $0.kind == .exec && $0.process.id == pid })
        #expect(found.contains { $0.kind == .exit && $0.process.id == pid && $0.result == 3 << 8 })
        #expect(found.contains { $0.kind == .exec && $0.process.parent?.id == pid })
        #expect(sensor.ledger.counts.allSatisfy { $0.isExact })
    }
}
