import AdvisoryStore
import Documents
import Foundation
import Vulnerabilities

extension ConformanceSuite {
    /// Every valid bill is read, every invalid one refused; every report of another scanner is understood.
    static let sampleFiles: [ConformanceFile] =
        ["1.4", "1.5", "1.6", "1.7"].map { version in
            ConformanceFile(name: "samples/cyclonedx-\(version)") { folder in
                var agreement = Agreement()
                for file in try names(folder, "samples/cyclonedx-spec/\(version)") {
                    let bytes = try folder.unpacked("samples/cyclonedx-spec/\(version)/\(file)")
                    let problem = problem { _ = try BillOfMaterials(bytes) }
                    let isWanted = file.hasPrefix("valid-")
                    agreement.note(
                        file,
                        (problem == nil) == isWanted ? nil : isWanted ? "refused: \(problem ?? "")" : "was accepted")
                }
                return agreement
            }
        } + [
            accepted("samples/spdx", "samples/spdx") { bytes, _ in _ = try BillOfMaterials(bytes) },
            accepted("samples/osv-scanner-sboms", "samples/osv-scanner-sboms") { bytes, _ in
                _ = try BillOfMaterials(bytes)
            },
            accepted("samples/openvex", "samples/openvex") { bytes, file in
                if file.contains("sbom") {
                    _ = try BillOfMaterials(bytes)
                } else {
                    _ = try VEXDocument(bytes, name: file)
                }
            },
            accepted("samples/grype", "samples/grype") { bytes, file in _ = try ScannerReport(bytes, name: file) },
            accepted("samples/same-image-three-scanners", "samples/same-image-three-scanners") { bytes, file in
                let report = try ScannerReport(bytes, name: file)
                if report.findings.isEmpty { throw ConformanceError(description: "no finding in it") }
            },
            ConformanceFile(name: "samples/defectdojo", run: reports),
            ConformanceFile(name: "vex/hubs", run: hubs), ConformanceFile(name: "peer/bills", run: peerBills),
        ]

    private static func names(_ folder: ConformanceFolder, _ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/\(path)").sorted()
    }

    private static func problem(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch let error as BillError {
            return error.message
        } catch {
            return "\(error)"
        }
    }

    private static func accepted(
        _ name: String, _ path: String, _ body: @escaping @Sendable (_ bytes: [UInt8], _ file: String) throws -> Void
    ) -> ConformanceFile {
        ConformanceFile(name: name) { folder in
            var agreement = Agreement()
            for file in try names(folder, path) {
                let bytes = try folder.unpacked("\(path)/\(file)")
                agreement.note(file, problem { try body(bytes, file) })
            }
            return agreement
        }
    }

    /// A report whose name says that it holds vulnerabilities has to yield some.
    private static func reports(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for tool in try names(folder, "samples/defectdojo") {
            for file in try names(folder, "samples/defectdojo/\(tool)") {
                let bytes = try folder.unpacked("samples/defectdojo/\(tool)/\(file)")
                agreement.note(
                    "\(tool)/\(file)",
                    problem {
                        let report = try ScannerReport(bytes, name: file)
                        let saysSome =
                            file.contains("many_vul") || file.contains("one_vul") || file.contains("single_vuln")
                        if saysSome, report.findings.isEmpty, report.others == 0 {
                            throw ConformanceError(description: "nothing was found in it")
                        }
                    })
            }
        }
        return agreement
    }

    private static func hubs(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for file in try names(folder, "vex") {
            for line in try folder.unpacked("vex/\(file)").split(separator: 0x0A) {
                let node = try DocumentReader.readJSON(SourceText(name: "", bytes: Array(line)))
                // The hubs' own indexes are no documents.
                guard node["doc"]["statements"].exists else { continue }
                let bytes = Array(node["doc"].json().utf8)
                agreement.note(
                    node["path"].string ?? "?",
                    problem {
                        let document = try VEXDocument(bytes, name: "")
                        if document.statements.isEmpty, !node["doc"]["statements"].isEmpty {
                            throw ConformanceError(description: "no statement was read")
                        }
                    })
            }
        }
        return agreement
    }

    /// The peer's bill in three forms holds the packages of its list.
    private static func peerBills(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let text = String(decoding: try folder.bytes("peer/packages.tsv"), as: UTF8.self)
        let purls = Set(
            text.split(separator: "\n").compactMap { line in
                line.split(separator: "\t", omittingEmptySubsequences: false).first { $0.hasPrefix("pkg:") }.map(
                    String.init)
            }.compactMap { try? PackageURL($0).text })
        for file in ["peer.syft.json.zst", "peer.cdx.json.zst", "peer.spdx.json.zst"] {
            let bill = try BillOfMaterials(folder.unpacked("peer/\(file)"))
            let found = Set(bill.packages.compactMap(\.purl))
            for purl in purls.sorted() { agreement.note("\(file) \(purl)", found.contains(purl) ? nil : "is missing") }
        }
        return agreement
    }
}
