import ArgumentParser
import ContainerImages
import Crypto
import Detection
import Documents
import Encodings
import Foundation
import ImageInspection
import RuntimeWatch
import Vulnerabilities

/// Lists of images' files, for detecting programs that are not theirs.
enum RuntimeImages {
    static func read(_ paths: [String]) throws -> ImageFileLists? {
        guard !paths.isEmpty else { return nil }
        var lists: [ImageFileLists.List] = []
        for path in paths {
            let bytes = try RuleFileOptions.bytes(path)
            guard let node = try? DocumentReader.readJSON(SourceText(name: path, bytes: bytes)),
                let found = ImageFileLists.lists(node)
            else {
                throw Failure(message: "\(path): no files of images in it; write them with `martlet runtime images`")
            }
            lists += found
        }
        return ImageFileLists(lists, sha256: sha256)
    }

    /// The digest of a regular file, read in pieces; nil when it cannot be read or is larger than any program.
    static func sha256(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size <= 1 << 30 else { return nil }
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Foundation.read(file, &buffer, buffer.count)
            guard count >= 0 else { return nil }
            if count == 0 { break }
            buffer.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        return Hexadecimal.text(hash.finalize())
    }
}

struct RuntimeImagesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "images", abstract: "Writes down the programs of images, for `runtime run --images`.",
        discussion: """
            A program that runs in a container and is not among its image's own, by path and content, was put there
            afterwards. With an advisory database the list says which package a program is of and what is known of it.

              martlet runtime images registry.example/web:1.4 registry.example/db:16 > images.json
              martlet runtime run --images images.json
            """)

    @Argument(help: "Images, as for `martlet image scan`.")
    var images: [String]

    @OptionGroup(title: "Reading") var read: ImageReadOptions

    @Option(name: .customLong("db"), help: "The advisory database; without one no vulnerabilities are named.")
    var database: String?

    @Option(
        name: .customLong("output-file"), help: "Write it there instead of to standard output.", completion: .file())
    var outputFile: String?

    func run() async throws {
        let inspection = try read.inspection()
        var lists: [ImageFileLists.List] = []
        for image in images {
            let subject = try await read.subject(image, inspection)
            guard let result = subject.result, let catalogue = result.catalogue else {
                throw Failure(message: "\(image): a bill of materials has no files; name the image itself")
            }
            var flaws: [String: Set<String>] = [:]
            var versions: [String: String] = [:]
            for package in subject.bill.packages { versions[package.name] = package.version }
            if let database {
                let matcher = PackageMatcher(
                    try DatabasePlace.open(database), distribution: subject.bill.distribution,
                    policy: MatchPolicy(today: DatabasePlace.today))
                let report = matcher.match(subject.bill.packages)
                for finding in report.findings {
                    flaws[subject.bill.packages[finding.package].name, default: []].insert(finding.id)
                }
            }
            var files: [String: ContentDrift.File] = [:]
            var unread = 0
            for file in catalogue.executables {
                guard !file.digest.isEmpty else {
                    unread += 1
                    continue
                }
                let owner = catalogue.owner(of: file.path)
                files["/" + file.path] = ContentDrift.File(
                    digest: Hexadecimal.text(file.digest),
                    package: owner.map { name in versions[name].map { "\(name) \($0)" } ?? name },
                    vulnerabilities: owner.flatMap { flaws[$0] }.map { $0.sorted() } ?? [])
            }
            if unread > 0 { Console.error("\(image): \(unread) programs were not read, the list is not complete") }
            lists.append(
                ImageFileLists.List(
                    names: [image], digest: result.identity?.description, isComplete: result.isComplete && unread == 0,
                    files: files))
        }
        await inspection.close()
        let text = ImageFileLists.json(lists)
        if let outputFile {
            try OutputFile.replace(outputFile, with: Array((text + "\n").utf8))
        } else {
            Console.print(text)
        }
    }
}
