import Documents
import Images
import Testing
import Vulnerabilities

private func contents() throws -> BillContents {
    let status = """
        Package: python3-pip
        Status: install ok installed
        Source: python-pip (23.0-1)
        Architecture: all
        Version: 23.0.1+dfsg-1
        Depends: python3-wheel

        Package: python3-wheel
        Status: install ok installed
        Source: wheel
        Version: 0.38
        """
    let pip = "usr/lib/python3/dist-packages/pip-23.0.1.dist-info/METADATA"
    let image = ImageCatalogue(
        layers: [
            layer([
                "var/lib/dpkg/status": status, "etc/os-release": "ID=debian\nVERSION_ID=12\n",
                pip: "Name: pip\nVersion: 23.0.1\nLicense: MIT\n", "var/lib/dpkg/info/python3-pip.list": "/\(pip)\n",
                "app/node_modules/@s/x/package.json":
                    "{\"name\":\"@s/x\",\"version\":\"1.0.0\",\"license\":\"(MIT OR Apache-2.0)\",\"dependencies\":{\"y\":\"1\"}}",
                "app/node_modules/y/package.json": "{\"name\":\"y\",\"version\":\"2.0.0\",\"license\":\"made up\"}",
            ]),
            layer([
                ("opt/app.jar", try fixture("app.jar")), ("var/lib/rpm/rpmdb.sqlite", try fixture("rpmdb.sqlite")),
            ]),
        ], configuration: ImageConfiguration(layers: ["sha256:a", "sha256:b"]))
    return BillContents(
        name: "registry.example/app:1", digest: "sha256:" + String(repeating: "ab", count: 32),
        distribution: image.distribution, packages: image.packages, created: "2026-11-23T00:00:00Z",
        toolVersion: "1.0")
}

@Suite struct BillWriterTests {
    @Test(arguments: BillContents.Form.allCases)
    func `what is written is read back as the same packages`(_ form: BillContents.Form) throws {
        let contents = try contents()
        let bill = try BillOfMaterials(contents.written(as: form))
        func line(_ package: SoftwarePackage) -> String {
            let source = package.sources.first.map { "\($0.name) \($0.version ?? "")" } ?? ""
            return "\(package.type) \(package.name) \(package.version) \(package.purl ?? "") < \(source)"
        }
        // A maven package without a version has none in its purl; its bill says UNKNOWN.
        #expect(bill.packages.map(line).sorted() == contents.packages.map { line($0.package) }.sorted())
        #expect(bill.distribution == contents.distribution)
        #expect(bill.packages.count == contents.packages.count)
        if form == .syft || form == .cycloneDX16 || form == .cycloneDX17 {
            #expect(bill.packages.first { $0.name == "pip" }?.owner == "python3-pip")
            #expect(
                Set(bill.packages.map { "\($0.location ?? "") \($0.layer ?? "")" })
                    == Set(contents.packages.map { "\($0.package.location ?? "") \($0.package.layer ?? "")" }))
            #expect(bill.packages.first { $0.name == "nodejs" }?.module == "nodejs:18:9030020240112:rhel9")
        }
    }

    @Test(arguments: BillContents.Form.allCases)
    func `the same image makes the same bytes`(_ form: BillContents.Form) throws {
        #expect(try contents().written(as: form) == contents().written(as: form))
    }

    @Test func `CycloneDX names dependencies, licences and who made it`() throws {
        let root = try DocumentReader.readJSON(
            SourceText(name: "", bytes: contents().written(as: .cycloneDX17)))
        let components = Array(root["components"].elements)
        let x = try #require(components.first { $0["name"].equals("@s/x") })
        let y = try #require(components.first { $0["name"].equals("y") })
        #expect(x["licenses"][0]["expression"].string == "(MIT OR Apache-2.0)")
        #expect(y["licenses"][0]["license"]["name"].string == "made up")
        let needs = try #require(root["dependencies"].elements.first { $0["ref"].string == x["bom-ref"].string })
        #expect(needs["dependsOn"].strings == [y["bom-ref"].string])
        #expect(root["metadata"]["timestamp"].string == "2026-11-23T00:00:00Z")
        #expect(root["specVersion"].string == "1.7")
    }

    @Test func `random names and versions survive every form`() throws {
        var random = SystemRandomNumberGenerator.seeded(11)
        let letters = Array("abcXYZ019-_.+~:@/ %é\"\\")
        func word(_ count: Int) -> String {
            String((0..<count).map { _ in letters.randomElement(using: &random) ?? "a" }).trimmingSpaces
        }
        var files: [(path: String, bytes: [UInt8])] = []
        for number in 0..<40 {
            let name = "n\(number)" + word(4)
            let version = "\(number)." + word(5)
            let metadata = "Name: \(name)\nVersion: \(version)\n"
            files.append(("lib/p\(number).dist-info/METADATA", Array(metadata.utf8)))
        }
        let image = ImageCatalogue(layers: [layer(files)])
        let contents = BillContents(
            name: "x", distribution: nil, packages: image.packages, created: "2026-11-23T00:00:00Z", toolVersion: "1")
        let urls = image.packages.compactMap(\.package.purl).sorted()
        #expect(urls.count == 40)
        for form in BillContents.Form.allCases {
            #expect(try BillOfMaterials(contents.written(as: form)).packages.compactMap(\.purl).sorted() == urls)
        }
    }
}

extension String {
    fileprivate var trimmingSpaces: String { split(separator: " ").joined(separator: "x") }
}
