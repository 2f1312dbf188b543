import Documents
import FoundationEssentials
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Programs that turn templates and overlays into manifests, run when they are installed.
enum Renderer {
    struct Failure: Error {
        var message: String
    }

    /// Standard output of a program; its last words when it fails.
    static func run(_ program: String, _ arguments: [String]) async throws(Failure) -> [UInt8] {
        do {
            let result = try await Subprocess.run(
                .name(program), arguments: Arguments(arguments), output: .bytes(limit: 256 << 20),
                error: .string(limit: 1 << 16))
            guard result.terminationStatus.isSuccess else {
                let words = result.standardError
                let line = words.split(separator: "\n").last { !$0.isEmpty } ?? "it failed without a word"
                throw Failure(message: "\(program): \(line)")
            }
            return result.standardOutput
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(message: "\(program): \(error)")
        }
    }

    /// The first of the programs that is on the path.
    static func firstInstalled(_ programs: [String]) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return programs.first { program in
            path.split(separator: ":").contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }
        }
    }

    static func note(_ code: DocumentError.Code, _ file: String, _ message: String) -> DocumentError {
        DocumentError(code, at: SourceLocation(file: file, line: 1, column: 1), message)
    }
}

/// A folder with a kustomization file, built as `kubectl apply -k` would.
enum KustomizeOverlay {
    static func build(_ folder: String) async -> ManifestSet {
        var set = ManifestSet()
        let file =
            ManifestWalk.kustomizations.map { "\(folder)/\($0)" }
            .first(where: FileManager.default.fileExists(atPath:)) ?? folder
        guard let program = Renderer.firstInstalled(["kustomize", "kubectl"]) else {
            set.problems = [
                Renderer.note(
                    .unreadable, file,
                    "a Kustomize overlay, and neither kustomize nor kubectl is installed; install one, or scan the output of `kustomize build`"
                )
            ]
            return set
        }
        do throws(Renderer.Failure) {
            let bytes = try await Renderer.run(
                program, program == "kubectl" ? ["kustomize", folder] : ["build", folder])
            return ManifestReader.parse(bytes, named: file, explicit: true, rendered: true)
        } catch {
            set.problems = [Renderer.note(.syntax, file, "the overlay could not be built: \(error.message)")]
            return set
        }
    }
}

/// A folder with a Chart.yaml, rendered by `helm template` with its default values.
enum HelmChart {
    static func render(_ folder: String, enabled: Bool) async -> ManifestSet {
        var set = ManifestSet()
        let file = "\(folder)/Chart.yaml"
        guard enabled, let program = Renderer.firstInstalled(["helm"]) else {
            set.notes = [
                Renderer.note(
                    .helmTemplate, file,
                    "a Helm chart, not rendered because helm is not installed; install it, or scan the output of `helm template`"
                )
            ]
            return set
        }
        do throws(Renderer.Failure) {
            let bytes = try await Renderer.run(program, ["template", "release", folder])
            return ManifestReader.parse(bytes, named: file, explicit: true, rendered: true)
        } catch {
            set.problems = [Renderer.note(.helmTemplate, file, "the chart could not be rendered: \(error.message)")]
            return set
        }
    }
}
