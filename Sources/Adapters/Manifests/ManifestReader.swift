package import Documents
import FoundationEssentials
package import Kubernetes

/// Everything a set of paths held.
package struct ManifestSet: Sendable {
    package var objects: [KubernetesObject] = []
    /// What could not be read or understood; every other file's objects are there all the same.
    package var problems: [DocumentError] = []
    /// Files read, rendered folders counting as one.
    package var files = 0
    package var bytes = 0
    /// Files met in folders whose documents are no Kubernetes objects (values, CI configuration, package lists).
    package var foreignFiles: [String] = []
    /// Pieces of advice: a chart that was not rendered because `helm` is missing.
    package var notes: [DocumentError] = []

    package init() {}

    package mutating func append(_ other: ManifestSet) {
        objects += other.objects
        problems += other.problems
        files += other.files
        bytes += other.bytes
        foreignFiles += other.foreignFiles
        notes += other.notes
    }
}

/// Paths to objects: files, folders, patterns, `-` for standard input, Kustomize overlays and Helm charts.
package struct ManifestReader: Sendable {
    package struct Options: Sendable {
        /// Build folders that are a Kustomize root or a Helm chart when the path given is one.
        package var render = true
        /// Called with the number of files read so far and in all.
        package var progress: (@Sendable (Int, Int) -> Void)?

        package init(render: Bool = true, progress: (@Sendable (Int, Int) -> Void)? = nil) {
            self.render = render
            self.progress = progress
        }
    }

    private let options: Options

    package init(options: Options = Options()) { self.options = options }

    /// Reads every path; a path that is not there is a problem, not an error.
    package func read(_ paths: [String]) async -> ManifestSet {
        var set = ManifestSet()
        var files: [ManifestFile] = []
        var seen: Set<String> = []
        for path in paths {
            if path == "-" {
                set.append(Self.parse(StandardInput.read(), named: "<stdin>", explicit: true))
                continue
            }
            var walk = ManifestWalk()
            walk.visit(path)
            set.problems += walk.problems
            for chart in walk.charts { set.append(await HelmChart.render(chart, enabled: options.render)) }
            for overlay in walk.overlays where options.render {
                set.append(await KustomizeOverlay.build(overlay))
            }
            files += walk.files.filter { seen.insert($0.path).inserted }
        }
        set.append(await readAll(files))
        set.problems.sort { $0.location < $1.location }
        return set
    }

    /// Reads the files on all cores and keeps their order.
    private func readAll(_ files: [ManifestFile]) async -> ManifestSet {
        let width = max(1, min(4, ProcessInfo.processInfo.activeProcessorCount))
        let chunk = 16
        var parts = [ManifestSet?](repeating: nil, count: (files.count + chunk - 1) / chunk)
        var done = 0
        await withTaskGroup(of: (Int, ManifestSet).self) { group in
            var next = 0
            func add() {
                guard next < parts.count else { return }
                let index = next
                next += 1
                group.addTask {
                    var part = ManifestSet()
                    for file in files[index * chunk..<min(files.count, (index + 1) * chunk)] {
                        part.append(Self.read(file))
                    }
                    return (index, part)
                }
            }
            for _ in 0..<width { add() }
            while let (index, part) = await group.next() {
                parts[index] = part
                done = min(files.count, done + chunk)
                options.progress?(done, files.count)
                add()
            }
        }
        var set = ManifestSet()
        for part in parts { if let part { set.append(part) } }
        return set
    }

    private static func read(_ file: ManifestFile) -> ManifestSet {
        do throws(DocumentError) {
            return parse(try FileBytes.read(file.path), named: file.path, explicit: file.isExplicit)
        } catch {
            var set = ManifestSet()
            set.files = 1
            set.problems = [error]
            return set
        }
    }

    /// Objects of one text. Documents that are no objects are an error where the user named the file, and only counted
    /// where a folder happened to hold it.
    package static func parse(_ bytes: [UInt8], named name: String, explicit: Bool, rendered: Bool = false)
        -> ManifestSet
    {
        var set = ManifestSet()
        set.files = 1
        set.bytes = bytes.count
        let source = SourceText(name: name, bytes: bytes, isRendered: rendered)
        let read = DocumentReader.read(source)
        var foreign: [DocumentError] = []
        for document in read.documents {
            let (objects, problems) = KubernetesObject.objects(in: document)
            set.objects += objects
            foreign += problems
        }
        set.problems = read.problems
        if let template = template(source, set, foreign) {
            set.objects = []
            set.problems = [template]
            return set
        }
        if !foreign.isEmpty {
            if explicit || !set.objects.isEmpty {
                set.problems += foreign
            } else {
                set.foreignFiles.append(name)
            }
        } else if set.objects.isEmpty, explicit, set.problems.isEmpty {
            set.problems.append(
                DocumentError(.notAnObject, at: source.location(at: 0), "no Kubernetes object in it"))
        }
        if !explicit, set.objects.isEmpty, foreign.isEmpty == false || !looksLikeManifest(bytes) {
            // A folder's stray YAML that is no manifest is not an error of the manifests.
            if set.problems.allSatisfy({ $0.code == .duplicateKey }) {
                set.problems = []
                if set.foreignFiles.isEmpty { set.foreignFiles.append(name) }
            }
        }
        return set
    }

    /// Says so when the text is a Helm template that was not rendered: it breaks the YAML, or stands where names do.
    private static func template(_ source: SourceText, _ set: ManifestSet, _ foreign: [DocumentError]) -> DocumentError?
    {
        let broken = (set.problems + foreign).first {
            [.syntax, .badKey, .helmTemplate, .notAnObject].contains($0.code)
        }
        let named = set.objects.first { $0.name.contains("{{") || $0.kind.contains("{{") }
        guard broken != nil || named != nil, DocumentReader.looksLikeHelmTemplate(source.bytes) else { return nil }
        if let broken, broken.code == .helmTemplate { return broken }
        let place = broken?.location ?? named?.metadata["name"].location ?? source.location(at: 0)
        return DocumentError(
            .helmTemplate, at: place,
            "an unrendered Helm template; scan the chart's folder (needs helm) or the output of `helm template`")
    }

    private static func looksLikeManifest(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes.prefix(100_000), as: UTF8.self)
        return text.contains("apiVersion") && text.contains("kind")
    }
}

/// A file to read.
struct ManifestFile: Hashable {
    var path: String
    /// The user named it, rather than its folder.
    var isExplicit: Bool
}
