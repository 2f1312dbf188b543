import ArgumentParser
import ImageInspection
import Vulnerabilities

struct ImageSBOMCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sbom", abstract: "Write what an image holds as a bill of materials.",
        discussion: """
              martlet image sbom ghcr.io/team/app:1.2 > app.cdx.json
              martlet image sbom oci:build/app --output spdx-json --output-file app.spdx.json

            Exit codes: 0 written, 2 the image cannot be read, 3 written, but parts of the image could not be read.
            """)

    @Argument(help: "An image: a name in a registry, an archive, a layout, a folder; or another bill to convert.")
    var image: String

    @OptionGroup(title: "Reading") var read: ImageReadOptions

    @Option(
        name: [.short, .long],
        help: "cyclonedx-1.6, cyclonedx-1.7, spdx-json (2.3), spdx-tag-value, spdx-3 or syft-json.")
    var output: BillContents.Form = .cycloneDX16

    @Option(name: .customLong("output-file"), help: "Write it there.", completion: .file())
    var outputFile: String?

    func run() async throws {
        let subject = try await read.subjects(image)[0]
        let bytes = subject.contents(Clock.now()).written(as: output)
        if let outputFile {
            try OutputFile.replace(outputFile, with: bytes)
        } else {
            _ = Console.writeAll(bytes, to: 1)
        }
        for note in subject.notes where note.kind == .incomplete { Console.error(note.message) }
        if !subject.isComplete { throw ExitCode(3) }
    }
}

extension BillContents.Form: ExpressibleByArgument {}
