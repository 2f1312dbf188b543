internal import Detection
internal import Sensor

extension LiveField {
    static func descriptor(_ name: String, _ argument: String?) -> LiveField? {
        switch name {
        case "fd.num": eventNumber { event in event.descriptor.map { UInt64(bitPattern: $0) } }
        case "fd.type": ofEvent { event, _ in event.descriptorType.map { [FieldValue($0.name)] } }
        case "fd.typechar": eventText { event, _ in event.descriptorType.map { letters[$0.letter] ?? [] } }
        case "fd.name": eventText { event, context in named(event, context) }
        case "fd.nameraw": eventText { event, _ in event.opensFile ? event.written1 : nil }
        case "fd.directory": eventText { event, context in directory(event, context) }
        case "fd.filename": eventText { event, context in filename(event, context) }
        case "fd.ino": eventNumber { event in event.file?.inode }
        case "fd.is_upper_layer": eventFlag { event in event.file?.isInUpperLayer }
        case "fd.is_lower_layer": eventFlag { event in event.file.map { $0.isOnOverlay && !$0.isInUpperLayer } }
        case "fd.l4proto": ofEvent { event, _ in event.socket?.transportName.map { [FieldValue($0)] } }
        case "fd.sockfamily":
            ofEvent { event, _ in
                switch event.socket?.family {
                case .ipv4, .ipv6: [FieldValue("ip")]
                case .unix: [FieldValue("unix")]
                case .other, nil: nil
                }
            }
        case "fd.is_server": eventFlag { event in event.socket?.isServer }
        case "fd.connected":
            // A connection that is on its way counts.
            eventFlag { event in
                event.socket.map { $0.remote != nil && (event.result >= 0 || event.result == -115) }
            }
        case "fd.name_changed": eventFlag { event in event.opensFile || event.socket != nil }
        case "fd.cip", "fd.cnet": address { $0.client }
        case "fd.sip", "fd.snet": address { $0.server }
        case "fd.lip", "fd.lnet": address(\.local)
        case "fd.rip", "fd.rnet": address(\.remote)
        case "fd.ip", "fd.net":
            ofEvent { event, _ in
                guard let socket = event.socket else { return nil }
                let found = [socket.client, socket.server].compactMap { $0.map { FieldValue.bytes($0.bytes) } }
                return found.isEmpty ? nil : found
            }
        case "fd.cport", "fd.cproto": port { $0.client }
        case "fd.sport", "fd.sproto": port { $0.server }
        case "fd.lport": port(\.local)
        case "fd.rport": port(\.remote)
        case "fd.port":
            ofEvent { event, _ in
                guard let socket = event.socket else { return nil }
                let found = [socket.client, socket.server].compactMap { $0.map { FieldValue.number(UInt64($0.port)) } }
                return found.isEmpty ? nil : found
            }
        default: nil
        }
    }

    private static func address(
        _ end: @escaping @Sendable (SensorEvent.Socket) -> SensorEvent.Address?
    ) -> LiveField {
        ofEvent { event, _ in event.socket.flatMap(end).map { [.bytes($0.bytes)] } }
    }

    private static func port(_ end: @escaping @Sendable (SensorEvent.Socket) -> SensorEvent.Address?) -> LiveField {
        ofEvent { event, _ in event.socket.flatMap(end).map { [.number(UInt64($0.port))] } }
    }

    static func named(_ event: SensorEvent, _ context: LiveContext) -> [UInt8]? {
        if let socket = event.socket { return Array(socket.text.utf8) }
        if event.opensFile { return event.openedName(resolved: context.usesResolvedPath) }
        return event.path.flatMap { _ in if case .call = event.kind { event.path } else { nil } }
    }

    private static let letters: [Character: [UInt8]] = [
        "4": [0x34], "6": [0x36], "u": [0x75], "d": [0x64], "f": [0x66],
    ]

    private static func directory(_ event: SensorEvent, _ context: LiveContext) -> [UInt8]? {
        guard event.socket == nil, let name = named(event, context), let slash = name.lastIndex(of: UInt8(ascii: "/"))
        else { return nil }
        return slash == 0 ? [UInt8(ascii: "/")] : Array(name[..<slash])
    }

    private static func filename(_ event: SensorEvent, _ context: LiveContext) -> [UInt8]? {
        guard event.socket == nil, let name = named(event, context), let slash = name.lastIndex(of: UInt8(ascii: "/"))
        else { return nil }
        return Array(name[(slash + 1)...])
    }

    static func descriptorText(_ event: SensorEvent, _ context: LiveContext) -> [UInt8]? {
        guard let type = event.descriptorType else { return nil }
        let transport = event.socket?.transportName == "tcp" ? "t" : event.socket?.transportName == "udp" ? "u" : ""
        return Array("<\(type.letter)\(type.letter.isNumber ? transport : "")>".utf8) + (named(event, context) ?? [])
    }
}

extension SensorEvent {
    var opensFile: Bool {
        if case .call(let call) = kind { call.isOpen } else { false }
    }

    /// The file of an open: as the process named it, or as it was found.
    func openedName(resolved: Bool) -> [UInt8]? {
        if resolved, let path { return path }
        guard let written = written1 else { return path }
        // Most files are named by their path.
        if let path, path == written { return path }
        if written.first == UInt8(ascii: "/") { return SensorEvent.normalised(written) }
        if let text1, text1.first == UInt8(ascii: "/") { return text1 }
        return path ?? text1
    }

    /// The two names of a file that was opened differ: a link, or a folder given by number.
    var hasTwoNames: Bool {
        guard opensFile, let path, let written1, path != written1 else { return false }
        return openedName(resolved: false).map { path != $0 } ?? false
    }

    static func normalised(_ path: [UInt8]) -> [UInt8] {
        // Most paths are as they should be.
        var previous: UInt8 = 0
        var isPlain = path.count < 2 || path.last != UInt8(ascii: "/")
        for byte in path {
            if previous == UInt8(ascii: "/"), byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".") { isPlain = false }
            previous = byte
        }
        return isPlain ? path : EventDecoder.normalised(path)
    }

    /// The number of the descriptor the event made or is about.
    var descriptor: Int64? {
        guard case .call(let call) = kind else { return nil }
        switch call {
        case .open, .openat, .openat2, .creat, .accept, .accept4, .socket, .dup, .dup2, .dup3, .memfdCreate:
            return result
        case .connect, .bind, .listen, .sendto, .sendmsg, .fchmod, .fchown, .finitModule:
            return Int64(Int32(truncatingIfNeeded: arguments[0]))
        default: return nil
        }
    }

    /// What a descriptor is, by Falco's names and letters.
    var descriptorType: (name: String, letter: Character)? {
        if let socket {
            switch socket.family {
            case .ipv4: return ("ipv4", "4")
            case .ipv6: return ("ipv6", "6")
            case .unix: return ("unix", "u")
            case .other: return nil
            }
        }
        if let file {
            guard opensFile else { return nil }
            return file.mode & 0o170000 == 0o040000 ? ("directory", "d") : ("file", "f")
        }
        return opensFile ? ("file", "f") : nil
    }
}

extension SensorEvent.Socket {
    /// Who asked: the local end unless this side is the server.
    var client: SensorEvent.Address? { isServer ? remote : remote == nil ? nil : local }
    var server: SensorEvent.Address? { isServer ? local : remote }

    var transportName: String? {
        switch transport {
        case 6: "tcp"
        case 17: "udp"
        case 1, 58: "icmp"
        case 255: "raw"
        default: nil
        }
    }

    /// `client:port->server:port`, or one end when there is only one.
    var text: String {
        if let path { return String(decoding: path, as: UTF8.self) }
        let ends = [client, server].compactMap { $0 }
            .map { end in
                "\(AddressText.text(end.bytes)):\(end.port)"
            }
        return ends.joined(separator: "->")
    }
}
