import CISBenchmark
import RBAC
import Secrets

/// What takes the lines of an audit log.
protocol AuditLogReader {
    mutating func read(line: [UInt8])
    /// A line too long to be an event was left out.
    mutating func skipLine()
}

extension AuditUsage: AuditLogReader {}
extension LoginRecord: AuditLogReader {}
extension SecretAudit: AuditLogReader {}

extension LogFile {
    /// An audit log: a line an event, or one list of events.
    static func audit(_ path: String) -> LogFile {
        LogFile(path: path) { String(decoding: $0, as: UTF8.self).contains("\"EventList\"") }
    }

    func read(into reader: inout some AuditLogReader) throws {
        var own = reader
        try read({ own.read(line: $0) }, tooLong: { own.skipLine() })
        reader = own
    }
}
