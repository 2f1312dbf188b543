package import Documents
import Encodings

/// Where a blob is and how long: the way manifests speak of one another.
///
/// Source: OCI Image Specification 1.1, "Content Descriptors".
package struct Descriptor: Sendable, Hashable {
    package var mediaType: String
    package var digest: ContentDigest
    /// nil where it is not told.
    package var size: Int?
    package var platform: Platform?
    package var annotations: [String: String] = [:]
    package var artifactType: String?

    package init(mediaType: String, digest: ContentDigest, size: Int? = nil) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
    }

    package init(_ node: Node) throws(ImageError) {
        guard let text = node["digest"].string else {
            throw ImageError(.damaged, "a descriptor has no digest")
        }
        digest = try ContentDigest(text)
        mediaType = node["mediaType"].string ?? ""
        size = node["size"].int.flatMap { $0 >= 0 ? $0 : nil }
        platform = node["platform"].isObject ? Platform(node["platform"]) : nil
        annotations = node["annotations"].stringMap
        artifactType = node["artifactType"].string
    }

    /// The name that tools give an image in a layout.
    package var referenceName: String? {
        annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"]
    }
}

/// `sha256:…`, checked: it becomes a part of paths and addresses.
package struct ContentDigest: Sendable, Hashable, CustomStringConvertible {
    package enum Algorithm: String, Sendable { case sha256, sha512 }

    package let algorithm: Algorithm
    /// In lower case.
    package let hex: String

    package init(_ text: String) throws(ImageError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let algorithm = Algorithm(rawValue: String(parts[0])) else {
            throw ImageError(.unsupported, "\"\(text.prefix(100))\" is no digest by sha256 or sha512")
        }
        let isHexadecimal = parts[1].utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        guard isHexadecimal, parts[1].utf8.count == (algorithm == .sha256 ? 64 : 128) else {
            throw ImageError(.badName, "\"\(text.prefix(150))\" is no digest")
        }
        self.algorithm = algorithm
        hex = String(parts[1])
    }

    init(_ algorithm: Algorithm, _ bytes: some Sequence<UInt8>) {
        self.algorithm = algorithm
        hex = Hexadecimal.text(bytes)
    }

    package var description: String { "\(algorithm.rawValue):\(hex)" }
    /// As people write it.
    package var short: String { "\(algorithm.rawValue):\(hex.prefix(12))" }
}

/// `linux/amd64`, `linux/arm64/v8`.
package struct Platform: Sendable, Hashable, CustomStringConvertible {
    package var operatingSystem: String
    package var architecture: String
    package var variant: String?

    package init(_ operatingSystem: String, _ architecture: String, _ variant: String? = nil) {
        self.operatingSystem = operatingSystem
        self.architecture = architecture
        self.variant = variant
    }

    init(_ node: Node) {
        operatingSystem = node["os"].string ?? ""
        architecture = node["architecture"].string ?? ""
        variant = node["variant"].string
    }

    /// From what a person writes; `arm64` alone means linux.
    package init(_ text: String) throws(ImageError) {
        let parts = text.lowercased().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
            throw ImageError(.badName, "\"\(text)\" is no platform; write it as linux/amd64 or linux/arm/v7")
        }
        let names = ["x86_64": "amd64", "aarch64": "arm64", "armhf": "arm", "i386": "386"]
        operatingSystem = parts.count == 1 ? "linux" : parts[0]
        let architecture = parts.count == 1 ? parts[0] : parts[1]
        self.architecture = names[architecture] ?? architecture
        variant = parts.count == 3 ? parts[2] : nil
    }

    /// This machine's architecture, and linux.
    package static var own: Platform {
        #if arch(arm64)
            Platform("linux", "arm64")
        #elseif arch(x86_64)
            Platform("linux", "amd64")
        #else
            Platform("linux", "amd64")
        #endif
    }

    package var description: String {
        "\(operatingSystem)/\(architecture)\(variant.map { "/\($0)" } ?? "")"
    }

    /// arm64 has one variant that counts, so that `v8` and none mean the same.
    private var normalVariant: String? { architecture == "arm64" && variant == "v8" ? nil : variant }

    /// How well it fits what is wanted; nil when it does not.
    func fit(_ wanted: Platform) -> Int? {
        guard operatingSystem == wanted.operatingSystem, architecture == wanted.architecture else { return nil }
        if normalVariant == wanted.normalVariant { return 2 }
        return wanted.variant == nil ? 1 : nil
    }
}
