/// What one layer holds, as far as anybody asks: kept by diff-id, so that a layer is read once in its life.
///
/// Paths that are only written over or removed are kept as 64-bit hashes: 8 bytes in place of 60. Two of a million
/// paths share one with a probability below one in ten million, and then a package is taken for removed.
package struct LayerFacts: Sendable, Hashable {
    /// Changes whenever the catalogue would tell something else of the same layer.
    package static let formatVersion = "6"

    /// Sorted by path.
    var files: [FileFacts] = []
    /// Sorted by path.
    package internal(set) var executables: [ImageExecutable] = []
    /// Hashes of the paths of everything but directories, sorted.
    var nonDirectories: [UInt64] = []
    /// Hashes of the paths of directories, sorted.
    var directories: [UInt64] = []
    /// Paths that the layer removes from those below.
    var whiteouts: [String] = []
    /// Directories whose contents below it hides.
    var opaque: [String] = []
    var problems: [CatalogueProblem] = []

    init() {}

    /// Whether the file at `path` of a lower layer can no longer be seen.
    func hides(_ path: String) -> Bool { hides(path, PathHashes(path)) }

    /// The same, with the hashes of the path where many layers are asked.
    func hides(_ path: String, _ hashes: PathHashes) -> Bool {
        // What was a directory is something else now.
        if hashes.folders.contains(where: nonDirectories.holds) { return true }
        if nonDirectories.holds(hashes.whole) || directories.holds(hashes.whole) { return true }
        for removed in whiteouts where path == removed || path.isBelow(removed) { return true }
        for folder in opaque where folder.isEmpty || path.isBelow(folder) { return true }
        return false
    }

    /// Whether the layer itself has something other than a directory at `path`.
    package func writes(_ path: String) -> Bool {
        var hash = StableHash()
        hash.add(path)
        return nonDirectories.holds(hash.value)
    }
}

/// The hashes of a path and of the folders that it lies in.
struct PathHashes {
    private(set) var folders: [UInt64] = []
    let whole: UInt64

    init(_ path: String) {
        var hash = StableHash()
        var isFirst = true
        for byte in path.utf8 {
            if byte == UInt8(ascii: "/"), !isFirst { folders.append(hash.value) }
            hash.add(byte)
            isFirst = false
        }
        whole = hash.value
    }
}

extension String {
    /// Whether the path lies in a folder or deeper.
    func isBelow(_ folder: String) -> Bool {
        utf8.count > folder.utf8.count && hasPrefix(folder)
            && utf8[utf8.index(utf8.startIndex, offsetBy: folder.utf8.count)] == UInt8(ascii: "/")
    }
}

extension Array where Element == UInt64 {
    /// Binary search in a sorted list.
    func holds(_ value: UInt64) -> Bool {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == value
    }
}
