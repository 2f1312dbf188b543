import GRDB

/// A program that comes with an image.
package struct StoredProgram: Sendable, Hashable {
    /// From the root, with a leading slash.
    package var path: String
    /// Permission bits with setuid and setgid.
    package var mode: UInt16
    package var size: Int
    /// SHA-256 of its contents, 64 hexadecimal digits; empty where nobody hashed it.
    package var digest: String
    /// The package that lists the file as its own, `curl` or `pypi:requests`.
    package var owner: String?

    package init(path: String, mode: UInt16, size: Int, digest: String, owner: String? = nil) {
        self.path = path
        self.mode = mode
        self.size = size
        self.digest = digest
        self.owner = owner
    }
}

/// What tells a file that came with an image from one that was dropped into its container.
extension ImageStore {
    /// Keeps the programs of an image; those stored before under its digest are replaced.
    package func store(programs: [StoredProgram], digest: String) throws(ImageStoreError) {
        try write("write to") { db in
            try db.cachedStatement(sql: "INSERT OR REPLACE INTO program (digest, files) VALUES (?, ?)")
                .execute(arguments: [digest, ProgramText.text(programs)])
        }
    }

    /// Every program of the image, by path; nil where none were ever stored: then nothing may be said of drift.
    package func programs(digest: String) throws(ImageStoreError) -> [StoredProgram]? {
        try read("read") { db in
            try String.fetchOne(
                db, sql: "SELECT CAST(files AS TEXT) FROM program WHERE digest = ?", arguments: [digest]
            ).map(ProgramText.programs)
        }
    }

    /// The program at a path of the image, with its leading slash or without.
    package func program(digest: String, at path: String) throws(ImageStoreError) -> StoredProgram? {
        let wanted = path.hasPrefix("/") ? path : "/" + path
        return try programs(digest: digest)?.first { $0.path == wanted }
    }

    /// The programs of the image with these contents, whatever they are called: a copy of `sh` is as good as `sh`.
    package func programs(digest: String, contents: String) throws(ImageStoreError) -> [StoredProgram] {
        try programs(digest: digest)?.filter { $0.digest == contents.lowercased() } ?? []
    }
}

/// One program a line: mode, size, digest, owner and, since it may hold anything but a line's end, the path at last.
enum ProgramText {
    static func text(_ programs: [StoredProgram]) -> String {
        var out = ""
        for program in programs.sorted(by: { $0.path < $1.path }) where !program.path.contains("\n") {
            out += "\(String(program.mode, radix: 8)) \(program.size) \(program.digest.isEmpty ? "-" : program.digest) "
            out += "\(program.owner?.replacing(" ", with: "_") ?? "-") \(program.path)\n"
        }
        return out
    }

    static func programs(_ text: String) -> [StoredProgram] {
        text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
            guard parts.count == 5, let mode = UInt16(parts[0], radix: 8), let size = Int(parts[1]) else { return nil }
            return StoredProgram(
                path: String(parts[4]), mode: mode, size: size, digest: parts[2] == "-" ? "" : String(parts[2]),
                owner: parts[3] == "-" ? nil : String(parts[3]))
        }
    }
}
