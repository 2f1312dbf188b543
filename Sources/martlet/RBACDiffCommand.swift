import ArgumentParser
import Documents
import Kubernetes
import KubernetesClient
import Manifests
import RBAC

struct RBACDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Who gains or loses what between two states. Exit code 1 when somebody does.",
        discussion: """
            Each state is a file or folder, or context:NAME for a cluster.

              martlet rbac diff before/ after/
              martlet rbac diff context:staging context:production
              martlet rbac diff deploy/ --patch change.yaml
              martlet rbac diff context:production --patch rule.json --target ClusterRole/view

            A patch is a JSON Patch (a list), a merge patch (an object with --target), or objects that name themselves: a
            strategic merge patch where they are there, what would be made where they are not.
            """)

    @Argument(help: "The state before.")
    var before: String

    @Argument(help: "The state after; left out with --patch.")
    var after: String?

    @Option(help: ArgumentHelp("Compare with the state as this patch would leave it.", valueName: "file"))
    var patch: String?

    @Option(help: "What the patch changes: KIND/NAME or KIND/NAMESPACE/NAME.")
    var target: String?

    @OptionGroup(title: "Cluster") var connection: ConnectionOptions

    @Option(name: [.short, .long], help: "How to write the answer: table, json or csv.")
    var output: RBACOutput.Format = .table

    func validate() throws {
        guard (after == nil) != (patch == nil) else {
            throw ValidationError("name the state after, or a patch with --patch")
        }
        if target != nil, patch == nil { throw ValidationError("--target goes with --patch") }
    }

    func run() async throws {
        let old = try await read(before)
        var new = old
        if let after { new = try await read(after) }
        if let patch { new.objects = try await patched(old.objects, patch) }
        var rows: [[String]] = []
        // Where one side shows no roles or bindings, everything on the other would look like a difference.
        let isSeen = old.hole == nil && new.hole == nil
        for change in isSeen ? AccessDiff(from: old.model, to: new.model).changes : [] {
            let place = change.namespace.isEmpty ? "*" : change.namespace
            for rule in change.gained { rows.append(["gains", change.subject.description, place, "\(rule)"]) }
            for rule in change.lost { rows.append(["loses", change.subject.description, place, "\(rule)"]) }
        }
        var both = old
        if patch == nil {
            both.problems += new.problems
            both.unlistedKinds.formUnion(new.unlistedKinds)
        }
        RBACOutput.write(
            output, ["CHANGE", "SUBJECT", "NAMESPACE", "RULE"], rows,
            empty: both.nothing("nobody gains or loses anything"), hole: both.hole)
        try both.finish()
        if !rows.isEmpty { throw ExitCode(1) }
    }

    private func patched(_ objects: [KubernetesObject], _ file: String) async throws -> [KubernetesObject] {
        let bytes = try InputFile.read(file)
        let read = DocumentReader.read(SourceText(name: file, bytes: bytes))
        if let problem = read.problems.first { throw Failure(message: "\(problem)") }
        var out = objects
        for document in read.documents {
            do {
                let (before, after) = try ObjectPatch(document.root).applied(to: out, target: target)
                if let before { out.removeAll { $0.reference == before.reference } }
                if let after { out.append(after) }
            } catch {
                throw Failure(message: "\(file): \(error)")
            }
        }
        return out
    }

    private func read(_ state: String) async throws -> RBACInput {
        guard state.hasPrefix("context:") else { return await RBACInput([state]) }
        var flags = connection.flags
        flags.context = String(state.dropFirst("context:".count))
        return try await RBACInput(flags)
    }
}
