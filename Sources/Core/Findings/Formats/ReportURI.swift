import Encodings

/// File names as relative URI references, as code hosts want them.
///
/// Standard: RFC 3986; SARIF 2.1.0, section 3.4.
enum ReportURI {
    /// `./deploy/api file.yaml` as `deploy/api%20file.yaml`; a file outside `base` as a `file:` URI.
    static func of(_ file: String, base: String) -> String {
        var name = file
        if file == "<stdin>" || file == "-" { return "stdin" }
        var base = base
        while base.hasSuffix("/") { base.removeLast() }
        if !base.isEmpty, name.hasPrefix(base + "/") { name = String(name.dropFirst(base.utf8.count + 1)) }
        let isAbsolute = name.hasPrefix("/")
        let parts = normalised(name)
        let path = parts.map(encoded).joined(separator: "/")
        if isAbsolute { return "file:///" + path }
        return path.isEmpty ? "." : path
    }

    /// Where a live object would stand, for formats that cannot do without a file.
    static func of(_ finding: Finding) -> String {
        let subject = finding.subject
        let parts = ["cluster", finding.cluster, subject.namespace, subject.kind, subject.name]
        return parts.filter { !$0.isEmpty }.map(encoded).joined(separator: "/")
    }

    private static func normalised(_ name: String) -> [String] {
        var out: [String] = []
        for part in name.split(separator: "/") where part != "." {
            if part == "..", let last = out.last, last != ".." { out.removeLast() } else { out.append(String(part)) }
        }
        return out
    }

    private static func encoded(_ segment: String) -> String { PercentEncoding.encoded(segment, keeping: "@+,") }
}
