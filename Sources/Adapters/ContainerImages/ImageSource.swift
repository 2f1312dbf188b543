package import Images

/// An image whose manifest and configuration were read, and whose layers were not.
package struct ResolvedImage: Sendable {
    /// As it was asked for.
    package var name: String
    /// Of the manifest; nil where there is none, as in Docker's archives and directories.
    package var digest: ContentDigest?
    /// Of the index that the manifest was chosen from.
    package var indexDigest: ContentDigest?
    package var configurationDigest: ContentDigest?
    package var platform: Platform?
    package var configuration: ImageConfiguration
    /// The lowest first.
    package var layers: [ImageLayer]
    package var annotations: [String: String] = [:]
    package var notes: [ImageNote] = []
}

/// One layer, and where its bytes are.
package struct ImageLayer: Sendable, Hashable {
    package enum Place: Sendable, Hashable {
        case blob(Descriptor)
        /// A part of the archive that the image is in.
        case part(offset: Int, count: Int)
        /// Unpacked; with overlayfs' marks for what a layer removes.
        case directory(String, hasOverlayMarks: Bool)
    }

    package var place: Place
    /// What the configuration says that the unpacked archive's digest is.
    package var diffID: ContentDigest?

    /// Of the packed layer, where it is told.
    package var digest: ContentDigest? {
        if case .blob(let descriptor) = place { return descriptor.digest }
        return nil
    }

    package var size: Int? {
        switch place {
        case .blob(let descriptor): descriptor.size
        case .part(_, let count): count
        case .directory: nil
        }
    }

    /// As people may call it.
    package var title: String { (diffID ?? digest)?.short ?? "the only layer" }
}

/// Somewhere images are.
package protocol ImageSource: Sendable {
    /// Finds the image and reads what it says of itself.
    ///
    /// - Parameter platform: nil for this machine's architecture, or the only one there is.
    func resolve(platform: Platform?) async throws(ImageError) -> ResolvedImage

    /// Hands over a blob's bytes as they come, until `sink` says that it has enough.
    func stream(_ blob: Descriptor, _ sink: (Span<UInt8>) -> Bool) async throws(ImageError)

    /// The same for a part of an archive; only sources that give out such places are asked.
    func stream(offset: Int, count: Int, _ sink: (Span<UInt8>) -> Bool) async throws(ImageError)
}

extension ImageSource {
    package func stream(offset: Int, count: Int, _ sink: (Span<UInt8>) -> Bool) async throws(ImageError) {
        throw ImageError(.unsupported, "the image lies in no archive")
    }

    /// A small blob as a whole, with its digest checked.
    package func document(_ blob: Descriptor, limit: Int) async throws(ImageError) -> [UInt8] {
        var bytes: [UInt8] = []
        if let size = blob.size {
            guard size <= limit else {
                throw ImageError(.tooLarge, "\(blob.digest.short) has \(size) bytes, more than \(limit)")
            }
            bytes.reserveCapacity(size)
        }
        try await stream(blob) { piece in
            piece.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
            return bytes.count <= limit
        }
        guard bytes.count <= limit else {
            throw ImageError(.tooLarge, "\(blob.digest.short) has more than \(limit) bytes")
        }
        guard BlobHash.digest(bytes, blob.digest.algorithm) == blob.digest else {
            throw ImageError(.wrongDigest, "\(blob.digest.short) holds other bytes than its digest says")
        }
        return bytes
    }

    /// Reads a layer in one pass.
    ///
    /// A digest that does not fit is an error: these are not the bytes that the manifest speaks of.
    package func read<Visitor: LayerVisitor>(
        _ layer: ImageLayer, _ visitor: Visitor, limits: LayerLimits,
        progress: (Int) -> Void = { _ in }
    ) async throws(ImageError) -> (reading: LayerReading, visitor: Visitor) {
        if case .directory(let path, let hasOverlayMarks) = layer.place {
            return try DirectoryWalk(path, hasOverlayMarks: hasOverlayMarks, limits: limits).read(layer, visitor)
        }
        var stream = LayerStream(visitor, limits: limits, algorithm: layer.digest?.algorithm ?? .sha256)
        var taken = 0
        switch layer.place {
        case .blob(let blob):
            try await self.stream(blob) { piece in
                stream.take(piece)
                taken += piece.count
                progress(taken)
                return !stream.isOver
            }
        case .part(let offset, let count):
            try await self.stream(offset: offset, count: count) { piece in
                stream.take(piece)
                taken += piece.count
                progress(taken)
                return !stream.isOver
            }
        case .directory: break
        }
        let isWhole = !stream.isOver
        var (reading, told) = stream.finish()
        if let digest = layer.digest, isWhole, reading.digest != digest {
            throw ImageError(.wrongDigest, "layer \(digest.short) holds other bytes than its digest says")
        }
        if let diffID = layer.diffID, isWhole, reading.isComplete, reading.diffID != diffID {
            reading.notes.append(
                ImageNote(
                    .remark, "diff-id-mismatch",
                    "the configuration calls this layer \(diffID.short), it unpacks to \(reading.diffID.short); "
                        + "runtimes refuse such an image"))
        }
        return (reading, told)
    }
}

extension ImageSource {
    /// Follows an index to a manifest, and reads its configuration.
    func resolve(
        _ start: Descriptor, name: String, platform: Platform?, limits: LayerLimits
    ) async throws(ImageError) -> ResolvedImage {
        let bytes = try await document(start, limit: ImageManifest.sizeLimit)
        return try await resolve(bytes, start, name: name, platform: platform, limits: limits)
    }

    func resolve(
        _ bytes: [UInt8], _ start: Descriptor, name: String, platform: Platform?, limits: LayerLimits
    ) async throws(ImageError) -> ResolvedImage {
        var (bytes, current) = (bytes, start)
        var notes: [ImageNote] = []
        var index: ContentDigest?
        // An index may name an index; three are more than any tool writes.
        for _ in 0..<4 {
            switch try ImageManifest(bytes, of: name) {
            case .index(let entries):
                let choice = try PlatformChoice(entries, wanted: platform, of: name)
                if let note = choice.note { notes.append(note) }
                if index == nil { index = current.digest }
                current = choice.chosen
                bytes = try await document(current, limit: ImageManifest.sizeLimit)
            case .image(let manifest):
                try manifest.requireImage(name)
                return try await resolve(
                    manifest, current, index: index, name: name, wanted: platform, notes: notes, limits: limits)
            }
        }
        throw ImageError(.unsupported, "\(name) is an index of indexes of indexes")
    }

    private func resolve(
        _ manifest: ImageManifest.Image, _ descriptor: Descriptor, index: ContentDigest?, name: String,
        wanted: Platform?, notes: [ImageNote], limits: LayerLimits
    ) async throws(ImageError) -> ResolvedImage {
        let bytes = try await document(manifest.configuration, limit: limits.document)
        let configuration = ImageConfiguration(
            try ImageManifest.json(bytes, "the configuration of \(name)"))
        let (diffIDs, remarks) = Self.diffIDs(configuration, layers: manifest.layers.count, name)
        let layers = zip(manifest.layers, diffIDs).map { descriptor, diffID in
            ImageLayer(place: .blob(descriptor), diffID: diffID)
        }
        var image = ResolvedImage(
            name: name, digest: descriptor.digest, indexDigest: index,
            configurationDigest: manifest.configuration.digest,
            platform: Platform(configuration) ?? descriptor.platform, configuration: configuration, layers: layers)
        image.annotations = manifest.annotations
        image.notes = notes + remarks
        if let wanted, let found = image.platform, found.fit(wanted) == nil {
            throw ImageError(.notFound, "\(name) is for \(found), not for \(wanted)")
        }
        return image
    }

    /// One for each layer, and a remark where the configuration does not tell.
    static func diffIDs(
        _ configuration: ImageConfiguration, layers: Int, _ name: String
    ) -> ([ContentDigest?], [ImageNote]) {
        let diffIDs = configuration.diffIDs.map { try? ContentDigest($0) }
        guard diffIDs.count == layers else {
            let note = ImageNote(
                .remark, "diff-ids-missing",
                "the configuration of \(name) names \(diffIDs.count) layers, the manifest \(layers)")
            return (Array(repeating: nil, count: layers), [note])
        }
        return (diffIDs, [])
    }
}

extension Platform {
    init?(_ configuration: ImageConfiguration) {
        guard !configuration.operatingSystem.isEmpty, !configuration.architecture.isEmpty else { return nil }
        self.init(configuration.operatingSystem, configuration.architecture, configuration.variant)
    }
}
