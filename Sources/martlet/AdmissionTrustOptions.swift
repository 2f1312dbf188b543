import AdmissionImages
import ArgumentParser
import ImageTrust

/// What the door is told of images and of whom to believe, by those who start it and by those who install it.
struct AdmissionTrustOptions: ParsableArguments {
    @Option(
        name: .customLong("image-platform"),
        help: "A platform of the nodes, as linux/arm64; may be repeated; by default linux/amd64.")
    var platforms: [String] = []

    @Option(
        name: .customLong("image-ca-file"), help: "Authorities of registries to trust beside the system's, as PEM.",
        completion: .file())
    var authorities: String?

    @Option(
        name: .customLong("image-mirror"),
        help: ArgumentHelp("Ask a mirror first; may be repeated.", valueName: "registry=mirror"))
    var mirrors: [String] = []

    @Option(
        name: .customLong("image-bases"), help: "The base images that are approved, one a line, as JSON.",
        completion: .file())
    var bases: String?

    @Option(
        name: .customLong("trusted-root"), help: "Whose signatures are believed: Sigstore's trusted_root.json.",
        completion: .file())
    var root: String?

    @Option(
        name: .customLong("signature-key"), help: "A public key in PEM whose signatures count; may be repeated.",
        completion: .file())
    var keys: [String] = []

    func signatures() throws -> SignatureSearch? {
        guard root != nil || !keys.isEmpty else { return nil }
        return SignatureSearch(
            root: try root.map { try TrustedRoot(try InputFile.read($0), name: $0) },
            keys: try keys.map(Self.key))
    }

    private static func key(_ path: String) throws -> VerificationKey {
        let pem = String(decoding: try InputFile.read(path), as: UTF8.self)
        do {
            return try VerificationKey(pem: pem)
        } catch {
            throw Failure(message: "\(path): \(error)")
        }
    }

    /// The files that are named, each with its flag, in the order in which a server's command line names them.
    var files: [(flag: String, path: String)] {
        let single = [("--image-ca-file", authorities), ("--image-bases", bases), ("--trusted-root", root)]
        return single.compactMap { flag, path in path.map { (flag, $0) } } + keys.map { ("--signature-key", $0) }
    }

    /// The rest of the command line.
    var words: [String] {
        platforms.flatMap { ["--image-platform", $0] } + mirrors.flatMap { ["--image-mirror", $0] }
    }
}
