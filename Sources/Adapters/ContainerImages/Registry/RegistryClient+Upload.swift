import AsyncHTTPClient
import NIOHTTP1

extension RegistryClient {
    /// Bytes of one request while a large blob is sent; registries may refuse much larger ones.
    private static var chunk: Int { 16 << 20 }

    /// Puts a large blob there in chunks, unless it is there already.
    ///
    /// - Parameter read: Gives the bytes of a range; asked in order.
    ///
    /// Source: OCI Distribution Specification 1.1, "Pushing a blob in chunks".
    package func push(
        _ blob: Descriptor, size: Int, host: String, repository: String,
        read: (Range<Int>) throws(ImageError) -> [UInt8], progress: (Int) -> Void = { _ in }
    ) async throws(ImageError) {
        let place = Question(host: host, repository: repository, path: "", actions: "pull,push")
        var present = place
        (present.method, present.path) = (.HEAD, "blobs/\(blob.digest)")
        if try await ask(present).status.code == 200 { return progress(size) }

        var begin = place
        (begin.method, begin.path) = (.POST, "blobs/uploads/")
        var location = try await next(ask(begin), begin, "takes no upload to \(repository)")
        let kind = [(name: "Content-Type", value: "application/octet-stream")]
        for start in stride(from: 0, to: size, by: Self.chunk) {
            let range = start..<min(size, start + Self.chunk)
            var piece = place
            (piece.method, piece.path, piece.body) = (.PATCH, location, try read(range))
            piece.headers = kind + [("Content-Range", "\(start)-\(range.upperBound - 1)")]
            location = try await next(upload(piece), piece, "did not take bytes \(start)-\(range.upperBound - 1)")
            progress(range.upperBound)
        }
        var end = place
        end.method = .PUT
        end.path = Self.ending(location, blob.digest)
        let answer = try await upload(end)
        guard (200..<300).contains(answer.status.code) else {
            throw ImageError(
                .badAnswer, "\(host) answers \(answer.status.code) for \(blob.digest.short)\(await Self.told(answer))")
        }
        await Self.discard(answer)
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
