import ArgumentParser
import Documents
import Manifests
import NetworkPolicies

struct NetworkTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Check sentences about the network: who may reach whom, on which ports.",
        discussion: """
            tests:
            - {from: shop/web, to: shop/db, only: [5432]}
            - {from: tools/*, to: shop/db, expect: denied}
            - {from: shop/*, to: internet, ports: [443], expect: allowed}

            Exit codes: 0 all hold, 1 one does not, 2 bad usage, 3 one is not observable.
            """)

    @Argument(help: "File of tests.", completion: .file(extensions: ["yaml", "yml", "json"])) var tests: String
    @OptionGroup var target: TargetOptions
    @OptionGroup var plugin: PluginOptions

    func run() async throws {
        let root: Node
        do {
            let source = SourceText(name: tests, bytes: try FileBytes.read(tests))
            let read = DocumentReader.read(source)
            guard let document = read.documents.first, read.problems.isEmpty else {
                throw Failure(message: read.problems.first.map { "\($0.location): \($0.message)" } ?? "\(tests): empty")
            }
            root = document.root
        } catch let error as DocumentError {
            throw Failure(message: "\(error.location): \(error.message)")
        }
        let (sentences, problems) = IntentTest.read(root)
        if let problem = problems.first { throw Failure(message: problem) }
        let read = try await target.readNetwork()
        let state = plugin.state(read)
        plugin.note(state, read.problems)
        plugin.noteOtherNetworks(read, state)
        let network = DualStack(state)
        let model = network.models[0]
        var failed = 0
        var unknown = 0
        for sentence in sentences {
            let failures = sentence.failures(network)
            if failures.contains(where: { !$0.isUnknown }) { failed += 1 } else if !failures.isEmpty { unknown += 1 }
            let place = sentence.node.location.map { "\($0)" } ?? tests
            for failure in failures {
                Console.print(
                    "\(place): \(model.name(failure.source)) to \(model.name(failure.target)): \(failure.message)")
            }
        }
        Console.print(Self.summary(held: sentences.count - failed - unknown, failed: failed, unknown: unknown))
        if failed > 0 { throw ExitCode(1) }
        if unknown > 0 { throw ExitCode(3) }
        try read.failIfUnreadable()
    }

    /// `all 4 tests hold`, `3 of 4 tests hold, 1 fails`.
    private static func summary(held: Int, failed: Int, unknown: Int) -> String {
        let count = held + failed + unknown
        guard held < count else { return count == 1 ? "the one test holds" : "all \(count) tests hold" }
        var out = "\(held) of \(count.of("test")) \(held == 1 ? "holds" : "hold")"
        if failed > 0 { out += ", \(failed) \(failed == 1 ? "fails" : "fail")" }
        if unknown > 0 { out += ", \(unknown) \(unknown == 1 ? "is" : "are") not observable" }
        return out
    }
}
