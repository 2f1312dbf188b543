/// What a bill of materials is written from: the packages of an image, and what the bill says of itself.
///
/// Nothing in it depends on the hour or the machine but `created`, which is given: the same image, the same bytes.
package struct BillContents: Sendable {
    /// The image or folder, as its owner calls it.
    package var name: String
    /// The image's digest, `sha256:…`; nil for folders.
    package var digest: String?
    package var distribution: Distribution?
    package var packages: [CataloguedPackage]
    /// RFC 3339, as `2026-11-23T00:00:00Z`.
    package var created: String
    package var toolVersion: String

    package init(
        name: String, digest: String? = nil, distribution: Distribution?, packages: [CataloguedPackage],
        created: String, toolVersion: String
    ) {
        self.name = name
        self.digest = digest
        self.distribution = distribution
        self.packages = packages
        self.created = created
        self.toolVersion = toolVersion
    }

    package enum Form: String, Sendable, CaseIterable {
        case cycloneDX16 = "cyclonedx-1.6"
        case cycloneDX17 = "cyclonedx-1.7"
        case spdxJSON = "spdx-json"
        case spdxTags = "spdx-tag-value"
        case spdx3 = "spdx-3"
        case syft = "syft-json"
    }

    /// The whole document.
    package func written(as form: Form) -> [UInt8] {
        let parts = BillParts(self)
        return switch form {
        case .cycloneDX16: CycloneDXWriter(contents: self, parts: parts).written(version: "1.6")
        case .cycloneDX17: CycloneDXWriter(contents: self, parts: parts).written(version: "1.7")
        case .spdxJSON: SPDXWriter(contents: self, parts: parts).json()
        case .spdxTags: SPDXWriter(contents: self, parts: parts).tags()
        case .spdx3: SPDX3Writer(contents: self, parts: parts).written()
        case .syft: SyftWriter(contents: self, parts: parts).written()
        }
    }
}

/// Names and relations that every form needs.
struct BillParts {
    /// A short name of each package that stands once in the document and is the same in each that is written of it.
    var references: [String] = []
    /// Of each package the places of those that it needs, as far as they are in the image.
    var needs: [[Int]] = []
    /// Of each package the place of the distribution's package that owns it.
    var owner: [Int?] = []
    /// Of the document as a whole: sixteen bytes of a hash, as a UUID of version 8 (RFC 9562).
    var uuid = ""

    init(_ contents: BillContents) {
        var seen: [String: Int] = [:]
        var byName: [String: Int] = [:]
        var whole = StableHash()
        whole.add(contents.name)
        whole.add(contents.digest ?? "")
        for (index, item) in contents.packages.enumerated() {
            var hash = StableHash()
            for text in [item.package.type, item.package.name, item.package.version, item.package.architecture ?? ""] {
                hash.add(text)
                hash.add(0)
            }
            hash.add(item.paths.first ?? "")
            whole.add(Self.hex(hash.value))
            let reference = Self.hex(hash.value)
            let count = seen[reference, default: 0]
            seen[reference] = count + 1
            references.append(count == 0 ? reference : "\(reference)-\(count)")
            let name = "\(item.package.type) \(item.package.name)"
            if byName[name] == nil { byName[name] = index }
        }
        whole.add(contents.created)
        var second = whole
        second.add("second half")
        let digits = Array(Self.hex(whole.value) + Self.hex(second.value))
        uuid =
            String(digits[0..<8]) + "-" + String(digits[8..<12]) + "-8" + String(digits[13..<16]) + "-8"
            + String(digits[17..<20]) + "-" + String(digits[20..<32])
        for item in contents.packages {
            let own = item.requires.compactMap { byName["\(item.package.type) \($0)"] }
            needs.append(Array(Set(own)).sorted())
            owner.append(
                item.package.owner.flatMap { name in
                    ["deb", "rpm", "apk"].lazy.compactMap { byName["\($0) \(name)"] }.first
                })
        }
    }

    private static func hex(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}

/// Licences as the forms want them.
enum BillLicences {
    private static let known: Set<String> = Set(
        String(decoding: PackageResources.spdx_licenses_txt, as: UTF8.self).split(separator: "\n")
            .filter { !$0.hasPrefix("#") }.map(String.init))

    static func isIdentifier(_ text: String) -> Bool { known.contains(text) }

    /// An expression of SPDX's identifiers, if that is what the texts are; texts of people are not.
    static func expression(_ texts: [String]) -> String? {
        guard !texts.isEmpty else { return nil }
        let words: Set<String> = ["AND", "OR", "WITH"]
        for text in texts {
            let parts = text.split { " ()".contains($0) }.map(String.init)
            // An exception stands behind WITH and is in another list.
            var isException = false
            for part in parts {
                if !isException, !words.contains(part), !known.contains(part) { return nil }
                isException = part == "WITH"
            }
            if parts.isEmpty { return nil }
        }
        return texts.count == 1 ? texts[0] : texts.map { $0.contains(" ") ? "(\($0))" : $0 }.joined(separator: " AND ")
    }
}
