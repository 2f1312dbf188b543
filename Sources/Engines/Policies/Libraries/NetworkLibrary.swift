/// An address of IPv4 or IPv6, as Go's `net/netip` reads and writes it.
struct CELAddress: CELOpaque, Hashable {
    /// 4 or 16 bytes.
    var bytes: [UInt8]

    static let celType = CELType.opaque("net.IP", [])
    var type: CELType { Self.celType }
    var isV4: Bool { bytes.count == 4 }
    var costSize: Int? { bytes.count }
    func isEqual(to other: any CELOpaque) -> Bool { (other as? CELAddress) == self }

    private var isMapped: Bool {
        bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
    }

    /// Reads an address; zones and IPv4 within IPv6 are refused.
    static func parse(_ text: String) -> Result<CELAddress, CELError> {
        guard let (address, zone) = read(text) else {
            return .failure(
                CELError("IP Address \"\(text)\" parse error during conversion from string: not an address"))
        }
        if !zone.isEmpty { return .failure(CELError("IP address \"\(text)\" with zone value is not allowed")) }
        if address.isMapped { return .failure(CELError("IPv4-mapped IPv6 address \"\(text)\" is not allowed")) }
        return .success(address)
    }

    static func read(_ text: String) -> (CELAddress, zone: String)? {
        for scalar in text.utf8 {
            if scalar == UInt8(ascii: ".") { return v4(Array(text.utf8)).map { (CELAddress(bytes: $0), "") } }
            if scalar == UInt8(ascii: ":") { return v6(text) }
            if scalar == UInt8(ascii: "%") { return nil }
        }
        return nil
    }

    /// Four numbers without leading zeros.
    private static func v4(_ text: [UInt8]) -> [UInt8]? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ (48...57).contains($0) }),
                part.count == 1 || part.first != 48, let value = UInt8(String(decoding: part, as: UTF8.self))
            else { return nil }
            bytes.append(value)
        }
        return bytes
    }

    private static func v6(_ whole: String) -> (CELAddress, zone: String)? {
        var text = Substring(whole)
        var zone = ""
        if let mark = text.firstIndex(of: "%") {
            zone = String(text[text.index(after: mark)...])
            guard !zone.isEmpty else { return nil }
            text = text[..<mark]
        }
        var rest = Array(text.utf8)[...]
        var bytes: [UInt8] = []
        var ellipsis: Int?
        if rest.starts(with: "::".utf8) {
            ellipsis = 0
            rest = rest.dropFirst(2)
            if rest.isEmpty { return (CELAddress(bytes: Array(repeating: 0, count: 16)), zone) }
        }
        while bytes.count < 16 {
            let digits = rest.prefix { Character(Unicode.Scalar($0)).isHexDigit }
            guard !digits.isEmpty, digits.count <= 4,
                let value = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            if rest.dropFirst(digits.count).first == UInt8(ascii: ".") {
                guard ellipsis != nil || bytes.count == 12, bytes.count <= 12, let tail = v4(Array(rest)) else {
                    return nil
                }
                bytes += tail
                rest = []
                break
            }
            bytes += [UInt8(value >> 8), UInt8(value & 0xff)]
            rest = rest.dropFirst(digits.count)
            if rest.isEmpty { break }
            guard rest.first == UInt8(ascii: ":"), rest.count > 1 else { return nil }
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: ":") {
                guard ellipsis == nil else { return nil }
                ellipsis = bytes.count
                rest = rest.dropFirst()
                if rest.isEmpty { break }
            }
        }
        guard rest.isEmpty else { return nil }
        if bytes.count < 16 {
            guard let ellipsis else { return nil }
            bytes.insert(contentsOf: Array(repeating: 0, count: 16 - bytes.count), at: ellipsis)
        } else if ellipsis != nil {
            return nil
        }
        return (CELAddress(bytes: bytes), zone)
    }

    /// The canonical form.
    var text: String {
        if isV4 { return bytes.map { String($0) }.joined(separator: ".") }
        if isMapped { return "::ffff:" + bytes[12...].map { String($0) }.joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var best = 0..<0
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, groups[end] == 0 { end += 1 }
            if end - index >= 2, end - index > best.count { best = index..<end }
            index = max(end, index + 1)
        }
        let hex = groups.map { String($0, radix: 16) }
        if best.isEmpty { return hex.joined(separator: ":") }
        return hex[..<best.lowerBound].joined(separator: ":") + "::" + hex[best.upperBound...].joined(separator: ":")
    }

    var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }
    var isLoopback: Bool { isV4 ? bytes[0] == 127 : bytes[..<15].allSatisfy { $0 == 0 } && bytes[15] == 1 }
    var isMulticast: Bool { isV4 ? bytes[0] & 0xf0 == 0xe0 : bytes[0] == 0xff }
    var isLinkLocalMulticast: Bool {
        isV4 ? bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0 : bytes[0] == 0xff && bytes[1] & 0x0f == 0x02
    }
    var isLinkLocalUnicast: Bool {
        isV4 ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80
    }
    var isGlobalUnicast: Bool {
        if isV4, bytes.allSatisfy({ $0 == 255 }) { return false }
        return !isUnspecified && !isLoopback && !isMulticast && !isLinkLocalUnicast
    }

    /// The address with all bits behind the prefix cleared.
    func masked(_ bits: Int) -> CELAddress {
        var copy = self
        for index in copy.bytes.indices {
            let kept = max(0, min(8, bits - index * 8))
            copy.bytes[index] &= kept == 0 ? 0 : UInt8(truncatingIfNeeded: 0xff << (8 - kept))
        }
        return copy
    }
}

/// An address with a prefix length, kept as it was written.
struct CELNetwork: CELOpaque, Hashable {
    var address: CELAddress
    var bits: Int

    static let celType = CELType.opaque("net.CIDR", [])
    var type: CELType { Self.celType }
    var costSize: Int? { (bits + 7) / 8 }
    var text: String { "\(address.text)/\(bits)" }
    func isEqual(to other: any CELOpaque) -> Bool { (other as? CELNetwork) == self }

    static func parse(_ text: String) -> Result<CELNetwork, CELError> {
        let failure = CELError("network address parse error during conversion from string: \(text) is no network")
        guard let slash = text.lastIndex(of: "/"), let (address, zone) = CELAddress.read(String(text[..<slash])),
            zone.isEmpty
        else { return .failure(failure) }
        let digits = text[text.index(after: slash)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }),
            digits.count == 1 || digits.first != "0", let bits = Int(digits), bits <= address.bytes.count * 8
        else { return .failure(failure) }
        if case .failure(let error) = CELAddress.parse(address.text) { return .failure(error) }
        return .success(CELNetwork(address: address, bits: bits))
    }

    func contains(_ other: CELAddress) -> Bool {
        address.bytes.count == other.bytes.count && other.masked(bits) == address.masked(bits)
    }

    func contains(_ other: CELNetwork) -> Bool { bits <= other.bits && contains(other.address) }
}

/// Addresses and networks.
///
/// Source: the API server's `ip` and `cidr` libraries.
enum NetworkLibrary {
    private static let ip = CELAddress.celType
    private static let cidr = CELNetwork.celType

    private static func address(_ value: CELValue) -> CELAddress? {
        if case .opaque(let opaque) = value { return opaque as? CELAddress }
        return nil
    }

    private static func network(_ value: CELValue) -> CELNetwork? {
        if case .opaque(let opaque) = value { return opaque as? CELNetwork }
        return nil
    }

    private static func parsed<T: CELOpaque>(_ result: Result<T, CELError>) -> CELValue {
        switch result {
        case .success(let value): .opaque(value)
        case .failure(let error): .error(error)
        }
    }

    private static func question(
        _ name: String, _ id: String, _ holds: @escaping @Sendable (CELAddress) -> Bool
    ) -> CELFunction {
        CELFunction(name, [.member(id, [ip], .bool)]) { values in
            address(values[0]).map { .bool(holds($0)) } ?? .error(.noSuchOverload)
        }
    }

    static let functions: [CELFunction] = [
        CELFunction(
            "ip", [CELOverload("string_to_ip", [.string], ip), .member("cidr_ip", [cidr], ip)]
        ) { values in
            if case .string(let text) = values[0] { return parsed(CELAddress.parse(text)) }
            return network(values[0]).map { .opaque($0.address) } ?? .error(.noSuchOverload)
        },
        CELFunction("family", [.member("ip_family", [ip], .int)]) { values in
            address(values[0]).map { .int($0.isV4 ? 4 : 6) } ?? .error(.noSuchOverload)
        },
        CELFunction("ip.isCanonical", [CELOverload("ip_is_canonical", [.string], .bool)]) { values in
            guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
            switch CELAddress.parse(text) {
            case .success(let address): return .bool(address.text == text)
            case .failure(let error): return .error(error)
            }
        },
        question("isUnspecified", "ip_is_unspecified", \.isUnspecified),
        question("isLoopback", "ip_is_loopback", \.isLoopback),
        question("isLinkLocalMulticast", "ip_is_link_local_multicast", \.isLinkLocalMulticast),
        question("isLinkLocalUnicast", "ip_is_link_local_unicast", \.isLinkLocalUnicast),
        question("isGlobalUnicast", "ip_is_global_unicast", \.isGlobalUnicast),
        CELFunction("isIP", [CELOverload("is_ip", [.string], .bool)]) { values in
            guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
            if case .success = CELAddress.parse(text) { return .bool(true) }
            return .bool(false)
        },
        CELFunction("isCIDR", [CELOverload("is_cidr", [.string], .bool)]) { values in
            guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
            if case .success = CELNetwork.parse(text) { return .bool(true) }
            return .bool(false)
        },
        CELFunction(
            "string",
            [CELOverload("ip_to_string", [ip], .string), CELOverload("cidr_to_string", [cidr], .string)]
        ) { values in
            address(values[0]).map { .string($0.text) } ?? network(values[0]).map { .string($0.text) }
                ?? .error(.noSuchOverload)
        },
        CELFunction("cidr", [CELOverload("string_to_cidr", [.string], cidr)]) { values in
            guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
            return parsed(CELNetwork.parse(text))
        },
        CELFunction(
            "containsIP",
            [
                .member("cidr_contains_ip_string", [cidr, .string], .bool),
                .member("cidr_contains_ip_ip", [cidr, ip], .bool),
            ]
        ) { values in
            guard let network = network(values[0]) else { return .error(.noSuchOverload) }
            if let address = address(values[1]) { return .bool(network.contains(address)) }
            guard case .string(let text) = values[1] else { return .error(.noSuchOverload) }
            switch CELAddress.parse(text) {
            case .success(let address): return .bool(network.contains(address))
            case .failure(let error): return .error(error)
            }
        },
        CELFunction(
            "containsCIDR",
            [
                .member("cidr_contains_cidr_string", [cidr, .string], .bool),
                .member("cidr_contains_cidr", [cidr, cidr], .bool),
            ]
        ) { values in
            guard let network = network(values[0]) else { return .error(.noSuchOverload) }
            if let other = NetworkLibrary.network(values[1]) { return .bool(network.contains(other)) }
            guard case .string(let text) = values[1] else { return .error(.noSuchOverload) }
            switch CELNetwork.parse(text) {
            case .success(let other): return .bool(network.contains(other))
            case .failure(let error): return .error(error)
            }
        },
        CELFunction("prefixLength", [.member("cidr_prefix_length", [cidr], .int)]) { values in
            network(values[0]).map { .int(Int64($0.bits)) } ?? .error(.noSuchOverload)
        },
        CELFunction("masked", [.member("cidr_masked", [cidr], cidr)]) { values in
            network(values[0]).map { .opaque(CELNetwork(address: $0.address.masked($0.bits), bits: $0.bits)) }
                ?? .error(.noSuchOverload)
        },
    ]
}
