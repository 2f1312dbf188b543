import AdvisoryStore
import Compression
import Documents
import Foundation
import Vulnerabilities

extension ConformanceFolder {
    /// The bytes of a file, unpacked.
    func unpacked(_ file: String) throws -> [UInt8] {
        let bytes = try bytes(file)
        return Zstandard.isCompressed(bytes) ? try Zstandard.decompressed(bytes) : bytes
    }

    /// A database of some of the corpus.
    func database(_ names: (String) -> Bool) throws -> AdvisoryDatabase {
        let files = try AdvisoryStore.feeds(in: "\(path)/advisories").filter { names($0.name) }
        return try AdvisoryDatabase(StoredBytes(AdvisoryStore.build(files, built: nil)))
    }
}

extension ConformanceSuite {
    static let matchingFiles: [ConformanceFile] = [
        ConformanceFile(name: "match-labels/ubuntu-true") { try ubuntuLabels($0, wantsTrue: true) },
        ConformanceFile(name: "match-labels/ubuntu-false") { try ubuntuLabels($0, wantsTrue: false) },
        ConformanceFile(name: "osv-oracle", run: osvOracle), ConformanceFile(name: "peer/language-findings", run: peer),
    ]

    /// Every label is one case: a true one has to be found, a false one must not be reported.
    ///
    /// Policy for what the tracker gave up on: see `UbuntuFeed`. A version with neither a revision nor Ubuntu's mark
    /// was told by a file's content, not by dpkg: the distribution's advisories say nothing about it.
    private static func ubuntuLabels(_ folder: ConformanceFolder, wantsTrue: Bool) throws -> Agreement {
        var agreement = Agreement()
        let database = try folder.database { $0.hasPrefix("ubuntu") }
        let sources = try folder.json("match-labels/ubuntu-binary-to-source.json").stringMap
        for file in try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/match-labels").sorted()
        where file.hasPrefix("ubuntu_") && file.hasSuffix(".jsonl") {
            let release = String(file.split(separator: "_")[1])
            let codename = codenames[release] ?? ""
            let matcher = PackageMatcher(database, distribution: Distribution(id: "ubuntu", version: release))
            var reported: [String: Set<String>] = [:]
            for label in try folder.lines("match-labels/\(file)") {
                let name = label["package"].string ?? ""
                let version = label["version"].string ?? ""
                guard (label["label"].string == "TP") == wantsTrue, label["label"].string != "??" else { continue }
                let key = "\(name) \(version)"
                if reported[key] == nil {
                    var package = SoftwarePackage(type: "deb", name: name, version: version)
                    if !version.contains("-"), !version.contains("ubuntu") { package.type = "generic" }
                    package.sources = [.init(name: source(name, codename, sources))]
                    reported[key] = Set(matcher.match([package]).findings.flatMap(\.ids))
                }
                let id = label["effective_cve"].string ?? label["vulnerability_id"].string ?? ""
                let isReported = reported[key]?.contains(id) ?? false
                agreement.note(
                    "ubuntu \(release) \(name) \(version) \(id)",
                    isReported == wantsTrue ? nil : wantsTrue ? "is not found" : "is reported")
            }
        }
        return agreement
    }

    /// The derived table maps the parts of python3.x to python2.7; dpkg names the version's own source.
    private static func source(_ name: String, _ codename: String, _ table: [String: String]) -> String {
        let plain = name.hasPrefix("lib") ? String(name.dropFirst(3)) : name
        if plain.hasPrefix("python3."), let source = plain.split(separator: "-").first { return String(source) }
        return table["\(codename)/\(name)"] ?? name
    }

    private static let codenames = [
        "12.04": "precise", "12.10": "quantal", "13.04": "raring", "13.10": "saucy", "14.04": "trusty",
        "14.10": "utopic", "15.04": "vivid", "15.10": "wily", "16.04": "xenial", "16.10": "yakkety",
        "17.04": "zesty", "17.10": "artful", "18.04": "bionic", "18.10": "cosmic", "19.04": "disco", "19.10": "eoan",
        "20.04": "focal", "20.10": "groovy", "21.04": "hirsute", "21.10": "impish", "22.04": "jammy",
        "22.10": "kinetic", "23.04": "lunar", "23.10": "mantic",
    ]

    /// Every id of a source that we carry has to be among ours, and none of ours of that source may be missing there
    /// unless our copy is younger. The recorded answers are of 2024 to 2026, ours of 2020 to 2026: where the sources'
    /// days differ only ids that our copy holds at all count.
    private static func osvOracle(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let database = try folder.database {
            $0.hasPrefix("osv-") || $0.hasPrefix("rustsec") || $0.hasPrefix("rubysec") || $0.hasPrefix("friendsofphp")
        }
        for query in try folder.lines("osv-oracle/queries.jsonl") {
            guard let ecosystem = query["ecosystem"].string.flatMap({ EcosystemKey(osv: $0) }),
                database.hasEcosystem(ecosystem), !ecosystem.isDistribution
            else { continue }
            let name = query["name"].string ?? ""
            let version = query["version"].string ?? ""
            let package = SoftwarePackage(type: ecosystem.family, name: name, version: version)
            let found = Set(PackageMatcher(database, distribution: nil).match([package]).findings.flatMap(\.ids))
            // Expected: the ids that any advisory of ours about this package goes by.
            let expected = query["ids"].strings.filter { id in
                database.advisories(naming: id).contains { record in
                    record.advisory.withdrawn == nil
                        && record.advisory.affected.contains {
                            $0.ecosystem == ecosystem && $0.name == ecosystem.normalized(name)
                        }
                }
            }
            let missing = expected.filter { !found.contains($0) }
            agreement.note(
                "\(ecosystem.text) \(name) \(version)",
                missing.isEmpty ? nil : "misses \(missing.joined(separator: " "))")
        }
        return agreement
    }

    private static func peer(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let database = try folder.database {
            $0.hasPrefix("osv-") || $0.hasPrefix("rustsec") || $0.hasPrefix("rubysec")
        }
        let matcher = PackageMatcher(database, distribution: nil)
        let file = try folder.json("peer/expected-language-findings.json")
        let expected = file.isArray ? file : file["findings"]
        var cache: [String: Set<String>] = [:]
        for finding in expected.elements {
            let type = finding["type"].string ?? finding["ecosystem"].string ?? ""
            let name = finding["name"].string ?? finding["package"].string ?? ""
            let version = finding["version"].string ?? ""
            let key = "\(type) \(name) \(version)"
            if cache[key] == nil {
                let types = [
                    "python": "pypi", "PyPI": "pypi", "go-module": "golang", "Go": "golang", "RubyGems": "gem",
                ]
                let package = SoftwarePackage(type: types[type] ?? type, name: name, version: version)
                cache[key] = Set(matcher.match([package]).findings.flatMap { $0.ids + $0.errata })
            }
            let id = finding["id"].string ?? finding["advisory"].string ?? ""
            agreement.note("\(key) \(id)", cache[key]?.contains(id) == true ? nil : "is not found")
        }
        return agreement
    }
}
