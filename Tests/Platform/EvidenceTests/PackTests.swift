import Foundation
import Testing

@testable import Evidence

@Suite struct PackTests {
    private static let key = SigningKey()

    @discardableResult
    private static func write(_ folder: String, previous: String? = nil) throws -> [EvidencePack.Artefact] {
        let files = try EvidencePack.files(
            EvidencePack.artefacts(of: SampleReport.make()), key: key, created: "2026-11-23T10:00:00Z", tool: "0.9.0",
            previous: previous)
        try EvidencePack.write(files, to: folder)
        return files
    }

    @Test func aWholePackIsWhole() throws {
        try SampleReport.inFolder { folder in
            let files = try Self.write("\(folder)/pack")
            let found = try EvidencePack.verify("\(folder)/pack", publicKey: Self.key.publicPEM)
            #expect(found.problems.isEmpty)
            #expect(found.isKeyPinned)
            #expect(found.files == files.count - 3)
            let anybody = try EvidencePack.verify("\(folder)/pack")
            #expect(anybody.isWhole && !anybody.isKeyPinned && anybody.key == found.key)
            #expect(throws: EvidenceError.self) { try EvidencePack.write(files, to: "\(folder)/pack") }
            let next = try Self.write("\(folder)/next", previous: found.chain)
            let manifest = next.first(where: { $0.name == "manifest.json" })?.bytes ?? []
            #expect(String(decoding: manifest, as: UTF8.self).contains(found.chain))
            #expect(try EvidencePack.verify("\(folder)/next").isWhole)
        }
    }

    /// Every byte of every kind of file matters.
    @Test func anyChangeIsFoundAndNamesTheFile() throws {
        try SampleReport.inFolder { folder in
            let pack = "\(folder)/pack"
            let files = try Self.write(pack)
            for file in files {
                let path = "\(pack)/\(file.name)"
                for place in [0, file.bytes.count / 2, file.bytes.count - 1] {
                    var changed = file.bytes
                    changed[place] ^= 1
                    try Data(changed).write(to: URL(filePath: path))
                    do {
                        let found = try EvidencePack.verify(pack, publicKey: Self.key.publicPEM)
                        // A newline at the end of the key's armour is no part of the key.
                        if file.name != "public-key.pem" || place < file.bytes.count - 1 {
                            let names = ["manifest.sig": "manifest.json"]
                            let expected = names[file.name] ?? file.name
                            #expect(
                                found.problems.contains { $0.hasPrefix("\(expected):") }, "\(file.name) at \(place)")
                        }
                    } catch let error as EvidenceError {
                        #expect(error.file == file.name, "\(file.name): \(error)")
                    }
                }
                try FileManager.default.removeItem(atPath: path)
                let isNamed: Bool
                do {
                    isNamed = try EvidencePack.verify(pack).problems.contains { $0 == "\(file.name): missing" }
                } catch let error as EvidenceError {
                    isNamed = error.file == file.name
                }
                #expect(isNamed, "\(file.name) taken out")
                try Data(file.bytes).write(to: URL(filePath: path))
            }
            #expect(try EvidencePack.verify(pack).isWhole)
        }
    }

    @Test func moreFilesLinksAndOtherHandsAreFound() throws {
        try SampleReport.inFolder { folder in
            let pack = "\(folder)/pack"
            let files = try Self.write(pack)
            try Data("x".utf8).write(to: URL(filePath: "\(pack)/more.txt"))
            #expect(try EvidencePack.verify(pack).problems == ["more.txt: not part of the pack"])
            try FileManager.default.removeItem(atPath: "\(pack)/more.txt")
            // The same bytes behind a link: what it points to may change later.
            try Data(files[0].bytes).write(to: URL(filePath: "\(folder)/outside"))
            try FileManager.default.removeItem(atPath: "\(pack)/\(files[0].name)")
            try FileManager.default.createSymbolicLink(
                atPath: "\(pack)/\(files[0].name)", withDestinationPath: "\(folder)/outside")
            #expect(try EvidencePack.verify(pack).problems == ["\(files[0].name): cannot be read, or is a link"])
            // Signed again by somebody else: whole in itself, but not by the key that was given.
            let other = "\(folder)/other"
            let artefacts = EvidencePack.artefacts(of: try SampleReport.make(hostile: false))
            try EvidencePack.write(
                try EvidencePack.files(artefacts, key: SigningKey(), created: "2026-11-23T10:00:00Z", tool: "0.9.0"),
                to: other)
            #expect(try EvidencePack.verify(other).isWhole)
            let found = try EvidencePack.verify(other, publicKey: Self.key.publicPEM)
            #expect(found.problems.count == 2)
        }
    }

    @Test(arguments: [
        "", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "-----END PRIVATE KEY-----",
    ])
    func whatIsNoKeyIsRefused(_ text: String) {
        #expect(throws: EvidenceError.self) { try SigningKey(pem: text, file: "k.pem") }
    }

    @Test func openSSLAgrees() throws {
        try SampleReport.inFolder { folder in
            try Self.write("\(folder)/pack")
            let made = "\(folder)/key.pem"
            guard let run = try SampleReport.run("openssl", ["genpkey", "-algorithm", "ed25519", "-out", made]),
                run.status == 0
            else {
                print("skipped: openssl not found")
                return
            }
            let key = try SigningKey(pem: String(contentsOfFile: made, encoding: .utf8), file: made)
            #expect(try SigningKey(pem: key.pem, file: "").publicPEM == key.publicPEM)
            let checked = try #require(
                try SampleReport.run(
                    "openssl",
                    [
                        "pkeyutl", "-verify", "-pubin", "-inkey", "\(folder)/pack/public-key.pem", "-rawin", "-in",
                        "\(folder)/pack/manifest.json", "-sigfile", "\(folder)/pack/manifest.sig",
                    ]))
            #expect(checked.status == 0, "\(checked.output)")
        }
    }
}
