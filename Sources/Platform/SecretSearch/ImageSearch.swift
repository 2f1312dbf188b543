package import ContainerImages
import Documents
import Images
import Kubernetes
import Posture
package import Secrets
import SourceTrees

/// Looks through an image: what it says of itself, how it was built, and every file of every layer, those too that an
/// upper layer deletes or replaces, since whoever has the image has them.
package struct ImageSearch: Sendable {
    private let seal: SecretSeal
    private let platform: Platform?
    private let limits: LayerLimits
    private let width: Int

    package init(seal: SecretSeal, platform: Platform? = nil, limits: LayerLimits = LayerLimits(), width: Int = 2) {
        self.seal = seal
        self.platform = platform
        self.limits = limits
        self.width = max(1, width)
    }

    /// Throws where there is no image to read; a layer that cannot be read is a gap.
    package func search(_ location: ImageLocation, _ client: RegistryClient) async throws(ImageError) -> SearchResult {
        let source = try location.source(client, limits: limits)
        let image = try await source.resolve(platform: platform)
        var result = SearchResult()
        result.gaps = image.notes.filter { $0.kind == .incomplete }.map { "\(location): \($0.message)" }
        result.secrets = settings(image.configuration, "\(location)")
        result.texts = 1
        let layers = await read(image, source, "\(location)")
        for (index, layer) in layers.enumerated() {
            var part = layer.result
            for place in part.secrets.indices {
                let path = Self.outermost(part.secrets[place].file)
                for (above, upper) in layers.enumerated().dropFirst(index + 1) {
                    guard let how = upper.trace.change(of: path) else { continue }
                    part.secrets[place].removedBy = "\(how) by layer \(above + 1)"
                    break
                }
                part.secrets[place].file = "\(location)!/\(part.secrets[place].file)"
            }
            result.add(part)
        }
        return result
    }

    /// `app.jar` of `app.jar!/application.yaml`.
    private static func outermost(_ path: String) -> String {
        var end = path.startIndex
        while end < path.endIndex {
            if path[end...].hasPrefix("!/") { return String(path[..<end]) }
            end = path.index(after: end)
        }
        return path
    }

    // MARK: What the image says of itself

    private func settings(_ configuration: ImageConfiguration, _ name: String) -> [LocatedSecret] {
        var search = SecretSearch(seal: seal)
        var found: [LocatedSecret] = []
        let pairs = configuration.environment.map { entry in
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (name: parts[0], value: parts.count > 1 ? parts[1] : "")
        }
        let labels = configuration.labels.sorted { $0.key < $1.key }
        var writer = JSONWriter(compact: true)
        // The words of a container's fields, so that each is looked at for what it is for.
        writer.object { writer in
            writer.member("apiVersion", "v1")
            writer.member("kind", "Image")
            writer.member(
                "container",
                object: { writer in
                    writer.member("env", array: { writer in for pair in pairs { Self.write(pair, &writer) } })
                    writer.member("command", configuration.entrypoint + configuration.command)
                    writer.member("parameters", array: { writer in for label in labels { Self.write(label, &writer) } })
                })
        }
        let set = DocumentReader.read(SourceText(name: name, bytes: Array(writer.string.utf8)))
        for object in set.documents.flatMap({ KubernetesObject.objects(in: $0).objects }) {
            for var secret in search.search(object).secrets {
                secret.path = Self.place(secret.path, pairs.map(\.name), labels.map(\.key))
                found.append(secret)
            }
        }
        for (index, step) in configuration.history.enumerated() {
            for text in [step.createdBy, step.comment] where !text.isEmpty {
                let item = SourceItem(path: "history", bytes: Array(text.utf8))
                for var secret in search.search(item).secrets {
                    secret.path = "history[\(index)]"
                    found.append(secret)
                }
            }
        }
        for place in found.indices {
            found[place].file = name
            found[place].line = 0
            found[place].column = 0
            found[place].object = "image configuration"
        }
        return found
    }

    private static func write(_ pair: (String, String), _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("name", pair.0)
            writer.member("value", pair.1)
        }
    }

    /// `config.Env.DB_PASSWORD` for `container.env[3].value`.
    private static func place(_ path: String, _ variables: [String], _ labels: [String]) -> String {
        let parts = path.split(whereSeparator: { "[]".contains($0) })
        guard parts.count > 1, let index = Int(parts[1]) else { return path }
        switch parts[0] {
        case "container.env" where variables.indices.contains(index): return "config.Env.\(variables[index])"
        case "container.parameters" where labels.indices.contains(index): return "config.Labels.\(labels[index])"
        case "container.command": return "config.Entrypoint and Cmd, word \(index + 1)"
        default: return path
        }
    }

    // MARK: Layers

    private struct ReadLayer: Sendable {
        var result: SearchResult
        var trace: LayerTrace
    }

    private func read(_ image: ResolvedImage, _ source: any ImageSource, _ name: String) async -> [ReadLayer] {
        let count = image.layers.count
        let steps = image.configuration.layerSteps
        var done: [ReadLayer?] = Array(repeating: nil, count: count)
        await withTaskGroup(of: (Int, ReadLayer).self) { group in
            var next = 0
            func start() {
                guard next < count else { return }
                let index = next
                next += 1
                let made = index < steps.count ? Self.step(steps[index].createdBy) : ""
                let title = "layer \(index + 1) of \(count)\(made.isEmpty ? "" : ", \(made)")"
                group.addTask { (index, await read(image.layers[index], source, title, name)) }
            }
            for _ in 0..<width { start() }
            for await (index, layer) in group {
                done[index] = layer
                start()
            }
        }
        return done.compactMap(\.self)
    }

    /// The instruction that made a layer, without what it was given: a build argument may be the very secret.
    private static func step(_ createdBy: String) -> String {
        var words = createdBy.split(separator: " ")
        if words.starts(with: ["/bin/sh", "-c", "#(nop)"]) { words.removeFirst(3) }
        guard let first = words.first, first.allSatisfy({ $0.isUppercase && $0.isLetter }) else { return "RUN" }
        return String(first)
    }

    private func read(
        _ layer: ImageLayer, _ source: any ImageSource, _ title: String, _ name: String
    ) async -> ReadLayer {
        do throws(ImageError) {
            let (reading, visitor) = try await source.read(
                layer, LayerSearch(SecretSearch(seal: seal), title), limits: limits)
            var read = ReadLayer(result: visitor.result, trace: visitor.trace)
            read.result.gaps = read.result.gaps.map { "\(name)!/\($0)" }
            read.result.gaps += reading.notes.filter { $0.kind == .incomplete }
                .map { "\(name), \(title): \($0.message)" }
            return read
        } catch {
            var result = SearchResult()
            result.gaps = ["\(name), \(title): \(error.message)"]
            return ReadLayer(result: result, trace: LayerTrace())
        }
    }
}

/// What a layer does to those below it.
///
/// Standard: OCI Image Layer Specification, "Applying Changesets".
struct LayerTrace: Sendable {
    private var files: Set<String> = []
    private var whiteouts: Set<String> = []
    private var opaque: Set<String> = []

    mutating func note(_ member: LayerMember) {
        let name = member.name
        guard name.hasPrefix(".wh.") else {
            if member.kind != .directory { files.insert(member.path) }
            return
        }
        let folder = member.path.dropLast(name.count)
        if name == ".wh..wh..opq" {
            opaque.insert(String(folder.dropLast()))
        } else {
            whiteouts.insert(String(folder) + name.dropFirst(4))
        }
    }

    /// What becomes of a file of a lower layer: `deleted`, `replaced`, or nothing.
    func change(of path: String) -> String? {
        if files.contains(path) { return "replaced" }
        if whiteouts.contains(path) { return "deleted" }
        if opaque.contains("") { return "deleted" }
        var end = path.lastIndex(of: "/")
        while let slash = end {
            let folder = String(path[..<slash])
            // A file where a folder was takes everything in it away.
            if whiteouts.contains(folder) || opaque.contains(folder) || files.contains(folder) { return "deleted" }
            end = path[..<slash].lastIndex(of: "/")
        }
        return nil
    }
}

/// Searches the files of one layer as they stream by.
private struct LayerSearch: LayerVisitor {
    private var search: SecretSearch
    private let title: String
    var result = SearchResult()
    var trace = LayerTrace()

    /// Longer files are told and not read.
    private static let longest = 64 << 20

    init(_ search: SecretSearch, _ title: String) {
        self.search = search
        self.title = title
    }

    mutating func interest(in member: LayerMember) -> MemberInterest {
        member.kind == .file && member.size > 3 ? .contents(atMost: Self.longest) : .none
    }

    mutating func take(_ member: LayerMember, contents: [UInt8]?) {
        trace.note(member)
        guard let contents, member.kind == .file else { return }
        var found = search.search(SourceItem(path: member.path, bytes: contents))
        for place in found.secrets.indices { found.secrets[place].layer = title }
        result.add(found)
    }

    mutating func noteTooLarge(_ member: LayerMember) {
        trace.note(member)
        result.gaps.append("\(member.path): larger than \(Self.longest >> 20) MiB")
    }
}
