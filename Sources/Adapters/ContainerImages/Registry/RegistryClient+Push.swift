import AsyncHTTPClient
import Documents
import NIOHTTP1

extension RegistryClient {
    /// Bytes of one request while a blob is sent; registries may refuse much larger ones.
    private static var chunk: Int { 16 << 20 }
    private static var actions: String { "pull,push" }

    /// Sends a blob, unless the registry has it.
    ///
    /// Small ones go in one request, larger ones in chunks.
    ///
    /// - Parameter read: Gives the bytes of a range; asked in order, and again where a chunk was not taken.
    ///
    /// Source: OCI Distribution Specification 1.1, "Pushing blobs".
    package func push(
        _ blob: Descriptor, size: Int, host: String, repository: String,
        read: (Range<Int>) throws(ImageError) -> [UInt8], progress: (Int) -> Void = { _ in }
    ) async throws(ImageError) {
        let place = Question(host: host, repository: repository, path: "", actions: Self.actions)
        var present = place
        (present.method, present.path) = (.HEAD, "blobs/\(blob.digest)")
        let known = try await ask(present)
        await Self.discard(known)
        if known.status.code == 200 { return progress(size) }

        var begin = place
        (begin.method, begin.path) = (.POST, "blobs/uploads/")
        begin.headers = [("Content-Length", "0")]
        var location = try await next(ask(begin), host, "takes no upload to \(repository)")
        let kind = [(name: "Content-Type", value: "application/octet-stream")]
        var sent = 0
        while size > Self.chunk, sent < size {
            let range = sent..<min(size, sent + Self.chunk)
            var piece = place
            (piece.method, piece.path, piece.body) = (.PATCH, location, try read(range))
            piece.headers = kind + [("Content-Range", "\(range.lowerBound)-\(range.upperBound - 1)")]
            location = try await next(
                ask(piece), host, "did not take bytes \(range.lowerBound)-\(range.upperBound - 1)")
            sent = range.upperBound
            progress(sent)
        }
        var end = place
        end.method = .PUT
        end.path = location + (location.contains("?") ? "&" : "?") + "digest=\(Self.escaped("\(blob.digest)"))"
        end.headers = kind
        if sent < size { end.body = try read(sent..<size) }
        let answer = try await ask(end)
        guard answer.status.code == 201 else {
            throw ImageError(
                .badAnswer, "\(host) answers \(answer.status.code) for \(blob.digest.short)\(await Self.told(answer))")
        }
        await Self.discard(answer)
        progress(size)
    }

    /// A small blob as a whole.
    package func push(
        _ bytes: [UInt8], mediaType: String, host: String, repository: String
    ) async throws(ImageError) -> Descriptor {
        let blob = Descriptor(mediaType: mediaType, digest: BlobHash.digest(bytes), size: bytes.count)
        try await push(blob, size: bytes.count, host: host, repository: repository) { range throws(ImageError) in
            Array(bytes[range])
        }
        return blob
    }

    /// Stores a manifest under a tag, or under its digest where there is none; gives what a referrer would name.
    @discardableResult
    package func push(
        manifest bytes: [UInt8], mediaType: String, reference: String?, host: String, repository: String
    ) async throws(ImageError) -> Descriptor {
        let digest = BlobHash.digest(bytes)
        var question = Question(
            method: .PUT, host: host, repository: repository, path: "manifests/\(reference ?? "\(digest)")",
            headers: [("Content-Type", mediaType)], body: bytes, actions: Self.actions)
        question.actions = Self.actions
        let answer = try await ask(question)
        guard answer.status.code == 201 else {
            throw ImageError(
                .badAnswer, "\(host) answers \(answer.status.code) for the manifest\(await Self.told(answer))")
        }
        await Self.discard(answer)
        return Descriptor(mediaType: mediaType, digest: digest, size: bytes.count)
    }

    /// Where an upload goes on.
    private func next(_ answer: Answer, _ host: String, _ refusal: String) async throws(ImageError) -> String {
        guard (200..<300).contains(answer.status.code), let location = answer.headers.first(name: "Location") else {
            throw ImageError(.badAnswer, "\(host) \(refusal): \(answer.status.code)\(await Self.told(answer))")
        }
        await Self.discard(answer)
        return Self.resolved(location, against: "\(await session.scheme(of: host))://\(host)/")
    }
}
