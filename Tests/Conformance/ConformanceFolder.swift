import Documents
import Foundation

/// A suite's folder.
struct ConformanceFolder: Sendable {
    let path: String

    func bytes(_ file: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: "\(path)/\(file)") else {
            throw ConformanceError(description: "cannot read \(path)/\(file)")
        }
        return Array(data)
    }

    /// The values of a JSON Lines file.
    func lines(_ file: String) throws -> [Node] {
        try bytes(file).split(separator: 0x0A).map { line in
            try DocumentReader.readJSON(SourceText(name: "", bytes: Array(line)))
        }
    }

    func json(_ file: String) throws -> Node {
        try DocumentReader.readJSON(SourceText(name: "", bytes: bytes(file)))
    }

    func documents(_ file: String) throws -> DocumentSet {
        DocumentReader.read(SourceText(name: file, bytes: try bytes(file)))
    }
}
