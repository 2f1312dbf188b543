import FoundationEssentials
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Every text that came into a repository, each once, with the commit that brought it.
///
/// Asks `git`, which reads packs and replaced objects as they are; nothing of the work tree is touched.
package struct GitHistory: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package var message: String
        package var description: String { message }
    }

    /// A version of a file, before its bytes are asked for.
    private struct Blob {
        var id: String
        var path: String
        var commit: SourceCommit?
    }

    private let folder: String
    /// Bytes of the greatest blob that is read.
    private let limit: Int

    package init(folder: String, limit: Int = 64 << 20) {
        self.folder = folder
        self.limit = limit
    }

    /// What the commits of `range` added, oldest first; every commit of every branch without one.
    package func read(
        range: String?, each: @Sendable (SourceItem) -> Void
    ) async throws(Failure) -> [SourceGap] {
        // A range that begins as an option does is a range all the same.
        let scope = range.map { ["--end-of-options", $0, "--"] } ?? ["--all"]
        let output = try await git(
            [
                "log", "--reverse", "--raw", "-z", "--no-abbrev", "--no-renames", "-m",
                "--format=%x01%H%x02%an <%ae>%x02%aI",
            ]
                + scope)
        return try await contents(of: Self.blobs(output), each: each)
    }

    /// What is staged for the next commit.
    package func readStaged(each: @Sendable (SourceItem) -> Void) async throws(Failure) -> [SourceGap] {
        // Outside of a repository `diff` compares files and speaks of its options.
        _ = try await git(["rev-parse", "--git-dir"])
        let output = try await git(["diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames"])
        return try await contents(of: Self.blobs(output), each: each)
    }

    // MARK: What there is

    /// Entries of `--raw -z`: `:MODE MODE ID ID STATUS NUL PATH NUL`, between commits as the format writes them.
    private static func blobs(_ output: [UInt8]) -> [Blob] {
        var blobs: [Blob] = []
        var seen: Set<String> = []
        var commit: SourceCommit?
        var entry: [Substring] = []
        for field in output.split(separator: 0) {
            var text = String(decoding: field, as: UTF8.self)
            if let mark = text.firstIndex(of: "\u{1}") {
                let end = text.firstIndex(of: "\n") ?? text.endIndex
                let parts = text[text.index(after: mark)..<end].split(separator: "\u{2}").map(String.init)
                if parts.count == 3 { commit = SourceCommit(id: parts[0], author: parts[1], date: parts[2]) }
                text = String(text[end...].drop { $0 == "\n" })
                if text.isEmpty { continue }
            }
            if text.hasPrefix(":") || text.hasPrefix("\n:") {
                entry = text.drop { $0 == "\n" }.split(separator: " ")
            } else if entry.count >= 5 {
                let id = String(entry[3])
                // 160000 is another repository; deleted files have no new blob.
                if !entry[4].hasPrefix("D"), entry[1] != "160000", id.contains(where: { $0 != "0" }),
                    seen.insert(id).inserted
                {
                    blobs.append(Blob(id: id, path: text, commit: commit))
                }
                entry = []
            }
        }
        return blobs
    }

    // MARK: Bytes

    private func contents(
        of blobs: [Blob], each: @Sendable (SourceItem) -> Void
    ) async throws(Failure) -> [SourceGap] {
        var gaps: [SourceGap] = []
        guard !blobs.isEmpty else { return gaps }
        let sizes = String(
            decoding: try await git(
                ["cat-file", "--batch-check=%(objectsize)"], input: blobs.map { $0.id + "\n" }.joined()), as: UTF8.self
        ).split(separator: "\n").map { Int($0) ?? -1 }
        var chunk: [Blob] = []
        var bytes = 0
        for (blob, size) in zip(blobs, sizes) {
            guard size >= 0, size <= limit else {
                let reason = size < 0 ? "git does not have it" : "larger than \(limit >> 20) MiB"
                gaps.append(SourceGap(path: blob.path, reason: reason))
                continue
            }
            chunk.append(blob)
            bytes += size
            if bytes > 32 << 20 || chunk.count >= 4096 {
                try await emit(chunk, each)
                chunk = []
                bytes = 0
            }
        }
        if !chunk.isEmpty { try await emit(chunk, each) }
        return gaps
    }

    /// `ID TYPE SIZE LF bytes LF` for each.
    private func emit(_ chunk: [Blob], _ each: @Sendable (SourceItem) -> Void) async throws(Failure) {
        let output = try await git(["cat-file", "--batch"], input: chunk.map { $0.id + "\n" }.joined())
        var place = 0
        for blob in chunk {
            guard let end = output[place...].firstIndex(of: 0x0A) else { throw Failure(message: "git: half an answer") }
            let header = String(decoding: output[place..<end], as: UTF8.self).split(separator: " ")
            place = end + 1
            guard header.count == 3, let size = Int(header[2]), place + size <= output.count else {
                throw Failure(message: "git: half an answer")
            }
            if header[1] == "blob" {
                each(SourceItem(path: blob.path, bytes: Array(output[place..<place + size]), commit: blob.commit))
            }
            place += size + 1
        }
    }

    private func git(_ arguments: [String], input: String = "") async throws(Failure) -> [UInt8] {
        do {
            let result = try await Subprocess.run(
                .name("git"), arguments: Arguments(["-C", folder, "--no-pager"] + arguments), input: .string(input),
                output: .bytes(limit: 1 << 30), error: .string(limit: 1 << 16))
            guard result.terminationStatus.isSuccess else {
                // What is wrong stands first; what follows says how git is used.
                let lines = result.standardError.split(separator: "\n")
                let line = lines.first { $0.hasPrefix("fatal: ") } ?? lines.first ?? "it failed without a word"
                let word = ["fatal: ", "error: ", "warning: "].first { line.hasPrefix($0) } ?? ""
                throw Failure(message: "git: \(line.dropFirst(word.count))")
            }
            return result.standardOutput
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(message: "git: \(error)")
        }
    }
}
