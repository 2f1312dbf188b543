import Encodings

/// Constants of a condition as values of a field's type, with the errors Falco gives.
enum ConstantReader {
    static func value(_ text: [UInt8], as type: ValueType) throws(CompileError) -> FieldValue {
        if type == .bytes { return .bytes(text) }
        guard !text.contains(0) else {
            throw CompileError("filter error: filter value cannot contain a NUL byte (\\x00)")
        }
        switch type {
        case .string, .path, .bytes: return .bytes(text)
        case .bool:
            switch String(decoding: text, as: UTF8.self) {
            case "true": return .number(1)
            case "false": return .number(0)
            default: throw CompileError("filter error: unrecognized boolean value \(text.asText)")
            }
        case .int8, .int16, .int32, .double:
            let value = Int32(truncatingIfNeeded: try signed(text))
            switch type {
            case .int8: return FieldValue(Int64(Int8(truncatingIfNeeded: value)))
            case .int16: return FieldValue(Int64(Int16(truncatingIfNeeded: value)))
            case .double: return .number(Double(value).bitPattern)
            default: return FieldValue(Int64(value))
            }
        case .int64, .fd, .pid, .errno: return FieldValue(try signed(text))
        case .uint8: return .number(UInt64(UInt8(truncatingIfNeeded: try unsigned(text))))
        case .uint16: return .number(UInt64(UInt16(truncatingIfNeeded: try unsigned(text))))
        case .uint32: return .number(UInt64(UInt32(truncatingIfNeeded: try unsigned(text))))
        case .uint64, .reltime, .abstime: return .number(try unsigned(text))
        case .port: return .number(UInt64(try port(text)))
        case .ip:
            guard let address = AddressText.address(text) else {
                throw CompileError("unrecognized \(family(text)) address \(text.asText)")
            }
            return .bytes(address)
        case .ipnet, .dynamic: throw CompileError("wrong parameter type")
        }
    }

    /// A network in prefix notation.
    static func network(_ text: [UInt8]) throws(CompileError) -> AddressRange {
        let isV4 = text.contains(UInt8(ascii: "."))
        guard let slash = text.firstIndex(of: UInt8(ascii: "/")) else {
            throw CompileError(
                isV4 ? "unrecognized IP network \(text.asText)" : "invalid v6 netmask: \(text.asText)")
        }
        let head = Array(text[..<slash])
        let mask = Array(text[(slash + 1)...].prefix { $0 != 0x0A })
        guard let address = isV4 ? AddressText.v4(head) : AddressText.v6(head) else {
            throw CompileError("unrecognized \(isV4 ? "IP" : "IPv6") address \(text.asText)")
        }
        let length = Int(UInt8(truncatingIfNeeded: try unsigned(mask)))
        guard isV4 ? length <= 32 : (1...128).contains(length) else {
            throw CompileError("invalid \(isV4 ? "" : "v6 ")netmask \(mask.asText)")
        }
        return AddressRange(address: address, prefix: length)
    }

    /// The bytes that pairs of hexadecimal digits stand for.
    static func hexadecimal(_ text: [UInt8]) throws(CompileError) -> [UInt8] {
        guard let bytes = Hexadecimal.bytes(text) else {
            throw CompileError("filter error: bcontains and bstartswith operator support hex strings only")
        }
        return bytes
    }

    private static func family(_ text: [UInt8]) -> String { text.contains(UInt8(ascii: ".")) ? "IPv4" : "IPv6" }

    private static func signed(_ text: [UInt8]) throws(CompileError) -> Int64 {
        guard let value = NumberText.signed(text) else { throw notANumber(text) }
        return value
    }

    private static func unsigned(_ text: [UInt8]) throws(CompileError) -> UInt64 {
        guard let value = NumberText.unsigned(text) else { throw notANumber(text) }
        return value
    }

    private static func notANumber(_ text: [UInt8]) -> CompileError {
        CompileError("\(text.asText) is not a valid number")
    }

    /// Digits, or the name of a service.
    private static func port(_ text: [UInt8]) throws(CompileError) -> UInt16 {
        if text.isEmpty { return 0 }
        guard text.allSatisfy(ConditionLexer.isDigit) else {
            guard let port = Self.services[text.asText] else {
                throw CompileError("unrecognized protocol \(text.asText)")
            }
            return port
        }
        guard let value = NumberText.signed(text), value <= Int64(Int32.max) else { throw CompileError("stoi") }
        return UInt16(truncatingIfNeeded: value)
    }

    /// Names of the IANA registry that rules use; an engine cannot ask the machine's own list.
    private static let services: [String: UInt16] = [
        "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "time": 37, "whois": 43, "domain": 53,
        "bootps": 67, "bootpc": 68, "tftp": 69, "gopher": 70, "finger": 79, "http": 80, "www": 80, "kerberos": 88,
        "pop3": 110, "sunrpc": 111, "portmapper": 111, "nntp": 119, "ntp": 123, "netbios-ns": 137,
        "netbios-dgm": 138, "netbios-ssn": 139, "imap2": 143, "imap": 143, "snmp": 161, "snmp-trap": 162,
        "snmptrap": 162, "bgp": 179, "irc": 194, "ldap": 389, "https": 443, "microsoft-ds": 445, "submissions": 465,
        "ssmtp": 465, "smtps": 465, "isakmp": 500, "exec": 512, "login": 513, "shell": 514, "syslog": 514,
        "printer": 515, "submission": 587, "ipp": 631, "ldaps": 636, "rsync": 873, "ftps-data": 989, "ftps": 990,
        "telnets": 992, "imaps": 993, "pop3s": 995, "socks": 1080, "openvpn": 1194, "ms-sql-s": 1433,
        "ms-sql-m": 1434, "l2f": 1701, "l2tp": 1701, "radius": 1812, "radius-acct": 1813, "nfs": 2049,
        "docker": 2375, "mysql": 3306, "rdp": 3389, "ms-wbt-server": 3389, "svn": 3690, "epmd": 4369, "sip": 5060,
        "sip-tls": 5061, "xmpp-client": 5222, "xmpp-server": 5269, "mdns": 5353, "postgresql": 5432, "postgres": 5432,
        "amqps": 5671, "amqp": 5672, "x11": 6000, "redis": 6379, "ircd": 6667, "http-alt": 8080, "webcache": 8080,
        "git": 9418,
    ]
}

/// Why a condition that reads cannot be compiled.
package struct CompileError: Error, Hashable {
    package var message: String
    package var position = ConditionPosition()

    init(_ message: String, at position: ConditionPosition = ConditionPosition()) {
        self.message = message
        self.position = position
    }

    /// Whether the condition names a field or event type that this engine has not: a rule may ask to be skipped then.
    var isUnknownName: Bool {
        ["nonexistent field", "invalid formatting token", "unknown event type", "unknown filter:"]
            .contains { message.contains($0) }
    }
}

extension [UInt8] {
    var asText: String { String(decoding: self, as: UTF8.self) }

    /// The bytes before the first NUL: what C string functions see.
    var asCString: ArraySlice<UInt8> { self.prefix { $0 != 0 } }
}
