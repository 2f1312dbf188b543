package import ContainerImages
import Foundation
import Synchronization
import Vulnerabilities

/// Looks into images: where they are, what their layers hold, laid together into one catalogue.
///
/// ```swift
/// let inspection = try ImageInspection(.init(cache: .standard))
/// let result = await inspection.inspect("ghcr.io/team/app:1.2")
/// let report = matcher.match(result.packages)
/// await inspection.close()
/// ```
///
/// An inspection never throws: what could not be read is a result that says so. Each layer is read in one pass in
/// bounded memory, several at once, and not at all when the cache knows it.
package struct ImageInspection: Sendable {
    package struct Options: Sendable {
        /// nil to keep nothing.
        package var cache: LayerCache?
        /// nil for this machine's architecture, or the only one there is.
        package var platform: Platform?
        package var registry = RegistryOptions()
        package var limits = LayerLimits()
        /// Ask no registry.
        package var isOffline = false
        /// How many layers are read at once.
        package var width = max(1, ProcessInfo.processInfo.activeProcessorCount)

        package init(cache: LayerCache? = nil) { self.cache = cache }
    }

    package let options: Options
    package let client: RegistryClient

    package init(_ options: Options = Options()) throws(ImageError) {
        self.options = options
        client = try RegistryClient(options.registry)
    }

    /// Ends the connections to registries.
    package func close() async { await client.close() }

    /// Looks into an image, named as on a command line: see ``ImageLocation``.
    package func inspect(
        _ name: String, progress: @escaping @Sendable (ImageProgress) -> Void = { _ in }
    ) async -> ImageResult {
        do throws(ImageError) {
            return await inspect(try ImageLocation(name), progress: progress)
        } catch {
            return ImageResult(name: name, failure: error)
        }
    }

    package func inspect(
        _ location: ImageLocation, progress: @escaping @Sendable (ImageProgress) -> Void = { _ in }
    ) async -> ImageResult {
        var result = ImageResult(name: location.description)
        if case .registry(let reference) = location { result.reference = reference }
        do throws(ImageError) {
            let source = try source(of: location)
            let image = try await source.resolve(platform: options.platform)
            result.image = image
            result.notes = image.notes
            var isTree = false
            if case .directory = location { isTree = true }
            await read(image, source, isTree: isTree, &result, progress)
        } catch {
            result.failure = error
        }
        return result
    }

    private func source(of location: ImageLocation) throws(ImageError) -> any ImageSource {
        guard !(options.isOffline && location.isRemote) else {
            throw ImageError(.unreachable, "\(location) is in a registry, and none is asked with --offline")
        }
        return try location.source(client, limits: options.limits)
    }

    /// Reads what an image says of itself, and none of its layers.
    package func resolve(_ name: String) async throws(ImageError) -> ResolvedImage {
        try await source(of: try ImageLocation(name)).resolve(platform: options.platform)
    }

    // MARK: Layers

    private struct Outcome: Sendable {
        var index: Int
        var facts: LayerFacts?
        var layer: ImageResult.Layer
        var notes: [ImageNote]
    }

    private func read(
        _ image: ResolvedImage, _ source: any ImageSource, isTree: Bool, _ result: inout ImageResult,
        _ progress: @escaping @Sendable (ImageProgress) -> Void
    ) async {
        let isMerged = image.notes.contains { $0.code == "layers-merged" }
        let steps = isMerged ? [] : image.configuration.layerSteps
        let meter = ProgressMeter(
            layers: image.layers.count, bytes: image.layers.compactMap(\.size).reduce(0, +), report: progress)
        var outcomes: [Outcome?] = Array(repeating: nil, count: image.layers.count)
        await withTaskGroup(of: Outcome.self) { group in
            var next = 0
            func start() {
                guard next < image.layers.count else { return }
                let (index, layer) = (next, image.layers[next])
                next += 1
                group.addTask { await read(layer, index, source, meter) }
            }
            for _ in 0..<options.width { start() }
            for await outcome in group {
                outcomes[outcome.index] = outcome
                start()
            }
        }
        let done = outcomes.compactMap { $0 }
        for outcome in done {
            var layer = outcome.layer
            if outcome.index < steps.count { layer.createdBy = steps[outcome.index].createdBy }
            result.layers.append(layer)
            result.notes += outcome.notes
        }
        // A layer that was not read counts as one that holds nothing, and the result as incomplete.
        let facts = done.map { $0.facts ?? LayerFacts.nothing }
        guard done.contains(where: { $0.facts != nil }) || image.layers.isEmpty else { return }
        var catalogue = ImageCatalogue(layers: facts, configuration: image.configuration)
        // A folder without a distribution is a source tree: what its lock files declare is what it is made of.
        if isTree, catalogue.distribution == nil {
            catalogue = ImageCatalogue(layers: facts, configuration: image.configuration, includesDeclared: true)
            result.notes.append(
                ImageNote(
                    .remark, "declared-counted",
                    "no distribution is in the folder: packages that lock files declare count as installed"))
        }
        result.notes += catalogue.problems.map { problem in
            ImageNote(.incomplete, "contents-unread", "/\(problem.path): \(problem.message)")
        }
        if catalogue.packages.isEmpty, !image.layers.isEmpty {
            result.notes.append(
                ImageNote(
                    .incomplete, "no-packages", "nothing in it tells of a package, so that nothing can be assessed"))
        }
        result.catalogue = catalogue
    }

    private func read(
        _ layer: ImageLayer, _ index: Int, _ source: any ImageSource, _ meter: ProgressMeter
    ) async -> Outcome {
        var told = ImageResult.Layer(
            diffID: layer.diffID, digest: layer.digest, size: layer.size, unpackedSize: 0, members: 0, isKnown: false)
        var notes: [ImageNote] = []
        defer { meter.finish(index, size: layer.size ?? 0) }
        if let cache = options.cache, let diffID = layer.diffID {
            switch cache.entry(diffID) {
            case .known(let entry):
                told.isKnown = true
                told.unpackedSize = entry.unpackedSize
                told.members = entry.members
                return Outcome(index: index, facts: entry.facts, layer: told, notes: said(entry.notes, layer))
            case .damaged:
                notes.append(
                    ImageNote(
                        .remark, "cache-damaged",
                        "what was kept of layer \(diffID.short) is damaged; the layer was read again"))
            case .unknown: break
            }
        }
        if case .blob(let blob) = layer.place, let note = Self.unreadable(blob) {
            return Outcome(index: index, facts: nil, layer: told, notes: notes + said([note], layer))
        }
        do throws(ImageError) {
            let read = try await source.read(layer, LayerFactsBuilder(), limits: options.limits) { taken in
                meter.take(index, taken)
            }
            var builder = read.visitor
            let reading = read.reading
            let facts = builder.finish()
            told.unpackedSize = reading.unpackedSize
            told.members = reading.members
            if case .directory = layer.place {} else { told.diffID = reading.diffID }
            keep(facts, reading, layer, &notes)
            return Outcome(index: index, facts: facts, layer: told, notes: notes + said(reading.notes, layer))
        } catch {
            let note = ImageNote(.incomplete, "layer-unread", error.message)
            return Outcome(index: index, facts: nil, layer: told, notes: notes + said([note], layer))
        }
    }

    /// Notes of a layer name it.
    private func said(_ notes: [ImageNote], _ layer: ImageLayer) -> [ImageNote] {
        notes.map { ImageNote($0.kind, $0.code, "layer \(layer.title): \($0.message)") }
    }

    /// Layers in forms that nobody can read without more than the registry gives.
    private static func unreadable(_ blob: Descriptor) -> ImageNote? {
        if blob.mediaType.hasSuffix("+encrypted") {
            return ImageNote(.incomplete, "layer-encrypted", "it is encrypted, and there is no key")
        }
        if blob.mediaType.contains("nondistributable") || blob.mediaType.contains("rootfs.foreign") {
            return ImageNote(
                .incomplete, "layer-foreign", "it may not be distributed, so that the registry does not have it")
        }
        return nil
    }

    private func keep(
        _ facts: LayerFacts, _ reading: LayerReading, _ layer: ImageLayer, _ notes: inout [ImageNote]
    ) {
        guard let cache = options.cache, reading.isComplete else { return }
        // What a folder holds may have been changed since its store wrote down what it was; what is kept answers for
        // every image that names the same layer.
        if case .directory = layer.place { return }
        let entry = LayerCache.Entry(
            facts: facts, unpackedSize: reading.unpackedSize, members: reading.members,
            // Of the image, not of the layer.
            notes: reading.notes.filter { $0.code != "diff-id-mismatch" })
        do {
            try cache.store(entry, as: reading.diffID)
        } catch {
            notes.append(
                ImageNote(.remark, "cache-unwritable", "\(cache.folder) cannot be written to; layers are not kept"))
        }
    }
}

extension LayerFacts {
    /// Of a layer that could not be read.
    static var nothing: LayerFacts {
        var builder = LayerFactsBuilder()
        return builder.finish()
    }
}

/// Adds up what the layers that are read at once have taken.
private final class ProgressMeter: Sendable {
    private let state: Mutex<(progress: ImageProgress, taken: [Int])>
    private let report: @Sendable (ImageProgress) -> Void

    init(layers: Int, bytes: Int, report: @escaping @Sendable (ImageProgress) -> Void) {
        state = Mutex(
            (
                ImageProgress(layers: layers, layersDone: 0, bytes: bytes, bytesDone: 0),
                Array(repeating: 0, count: layers)
            ))
        self.report = report
    }

    func take(_ layer: Int, _ taken: Int) {
        // A person reads some lines a second; a layer comes in hundreds of pieces.
        let progress: ImageProgress? = state.withLock { state in
            guard taken - state.taken[layer] > 1 << 20 else { return nil }
            state.progress.bytesDone += taken - state.taken[layer]
            state.taken[layer] = taken
            return state.progress
        }
        if let progress { report(progress) }
    }

    func finish(_ layer: Int, size: Int) {
        let progress = state.withLock { state in
            state.progress.bytesDone += max(0, size - state.taken[layer])
            state.taken[layer] = max(size, state.taken[layer])
            state.progress.layersDone += 1
            return state.progress
        }
        report(progress)
    }
}
