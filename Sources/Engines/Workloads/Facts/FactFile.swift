import Documents

/// A data file that is embedded in the program.
///
/// The files change with Kubernetes, not with the code; a schema test reads every one of them.
enum FactFile {
    /// The root of the file.
    static func root(_ bytes: [UInt8], _ name: String) -> Node {
        do throws(DocumentError) {
            return try DocumentReader.readJSON(SourceText(name: name, bytes: bytes))
        } catch {
            preconditionFailure("the embedded \(name) is part of the program and its schema test reads it: \(error)")
        }
    }
}

/// Text with `*` for any run of characters, as the data files write names and images.
struct Glob: Sendable, Hashable {
    private let parts: [[UInt8]]

    init(_ text: String) {
        parts = text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
    }

    func matches(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = parts.first, let last = parts.last, bytes.starts(with: first) else { return false }
        guard parts.count > 1 else { return bytes.count == first.count }
        var position = first.count
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            var start = position
            while start + part.count <= bytes.count, !bytes[start...].starts(with: part) { start += 1 }
            guard start + part.count <= bytes.count else { return false }
            position = start + part.count
        }
        return bytes.count - position >= last.count && bytes.suffix(last.count).elementsEqual(last)
    }
}
