import Documents
import FoundationEssentials
import Manifests
package import Secrets
package import SourceTrees
import Synchronization

/// Looks through files, several at once.
package struct FileSearch: Sendable {
    private let seal: SecretSeal
    private let width: Int

    package init(seal: SecretSeal, width: Int = max(1, ProcessInfo.processInfo.activeProcessorCount)) {
        self.seal = seal
        self.width = width
    }

    package func search(_ files: SourceFiles) async -> SearchResult {
        let paths = files.paths
        let queue = PathQueue(count: paths.count)
        var result = SearchResult()
        await withTaskGroup(of: SearchResult.self) { group in
            for _ in 0..<min(width, max(1, paths.count)) {
                group.addTask { part(paths, queue) }
            }
            for await part in group { result.add(part) }
        }
        result.gaps += files.gaps.map { "\($0.path): \($0.reason)" }
        result.ignored += files.ignored
        return result
    }

    private func part(_ paths: [String], _ queue: PathQueue) -> SearchResult {
        var search = SecretSearch(seal: seal)
        var result = SearchResult()
        while true {
            let range = queue.next()
            if range.isEmpty { return result }
            for path in paths[range] {
                do throws(DocumentError) {
                    result.add(search.search(SourceItem(path: path, bytes: try FileBytes.read(path))))
                } catch {
                    result.gaps.append("\(path): \(error.message)")
                }
            }
        }
    }
}

/// Hands out the places of a list in parts, to whoever asks next.
private final class PathQueue: Sendable {
    private let count: Int
    private let place = Mutex(0)

    init(count: Int) { self.count = count }

    func next() -> Range<Int> {
        place.withLock { place in
            let start = min(place, count)
            place = start + 16
            return start..<min(count, start + 16)
        }
    }
}
