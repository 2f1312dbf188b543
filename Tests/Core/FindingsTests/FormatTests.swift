import Documents
import Findings
import Foundation
import Kubernetes
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// A report whose every text is the given one.
private func hostile(_ text: String) -> Report {
    let rule = Rule("pod/x", .high, title: "A title", why: "Why.", remedy: "Fix.")
    let node = DocumentReader.read(SourceText(name: text, bytes: Array(#"{"a": 1}"#.utf8))).documents[0].root
    let subject = ObjectReference(group: text, kind: text, namespace: text, name: text)
    let evidence = Evidence(node: node["a"], message: text, object: subject, provenance: text)
    let missing = Evidence(node: node[text], message: text)
    var waived = Finding(
        rule: rule, outcome: .waived, subject: subject, file: text, evidence: [evidence], cluster: text)
    waived.waiver = Waiver(
        owner: text, reason: text, approver: text, expires: "2027-01-01", scope: Waiver.Scope(check: text), place: text)
    var report = Report(target: text, isCluster: false, generatedAt: "2026-11-23T05:10:45Z", version: "0.1.0")
    report.findings = [
        Finding(
            rule: rule, outcome: .fail, subject: subject, file: text, evidence: [evidence, missing], cluster: text),
        Finding(rule: rule, outcome: .fail, subject: subject, evidence: []),
        Finding(rule: rule, outcome: .notObservable, subject: subject, file: text, evidence: [evidence]), waived,
        Finding(rule: rule, outcome: .fail, subject: subject, evidence: [missing], isSystem: true),
    ]
    report.problems = [
        Problem(.invalid, code: text, text, location: SourceLocation(file: text, line: 1, column: 1)),
        Problem(.warning, code: text, text),
    ]
    report.waiverNotes = [text]
    report.coverage.objects = 1
    return report
}

/// Texts that have broken writers of reports before, and a few made from a seed.
private let hostileTexts: [String] =
    [
        "", " ", "\"quoted\" 'twice'", "line\nbreak\r\nand\ttab", "\u{1B}[31mred\u{1B}[0m", "\u{9B}31m", "]]>",
        "<script>alert(1)</script>", "</details><!--", "a & b &amp; c", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1",
        "＝cmd", "\u{0}\u{1}\u{1F}", "\u{7F}\u{80}\u{9F}", "\u{202E}gnp.exe", "\u{200B}\u{FEFF}\u{2060}",
        "\u{FFFE}\u{FFFF}",
        "\u{10FFFF}", "👩‍👩‍👧‍👦🇨🇭", "語語語語", "e\u{301}\u{301}\u{301}", "a|b|c", "`code`", "[link](http://x)", "@team #12",
        "\\", "\\\"", "*/", "--", "{{ .Values.x }}", "%s%n", "../../etc/passwd", "/etc/passwd", "<stdin>",
        String(repeating: "long ", count: 4000), String(repeating: "x", count: 100_000),
        String(repeating: "\u{301}", count: 10_000), "\u{2028}\u{2029}", "$(id)", "'; rm -rf /",
    ] + (0..<40).map(random)

private func random(_ seed: Int) -> String {
    var state = UInt64(seed &+ 1) &* 0x9E37_79B9_7F4A_7C15
    func next(_ bound: UInt64) -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state % bound
    }
    let pool: [ClosedRange<UInt64>] = [
        0...0x1F, 0x20...0x7E, 0x7F...0x9F, 0xA0...0x24F, 0x2000...0x206F, 0xFE00...0xFFFF,
    ]
    var out = String.UnicodeScalarView()
    for _ in 0..<(1 + next(60)) {
        let range = pool[Int(next(UInt64(pool.count)))]
        let value = UInt32(range.lowerBound + next(range.upperBound - range.lowerBound + 1))
        if let scalar = Unicode.Scalar(value) { out.append(scalar) }
    }
    return String(out)
}

/// Whether text could act on a terminal or a reader.
private func acts(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0A, 0x0D: false
    case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069, 0x2028, 0x2029: true
    default: false
    }
}

@Suite struct HostileTextTests {
    @Test(arguments: ReportFormat.allCases)
    func `Nothing a manifest says acts on the terminal`(format: ReportFormat) {
        for text in hostileTexts {
            let out = format.render(hostile(text))
            #expect(!out.unicodeScalars.contains(where: acts), "\(text.debugDescription.prefix(80))")
            #expect(out.utf8.last == 0x0A)
        }
    }

    @Test func `Colours are the only escape sequences`() {
        for text in hostileTexts {
            let out = ReportFormat.table.render(hostile(text), options: RenderOptions(colour: true))
            let plain = out.replacing((/\u{1B}\[[0-9;]*m/).matchingSemantics(.unicodeScalar), with: "")
            #expect(!plain.unicodeScalars.contains(where: acts))
        }
    }

    @Test(arguments: [ReportFormat.json, .sarif, .openreports, .gitlab])
    func `JSON stays JSON`(format: ReportFormat) throws {
        for text in hostileTexts {
            _ = try JSONSerialization.jsonObject(with: Data(format.render(hostile(text)).utf8))
        }
    }

    @Test func `Whatever a waiver file, an annotation or a baseline holds, it is read or refused`() throws {
        let today = try #require(CalendarDate("2026-11-23"))
        for text in hostileTexts {
            for frame in ["\(text)", "waivers:\n- \(text)", "waivers: [{check: \(text), match: {name: \(text)}}]"] {
                let source = SourceText(name: "w", bytes: Array(frame.utf8))
                #expect(WaiverFile.read(source, today: today).waivers.isEmpty)
                #expect(throws: DocumentError.self) { try Baseline.read(source) }
            }
            let object = Sample.object(
                "{apiVersion: v1, kind: Pod, metadata: {annotations: {martlet.dev/waive: x}}}", file: "p")
            var editor = DocumentEditor(object)
            editor.set(FieldPath([.key("metadata"), .key("annotations"), .key("martlet.dev/waive")]), .string(text))
            let pod = try #require(KubernetesObject(editor.finish()))
            let (waivers, problems) = WaiverAnnotation.read(from: pod, today: today)
            #expect(waivers.isEmpty)
            #expect(problems.count == 1)
        }
    }

    @Test func `XML stays XML`() {
        for text in hostileTexts {
            let parser = XMLParser(data: Data(ReportFormat.junit.render(hostile(text)).utf8))
            #expect(parser.parse(), "\(text.debugDescription.prefix(80)): \(String(describing: parser.parserError))")
        }
    }

    @Test func `CSV keeps its columns and runs nothing`() throws {
        for text in hostileTexts {
            let rows = try CSV.rows(ReportFormat.csv.render(hostile(text)))
            #expect(Set(rows.map(\.count)) == [22], "\(text.debugDescription.prefix(80))")
            for cell in rows.joined() {
                let first = cell.unicodeScalars.first { !$0.properties.isWhitespace }
                #expect(first.map { !"=+-@＝＋－＠".unicodeScalars.contains($0) } ?? true, "\(cell.prefix(80))")
            }
        }
    }

    @Test func `HTML has no elements but its own`() {
        let own = ReportFormat.html.render(hostile("plain"))
        for text in hostileTexts where text.count < 300 {
            let out = ReportFormat.html.render(hostile(text))
            for element in ["<script", "<details", "<!--", "<img", "<tr", "<li"] {
                #expect(
                    out.components(separatedBy: element).count == own.components(separatedBy: element).count,
                    "\(element) in \(text.debugDescription.prefix(80))")
            }
        }
    }

    @Test func `Markdown opens no markup and calls nobody`() {
        for text in hostileTexts {
            let out = ReportFormat.markdown.render(hostile(text))
            #expect(out.components(separatedBy: "<script").count == 1)
            #expect(!out.contains(/@[a-z]/))
            #expect(out.utf8.count <= 65_536)
            for row in out.split(separator: "\n") where row.hasPrefix("| 🟧") {
                #expect(row.count { $0 == "|" } == 5 || row.contains("🟨"), "\(row.prefix(200))")
            }
        }
    }

    @Test func `No line of the table is wider than the terminal`() {
        for text in hostileTexts {
            for width in [40, 64, 100, 200] {
                for grouping in RenderOptions.Grouping.allCases {
                    let options = RenderOptions(width: width, groupBy: grouping)
                    for line in ReportFormat.table.render(hostile(text), options: options).split(separator: "\n") {
                        #expect(DisplayWidth.of(String(line)) <= width, "\(width): \(line)")
                    }
                }
            }
        }
    }

    @Test func `Without Unicode everything is ASCII`() {
        for text in hostileTexts {
            let out = ReportFormat.table.render(hostile(text), options: RenderOptions(unicode: false))
            #expect(out.utf8.allSatisfy { $0 < 0x80 })
        }
    }
}

/// A reader of RFC 4180, strict about quotes.
private enum CSV {
    struct Broken: Error {}

    static func rows(_ text: String) throws -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var cell = ""
        var scalars = text.unicodeScalars.makeIterator()
        var inQuotes = false
        var pending = scalars.next()
        while let scalar = pending {
            pending = scalars.next()
            switch scalar {
            case "\"" where inQuotes && pending == "\"":
                cell += "\""
                pending = scalars.next()
            case "\"": inQuotes.toggle()
            case "," where !inQuotes:
                row.append(cell)
                cell = ""
            case "\r" where !inQuotes:
                guard pending == "\n" else { throw Broken() }
                pending = scalars.next()
                rows.append(row + [cell])
                (row, cell) = ([], "")
            case "\n" where !inQuotes: throw Broken()
            default: cell.unicodeScalars.append(scalar)
            }
        }
        guard !inQuotes, row.isEmpty, cell.isEmpty else { throw Broken() }
        return rows
    }
}

@Suite struct FormatTests {
    @Test(arguments: ReportFormat.allCases)
    func `No format shows a secret's value`(format: ReportFormat) {
        #expect(!format.render(Sample.files()).contains("hunter2"))
    }

    @Test func `A secret from a list of an API server shows no value either`() {
        let node = Sample.object(#"{"data": {"key": "aHVudGVyMg"}}"#, file: "")
        var report = Sample.empty()
        let secret = Sample.reference("", "Secret", "shop", "key")
        let evidence = Evidence(node: node["data"]["key"], message: "m")
        report.findings = [Finding(rule: Sample.secretInConfig, outcome: .fail, subject: secret, evidence: [evidence])]
        for format in ReportFormat.allCases { #expect(!format.render(report).contains("aHVudGVyMg")) }
    }

    @Test func `An environment variable and the last applied configuration show no value`() {
        let pod = Sample.object(
            """
            {"kind": "Pod", "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "x"}},
             "spec": {"containers": [{"image": "i", "env": [{"name": "A", "value": "x"}]}]}}
            """, file: "")
        let container = pod["spec"]["containers"][0]
        #expect(Evidence(node: container["image"], message: "").value == "i")
        #expect(Evidence(node: container["env"][0]["value"], message: "").value == nil)
        #expect(Evidence(node: container["env"][0]["name"], message: "").value == "A")
        let applied = pod["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
        #expect(Evidence(node: applied, message: "").value == nil)
    }

    @Test(arguments: ReportFormat.allCases)
    func `Every format says file, line and column`(format: ReportFormat) {
        let out = format.render(Sample.files())
        switch format {
        case .csv: #expect(out.contains("shop/deploy/api.yaml,14,23"))
        case .json: #expect(out.contains(#""file":"shop/deploy/api.yaml","line":14,"column":23"#))
        case .gitlab:
            #expect(
                out.contains(
                    #""path":"shop/deploy/api.yaml","lines":{"begin":14},"positions":{"begin":{"line":14,"column":23}}"#
                ))
        case .sarif: #expect(out.contains(#""startLine":14,"startColumn":23"#))
        default: #expect(out.contains("shop/deploy/api.yaml:14:23"))
        }
    }

    @Test(arguments: ReportFormat.allCases)
    func `Holes are said in every format`(format: ReportFormat) {
        let out = format.render(Sample.files())
        #expect(out.contains("expected a key"))
        #expect(out.contains("known only to the image") || format == .csv && out.contains("notObservable"))
    }

    @Test func `Nothing looked at is not clean`() {
        for format in [ReportFormat.table, .markdown, .html] {
            let out = format.render(Sample.empty()).lowercased()
            #expect(out.contains("no kubernetes objects were found"))
            #expect(!out.contains("no findings"))
        }
    }

    @Test func `Clean is said only without holes`() {
        var report = Sample.empty()
        report.coverage.objects = 3
        report.coverage.passed = 30
        #expect(ReportFormat.table.render(report).contains("✔ No findings"))
        report.problems = Sample.files().problems
        #expect(ReportFormat.table.render(report).contains("No findings in what could be seen; 2 holes"))
    }

    @Test func `What a baseline hides is counted`() {
        var report = Sample.files()
        Baseline(report).apply(to: &report)
        #expect(ReportFormat.table.render(report).contains("Baseline: 7 known findings not shown"))
        #expect(ReportFormat.markdown.render(report).contains("7 known findings not shown"))
        #expect(ReportFormat.html.render(report).contains("7 known findings not shown"))
        #expect(ReportFormat.json.render(report).contains(#""baseline":{"known":7,"grown":0,"fixed":[]}"#))
    }

    @Test func `Files under the base directory are relative, others are not`() throws {
        var report = Sample.empty()
        for (file, line) in [("/home/ci/repo/a b.yaml", 1), ("/elsewhere/c.yaml", 2), ("./d/../e.yaml", 3)] {
            report.problems.append(
                Problem(.invalid, code: "x", "y", location: SourceLocation(file: file, line: line, column: 1)))
        }
        let out = ReportFormat.sarif.render(report, options: RenderOptions(baseDirectory: "/home/ci/repo/"))
        #expect(out.contains(#""uri": "a%20b.yaml""#))
        #expect(out.contains(#""uri": "file:///elsewhere/c.yaml""#))
        #expect(out.contains(#""uri": "e.yaml""#))
    }

    @Test func `The page allows its own script and no other`() throws {
        let page = ReportFormat.html.render(Sample.files())
        let script = try #require(page.firstMatch(of: /<script>(?s)(.*?)<\/script>/)).1
        let digest = Data(SHA256.hash(Array(script.utf8))).base64EncodedString()
        #expect(page.contains("script-src 'sha256-\(digest)'"), "the digest of the script is sha256-\(digest)")
        #expect(!page.contains("http://"))
        #expect(!page.contains("https://"))
    }
}

@Suite struct ScaleTests {
    /// 2,000 objects, of which every fourth is a workload with a dozen findings.
    private func big(_ owners: Int, findings: Int) -> Report {
        var report = Sample.empty()
        report.isCluster = true
        report.rules = Sample.rules
        report.coverage.objects = 2000
        let pod = Sample.object(
            #"{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": "registry.example/team/app:1.2.3"}]}}"#,
            file: "")
        let image = pod["spec"]["containers"][0]["image"]
        for owner in 0..<owners {
            let subject = Sample.reference("apps", "Deployment", "namespace-\(owner % 40)", "workload-number-\(owner)")
            for number in 0..<findings {
                let message = "container \"main\" of the workload takes its image \(number) by a tag that moves"
                report.findings.append(
                    Finding(
                        rule: Sample.rules[number % Sample.rules.count], outcome: .fail, subject: subject,
                        evidence: [Evidence(node: image, message: message)], cluster: "production"))
            }
        }
        return report
    }

    @Test func `JSON of 2,000 objects is no larger than 5 MB`() {
        let out = ReportFormat.json.render(big(500, findings: 24))
        #expect(out.utf8.count < 5_000_000)
    }

    @Test func `SARIF keeps to 25,000 results and says what it left out`() throws {
        let out = ReportFormat.sarif.render(big(1300, findings: 20))
        let root = DocumentReader.read(SourceText(name: "", bytes: Array(out.utf8))).documents[0].root
        let run = root["runs"][0]
        #expect(run["results"].count == 25_000)
        let notes = run["invocations"][0]["toolExecutionNotifications"]
        #expect(notes.elements.contains { $0["message"]["text"].string == "1,000 results beyond 25000 left out" })
    }

    @Test func `Markdown keeps to the size of a comment`() {
        let out = ReportFormat.markdown.render(big(2000, findings: 6))
        #expect(out.utf8.count <= 65_536)
        #expect(out.contains("more owners with findings"))
        #expect(out.hasSuffix("</sub>\n"))
    }

    @Test func `OpenReports objects fit into etcd`() throws {
        let report = big(2000, findings: 12)
        let out = ReportFormat.openreports.render(report)
        let root = DocumentReader.read(SourceText(name: "", bytes: Array(out.utf8))).documents[0].root
        var results = 0
        var names: Set<String> = []
        for item in root["items"].elements {
            #expect(item.json().utf8.count < 1_000_000)
            results += item["results"].count
            names.insert("\(item["metadata"]["namespace"].string ?? "")/\(item["metadata"]["name"].string ?? "")")
        }
        #expect(results == report.findings.count)
        #expect(names.count == root["items"].count)
    }

    @Test func `The table of a big cluster can be cut, and says so`() {
        let out = ReportFormat.table.render(big(500, findings: 3), options: RenderOptions(limit: 5))
        // Alike owners stand together, so nothing needs cutting here.
        #expect(out.contains("The same in"))
        #expect(out.split(separator: "\n").count < 40)
    }

    @Test func `Fingerprints in Code Quality are unique`() {
        let out = ReportFormat.gitlab.render(big(100, findings: 24))
        let root = DocumentReader.read(SourceText(name: "", bytes: Array(out.utf8))).documents[0].root
        let prints = root.elements.compactMap { $0["fingerprint"].string }
        #expect(prints.count == 2400)
        #expect(Set(prints).count == prints.count)
    }
}

@Suite struct TextTests {
    @Test(arguments: [
        ("", 0), ("abc", 3), ("語", 2), ("é", 1), ("e\u{301}", 1), ("👩‍👩‍👧‍👦", 2), ("🇨🇭", 2), ("✖", 1), ("⚠️", 2), ("ﾊ", 1),
        ("Ａ", 2),
    ])
    func `Width is counted as a terminal shows it`(text: String, width: Int) { #expect(DisplayWidth.of(text) == width) }

    @Test(arguments: [
        ("one two three", 7, ["one two", "three"]), ("abcdefghij", 4, ["abcd", "efgh", "ij"]), ("", 5, [""]),
        ("語語語 a", 4, ["語語", "語 a"]),
    ])
    func `Lines break at spaces, and inside a word only when they must`(text: String, width: Int, lines: [String]) {
        #expect(DisplayWidth.wrapped(text, to: width) == lines)
    }

    @Test func `What does not fit is marked as cut`() {
        #expect(DisplayWidth.wrapped("one two three four", to: 5, limit: 2).last?.hasSuffix("…") == true)
        #expect(DisplayWidth.truncated("abcdef", to: 4) == "abc…")
        #expect(DisplayWidth.shortened("deploy/production/api.yaml:14:9", to: 16) == "deplo….yaml:14:9")
        #expect(PrintableText.of("abcdef", limit: 3) == "abc…")
    }

    @Test(arguments: [
        ("a\nb", "a\\nb"), ("\u{1B}[0m", "\\u{1B}[0m"), ("\u{9B}", "\\u{9B}"), ("\u{202E}", "\\u{202E}"),
        ("é語👍", "é語👍"),
        ("👩‍👧", "👩‍👧"),
    ])
    func `What acts becomes visible, the rest stays`(text: String, shown: String) {
        #expect(PrintableText.of(text) == shown)
    }
}
