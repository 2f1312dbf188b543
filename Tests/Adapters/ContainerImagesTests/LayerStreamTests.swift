import Images
import TestSupport
import Testing

@testable import ContainerImages

@Suite struct LayerStreamTests {
    private static func archive() -> [UInt8] {
        var writer = TarWriter()
        for index in 0..<50 {
            let contents = (0..<2000).map { UInt8(truncatingIfNeeded: $0 &* index) }
            writer.add(LayerMember(path: "file\(index)", kind: .file, size: 2000), contents)
        }
        return writer.whole
    }

    private static func read(
        _ bytes: [UInt8], piece: Int = 777, limits: LayerLimits = LayerLimits()
    ) -> (reading: LayerReading, visitor: Recorder) {
        var stream = LayerStream(Recorder(), limits: limits)
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + piece)
            stream.take(bytes.span.extracting(start..<end))
            start = end
        }
        return stream.finish()
    }

    @Test(arguments: [["gzip", "-c"], ["zstd", "-qc"], ["cat"]])
    func everyPackingGivesTheSameMembersAndBothDigests(command: [String]) async throws {
        guard TestMachine.program(command[0]) != nil else { return print("skipped: \(command[0]) not found") }
        let archive = Self.archive()
        let packed = try await Command.run(command[0], Array(command.dropFirst()), archive)
        for piece in [1, 5, 4096, 1 << 20] {
            let (reading, visitor) = Self.read(packed, piece: piece)
            #expect(reading.notes.isEmpty)
            #expect(reading.digest.description == SHA256Text.text(packed))
            #expect(reading.diffID.description == SHA256Text.text(archive))
            #expect(visitor.members.count == 50)
            #expect(reading.unpackedSize == archive.count)
        }
    }

    @Test(arguments: [["gzip", "-c"], ["zstd", "-qc"]])
    func streamsOneBehindTheOtherAreOne(command: [String]) async throws {
        guard TestMachine.program(command[0]) != nil else { return print("skipped: \(command[0]) not found") }
        let archive = Self.archive()
        var packed: [UInt8] = []
        for start in stride(from: 0, to: archive.count, by: 20_000) {
            let part = Array(archive[start..<min(archive.count, start + 20_000)])
            packed += try await Command.run(command[0], Array(command.dropFirst()), part)
        }
        let (reading, visitor) = Self.read(packed)
        #expect(reading.notes.isEmpty)
        #expect(visitor.members.count == 50)
        #expect(reading.diffID.description == SHA256Text.text(archive))
    }

    @Test(arguments: [["gzip", "-c"], ["zstd", "-qc"], ["cat"]])
    func aCutLayerIsIncompleteWhereverItIsCut(command: [String]) async throws {
        guard TestMachine.program(command[0]) != nil else { return print("skipped: \(command[0]) not found") }
        let packed = try await Command.run(command[0], Array(command.dropFirst()), Self.archive())
        for count in [7, 100, packed.count / 2, packed.count * 3 / 4] {
            let (reading, _) = Self.read(Array(packed[..<count]))
            #expect(!reading.isComplete, "cut after \(count) of \(packed.count)")
        }
    }

    @Test func aDamagedStreamIsToldAndWhatWasReadBeforeIsKept() async throws {
        var packed = try await Command.run("gzip", ["-1c"], Self.archive())
        packed[packed.count / 2] ^= 0xFF
        let (reading, _) = Self.read(packed)
        #expect(!reading.isComplete)
        #expect(["layer-damaged", "layer-truncated"].contains(reading.notes.first?.code))
    }

    @Test func aBombIsStoppedByItsRatio() async throws {
        let zeros = [UInt8](repeating: 0, count: 8 << 20)
        var writer = TarWriter()
        writer.add(LayerMember(path: "zeros", kind: .file, size: zeros.count), zeros)
        let packed = try await Command.run("gzip", ["-9c"], writer.whole)
        var limits = LayerLimits()
        limits.ratioFloor = 1 << 20
        let (reading, _) = Self.read(packed, limits: limits)
        #expect(reading.notes.map(\.code) == ["layer-too-large"])
        #expect(reading.unpackedSize < 3 << 20)
        limits = LayerLimits()
        limits.unpacked = 1 << 20
        #expect(Self.read(packed, limits: limits).reading.notes.map(\.code) == ["layer-too-large"])
        #expect(Self.read(packed).reading.isComplete)
    }

    @Test func manyMembersAreBounded() {
        var writer = TarWriter()
        for index in 0..<200 { writer.header(name: "f\(index)", type: UInt8(ascii: "0")) }
        var limits = LayerLimits()
        limits.members = 100
        let (reading, visitor) = Self.read(writer.whole, limits: limits)
        #expect(reading.notes.map(\.code) == ["layer-too-large"])
        #expect(visitor.members.count == 100)
        // The digests are known all the same.
        #expect(reading.diffID.description == SHA256Text.text(writer.whole))
    }

    @Test func aLayerOfNothingIsNoError() {
        #expect(Self.read([]).reading.isComplete)
        #expect(Self.read([UInt8](repeating: 0, count: 1024)).reading.notes.isEmpty)
    }

    @Test(arguments: [
        [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00, 0, 0], [0x42, 0x5A, 0x68, 0x39, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7, 8],
        Array("<html><body>please log in</body></html>".utf8),
    ])
    func whatIsNoLayerIsToldSo(bytes: [UInt8]) {
        #expect(!Self.read(bytes).reading.isComplete)
    }
}
