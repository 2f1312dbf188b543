import Subprocess

/// What git ignores of a folder and nobody tracks: builds, caches, what is never committed.
///
/// Git itself is asked, so that every `.gitignore`, the repository's own list and the user's count, and a file that is
/// tracked all the same is read.
package struct IgnoredPaths: Sendable {
    package static let none = IgnoredPaths(paths: [])

    /// Below the folder, without a slash at the end.
    private let paths: Set<String>

    private init(paths: Set<String>) { self.paths = paths }

    /// Nothing where the folder is in no repository, or there is no git.
    package init(of folder: String) async {
        let arguments = [
            "-C", folder, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory",
        ]
        do {
            let result = try await Subprocess.run(
                .name("git"), arguments: Arguments(arguments), output: .bytes(limit: 1 << 28), error: .discarded)
            guard result.terminationStatus.isSuccess else {
                // No repository: then every file counts.
                self = .none
                return
            }
            paths = Set(
                result.standardOutput.split(separator: 0).map { path in
                    String(decoding: path.last == UInt8(ascii: "/") ? path.dropLast() : path, as: UTF8.self)
                })
        } catch {
            // No git, or an answer without end: then every file counts.
            self = .none
        }
    }

    func contains(_ path: String) -> Bool { paths.contains(path) }
}
