import AsyncHTTPClient
import NIOHTTP1

extension RegistryClient {
    /// Bytes of one request while a large blob is sent; registries may refuse much larger ones.
    private static var chunk: Int { 16 << 20 }

    /// Puts a large file there in chunks, unless it is there already.
    ///
    /// - Parameter progress: Told how many bytes the registry has.
    ///
    /// Source: OCI Distribution Specification 1.1, "Pushing a blob in chunks".
    package func push(
        file path: String, mediaType: String, host: String, repository: String,
        progress: @Sendable (Int) -> Void = { _ in }
    ) async throws(ImageError) -> Descriptor {
        let file = try LocalFile(path)
        var hash = BlobHash(.sha256)
        try file.read { piece in
            hash.update(piece)
            return true
        }
        let blob = Descriptor(mediaType: mediaType, digest: hash.digest, size: file.size)
        let place = Question(host: host, repository: repository, path: "", actions: "pull,push")
        var present = place
        (present.method, present.path) = (.HEAD, "blobs/\(blob.digest)")
        if try await ask(present).status.code == 200 { return blob }

        var begin = place
        (begin.method, begin.path) = (.POST, "blobs/uploads/")
        var location = try await next(ask(begin), begin, "takes no upload to \(repository)")
        for start in stride(from: 0, to: file.size, by: Self.chunk) {
            var piece = place
            (piece.method, piece.path) = (.PATCH, location)
            piece.body = try file.bytes(offset: start, count: Self.chunk)
            let last = start + piece.body.count - 1
            piece.headers = [("Content-Type", "application/octet-stream"), ("Content-Range", "\(start)-\(last)")]
            location = try await next(upload(piece), piece, "did not take bytes \(start)-\(last)")
            progress(last + 1)
        }
        var end = place
        (end.method, end.path) = (.PUT, Self.ending(location, blob.digest))
        let answer = try await upload(end)
        guard (200..<300).contains(answer.status.code) else {
            throw ImageError(
                .badAnswer, "\(host) answers \(answer.status.code) for \(blob.digest.short)\(await Self.told(answer))")
        }
        await Self.discard(answer)
        return blob
    }

    /// Where an upload goes on.
    private func next(
        _ answer: Answer, _ question: Question, _ refusal: String
    ) async throws(ImageError) -> String {
        guard (200..<300).contains(answer.status.code), let location = answer.headers.first(name: "Location") else {
            throw ImageError(
                .badAnswer, "\(question.host) \(refusal): \(answer.status.code)\(await Self.told(answer))")
        }
        await Self.discard(answer)
        return await address(location, of: question)
    }
}
