import Documents
import Foundation
import Vulnerabilities

extension ConformanceSuite {
    static let vulnerabilityFormatFiles: [ConformanceFile] = [
        ConformanceFile(name: "purl", run: packageURLs), cvssScores("v2_score"), cvssScores("v30_score"),
        cvssScores("v31_score"), cvssScores("v4_score"), cvssRoundTrips("v2_roundtrip"),
        cvssRoundTrips("v3_roundtrip"), cvssRoundTrips("v4_roundtrip"), cvssErrors("v2_error"),
        cvssErrors("v3_error"), cvssErrors("v4_error"),
    ]

    private static func packageURLs(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/purl").sorted()
        for file in files where file.hasSuffix(".json") {
            for test in try folder.json("purl/\(file)")["tests"].elements {
                let kind = test["test_type"].string ?? ""
                let expected: String
                if test["expected_failure"].bool == true {
                    expected = "refused"
                } else if kind == "parse" {
                    expected = parts(test["expected_output"])
                } else {
                    expected = test["expected_output"].string ?? ""
                }
                agreement.note(
                    "\(file) \(kind) \(test["input"].json())", expected: expected,
                    found: (try? answer(kind, test["input"])) ?? "refused")
            }
        }
        return agreement
    }

    private static func answer(_ kind: String, _ input: Node) throws -> String {
        switch kind {
        case "parse":
            let url = try PackageURL(input.string ?? "", isStrict: true)
            let qualifiers = url.qualifiers.map { "\($0.key)=\($0.value)" }.joined(separator: "&")
            return [url.type, url.namespace ?? "", url.name, url.version ?? "", qualifiers, url.subpath ?? ""]
                .joined(separator: " ")
        case "build":
            return try PackageURL(
                type: input["type"].string ?? "", namespace: input["namespace"].string,
                name: input["name"].string ?? "", version: input["version"].string,
                qualifiers: input["qualifiers"].stringMap, subpath: input["subpath"].string
            ).text
        default: return try PackageURL(input.string ?? "").text
        }
    }

    private static func parts(_ node: Node) -> String {
        let qualifiers = node["qualifiers"].stringMap.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return [
            node["type"].string ?? "", node["namespace"].string ?? "", node["name"].string ?? "",
            node["version"].string ?? "", qualifiers.joined(separator: "&"), node["subpath"].string ?? "",
        ].joined(separator: " ")
    }

    private static func lines(_ folder: ConformanceFolder, _ name: String) throws -> [(vector: String, rest: String)] {
        String(decoding: try folder.bytes("cvss/\(name).list"), as: UTF8.self).split(separator: "\n").map { line in
            let words = line.split(separator: " ", maxSplits: 1)
            return (String(words.first ?? ""), words.count > 1 ? words[1].trimmingCharacters(in: .whitespaces) : "")
        }
    }

    private static func cvssScores(_ name: String) -> ConformanceFile {
        ConformanceFile(name: "cvss/\(name)") { folder in
            var agreement = Agreement()
            for line in try lines(folder, name) {
                let expected = Double(line.rest.prefix { $0 != " " && $0 != "#" }) ?? -1
                let found = CVSS(line.vector)?.score
                agreement.note(line.vector, expected: "\(expected)", found: found.map { "\($0)" } ?? "refused")
            }
            return agreement
        }
    }

    private static func cvssRoundTrips(_ name: String) -> ConformanceFile {
        ConformanceFile(name: "cvss/\(name)") { folder in
            var agreement = Agreement()
            for line in try lines(folder, name) {
                agreement.note(line.vector, expected: line.vector, found: CVSS(line.vector)?.vector ?? "refused")
            }
            return agreement
        }
    }

    private static func cvssErrors(_ name: String) -> ConformanceFile {
        ConformanceFile(name: "cvss/\(name)") { folder in
            var agreement = Agreement()
            for line in try lines(folder, name) {
                let isGood = line.rest.hasPrefix("#OK")
                // Each file holds what is wrong as a vector of its version.
                let isTaken = (CVSS(line.vector)?.version.rawValue.first).map { name.hasPrefix("v\($0)") } ?? false
                agreement.note(line.vector, isTaken == isGood ? nil : "taken wrongly")
            }
            return agreement
        }
    }
}
