import Documents
import Foundation
import Images
import Vulnerabilities

extension ConformanceSuite {
    /// What the catalogue reads out of real files, and what it writes.
    static let catalogueFiles: [ConformanceFile] = [
        ConformanceFile(name: "catalogue/lock-files", run: lockFiles),
        ConformanceFile(name: "catalogue/dpkg-status", run: dpkgStatus),
        ConformanceFile(name: "catalogue/rpm-header", run: rpmHeader),
        ConformanceFile(name: "catalogue/peer-names", run: peerNames),
        ConformanceFile(name: "catalogue/bills-out", run: billsOut),
    ]

    private static func catalogue(_ files: [(path: String, bytes: [UInt8])]) -> ImageCatalogue {
        var builder = LayerFactsBuilder()
        for (path, bytes) in files {
            let member = LayerMember(path: path, kind: .file, size: bytes.count)
            let isWanted = CatalogueInterest.interest(in: member) != .none
            builder.take(member, contents: isWanted ? bytes : nil)
        }
        return ImageCatalogue(layers: [builder.finish()], includesDeclared: true)
    }

    /// Trivy's repositories: each package that its golden lists has to be told by the lock file.
    private static func lockFiles(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let root = "\(folder.path)/trivy-goldens/repo"
        for name in try FileManager.default.contentsOfDirectory(atPath: root).sorted() {
            guard let golden = try? folder.json("trivy-goldens/repo/\(name)/expected.json") else { continue }
            var files: [(path: String, bytes: [UInt8])] = []
            let input = "\(root)/\(name)/input"
            for file in (FileManager.default.enumerator(atPath: input)?.compactMap { $0 as? String } ?? []).sorted() {
                guard let data = FileManager.default.contents(atPath: "\(input)/\(file)") else { continue }
                files.append((file, Array(data)))
            }
            let found = Set(catalogue(files).packages.map { "\(key($0.package.name)) \($0.package.version)" })
            var expected: Set<String> = []
            for item in golden["packages"].elements where !item["relationship"].equals("root") {
                expected.insert("\(key(item["name"].string ?? "")) \(item["version"].string ?? "")")
            }
            for item in golden["vulnerabilities"].elements {
                expected.insert("\(key(item["pkg"].string ?? "")) \(item["installed"].string ?? "")")
            }
            for line in expected.sorted() where !line.hasSuffix(" ") {
                agreement.note("\(name) \(line)", found.contains(line) ? nil : "is not found")
            }
        }
        return agreement
    }

    private static func key(_ name: String) -> String { EcosystemKey("pypi").normalized(name) }

    /// Each stanza that says it is installed is one case; those of vcpkg are no packages of Debian.
    private static func dpkgStatus(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for file in ["dpkg_postgresql.status", "dpkg_texlive.status.zst", "dpkg_vcpkg.status"] {
            let bytes = try folder.unpacked("inventories/claircore/\(file)")
            let found = Set(
                catalogue([("var/lib/dpkg/status", bytes)]).packages.map { "\($0.package.name) \($0.package.version)" })
            for stanza in String(decoding: bytes, as: UTF8.self).components(separatedBy: "\n\n") {
                var fields: [String: String] = [:]
                for line in stanza.split(separator: "\n") where !line.hasPrefix(" ") {
                    let pair = line.split(separator: ":", maxSplits: 1)
                    if pair.count == 2 { fields[String(pair[0])] = pair[1].trimmingCharacters(in: .whitespaces) }
                }
                guard let name = fields["Package"] else { continue }
                let line = "\(name) \(fields["Version"] ?? "")"
                let isWanted = fields["Status"]?.hasSuffix(" installed") == true && !file.contains("vcpkg")
                agreement.note("\(file) \(line)", found.contains(line) == isWanted ? nil : "is wrong")
            }
        }
        return agreement
    }

    /// A header of a real database, in rpm's own form round it.
    private static func rpmHeader(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let header = try folder.bytes("inventories/claircore/internal_rpm_rpmdb_package.header")
        func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        var bytes = Array("RpmP".utf8) + word(0) + word(1) + word(1) + word(2) + word(0) + word(0) + word(0)
        bytes += Array("Slot".utf8) + word(1) + word(256) + word((header.count + 47) / 16)
        while bytes.count < 4096 { bytes += Array("Slot".utf8) + word(0) + word(0) + word(0) }
        bytes += Array("BlbS".utf8) + word(1) + word(1) + word(header.count) + header
        let image = catalogue([("var/lib/rpm/Packages.db", bytes)])
        let package = image.packages.first?.package
        agreement.note("problems", expected: "", found: image.problems.map(\.message).joined())
        agreement.note("name", expected: "crypto-policies", found: package?.name ?? "")
        agreement.note("version", expected: "20210213-1.git5c710c0.fc34", found: package?.version ?? "")
        agreement.note("architecture", expected: "noarch", found: package?.architecture ?? "")
        agreement.note("source", expected: "crypto-policies", found: package?.sources.first?.name ?? "")
        agreement.note("licence", expected: "LGPLv2+", found: image.packages.first?.licences.first ?? "")
        agreement.note(
            "files",
            image.owner(of: "/usr/share/crypto-policies/FUTURE/java.txt") == "crypto-policies" ? nil : "no owner")

        let empty = try folder.bytes("inventories/claircore/internal_rpm_sqlite_no_packages.sqlite")
        let none = catalogue([("var/lib/rpm/rpmdb.sqlite", empty)])
        agreement.note("a database without its table", none.problems.count == 1 ? nil : "is taken for an empty one")
        return agreement
    }

    /// Each package of the peer's image, told by a file of its kind: our name, version and source are Syft's.
    private static func peerNames(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        var files: [(path: String, bytes: [UInt8])] = [
            ("etc/os-release", Array("ID=debian\nVERSION_ID=\"12\"\n".utf8))
        ]
        var expected: [(name: String, purl: String)] = []
        var status = ""
        var modules = "module x\ngo 1.22\nrequire (\n"
        let rows = String(decoding: try folder.bytes("peer/packages.tsv"), as: UTF8.self).split(separator: "\n")
        for (number, row) in rows.enumerated() {
            let cells = row.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard cells.count >= 6 else { continue }
            let (name, version, path) = (cells[1], cells[2], String(cells[5].dropFirst()))
            switch cells[0] {
            case "deb":
                let source = cells[3].split(separator: "=", maxSplits: 1).map(String.init)
                let architecture = cells[4].contains("arch=all") ? "all" : "amd64"
                status +=
                    "Package: \(name)\nStatus: install ok installed\nVersion: \(version)\nArchitecture: \(architecture)\n"
                    + "Source: \(source[0]) (\(source.count > 1 ? source[1] : version))\n\n"
            case "npm":
                files.append((path, Array("{\"name\":\"\(name)\",\"version\":\"\(version)\"}".utf8)))
            case "gem": files.append((path, Array("# stub: \(name) \(version) ruby lib\n".utf8)))
            case "python": files.append((path, Array("Name: \(name)\nVersion: \(version)\n\n".utf8)))
            case "go-module" where name != "stdlib" && version != "(devel)": modules += "\t\(name) \(version)\n"
            default: continue
            }
            expected.append(("\(number) \(cells[0]) \(name)", cells[4]))
        }
        files.append(("var/lib/dpkg/status", Array(status.utf8)))
        files.append(("src/go.mod", Array((modules + ")\n").utf8)))
        func line(_ purl: String) -> String {
            guard let url = try? PackageURL(purl) else { return purl }
            let package = SoftwarePackage(url)
            let name = url.subpath.map { "\(package.name)/\($0)" } ?? package.name
            let source = package.sources.first.map { "\($0.name) \($0.version ?? "")" } ?? ""
            return
                "\(url.type) \(name) \(package.version) \(package.architecture ?? "") \(url["distro"] ?? "") \(source)"
        }
        let found = Set(catalogue(files).packages.map { line($0.package.purl ?? "") })
        for item in expected {
            agreement.note(item.name, found.contains(line(item.purl)) ? nil : "\(line(item.purl)) is not told")
        }
        return agreement
    }

    /// The peer's packages, written in every form and read again.
    private static func billsOut(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let bill = try BillOfMaterials(folder.unpacked("peer/peer.syft.json.zst"))
        let contents = BillContents(
            name: "peer", digest: "sha256:" + String(repeating: "0", count: 64), distribution: bill.distribution,
            packages: bill.packages.map { CataloguedPackage(package: $0, paths: [$0.location ?? ""]) },
            created: "2026-11-23T00:00:00Z", toolVersion: "1")
        func line(_ package: SoftwarePackage) -> String {
            let source = package.sources.first.map { "\($0.name) \($0.version ?? "")" } ?? ""
            return "\(package.type) \(package.name) \(package.version) \(package.cpes.count) \(source)"
        }
        for form in BillContents.Form.allCases {
            var left: [String: Int] = [:]
            for package in try BillOfMaterials(contents.written(as: form)).packages {
                var own = package
                // CycloneDX has room for one CPE.
                if form.rawValue.hasPrefix("cyclonedx") { own.cpes = [] }
                left[line(own), default: 0] += 1
            }
            for package in bill.packages {
                var own = package
                if form.rawValue.hasPrefix("cyclonedx") { own.cpes = [] }
                let count = left[line(own), default: 0]
                left[line(own)] = count - 1
                agreement.note("\(form.rawValue) \(package.name)", count > 0 ? nil : "\(line(own)) is lost")
            }
        }
        return agreement
    }
}
