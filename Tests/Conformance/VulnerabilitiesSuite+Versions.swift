import Documents
import Foundation
import Vulnerabilities

extension ConformanceSuite {
    static let versionFiles: [ConformanceFile] =
        [
            comparisons("oracle/composer-compare", .composer), comparisons("oracle/deb-dpkg", .deb),
            comparisons("oracle/gem-version", .gem), comparisons("oracle/go-semver", .golang),
            comparisons("oracle/maven-comparable", .maven), comparisons("oracle/npm-semver", .npm),
            comparisons("oracle/pypi-pep440", .pypi), comparisons("oracle/rpm-evr", .rpm),
            ranges("composer-satisfies") { ComposerRange($1)?.contains($0) },
            ranges("gem-requirement") { RubyRequirement($1)?.contains($0) },
            ranges("pypi-specifier-prereleases-true") { PythonSpecifier($1)?.contains($0) },
            ranges("npm-satisfies") { NPMRange($1)?.contains($0) ?? false },
            ranges("npm-satisfies", column: 3, line: "npm-satisfies.prereleases") {
                NPMRange($1, includesPrereleases: true)?.contains($0) ?? false
            },
            comparisons("osv-semantic/alpine-versions-generated", .apk),
            comparisons("osv-semantic/alpine-versions", .apk),
            comparisons("osv-semantic/cran-versions-generated", .cran),
            comparisons("osv-semantic/cran-versions", .cran),
            comparisons("osv-semantic/debian-versions-generated", .deb),
            comparisons("osv-semantic/debian-versions", .deb),
            comparisons("osv-semantic/hackage-versions", .hackage),
            comparisons("osv-semantic/maven-versions-generated", .maven),
            comparisons("osv-semantic/maven-versions", .maven), comparisons("osv-semantic/nuget-versions", .nuget),
            comparisons("osv-semantic/packagist-versions-generated", .composer),
            comparisons("osv-semantic/packagist-versions", .composer), comparisons("osv-semantic/pub-versions", .pub),
            comparisons("osv-semantic/pypi-versions-generated", .pypi),
            comparisons("osv-semantic/pypi-versions", .pypi),
            comparisons("osv-semantic/redhat-versions", .rpm),
            comparisons("osv-semantic/rubygems-versions-generated", .gem),
            comparisons("osv-semantic/rubygems-versions", .gem), comparisons("osv-semantic/semver-versions", .semver),
            comparisons("rpm-rpmvercmp", .rpm), ConformanceFile(name: "versions/apk-tools-version", run: apkTools),
        ]
        + [
            "vers-spec/alpine_version_cmp_test", "vers-spec/alpm_version_cmp_test",
            "vers-spec/conan_range_from_native_basic_test", "vers-spec/conan_range_from_native_test",
            "vers-spec/conan_version_cmp_test", "vers-spec/datetime_version_cmp_test",
            "vers-spec/gentoo_version_cmp_test", "vers-spec/lexicographic-test", "vers-spec/maven_version_cmp_test",
            "vers-spec/nginx_range_from_native_test", "vers-spec/npm_range_from_native_test",
            "vers-spec/nuget_range_from_native_test", "vers-spec/nuget_version_cmp_test",
            "vers-spec/openssl_range_from_native_test", "vers-spec/openssl_version_cmp_test",
            "vers-spec/pypi_range_containment_test", "vers-spec/pypi_range_from_native_test",
            "vers-spec/pypi_range_validate_test", "vers-spec/vers_canonical_parse_test",
            "univers/deb_version_python_pkg_test", "univers/pypi_range_roundtrip",
        ].map { name in ConformanceFile(name: "versions/\(name)") { try versTests($0, name) } }

    private static func rows(_ folder: ConformanceFolder, _ file: String) throws -> [[String]] {
        String(decoding: try folder.bytes(file), as: UTF8.self).split(separator: "\n")
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
    }

    private static func comparisons(_ name: String, _ scheme: VersionScheme) -> ConformanceFile {
        ConformanceFile(name: "versions/\(name)") { folder in
            var agreement = Agreement()
            for row in try rows(folder, "versions/\(name).tsv") where row.count == 3 {
                note(row[0], row[1], row[2], scheme, &agreement)
            }
            return agreement
        }
    }

    private static func note(
        _ left: String, _ expected: String, _ right: String, _ scheme: VersionScheme, _ agreement: inout Agreement
    ) {
        let order = scheme.order(left, right)
        let found = order < 0 ? "<" : order > 0 ? ">" : "="
        let back = scheme.order(right, left)
        let difference = found == expected ? nil : "expected \(expected), found \(found)"
        agreement.note("\(left) \(right)", difference ?? (back == -order ? nil : "turned round it is not the opposite"))
    }

    private static func ranges(
        _ name: String, column: Int = 2, line: String? = nil,
        _ contains: @escaping @Sendable (_ version: String, _ range: String) -> Bool?
    ) -> ConformanceFile {
        ConformanceFile(name: "versions/oracle/\(line ?? name)") { folder in
            var agreement = Agreement()
            for row in try rows(folder, "versions/oracle/\(name).tsv") where row.count > column {
                let found = contains(row[0], row[1]).map { "\($0)" } ?? "refused"
                agreement.note(
                    "\(row[0]) in \(row[1])",
                    found == row[column] ? nil : "expected \(row[column]), found \(found)")
            }
            return agreement
        }
    }

    /// `a op b`, `~` for a fuzzy match, `!x` for what is no version, `x` for what is one.
    private static func apkTools(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let text = String(decoding: try folder.bytes("versions/apk-tools-version.data"), as: UTF8.self)
        for line in text.split(separator: "\n") {
            let words = line.prefix { $0 != "#" }.split(separator: " ").map(String.init)
            if words.count == 1 {
                let isRefused = words[0].hasPrefix("!")
                let version = isRefused ? String(words[0].dropFirst()) : words[0]
                agreement.note(words[0], VersionScheme.isAlpineVersion(version) != isRefused ? nil : "taken wrongly")
            } else if words.count == 3 {
                var wanted = words[1]
                let isNegated = wanted.hasPrefix("!")
                if isNegated { wanted.removeFirst() }
                let order = VersionScheme.apk.order(words[0], words[2])
                let holds = wanted.contains { character in
                    switch character {
                    case "<": order < 0
                    case ">": order > 0
                    case "=": order == 0
                    default: VersionScheme.isAlpineVersion(words[0], in: words[2])
                    }
                }
                agreement.note(String(line), holds != isNegated ? nil : "does not hold")
            }
        }
        return agreement
    }

    private static func versTests(_ folder: ConformanceFolder, _ name: String) throws -> Agreement {
        var agreement = Agreement()
        for test in try folder.json("versions/\(name).json")["tests"].elements {
            let input = test["input"]
            let versions = input["versions"].strings
            let id = "\(test["test_type"].string ?? "") \(input.json())"
            let scheme = VersionScheme(name: input["input_scheme"].string ?? "") ?? .generic
            switch test["test_type"].string {
            case "comparison":
                // NuGet's expectations are written in normal form, without capitals in front of the build.
                let sorted = versions.sorted { scheme.order($0, $1) < 0 }
                    .map { scheme == .nuget ? $0.lowercased() : $0 }
                let expected = test["expected_output"].strings.map { scheme == .nuget ? $0.lowercased() : $0 }
                agreement.note(
                    id, expected: expected.joined(separator: " "), found: sorted.joined(separator: " "))
            case "equality":
                let found = versions.count == 2 && scheme.order(versions[0], versions[1]) == 0
                agreement.note(id, found == test["expected_output"].bool ? nil : "found \(found)")
            case "from_native":
                let range = VersRange(native: input["native_range"].string ?? "", scheme: input["scheme"].string ?? "")
                agreement.note(id, expected: test["expected_output"].string ?? "", found: range?.text ?? "refused")
            case "containment":
                let found = (try? VersRange(input["vers"].string ?? ""))?.contains(input["version"].string ?? "")
                agreement.note(id, found == test["expected_output"].bool ? nil : "found \(String(describing: found))")
            case "validate", "roundtrip":
                let text = input.string ?? input["vers"].string ?? ""
                agreement.note(
                    id, expected: test["expected_output"].string ?? "",
                    found: (try? VersRange(text))?.sorted.text ?? "refused")
            default: noteParsed(id, test, &agreement)
            }
        }
        return agreement
    }

    private static func noteParsed(_ id: String, _ test: Node, _ agreement: inout Agreement) {
        do throws(VersRangeError) {
            let range = try VersRange(test["input"].string ?? "", isCanonical: true)
            let expected = test["expected_output"]["version_constraints"].elements.map { $0.strings.joined() }
            agreement.note(
                id, expected: test["expected_failure"].bool == true ? "refused" : expected.joined(separator: "|"),
                found: range.constraints.map { $0.comparison.rawValue + $0.version }.joined(separator: "|"))
        } catch {
            agreement.note(id, expected: test["expected_message"].string ?? "accepted", found: error.message)
        }
    }
}
