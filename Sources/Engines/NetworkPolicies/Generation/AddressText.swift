/// An address found in a text: a host with perhaps a port, as URLs, connection strings and `host:port` write it.
struct TextAddress: Sendable, Hashable {
    var host: String
    var port: UInt16?
    /// The text says that this is an address: a scheme, a port, or the whole value.
    var isCertain: Bool
    /// `https`, `redis`, `postgresql` …; empty when none was written.
    var scheme = ""
}

/// Finds addresses in values of the environment, arguments and configuration files.
///
/// Read are URLs with and without user and path (`amqp://u:p@mq:5672/v`), lists behind one scheme
/// (`mongodb://a:27017,b:27017/db`), JDBC in its forms (`jdbc:postgresql://db/app`, `jdbc:oracle:thin:@db:1521:x`,
/// `jdbc:sqlserver://db:1433;…`), `tcp(db:3306)` of Go's MySQL driver, `host:port`, `host=db port=5432` of libpq, and
/// dotted names. A lone word is an address only when it is the whole value.
enum AddressText {
    /// Ports that go without saying. Source: IANA service names, and the documentation of each protocol.
    static let portOfScheme: [String: UInt16] = [
        "http": 80, "https": 443, "ws": 80, "wss": 443, "redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671,
        "mongodb": 27017, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "mariadb": 3306, "sqlserver": 1433,
        "nats": 4222, "kafka": 9092, "ldap": 389, "ldaps": 636, "smtp": 25, "smtps": 465, "mqtt": 1883, "mqtts": 8883,
        "ftp": 21, "ssh": 22, "memcached": 11211, "clickhouse": 9000, "bolt": 7687, "neo4j": 7687, "etcd": 2379,
        "zookeeper": 2181, "elasticsearch": 9200, "grpc": 443, "pulsar": 6650, "cassandra": 9042, "imap": 143,
    ]

    static func addresses(in text: String) -> [TextAddress] {
        var out: [TextAddress] = []
        // The same address may be found in more than one way; the first one is the surest.
        var seen: Set<String> = []
        func add(_ address: TextAddress) {
            if seen.insert("\(address.host) \(address.port ?? 0)").inserted { out.append(address) }
        }
        let whole = trimmed(text)
        if isHost(whole), !whole.contains(".") || whole.utf8.allSatisfy({ !isDigit($0) && $0 != dot }) || isName(whole)
        {
            add(TextAddress(host: host(whole), port: nil, isCertain: true))
        }
        var bytes = Array(text.utf8)[...]
        var libpqHost: String?
        var libpqPort: UInt16?
        while let start = bytes.firstIndex(where: isWordByte) {
            bytes = bytes[start...]
            let end = bytes.firstIndex { !isWordByte($0) } ?? bytes.endIndex
            let word = String(decoding: bytes[..<end], as: UTF8.self)
            bytes = bytes[end...]
            for found in addresses(inWord: word) { add(found) }
            if let split = word.firstIndex(of: "=") {
                let (key, value) = (word[..<split].lowercased(), String(word[word.index(after: split)...]))
                if key == "host" || key == "hostaddr", isHost(value) { libpqHost = value }
                if key == "port" { libpqPort = UInt16(value) }
            }
        }
        if let libpqHost { add(TextAddress(host: host(libpqHost), port: libpqPort, isCertain: true)) }
        return out
    }

    /// One word without blanks, quotes and brackets.
    private static func addresses(inWord given: String) -> [TextAddress] {
        var word = given[...]
        var scheme = ""
        if let marker = word.range(of: "://") {
            let before = word[..<marker.lowerBound]
            let name = before.split { "=:@(,;".contains($0) }.last.map(String.init) ?? String(before)
            scheme = name.lowercased().split(separator: "+").first.map(String.init) ?? ""
            word = word[marker.upperBound...]
            // User and password end at the last @ before the path.
            let authority = word.prefix { $0 != "/" && $0 != "?" && $0 != "#" && $0 != ";" }
            word = authority
            if let at = authority.lastIndex(of: "@") { word = authority[authority.index(after: at)...] }
            if let paren = word.firstIndex(of: "(") { word = word[word.index(after: paren)...].prefix { $0 != ")" } }
        } else if let at = word.range(of: ":@") {
            // jdbc:oracle:thin:@db:1521:x
            word = word[at.upperBound...].drop { $0 == "/" }.prefix { $0 != "/" }
            if let second = word.split(separator: ":").dropFirst().first, UInt16(second) != nil {
                word = word.split(separator: ":").prefix(2).joined(separator: ":")[...]
            }
            scheme = "oracle"
        } else if let paren = word.range(of: "tcp(") {
            word = word[paren.upperBound...].prefix { $0 != ")" }
            scheme = "tcp"
        } else if let equals = word.lastIndex(of: "=") {
            // --backend=db:5432
            word = word[word.index(after: equals)...]
            word = word.prefix { $0 != "/" && $0 != "?" && $0 != ";" }
        } else {
            word = word.prefix { $0 != "/" && $0 != "?" && $0 != ";" }
            if let at = word.lastIndex(of: "@") { word = word[word.index(after: at)...] }
        }
        var out: [TextAddress] = []
        for part in word.split(separator: ",") {
            guard let found = hostAndPort(String(part), scheme) else { continue }
            out.append(found)
        }
        return out
    }

    private static func hostAndPort(_ text: String, _ scheme: String) -> TextAddress? {
        if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
            let inner = String(text[text.index(after: text.startIndex)..<close])
            let rest = text[text.index(after: close)...]
            guard IPAddress(inner) != nil else { return nil }
            return TextAddress(
                host: inner, port: rest.hasPrefix(":") ? UInt16(rest.dropFirst()) : portOfScheme[scheme],
                isCertain: true, scheme: scheme)
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let first = parts.first.map(String.init), isHost(first) else { return nil }
        if parts.count >= 2 {
            guard parts.count == 2, let port = UInt16(parts[1]), port > 0 else { return nil }
            // 12:30 is a time and 1:2 a ratio, not a port of a host.
            if first.utf8.allSatisfy({ isDigit($0) }) { return nil }
            return TextAddress(host: host(first), port: port, isCertain: true, scheme: scheme)
        }
        if !scheme.isEmpty {
            return TextAddress(host: host(first), port: portOfScheme[scheme], isCertain: true, scheme: scheme)
        }
        // A dotted name may be a file's or a class's; it counts where it is a Service's.
        guard first.contains("."), isName(first) || IPAddress(first) != nil else { return nil }
        return TextAddress(host: host(first), port: nil, isCertain: false)
    }

    /// Names are compared without case and without the dot of the root.
    private static func host(_ text: String) -> String {
        let lower = text.lowercased()
        return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    }

    /// Letters, digits, hyphens and dots, beginning and ending as a label does (RFC 1123).
    static func isHost(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 253 else { return false }
        guard isLetterOrDigit(first), isLetterOrDigit(last) || last == dot else { return false }
        return bytes.allSatisfy { isLetterOrDigit($0) || $0 == dot || $0 == UInt8(ascii: "-") || $0 == underscore }
            && !text.contains("..")
    }

    /// A name with a letter in its last label: no number and no address.
    private static func isName(_ text: String) -> Bool {
        guard let last = text.split(separator: ".").last else { return false }
        return last.utf8.contains { !isDigit($0) && isLetterOrDigit($0) }
    }

    private static let dot = UInt8(ascii: ".")
    private static let underscore = UInt8(ascii: "_")

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte != 0x22 && byte != 0x27 && byte != UInt8(ascii: "`") && byte != UInt8(ascii: "<")
            && byte != UInt8(ascii: ">") && byte != UInt8(ascii: "{") && byte != UInt8(ascii: "}") && byte < 0x7F
    }

    private static func trimmed(_ text: String) -> String {
        let isEdge = { (byte: UInt8) in byte <= 0x20 || byte == 0x22 || byte == 0x27 }
        guard let first = text.utf8.firstIndex(where: { !isEdge($0) }),
            let last = text.utf8.lastIndex(where: { !isEdge($0) })
        else { return "" }
        return String(text[first...last])
    }
}

extension Substring {
    /// The first place of a text, by bytes.
    fileprivate func range(of wanted: String) -> Range<Index>? { firstRange(of: wanted) }
}
