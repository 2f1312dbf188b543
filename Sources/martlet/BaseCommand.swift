import ArgumentParser
import ContainerImages
import Documents
import Findings
import Foundation
import ImageInspection
import ImageStore
import Vulnerabilities

struct BaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "base", abstract: "The base images that others may be built on.",
        discussion: """
              martlet base add registry.example/debian:12-slim registry.example/distroless/base
              martlet base add registry.example/python --all-tags --matching '3.1?-slim'
              martlet base list
              martlet base remove registry.example/debian:12-slim

            An image's base is found by the layers that it begins with, whatever its labels say. `martlet image scan`
            and `martlet scan --images` then tell images whose base is not approved or has a newer build, and
            `martlet image scan --fix` which base to move to. Add a tag again when it was built anew: older builds
            stay known.
            """,
        subcommands: [BaseAddCommand.self, BaseListCommand.self, BaseRemoveCommand.self])
}

struct BaseAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Approve base images, by their layers.")

    @Argument(help: "Images; only their manifests are read.")
    var images: [String]

    @OptionGroup(title: "Reading") var read: ImageReadOptions
    @OptionGroup var bases: BaseOptions

    @Flag(name: .customLong("not-approved"), help: "Know them, so that images built on them are told.")
    var isNotApproved = false

    @Flag(help: "Every tag of the repositories named.")
    var allTags = false

    @Option(help: "Only tags like this, with * and ?.")
    var matching: [String] = []

    func run() async throws {
        let inspection = try read.inspection()
        var index = try FileManager.default.fileExists(atPath: bases.place) ? bases.index() : BaseImageIndex()
        let before = index.images.count
        var hasFailed = false
        let line = ProgressLine(quiet: read.quiet)
        for name in images {
            do throws(ImageError) {
                for tagged in try await names(name, inspection) {
                    line.update("\(tagged): asking")
                    let image = try await inspection.resolve(tagged)
                    guard let base = BaseImage(image, name: tagged, isApproved: !isNotApproved) else {
                        throw ImageError(.unsupported, "\(tagged) names no layers, so that nothing is told by them")
                    }
                    index.add(base)
                }
            } catch {
                line.clear()
                Console.error(error.message)
                hasFailed = true
            }
        }
        line.clear()
        await inspection.close()
        try bases.write(index)
        Console.print("\(index.images.count) base images are known, \(index.images.count - before) of them new")
        if hasFailed { throw ExitCode(2) }
    }

    private func names(_ name: String, _ inspection: ImageInspection) async throws(ImageError) -> [String] {
        guard allTags else { return [name] }
        let patterns = matching.map(Glob.init)
        let tags = try await RegistrySource(name, inspection.client).tags()
        let wanted = tags.filter { tag in patterns.isEmpty || patterns.contains { $0.matches(tag) } }
        guard !wanted.isEmpty else { throw ImageError(.notFound, "\(name) has no tag like that, of \(tags.count)") }
        return wanted.map { "\(name):\($0)" }
    }
}

struct BaseListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The base images that are known.")

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json }

    @OptionGroup var bases: BaseOptions

    @Option(name: [.short, .long], help: "table or json.")
    var output: Format = .table

    func run() throws {
        let index = try bases.index()
        guard output == .table else {
            var writer = JSONWriter(compact: false)
            writer.array { writer in
                for image in index.images {
                    writer.object { writer in
                        writer.member("name", image.name)
                        writer.member("digest", image.digest)
                        if let created = image.created { writer.member("created", created.text) }
                        writer.member("approved", image.isApproved)
                        writer.member("layers", image.diffIDs)
                        if let newer = index.newer(than: image) { writer.member("newer", newer.digest) }
                    }
                }
            }
            return Console.print(writer.string)
        }
        guard !index.images.isEmpty else {
            return Console.print("no base images are known; `martlet base add IMAGE` approves one")
        }
        for image in index.images.sorted(by: { ($0.name, $0.digest) < ($1.name, $1.digest) }) {
            let newer = index.newer(than: image).map { newer in
                newer.name == image.name ? "  outdated: a newer build is known" : "  outdated: \(newer.name) is newer"
            }
            Console.print(
                "\(image.name)  \(image.digest.prefix(19))  \(image.created?.text ?? "no day")  "
                    + "\(image.diffIDs.count) layers\(image.isApproved ? "" : "  not approved")\(newer ?? "")")
        }
    }
}

struct BaseRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Forget base images, by name, digest, or name@digest.")

    @Argument(help: "Names or digests.")
    var names: [String]

    @OptionGroup var bases: BaseOptions

    func run() throws {
        var index = try bases.index()
        var isMissing = false
        for name in names {
            let gone = index.remove(name)
            if gone.isEmpty {
                Console.error("\(name) is no base image that is known; `martlet base list` names them")
                isMissing = true
            }
            for image in gone { Console.print("forgot \(image.name) \(image.digest.prefix(19))") }
        }
        try bases.write(index)
        if isMissing { throw ExitCode(2) }
    }
}
