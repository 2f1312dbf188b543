import Foundation
import Testing

@testable import Documents

@Suite struct EditingDiffTests {
    @Test func aDiffHasThreeLinesOfContextAndNamesItsFile() {
        let old = (1...12).map { "line \($0)\n" }.joined()
        let new = old.replacingOccurrences(of: "line 6\n", with: "line six\nand a half\n")
        #expect(
            diff("./deploy/a.yaml", old, new) == """
                --- a/deploy/a.yaml
                +++ b/deploy/a.yaml
                @@ -3,7 +3,8 @@
                 line 3
                 line 4
                 line 5
                -line 6
                +line six
                +and a half
                 line 7
                 line 8
                 line 9

                """)
    }

    @Test func changesFarApartHaveHunksOfTheirOwn() {
        let old = (1...30).map { "\($0)\n" }.joined()
        let new = old.replacingOccurrences(of: "\n2\n", with: "\ntwo\n").replacingOccurrences(of: "\n29\n", with: "\n")
        #expect(
            diff("f", old, new).split(separator: "\n").filter { $0.hasPrefix("@@") } == [
                "@@ -1,5 +1,5 @@", "@@ -26,5 +26,4 @@",
            ])
    }

    @Test func aMissingLineBreakIsSaid() {
        #expect(
            diff("f", "a", "a\nb") == """
                --- a/f
                +++ b/f
                @@ -1 +1,2 @@
                -a
                \\ No newline at end of file
                +a
                +b
                \\ No newline at end of file

                """)
    }

    @Test func sameTextsHaveNoDifference() { #expect(diff("f", "a\n", "a\n").isEmpty) }

    /// Random texts; git is the judge of whether the diff turns the one into the other.
    @Test(.enabled(if: Git.isThere, "skipped: git not found"))
    func gitAppliesWhatIsWritten() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-diff-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var random = Seeded(state: 7)
        for round in 0..<12 {
            let ending = round % 3 == 0 ? "\r\n" : "\n"
            var lines = (0..<Int.random(in: 1...40, using: &random)).map { "l\($0 % 7)" }
            let old = lines.joined(separator: ending) + (round % 2 == 0 ? ending : "")
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let at = Int.random(in: 0...lines.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: lines.insert("new \(at)", at: at)
                case 1 where at < lines.count && lines.count > 1: lines.remove(at: at)
                default: lines[min(at, lines.count - 1)] = "changed"
                }
            }
            let new = lines.joined(separator: ending) + (round % 4 < 2 ? ending : "")
            guard old != new else { continue }
            try Data(old.utf8).write(to: folder.appending(path: "f.yaml"))
            try Data(diff("f.yaml", old, new).utf8).write(to: folder.appending(path: "p.diff"))
            #expect(try Git.run(["apply", "--check", "p.diff"], in: folder) == 0, "round \(round)")
            #expect(try Git.run(["apply", "p.diff"], in: folder) == 0)
            #expect(try Data(contentsOf: folder.appending(path: "f.yaml")) == Data(new.utf8), "round \(round)")
        }
    }

    private func diff(_ name: String, _ old: String, _ new: String) -> String {
        String(decoding: UnifiedDiff.text(name, from: Array(old.utf8), to: Array(new.utf8)), as: UTF8.self)
    }
}

private enum Git {
    static let path = ["/usr/bin/git", "/usr/local/bin/git"].first(where: FileManager.default.isExecutableFile)
    static var isThere: Bool { path != nil }

    static func run(_ arguments: [String], in folder: URL) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path ?? "")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
