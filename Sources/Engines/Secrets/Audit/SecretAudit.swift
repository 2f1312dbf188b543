package import Documents

/// What an audit log says about Secrets, learned line by line.
///
/// A line without any of the words that matter is passed over without being parsed: most of a log is about other
/// things.
package struct SecretAudit: Sendable {
    package struct Summary: Sendable, Hashable {
        package var lines = 0
        /// Events about Secrets, tokens and pods that were looked at.
        package var events = 0
        /// Lines that are no event, or half of one.
        package var malformed = 0
        /// Whether something was an event, about whatever: a text without one says nothing of who reads Secrets.
        package var hasEvents = false
        package var first = ""
        package var last = ""
    }

    package private(set) var readers = ReaderTable()
    package private(set) var summary = Summary()
    private var detector: IncidentDetector

    package init(limits: IncidentDetector.Limits = IncidentDetector.Limits()) {
        detector = IncidentDetector(limits)
    }

    package var incidents: [SecretIncident] { detector.incidents }

    /// Learns from one line of a JSON Lines log, or from a whole EventList.
    package mutating func read(line: [UInt8]) {
        summary.lines += 1
        guard Self.isOfInterest(line) else {
            // A line that does not begin and end as an object is half of one.
            if Self.isObject(line) { summary.hasEvents = true } else { summary.malformed += 1 }
            return
        }
        let read = DocumentReader.read(
            SourceText(name: "", bytes: line), options: DocumentReader.Options(checkDuplicateKeys: false))
        guard read.problems.isEmpty, read.documents.count == 1, let root = read.documents.first?.root, root.isObject
        else {
            summary.malformed += 1
            return
        }
        self.read(root)
    }

    /// Notes a line that was too long to take.
    package mutating func skipLine() { summary.malformed += 1 }

    package mutating func read(_ node: Node) {
        if node["items"].isArray {
            for item in node["items"].elements { self.read(item) }
            return
        }
        guard node["verb"].string != nil, node["stage"].string != nil else {
            summary.malformed += 1
            return
        }
        summary.hasEvents = true
        guard let event = SecretEvent(node) else { return }
        summary.events += 1
        let time = event.time.description
        if summary.first.isEmpty || time < summary.first { summary.first = time }
        if time > summary.last { summary.last = time }
        readers.note(event)
        detector.note(event)
    }

    // MARK: Passing over

    /// Whether the line can be about Secrets, pods or service account tokens: their plural stands in it between quotes.
    static func isOfInterest(_ line: [UInt8]) -> Bool {
        let span = line.span
        var index = 0
        while index + 6 <= span.count {
            guard span[index] == UInt8(ascii: "\"") else {
                index += 1
                continue
            }
            switch span[index + 1] {
            case UInt8(ascii: "s"):
                if stands(secrets, span, index) || stands(accounts, span, index) { return true }
            case UInt8(ascii: "p"): if stands(pods, span, index) { return true }
            default: break
            }
            index += 1
        }
        return false
    }

    private static let secrets = Array("\"secrets\"".utf8)
    private static let accounts = Array("\"serviceaccounts\"".utf8)
    private static let pods = Array("\"pods\"".utf8)

    private static func stands(_ word: [UInt8], _ span: Span<UInt8>, _ start: Int) -> Bool {
        guard start + word.count <= span.count else { return false }
        for offset in word.indices where span[start + offset] != word[offset] { return false }
        return true
    }

    private static func isObject(_ line: [UInt8]) -> Bool {
        let first = line.first { $0 != 0x20 && $0 != 0x09 }
        let last = line.last { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }
        guard let first else { return true }
        return first == UInt8(ascii: "{") && last == UInt8(ascii: "}")
    }
}
