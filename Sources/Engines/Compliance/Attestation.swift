package import Documents
package import Findings

/// What a person declares about a control or a family, with proof kept elsewhere and an end.
package struct Attestation: Sendable, Hashable {
    /// `soc2/CC1.1`, or the id of an evidence family.
    package var subject: String
    package var owner: String
    package var statement: String
    /// Name of the document, and its SHA-256 as 64 hexadecimal digits, so that it cannot be exchanged later.
    package var file: String
    package var sha256: String
    package var date: Moment
    /// The last day it holds.
    package var expires: CalendarDate
    /// Where it was written.
    package var place: String

    package init(
        subject: String, owner: String, statement: String, file: String, sha256: String, date: Moment,
        expires: CalendarDate, place: String
    ) {
        self.subject = subject
        self.owner = owner
        self.statement = statement
        self.file = file
        self.sha256 = sha256
        self.date = date
        self.expires = expires
        self.place = place
    }

    package func holds(at moment: Moment) -> Bool {
        date <= moment && moment < Moment(seconds: Moment(expires).seconds + 86_400)
    }

    /// Whether it is about a control, or about a family of evidence it uses.
    package func covers(_ framework: String, _ control: String) -> Bool { subject == "\(framework)/\(control)" }
}

/// Reads attestations:
///
/// ```yaml
/// attestations:
/// - control: soc2/CC1.1            # or family: access-review
///   owner: Ada Example, head of people
///   statement: the code of conduct was signed by everybody in January
///   file: conduct-2026.pdf
///   sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
///   date: 2026-02-01
///   expires: 2027-01-31
/// ```
///
/// One that is wrong is left out and named: what it would cover stays manual.
package enum AttestationFile {
    package static func read(_ source: SourceText, catalogue: ComplianceCatalogue) -> (
        attestations: [Attestation], problems: [Problem]
    ) {
        let set = DocumentReader.read(source)
        var out: [Attestation] = []
        var problems = set.problems.map {
            Problem(.invalid, code: $0.code.rawValue, $0.message, location: $0.location)
        }
        for document in set.documents where !document.root.isNull {
            let list = document.root["attestations"]
            guard list.isArray else {
                problems.append(problem(list, "expected a list \"attestations\""))
                continue
            }
            for node in list.elements {
                var reader = EntryReader(catalogue: catalogue)
                if let read = reader.read(node) { out.append(read) }
                problems += reader.problems
            }
        }
        return (out, problems)
    }

    fileprivate static func problem(_ node: Node, _ message: String) -> Problem {
        Problem(.invalid, code: "attestation", message, location: node.location)
    }

    private struct EntryReader {
        let catalogue: ComplianceCatalogue
        var problems: [Problem] = []

        private static let fields: Set<String> = [
            "control", "family", "owner", "statement", "file", "sha256", "date", "expires",
        ]

        mutating func read(_ node: Node) -> Attestation? {
            for member in node.members where !Self.fields.contains(member.key) {
                report(member.value, "unknown field \"\(member.key)\"")
            }
            let subject = subject(node)
            let owner = text(node["owner"], "owner", "who answers for it")
            let statement = text(node["statement"], "statement", "what is declared")
            let file = text(node["file"], "file", "the document that shows it")
            let digest = text(node["sha256"], "sha256", "the digest of that document").lowercased()
            if !digest.isEmpty, digest.utf8.count != 64 || !digest.utf8.allSatisfy(Self.isHexadecimal) {
                report(node["sha256"], "\"sha256\" has 64 hexadecimal digits; `sha256sum FILE` prints them")
            }
            let date = Moment(node["date"].text ?? "")
            if date == nil { report(node["date"], "expected \"date\": the day it was declared, such as 2026-02-01") }
            let expires = CalendarDate(node["expires"].text ?? "")
            if expires == nil { report(node["expires"], "expected \"expires\": the last day it holds") }
            guard problems.isEmpty, let date, let expires else { return nil }
            guard date <= Moment(expires) else {
                report(node["expires"], "it ends before the day it was declared")
                return nil
            }
            return Attestation(
                subject: subject, owner: owner, statement: statement, file: file, sha256: digest, date: date,
                expires: expires, place: node.location?.description ?? node.path.description)
        }

        private mutating func subject(_ node: Node) -> String {
            if let family = node["family"].string {
                if catalogue.family(family) == nil { report(node["family"], "unknown family \"\(family)\"") }
                if node["control"].exists { report(node["control"], "name a control or a family, not both") }
                return family
            }
            let text = node["control"].string ?? ""
            let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
            if parts.count != 2 || catalogue.framework(parts[0])?.control(parts[1]) == nil {
                report(node["control"], "unknown control \"\(text)\"; write FRAMEWORK/CONTROL, such as soc2/CC1.1")
            }
            return text
        }

        private mutating func text(_ node: Node, _ field: String, _ what: String) -> String {
            guard let text = node.text, !text.isEmpty else {
                report(node, "expected \"\(field)\": \(what)")
                return ""
            }
            return text
        }

        private mutating func report(_ node: Node, _ message: String) {
            problems.append(AttestationFile.problem(node, message))
        }

        private static func isHexadecimal(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
            default: false
            }
        }
    }
}
