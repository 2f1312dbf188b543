import Images
import Vulnerabilities

/// A layer made of files named with their text, through the same calls that the reader of archives makes.
func layer(_ members: [(path: String, bytes: [UInt8])], mode: UInt16 = 0o644) -> LayerFacts {
    var builder = LayerFactsBuilder()
    for (path, bytes) in members {
        let member = LayerMember(path: path, kind: .file, mode: mode, size: bytes.count)
        builder.take(member, contents: wanted(member, bytes))
    }
    return builder.finish()
}

func layer(_ files: [String: String]) -> LayerFacts {
    layer(files.sorted { $0.key < $1.key }.map { ($0.key, Array($0.value.utf8)) })
}

/// The contents if the catalogue asks for them.
func wanted(_ member: LayerMember, _ bytes: [UInt8]) -> [UInt8]? {
    switch CatalogueInterest.interest(in: member) {
    case .contents(let limit): bytes.count <= limit ? bytes : nil
    case .contentsBeginning(let starts, let limit):
        bytes.count <= limit && starts.contains { bytes.starts(with: $0) } ? bytes : nil
    case .none, .digest: nil
    }
}

extension ImageCatalogue {
    /// `type name version` of each package.
    var lines: [String] { packages.map { "\($0.package.type) \($0.package.name) \($0.package.version)" } }

    func package(_ name: String) -> CataloguedPackage? { packages.first { $0.package.name == name } }
}
