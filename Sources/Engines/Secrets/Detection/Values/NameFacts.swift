import Documents

/// Words that names of credentials are made of. Source: `Resources/names.json`.
struct NameFacts: Sendable {
    let passwords: Set<String>
    let secrets: Set<String>
    let weak: Set<String>
    /// `api` makes `api_key` a secret.
    let keyOwners: Set<String>
    /// `primary` makes `primary_key` none.
    let notKeys: Set<String>
    /// Any of them says that the value is about a credential and is none.
    let spoilers: Set<String>
    let spoilersBefore: Set<String>
    let qualifiers: Set<String>
    let passwordEndings: [String]
    let secretEndings: [String]
    /// Words that only end like one: `compass`.
    let otherWords: Set<String>

    static let known: NameFacts = {
        let root = FactFile.root(PackageResources.names_json, "names.json")
        func set(_ key: String) -> Set<String> { Set(root[key].strings) }
        return NameFacts(
            passwords: set("passwords"), secrets: set("secrets"), weak: set("weak"), keyOwners: set("keyOwners"),
            notKeys: set("notKeys"), spoilers: set("spoilers"), spoilersBefore: set("spoilersBefore"),
            qualifiers: set("qualifiers"), passwordEndings: root["passwordEndings"].strings,
            secretEndings: root["secretEndings"].strings, otherWords: set("otherWords"))
    }()
}

/// A data file that is embedded in the program.
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
