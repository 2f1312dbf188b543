import Documents
import Foundation

/// A folder of artefacts that nobody can change unseen: each with its SHA-256, all chained, the list signed.
///
/// `manifest.json` holds the list, `manifest.sig` 64 bytes of Ed25519 over it, `public-key.pem` the key. Link n of the
/// chain is SHA-256 over link n-1, the name, the size and the digest, so that a file cannot be taken out, put in or
/// moved either. A pack may name the one before it, and with that its place in a series.
package enum EvidencePack {
    package struct Artefact {
        package var name: String
        package var bytes: [UInt8]
        package init(_ name: String, _ bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
        package init(_ name: String, _ text: String) { self.init(name, Array(text.utf8)) }
    }

    static let manifestName = "manifest.json"
    static let signatureName = "manifest.sig"
    static let keyName = "public-key.pem"
    static let readmeName = "README.txt"
    private static let format = "martlet-evidence-pack/1"

    private static let readme = """
        This folder is an evidence pack.

        With Martlet:      martlet compliance verify FOLDER --key KEY.pem
        Without Martlet:   openssl pkeyutl -verify -pubin -inkey KEY.pem -rawin -in manifest.json -sigfile manifest.sig
                           then compare the SHA-256 of every file with manifest.json (sha256sum *)

        KEY.pem is the public key you were given apart from this folder. The one that lies here shows only that all
        files were signed by the same hand.

        """

    // MARK: Writing

    /// The files of a pack, manifest and signature included.
    package static func files(
        _ artefacts: [Artefact], key: SigningKey, created: String, tool: String, previous: String? = nil
    ) throws(EvidenceError) -> [Artefact] {
        let all = (artefacts + [Artefact(readmeName, readme)]).sorted { $0.name < $1.name }
        var writer = JSONWriter(compact: false)
        var link = previous ?? ""
        writer.object { writer in
            writer.member("format", format)
            writer.member("created", created)
            writer.member("tool", tool)
            if let previous { writer.member("previous", previous) }
            writer.member(
                "files",
                array: { writer in
                    for artefact in all {
                        let digest = Digest.hex(of: artefact.bytes)
                        link = next(link, artefact.name, artefact.bytes.count, digest)
                        writer.object { writer in
                            writer.member("name", artefact.name)
                            writer.member("size", artefact.bytes.count)
                            writer.member("sha256", digest)
                            writer.member("chain", link)
                        }
                    }
                })
            writer.member("chain", link)
        }
        let manifest = Array(writer.string.utf8) + [0x0A]
        return all + [
            Artefact(manifestName, manifest), Artefact(signatureName, try key.sign(manifest)),
            Artefact(keyName, key.publicPEM),
        ]
    }

    /// Writes them into a new folder.
    package static func write(_ files: [Artefact], to folder: String) throws(EvidenceError) {
        let manager = FileManager.default
        guard !manager.fileExists(atPath: folder) else {
            throw EvidenceError(code: .unwritable, file: folder, message: "it is there already; name a new folder")
        }
        do {
            try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for file in files {
                try Data(file.bytes).write(to: URL(filePath: "\(folder)/\(file.name)"), options: .withoutOverwriting)
            }
        } catch {
            throw EvidenceError(
                code: .unwritable, file: folder, message: "cannot be written: \(error.localizedDescription)")
        }
    }

    private static func next(_ link: String, _ name: String, _ size: Int, _ digest: String) -> String {
        Digest.hex(of: Array("\(link)\n\(name)\n\(size)\n\(digest)\n".utf8))
    }

    // MARK: Verifying

    /// What a look at a pack came to.
    package struct Verification: Equatable, Sendable {
        /// What was changed, each with the name of the file; none for a whole pack.
        package var problems: [String]
        package var files: Int
        /// Fingerprint of the key that signed.
        package var key: String
        /// Whether that key was given, and not taken from the pack itself.
        package var isKeyPinned: Bool
        /// The last link of the chain: what the next pack names as the one before it.
        package var chain: String
        package var isWhole: Bool { problems.isEmpty }
    }

    /// Looks at every file of a pack.
    ///
    /// - Parameter publicKey: PEM of the key that must have signed; without it anybody may have.
    package static func verify(_ folder: String, publicKey: String? = nil) throws(EvidenceError) -> Verification {
        let names = try listed(folder)
        var problems: [String] = []
        let manifest = try bytes(folder, manifestName)
        let signature = try bytes(folder, signatureName)
        let own = String(decoding: try bytes(folder, keyName), as: UTF8.self)
        let pem = publicKey ?? own
        let fingerprint = try SigningKey.fingerprint(publicPEM: pem, file: publicKey == nil ? keyName : "the key given")
        if !(try SigningKey.isValid(signature, of: manifest, publicPEM: pem, file: keyName)) {
            problems.append("\(manifestName): the signature does not fit: it, \(signatureName) or the key was changed")
        }
        if let publicKey,
            (try? SigningKey.fingerprint(publicPEM: own, file: keyName))
                != (try? SigningKey.fingerprint(publicPEM: publicKey, file: ""))
        {
            problems.append("\(keyName): not the key that was given")
        }
        let root: Node
        do {
            root = try DocumentReader.readJSON(
                SourceText(name: manifestName, bytes: manifest), options: .init(checkDuplicateKeys: true))
        } catch {
            throw EvidenceError(code: .badPack, file: manifestName, message: "cannot be read: \(error)")
        }
        guard root["format"].equals(format) else {
            throw EvidenceError(code: .badPack, file: manifestName, message: "no manifest of the form \(format)")
        }
        let (count, chain) = compare(root, folder, names, &problems)
        return Verification(
            problems: problems, files: count, key: fingerprint, isKeyPinned: publicKey != nil, chain: chain)
    }

    private static func compare(
        _ root: Node, _ folder: String, _ names: [String], _ problems: inout [String]
    ) -> (Int, String) {
        var link = root["previous"].string ?? ""
        var known: Set<String> = [manifestName, signatureName, keyName]
        var count = 0
        for node in root["files"].elements {
            let (name, digest) = (node["name"].string ?? "", node["sha256"].string ?? "")
            let size = node["size"].int ?? -1
            // A name never leads out of the folder.
            guard !name.isEmpty, !name.contains("/"), name != ".", name != "..", known.insert(name).inserted else {
                problems.append("\(manifestName): \"\(name)\" is no name of a file, or stands twice")
                continue
            }
            count += 1
            link = next(link, name, size, digest)
            if node["chain"].string != link {
                problems.append("\(name): its link of the chain is not what it should be")
            }
            guard names.contains(name) else {
                problems.append("\(name): missing")
                continue
            }
            guard let bytes = try? bytes(folder, name) else {
                problems.append("\(name): cannot be read, or is a link")
                continue
            }
            if bytes.count != size || Digest.hex(of: bytes) != digest { problems.append("\(name): changed") }
        }
        if root["chain"].string != link { problems.append("\(manifestName): the chain does not end as it should") }
        for name in names where !known.contains(name) { problems.append("\(name): not part of the pack") }
        return (count, link)
    }

    private static func listed(_ folder: String) throws(EvidenceError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        } catch {
            throw EvidenceError(code: .unreadable, file: folder, message: "no folder of an evidence pack")
        }
    }

    private static func bytes(_ folder: String, _ name: String) throws(EvidenceError) -> [UInt8] {
        let path = "\(folder)/\(name)"
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard attributes?[.type] as? FileAttributeType == .typeRegular else {
            throw EvidenceError(code: .unreadable, file: name, message: "missing, or no plain file")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw EvidenceError(code: .unreadable, file: name, message: "cannot be read")
        }
        return Array(data)
    }
}
