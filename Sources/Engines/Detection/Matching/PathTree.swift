/// The paths of `pmatch`: a value matches when one of them is it or a folder above it.
///
/// Components are compared whole; one with `?`, `*` or `[` is a shell pattern for that component.
struct PathTree: Sendable {
    private struct Folder {
        var children: [[UInt8]: Int] = [:]
        var patterns: [(Glob, [UInt8], Int)] = []
        var isEnd = false
    }

    private var folders: [Folder] = [Folder()]

    init(_ paths: [[UInt8]]) { for path in paths { add(path) } }

    private mutating func add(_ path: [UInt8]) {
        var current = 0
        for component in path.split(separator: UInt8(ascii: "/")).map(Array.init) {
            // A path below one that is there already adds nothing.
            if folders[current].isEnd { return }
            current = child(component, of: current)
        }
        folders[current].isEnd = true
        folders[current].children = [:]
        folders[current].patterns = []
    }

    private mutating func child(_ component: [UInt8], of folder: Int) -> Int {
        let isPattern = component.contains {
            $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "[")
        }
        if isPattern {
            if let known = folders[folder].patterns.first(where: { $0.1 == component }) { return known.2 }
            folders.append(Folder())
            folders[folder].patterns.append((Glob(component), component, folders.count - 1))
        } else {
            if let known = folders[folder].children[component] { return known }
            folders.append(Folder())
            folders[folder].children[component] = folders.count - 1
        }
        return folders.count - 1
    }

    func matches(_ path: [UInt8]) -> Bool {
        guard folders.count > 1 || folders[0].isEnd else { return false }
        let components = path.split(separator: UInt8(ascii: "/")).map(Array.init)
        return matches(components[...], in: 0)
    }

    private func matches(_ components: ArraySlice<[UInt8]>, in index: Int) -> Bool {
        let folder = folders[index]
        if folder.isEnd { return true }
        guard let first = components.first else { return false }
        if let child = folder.children[first], matches(components.dropFirst(), in: child) { return true }
        return folder.patterns.contains { $0.0.matches(first) && matches(components.dropFirst(), in: $0.2) }
    }
}
