import AsyncHTTPClient
import Documents
import Encodings
import NIOCore
import NIOHTTP1

extension RegistryClient {
    /// A manifest, with the digest it was asked for or has.
    package struct Manifest: Sendable {
        package var bytes: [UInt8]
        package var descriptor: Descriptor
    }

    /// Fetches a manifest or an index by tag or digest.
    package func manifest(
        host: String, repository: String, reference: String
    ) async throws(ImageError) -> Manifest {
        let place = "\(host)/\(repository)"
        let answer = try await ask(
            Question(
                host: host, repository: repository, path: "manifests/\(reference)",
                headers: ImageManifest.accepted.map { ("Accept", $0) }))
        guard answer.status.code != 404 else {
            let told = await Self.told(answer)
            throw ImageError(.notFound, "\(place) has no \"\(reference)\"\(told)")
        }
        if Self.isWebPage(answer) {
            throw ImageError(
                .badAnswer, "\(host) answers with a web page; is this address a registry, or is a login page before it?"
            )
        }
        let bytes = try await Self.bytes(answer, limit: ImageManifest.sizeLimit, from: host)
        let wanted = try? ContentDigest(reference)
        let told = answer.headers.first(name: "Docker-Content-Digest").flatMap { try? ContentDigest($0) }
        let digest = BlobHash.digest(bytes, (wanted ?? told)?.algorithm ?? .sha256)
        if let expected = wanted ?? told, expected != digest {
            // A page in place of a manifest is the likelier story than a forgery, and the more useful to hear.
            _ = try ImageManifest(bytes, of: place)
            throw ImageError(.wrongDigest, "\(place): the manifest is \(digest.short), not \(expected.short)")
        }
        let type = answer.headers.first(name: "Content-Type") ?? ""
        return Manifest(
            bytes: bytes, descriptor: Descriptor(mediaType: type, digest: digest, size: bytes.count))
    }

    /// Hands over a blob as it comes, and goes on where it was when the connection breaks.
    ///
    /// The caller checks the digest.
    package func blob(
        _ blob: Descriptor, host: String, repository: String, _ sink: (Span<UInt8>) -> Bool
    ) async throws(ImageError) {
        var received = 0
        var failures = 0
        while true {
            var question = Question(host: host, repository: repository, path: "blobs/\(blob.digest)")
            if received > 0 { question.headers = [("Range", "bytes=\(received)-")] }
            let answer = try await ask(question)
            // A registry that knows no ranges starts again.
            var skipped = answer.status.code == 206 ? received : 0
            switch answer.status.code {
            case 404:
                throw ImageError(.notFound, "\(host)/\(repository) has no \(blob.digest.short)")
            case 416:
                throw ImageError(.truncated, "\(host) has only \(received) bytes of \(blob.digest.short)")
            case 206 where received > 0:
                let start = answer.headers.first(name: "Content-Range").flatMap(Self.start)
                guard start == received else {
                    throw ImageError(
                        .badAnswer, "\(host) sends another part of \(blob.digest.short) than was asked for")
                }
            default: break
            }
            if Self.isWebPage(answer) {
                throw ImageError(.badAnswer, "\(host) sends a web page in place of \(blob.digest.short)")
            }
            let before = received
            do {
                for try await buffer in answer.body {
                    let bytes = buffer.readableBytesView
                    let old = min(bytes.count, max(0, received - skipped))
                    skipped += old
                    guard old < bytes.count else { continue }
                    received += bytes.count - old
                    skipped = received
                    if let size = blob.size, received > size {
                        throw ImageError(
                            .wrongDigest, "\(host) sends more than the \(size) bytes of \(blob.digest.short)")
                    }
                    let isWanted = sink(buffer.readableBytesUInt8Span.extracting(old..<bytes.count))
                    guard isWanted else { return }
                }
                guard let size = blob.size, received < size else { return }
            } catch let error as ImageError {
                throw error
            } catch is CancellationError {
                throw ImageError(.unreachable, "the work was cancelled")
            } catch {
                // Tried again below.
            }
            // Whoever sends something each time may break off as often as he likes.
            failures = received > before ? 1 : failures + 1
            guard failures <= options.retries else {
                throw ImageError(
                    .unreachable, "\(host) broke off \(blob.digest.short) after \(received) bytes, again and again")
            }
            try await pause(Self.backoff(failures))
        }
    }

    /// The first byte's place out of `bytes 100-199/200`.
    private static func start(_ range: String) -> Int? {
        guard range.hasPrefix("bytes ") else { return nil }
        return Int(range.dropFirst(6).prefix { $0.isNumber })
    }

    /// Manifests that speak of an image: signatures, bills of materials, attestations.
    ///
    /// Asks the referrers API, and where a registry has none looks for the tag that takes its place.
    ///
    /// Source: OCI Distribution Specification 1.1, "Listing Referrers".
    package func referrers(
        of digest: ContentDigest, host: String, repository: String, artifactType: String? = nil
    ) async throws(ImageError) -> [Descriptor] {
        var path = "referrers/\(digest)" + (artifactType.map { "?artifactType=\(PercentEncoding.encoded($0))" } ?? "")
        var found: [Descriptor] = []
        // Pages.
        for _ in 0..<50 {
            let answer = try await ask(Question(host: host, repository: repository, path: path))
            if answer.status.code == 404 || Self.isWebPage(answer) {
                await Self.discard(answer)
                found = try await taggedReferrers(of: digest, host: host, repository: repository)
                break
            }
            let bytes = try await Self.bytes(answer, limit: ImageManifest.sizeLimit, from: host)
            guard case .index(let entries) = try ImageManifest(bytes, of: "the referrers of \(digest.short)") else {
                throw ImageError(.badAnswer, "\(host) gives no list of referrers")
            }
            found += entries
            guard let next = Self.nextPage(answer.headers), let query = next.firstIndex(of: "?") else { break }
            path = "referrers/\(digest)" + next[query...]
        }
        // Registries may leave the filter to us.
        return found.filter { artifactType == nil || $0.artifactType == artifactType }
    }

    /// The tags of a repository, in the registry's order.
    ///
    /// Source: OCI Distribution Specification 1.1, "Listing Tags".
    package func tags(host: String, repository: String) async throws(ImageError) -> [String] {
        var path = "tags/list?n=1000"
        var found: [String] = []
        for _ in 0..<100 {
            let answer = try await ask(Question(host: host, repository: repository, path: path))
            guard answer.status.code != 404 else {
                let told = await Self.told(answer)
                throw ImageError(.notFound, "\(host) has no \(repository)\(told)")
            }
            let bytes = try await Self.bytes(answer, limit: ImageManifest.sizeLimit, from: host)
            found += try ImageManifest.json(bytes, "the tags of \(repository)")["tags"].strings
            guard let next = Self.nextPage(answer.headers), let query = next.firstIndex(of: "?") else { break }
            path = "tags/list" + next[query...]
        }
        return found
    }

    private func taggedReferrers(
        of digest: ContentDigest, host: String, repository: String
    ) async throws(ImageError) -> [Descriptor] {
        do throws(ImageError) {
            let tag = "\(digest.algorithm.rawValue)-\(digest.hex.prefix(64))"
            let manifest = try await manifest(host: host, repository: repository, reference: tag)
            guard case .index(let entries) = try ImageManifest(manifest.bytes, of: tag) else { return [] }
            return entries
        } catch {
            guard error.code == .notFound else { throw error }
            return []
        }
    }

    /// `</v2/…>; rel="next"`
    private static func nextPage(_ headers: HTTPHeaders) -> String? {
        guard let link = headers.first(name: "Link"), link.contains("rel=\"next\""),
            let start = link.firstIndex(of: "<"), let end = link.firstIndex(of: ">"), start < end
        else { return nil }
        return String(link[link.index(after: start)..<end])
    }
}
