import FoundationEssentials

/// Names, sizes and times of everything below some paths: other when a file has changed.
enum FolderMark {
    static func of(_ paths: [String]) -> String {
        var parts: [String] = []
        for path in paths { visit(path, &parts, depth: 0) }
        return parts.joined(separator: "\n")
    }

    private static func visit(_ path: String, _ parts: inout [String], depth: Int) {
        guard depth < 16, parts.count < 50_000,
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        else {
            parts.append("\(path) ?")
            return
        }
        if attributes[.type] as? FileAttributeType == .typeDirectory {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            for name in names.sorted() where !name.hasPrefix(".") { visit("\(path)/\(name)", &parts, depth: depth + 1) }
            return
        }
        let date = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        parts.append("\(path) \(attributes[.size] ?? 0) \(date)")
    }
}
