import ArgumentParser
import FoundationEssentials
import Kubernetes
import NetworkPolicies

/// Flow logs a command weighs its answer by.
struct FlowOptions: ParsableArguments {
    @Option(
        name: .customLong("flows"), parsing: .upToNextOption,
        help: ArgumentHelp(
            "Flow logs: Hubble JSON, Calico and Goldmane, AWS VPC, conntrack; - for standard input.",
            valueName: "file"), completion: .file())
    var files: [String] = []

    /// The flows of all files; nil when none was named.
    func table(_ state: NetworkState, _ inventory: Inventory) throws -> FlowTable? {
        guard !files.isEmpty else { return nil }
        var table = FlowTable(state, inventory)
        for path in files {
            var reader = FlowLogReader()
            var tooLong = 0
            try LogFile(path: path).read({ reader.read(line: $0) { table.add($0) } }, tooLong: { tooLong += 1 })
            reader.finish { table.add($0) }
            var read = reader.statistics
            read.lines += tooLong
            read.garbage += tooLong
            table.statistics.add(read)
            if read.records == 0, read.lines > 0 {
                throw Failure(message: "\(path): none of \(read.lines) lines is a flow of a format that is read")
            }
        }
        for line in Self.words(table) { Console.note("martlet: \(line)") }
        return table
    }

    /// What the logs came to, with everything that was not used.
    static func words(_ table: FlowTable) -> [String] {
        let read = table.statistics
        var out = ["\(read.records) flows on \(read.lines) lines, \(table.entries.count) different ones"]
        if read.garbage > 0 {
            let first = read.firstGarbage.map(String.init).joined(separator: ", ")
            out.append("passed over \(read.garbage.of("line")) that are no flows (first: line \(first))")
        }
        if read.skipped > 0 { out.append("\(read.skipped) lines say nothing of a connection") }
        if read.unresolved > 0 { out.append("\(read.unresolved) flows have an end that is not in the inventory") }
        if read.stale > 0 { out.append("\(read.stale) flows are older than the pod that has the address now") }
        if read.unanswered > 0 { out.append("\(read.unanswered) connections were not answered and count for nothing") }
        if read.guessed > 0 { out.append("of \(read.guessed) flows only the ports tell who opened the connection") }
        return out
    }

    /// Now, as flow logs count time.
    static var now: Int64 { Int64(Date().timeIntervalSince1970) }
}

extension Int {
    /// `1 flow`, `1,204 flows`.
    func of(_ noun: String, _ plural: String) -> String { "\(grouped) \(self == 1 ? noun : plural)" }
    func of(_ noun: String) -> String { "\(grouped) \(noun)\(self == 1 ? "" : "s")" }

    /// `1,204`, for people.
    var grouped: String {
        var out = ""
        for (index, digit) in String(self).reversed().enumerated() {
            if index > 0, index % 3 == 0, digit != "-" { out.append(",") }
            out.append(digit)
        }
        return String(out.reversed())
    }
}
