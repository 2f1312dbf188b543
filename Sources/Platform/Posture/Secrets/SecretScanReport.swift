import Documents
import Findings

/// The secrets of a run, for people and programs. Nothing in it is a value.
package struct SecretScanReport: Sendable {
    package enum Format: String, Sendable, CaseIterable { case table, json, sarif, csv }

    package var secrets: [LocatedSecret]
    /// What was not looked at.
    package var gaps: [String]
    package var scanned: Int
    /// Files that are no texts, and paths that git ignores: nobody expects them to be looked at, and it is said.
    package var binaries: Int
    package var ignored: Int
    package var version: String

    package init(
        secrets: [LocatedSecret], gaps: [String], scanned: Int, binaries: Int = 0, ignored: Int = 0, version: String
    ) {
        self.secrets = secrets.sorted(by: Self.areInOrder)
        self.gaps = gaps
        self.scanned = scanned
        self.binaries = binaries
        self.ignored = ignored
        self.version = version
    }

    private static func areInOrder(_ a: LocatedSecret, _ b: LocatedSecret) -> Bool {
        if a.file != b.file { return a.file < b.file }
        if a.line != b.line { return a.line < b.line }
        if a.column != b.column { return a.column < b.column }
        if a.object != b.object { return a.object < b.object }
        if a.path != b.path { return a.path < b.path }
        if a.secret.range.lowerBound != b.secret.range.lowerBound {
            return a.secret.range.lowerBound < b.secret.range.lowerBound
        }
        return a.commit < b.commit
    }

    package func render(_ format: Format) -> String {
        switch format {
        case .table: table
        case .json: json
        case .sarif: sarif
        case .csv: csv
        }
    }

    // MARK: Table

    private var table: String {
        var text = ""
        for found in secrets {
            text += "\(found.secret.severity.rawValue.uppercased())  \(found.secret.title)  \(found.secret.hint)\n"
            text += "  \(Self.place(found))\n"
            if !found.object.isEmpty { text += "  \(found.object) \(found.path)\n" }
            if !found.secret.layers.isEmpty { text += "  inside \(found.secret.layers.joined(separator: ", "))\n" }
            if !found.layer.isEmpty {
                let hidden = found.removedBy.isEmpty ? "" : "; \(found.removedBy), and still in the image"
                text += "  \(found.layer)\(hidden)\n"
            }
            if !found.commit.isEmpty {
                text += "  commit \(found.commit.prefix(12)) by \(found.author) on \(found.date)\n"
            }
            text += "  \(found.secret.detector), seal \(found.fingerprint.prefix(16))\n\n"
        }
        let values = Set(secrets.map(\.fingerprint)).count
        let what = secrets.isEmpty ? "no secret found" : Self.count(secrets.count, values)
        var passed: [String] = []
        if binaries > 0 { passed.append("\(binaries) \(binaries == 1 ? "file is" : "files are") no text") }
        if ignored > 0 { passed.append("git ignores \(ignored) \(ignored == 1 ? "path" : "paths")") }
        if !gaps.isEmpty { passed.append("\(gaps.count) could not be read") }
        let rest = passed.isEmpty ? "" : "; not looked at: " + passed.joined(separator: ", ")
        return text + "\(what) in \(scanned) \(scanned == 1 ? "text" : "texts")\(rest)\n"
    }

    private static func count(_ places: Int, _ values: Int) -> String {
        if places == 1 { return "1 place" }
        return "\(places) places, \(values) different \(values == 1 ? "value" : "values")"
    }

    private static func place(_ found: LocatedSecret) -> String {
        found.line > 0 ? "\(found.file):\(found.line):\(found.column)" : found.file
    }

    // MARK: For programs

    private var json: String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("version", 1)
            writer.member("scanned", scanned)
            writer.member("binaries", binaries)
            writer.member("ignored", ignored)
            writer.member("gaps", gaps)
            writer.member(
                "secrets",
                array: { writer in
                    for found in secrets {
                        writer.object { writer in
                            writer.member("detector", found.secret.detector)
                            writer.member("title", found.secret.title)
                            writer.member("severity", found.secret.severity.rawValue)
                            writer.member("file", found.file)
                            if found.line > 0 {
                                writer.member("line", found.line)
                                writer.member("column", found.column)
                            }
                            if !found.object.isEmpty {
                                writer.member("object", found.object)
                                writer.member("path", found.path)
                            }
                            if !found.layer.isEmpty { writer.member("layer", found.layer) }
                            if !found.removedBy.isEmpty { writer.member("removedBy", found.removedBy) }
                            if !found.commit.isEmpty {
                                writer.member("commit", found.commit)
                                writer.member("author", found.author)
                                writer.member("date", found.date)
                            }
                            if !found.secret.layers.isEmpty { writer.member("inside", found.secret.layers) }
                            writer.member("hint", found.secret.hint)
                            writer.member("seal", found.fingerprint)
                        }
                    }
                })
        }
        return writer.string + "\n"
    }

    /// SARIF 2.1.0.
    private var sarif: String {
        var rules: [String] = []
        var titles: [String: String] = [:]
        for found in secrets where titles[found.secret.detector] == nil {
            rules.append(found.secret.detector)
            titles[found.secret.detector] = found.secret.title
        }
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("$schema", "https://json.schemastore.org/sarif-2.1.0.json")
            writer.member("version", "2.1.0")
            writer.member(
                "runs",
                array: { writer in
                    writer.object { writer in
                        writer.member(
                            "tool",
                            object: { writer in
                                writer.member(
                                    "driver",
                                    object: { writer in
                                        writer.member("name", "martlet")
                                        writer.member("version", version)
                                        writer.member(
                                            "rules",
                                            array: { writer in
                                                for rule in rules {
                                                    writer.object { writer in
                                                        writer.member("id", rule)
                                                        writer.member(
                                                            "shortDescription",
                                                            object: { writer in
                                                                writer.member("text", titles[rule] ?? rule)
                                                            })
                                                    }
                                                }
                                            })
                                    })
                            })
                        writer.member(
                            "results", array: { writer in for found in secrets { Self.result(found, &writer) } })
                    }
                })
        }
        return writer.string + "\n"
    }

    private static func result(_ found: LocatedSecret, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("ruleId", found.secret.detector)
            writer.member(
                "level", found.secret.severity >= .high ? "error" : found.secret.severity == .low ? "note" : "warning")
            writer.member(
                "message",
                object: { writer in
                    writer.member("text", "\(found.secret.title) \(found.secret.hint)")
                })
            writer.member(
                "partialFingerprints",
                object: { writer in
                    writer.member("martletSeal/v1", found.fingerprint)
                })
            writer.member(
                "locations",
                array: { writer in
                    writer.object { writer in
                        writer.member(
                            "physicalLocation",
                            object: { writer in
                                writer.member(
                                    "artifactLocation", object: { writer in writer.member("uri", found.file) })
                                if found.line > 0 {
                                    writer.member(
                                        "region",
                                        object: { writer in
                                            writer.member("startLine", found.line)
                                            writer.member("startColumn", found.column)
                                        })
                                }
                            })
                    }
                })
        }
    }

    private var csv: String {
        func cell(_ text: String) -> String {
            guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
            return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        }
        let head = "severity,detector,title,file,line,column,object,path,commit,author,hint,seal,layer,removedBy\r\n"
        return head
            + secrets.map { found in
                [
                    found.secret.severity.rawValue, found.secret.detector, found.secret.title, found.file,
                    String(found.line), String(found.column), found.object, found.path, found.commit, found.author,
                    found.secret.hint, found.fingerprint, found.layer, found.removedBy,
                ].map(cell).joined(separator: ",") + "\r\n"
            }.joined()
    }
}
