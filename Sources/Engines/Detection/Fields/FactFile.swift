internal import Documents

/// The engine's own data files. They are part of the program: one that does not read is a mistake of ours.
enum FactFile {
    static func root(_ bytes: [UInt8], _ name: String) -> Node {
        let set = DocumentReader.read(SourceText(name: name, bytes: bytes))
        guard let document = set.documents.first, set.problems.isEmpty else {
            preconditionFailure("\(name) is part of the program and must read: \(set.problems)")
        }
        return document.root
    }
}
