import Documents

/// A data file that is embedded in the program.
///
/// The files change with the benchmark and with Kubernetes, not with the code; a schema test reads every one of them.
enum FactFile {
    static func root(_ bytes: [UInt8], _ name: String) -> Node {
        do throws(DocumentError) {
            return try DocumentReader.readJSON(SourceText(name: name, bytes: bytes))
        } catch {
            preconditionFailure("the embedded \(name) is part of the program and its schema test reads it: \(error)")
        }
    }
}
