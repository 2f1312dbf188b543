import Documents

/// Reads flow logs line by line, whatever wrote them, and counts what it cannot read.
///
/// The format is told by each line, so that files of several sources can be read one behind the other. Exports that are
/// one JSON document over many lines are read whole.
package struct FlowLogReader: Sendable {
    package private(set) var statistics = FlowStatistics()
    private var cloud = VPCFlow()
    /// Lines of a document that goes over several, and how many.
    private var pending: [UInt8] = []
    private var pendingLines = 0
    private var isWhole = false
    private var isFirst = true

    /// Longest document that is kept together.
    private static let documentLimit = 256 << 20

    package init() {}

    /// Takes one line without its line break.
    package mutating func read(line: [UInt8], _ take: (FlowRecord) -> Void) {
        if isWhole {
            pending += line
            pending.append(0x0A)
            pendingLines += 1
            if pending.count > Self.documentLimit { finish(take) }
            return
        }
        guard let start = line.firstIndex(where: { $0 > 0x20 }) else { return }
        let opening = line[start]
        let isJSON = opening == UInt8(ascii: "{") || opening == UInt8(ascii: "[")
        // A document over many lines begins with a bracket and little else; a long first line is one that was cut.
        if isFirst, isJSON, line.count < 64, node(line) == nil {
            isFirst = false
            isWhole = true
            pending = line + [0x0A]
            pendingLines = 1
            return
        }
        isFirst = false
        readLine(line, opening == UInt8(ascii: "{") || (isJSON && node(line) != nil), take)
    }

    /// Reads what was kept together; to be called after the last line of each file.
    package mutating func finish(_ take: (FlowRecord) -> Void) {
        let text = pending
        (isWhole, isFirst) = (false, true)
        (pending, pendingLines) = ([], 0)
        guard !text.isEmpty else { return }
        let set = DocumentReader.read(SourceText(name: "", bytes: text), options: .server)
        // YAML takes nearly anything for a text; only objects are worth a look.
        let roots = set.documents.map(\.root).filter { $0.isObject || $0.isArray }
        if set.problems.isEmpty, !roots.isEmpty {
            for root in roots {
                statistics.lines += 1
                for item in Self.items(root) { self.take(node: item, take) }
            }
            return
        }
        for line in text.split(separator: 0x0A) where line.contains(where: { $0 > 0x20 }) {
            readLine(Array(line), line.first { $0 > 0x20 } == UInt8(ascii: "{"), take)
        }
    }

    private mutating func readLine(_ line: [UInt8], _ isJSON: Bool, _ take: (FlowRecord) -> Void) {
        statistics.lines += 1
        if isJSON {
            guard let root = node(line) else { return statistics.addGarbage() }
            for item in Self.items(root) { self.take(node: item, take) }
            return
        }
        let fields = LineFields(line)
        if ConntrackFlow.isLikely(fields) { return note(ConntrackFlow.read(fields), take) }
        if cloud.takeHeader(fields) {
            statistics.skipped += 1
            return
        }
        note(cloud.read(fields), take)
    }

    private func node(_ line: [UInt8]) -> Node? { try? DocumentReader.readJSON(SourceText(name: "", bytes: line)) }

    /// The flows of an answer: the object itself, the elements of a list, Whisker's `items`, Elasticsearch's `hits`.
    private static func items(_ root: Node) -> [Node] {
        if root.isArray { return Array(root.elements) }
        for list in [root["items"], root["flows"], root["hits"]["hits"]] where list.isArray {
            return Array(list.elements)
        }
        return [root]
    }

    private mutating func take(node: Node, _ take: (FlowRecord) -> Void) {
        note(HubbleFlow.read(node) ?? CalicoFlow.read(node), take)
    }

    private mutating func note(_ reading: FlowReading?, _ take: (FlowRecord) -> Void) {
        switch reading {
        case .record(let record):
            statistics.records += 1
            take(record)
        case .nothing: statistics.skipped += 1
        case nil: statistics.addGarbage()
        }
    }
}
