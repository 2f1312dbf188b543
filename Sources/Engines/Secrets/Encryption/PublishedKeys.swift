import Documents

/// Keys that everybody has, since they stand in documentation.
enum PublishedKeys {
    /// The decoded keys of `Resources/published-keys.json`.
    static let all: Set<[UInt8]> = {
        let root: Node
        do throws(DocumentError) {
            root = try DocumentReader.readJSON(
                SourceText(name: "published-keys.json", bytes: PackageResources.published_keys_json))
        } catch {
            preconditionFailure("the embedded published-keys.json is part of the program and a test reads it: \(error)")
        }
        return Set(root["keys"].strings.compactMap { Base64.decode(Array($0.utf8)) })
    }()
}
