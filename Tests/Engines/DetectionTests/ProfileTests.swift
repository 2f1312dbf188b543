import Testing

@testable import Detection

@Suite struct ProfileTests {
    @Test func learningEndsWhenLittleNewIsToBeExpected() {
        var profile = LearnedProfile()
        #expect(profile.unseenChance(.process) == 1)
        for i in 0..<5000 { _ = profile.observe("p\(i % 5)", .process) }
        #expect(profile.isLearned(.process) && profile.unseenChance(.process) == 0)
        let (new, known) = (profile.observe("new", .process), profile.observe("p1", .process))
        #expect(new == .unexpected && known == .known)
        let other = profile.observe("anything", .connection)
        #expect(other == .learned, "each class is learned by itself")
    }

    @Test func whatIsAlwaysNewIsNeverLearned() {
        var profile = LearnedProfile()
        for i in 0..<3000 { _ = profile.observe("p\(i)", .process) }
        #expect(!profile.isLearned(.process))
        let another = profile.observe("another", .process)
        #expect(another == .learned)
    }

    @Test func replicasShareAndTheNextImageCarriesFilesOver() {
        var a = LearnedProfile()
        var b = LearnedProfile()
        _ = a.observe("/bin/app", .process, fileDigest: "d1")
        _ = b.observe("/bin/app", .process, fileDigest: "d1")
        _ = b.observe("/bin/old", .process, fileDigest: "d2")
        a.merge(b)
        #expect(a.items[.process]?["/bin/app"]?.count == 2)
        #expect(a.unseenChance(.process) == 1.0 / 3)
        let next = a.carried(to: ["d1"])
        #expect(next.items[.process]?.keys.sorted() == ["/bin/app"])
    }

    @Test(arguments: [
        (["-s", "https://a/b"], " -s #URL"), (["--port=8080"], " --port=#NUMBER"), (["/a", "/b", "/c"], " #PATH"),
        (["start"], " start"), (["10.0.0.1"], " #ADDRESS"), ([], ""),
    ])
    func argumentsHaveShapes(_ arguments: [String], _ shape: String) {
        #expect(
            ProcessShape.name(path: "/bin/x", parent: "/bin/sh", arguments: arguments) == "/bin/x < /bin/sh:\(shape)")
    }

    @Test func connectionsFallIntoClasses() {
        func text(_ address: [UInt8], _ port: UInt16, service: String? = nil) -> String {
            ConnectionClass(
                direction: .outbound, transport: "tcp", serverPort: port, address: address, service: service
            ).description
        }
        #expect(text([93, 184, 216, 34], 443) == "outbound tcp/443 network 93.184.0.0/16")
        #expect(text([10, 4, 5, 6], 45000) == "outbound tcp/client network 10.0.0.0/8")
        #expect(text([169, 254, 169, 254], 80) == "outbound tcp/80 network 169.254.169.254/32")
        #expect(text([10, 0, 0, 1], 5432, service: "shop/db") == "outbound tcp/5432 service shop/db")
    }

    @Test func driftIsDecidedByContent() {
        let shell = ContentDrift.File(digest: "s", package: "dash", vulnerabilities: ["CVE-1"])
        let drift = ContentDrift(["/bin/sh": shell])
        #expect(drift.verdict(path: "/bin/../bin/sh", digest: "s") == .ofImage(shell))
        #expect(drift.verdict(path: "/bin/sh", digest: "x") == .changed(shell))
        #expect(drift.verdict(path: "/tmp/sh", digest: "s") == .moved(from: "/bin/sh", shell))
        #expect(drift.verdict(path: "/tmp/x", digest: "x") == .dropped)
        #expect(drift.verdict(path: "/tmp/x", digest: nil) == .dropped)
        #expect(!drift.verdict(path: "/bin/sh", digest: nil).isDrift)
        #expect(!ContentDrift([:]).verdict(path: "/x", digest: "x").isDrift, "an unknown image accuses nobody")
        #expect(!ContentDrift(["/bin/sh": shell], isComplete: false).verdict(path: "/x", digest: "x").isDrift)
    }
}
