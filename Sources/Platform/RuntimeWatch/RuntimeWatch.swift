package import Detection
package import Sensor

/// Everything that is looked for in the events of a node: rules, drift, files, connections, what was learned.
///
/// Used from one thread. Alerts come out one by one; whoever wants them folded puts them into `AlertGroups`.
package struct RuntimeWatch {
    package struct Settings: Sendable {
        package var containersOnly = false
        /// Compare with profiles, or only learn them.
        package var alertsOnProfiles = true
        package var learns = true
        /// The chance of something new that ends learning.
        package var limit = 0.02
        /// What is known of workloads, by `namespace/name`: output fields that every alert about them gets.
        package var workloads: [String: [(name: String, text: String)]] = [:]

        package init() {}
    }

    package private(set) var matcher: LiveMatcher
    package var settings: Settings
    package private(set) var profiles: [LearnedProfile.Subject: LearnedProfile] = [:]
    private var sent: [LearnedProfile.Subject: Set<String>] = [:]
    private let images: (any ImageFiles)?
    private let network: (any ConnectionVerdicts)?
    package private(set) var events: UInt64 = 0
    /// Events of containers without a pod's or container's identity; there should be none.
    package private(set) var unnamed: UInt64 = 0

    package init(
        _ matcher: LiveMatcher, settings: Settings = Settings(),
        profiles: [LearnedProfile.Subject: LearnedProfile] = [:], images: (any ImageFiles)? = nil,
        network: (any ConnectionVerdicts)? = nil
    ) {
        self.matcher = matcher
        self.settings = settings
        self.profiles = profiles
        self.images = images
        self.network = network
    }

    package mutating func alerts(_ event: SensorEvent) -> [Alert] {
        events += 1
        if settings.containersOnly, event.process.container == nil { return [] }
        let matching = matcher.match(event)
        var out: [Alert] = []
        if !matching.isEmpty {
            let values = matcher.values(event)
            out = matching.map { Alert($0, time: event.time, hostname: matcher.context.hostname, values) }
        }
        if event.process.container != nil { out += own(event) }
        guard !out.isEmpty else { return [] }
        for i in out.indices {
            out[i].addEvidence(event)
            correlate(&out[i], event)
        }
        return out
    }

    /// Lays beside an alert what is known of the program's package and of the workload.
    private func correlate(_ alert: inout Alert, _ event: SensorEvent) {
        guard let container = event.process.container else { return }
        let path = String(decoding: event.process.executablePath, as: UTF8.self)
        if alert.field("martlet.package") == nil, let file = images?.files(of: container)?.file(at: path) {
            Self.name(file, in: &alert)
        }
        guard let pod = container.facts.podName, let namespace = container.facts.namespace else { return }
        for (name, text) in settings.workloads["\(namespace)/\(AlertGroups.workloadName(pod))"] ?? [] {
            alert.add(name, .text(text))
        }
    }

    /// Says which package a file is of and what is known of that.
    private static func name(_ file: ContentDrift.File, in alert: inout Alert) {
        guard let package = file.package else { return }
        alert.add("martlet.package", .text(package))
        if !file.vulnerabilities.isEmpty {
            alert.add("martlet.vulnerabilities", .text(file.vulnerabilities.joined(separator: " ")))
        }
    }

    // MARK: Martlet's own

    private mutating func own(_ event: SensorEvent) -> [Alert] {
        switch event.kind {
        case .exec: return program(event)
        case .call(let call):
            if call.isOpen { return file(event) }
            switch call {
            case .connect, .accept, .accept4, .sendto, .sendmsg: return connection(event)
            case .rename, .renameat, .renameat2, .unlink, .unlinkat, .mkdir, .mkdirat, .chmod, .fchmodat, .link,
                .linkat,
                .symlink, .symlinkat, .truncate, .rmdir, .chown, .lchown, .fchownat, .mknod, .mknodat:
                return refused(event)
            default: return []
            }
        case .stopped(let how): return [stopped(event, how)]
        case .mapped: return library(event)
        case .fork, .exit: return []
        }
    }

    private mutating func program(_ event: SensorEvent) -> [Alert] {
        let process = event.process
        guard let container = process.container, !process.isRuntime else { return [] }
        var out: [Alert] = []
        let path = String(decoding: process.executablePath, as: UTF8.self)
        let drift = drift(process.executablePath, process.file, process, container)
        if let reason = drift.reason {
            var alert = OwnAlert.drift.alert(
                "a program that is not of the container's image ran: \(reason) | process=\(process.shown) exepath=\(path)",
                event, matcher.context)
            if let origin = drift.origin { Self.name(origin, in: &alert) }
            out.append(alert)
        }
        let parent = process.parent.map { String(decoding: $0.executablePath, as: UTF8.self) } ?? ""
        let name = ProcessShape.name(
            path: path, parent: parent,
            arguments: process.arguments.dropFirst().map { String(decoding: $0, as: UTF8.self) })
        if observe(name, .process, container, digest: drift.digest) {
            out.append(
                OwnAlert.unlearnedProcess.alert("a process that was never seen here: \(name)", event, matcher.context))
        }
        return out
    }

    /// A library the image did not bring.
    private func library(_ event: SensorEvent) -> [Alert] {
        guard let container = event.process.container, !event.process.isRuntime, let file = event.file,
            let path = event.path
        else { return [] }
        let drift = drift(path, file, event.process, container)
        guard let reason = drift.reason else { return [] }
        var alert = OwnAlert.libraryDrift.alert(
            "a library that is not of the container's image was loaded: \(reason) | process=\(event.process.shown) "
                + "library=\(String(decoding: path, as: UTF8.self))", event, matcher.context)
        if let origin = drift.origin { Self.name(origin, in: &alert) }
        return [alert]
    }

    /// Whether code that runs is the image's: why not, the image's file it stands for, and its digest where the image's
    /// files are known.
    private func drift(
        _ path: [UInt8], _ file: SensorProcess.File, _ process: SensorProcess, _ container: SensorContainer
    ) -> (reason: String?, origin: ContentDrift.File?, digest: String?) {
        let text = String(decoding: path, as: UTF8.self)
        guard let files = images?.files(of: container) else {
            return (DriftFallback.reason(text, file, in: container), nil, nil)
        }
        let digest = images?.digest(of: path, file, in: process)
        switch files.verdict(path: text, digest: digest) {
        case .ofImage: return (nil, nil, digest)
        case .moved(let from, let file): return ("it is a copy of \(from)\(Self.owner(file))", file, digest)
        case .changed(let file): return ("it has other content than the image's\(Self.owner(file))", file, digest)
        case .dropped: return ("the image has no such file", nil, digest)
        case .notObservable: return (DriftFallback.reason(text, file, in: container), nil, digest)
        }
    }

    private func stopped(_ event: SensorEvent, _ how: SensorOptions.Response) -> Alert {
        let path = String(decoding: event.path ?? [], as: UTF8.self)
        let what = how == .deny ? "was kept from starting" : "was killed as it started"
        var alert = OwnAlert.stopped.alert(
            "a program that is not of the container's image \(what) | exepath=\(path)", event, matcher.context)
        alert.add("martlet.response", .text(how.rawValue))
        alert.add("martlet.response_reason", .text(event.file.map(DriftFallback.place) ?? "it is not of the image"))
        return alert
    }

    private static func owner(_ file: ContentDrift.File) -> String {
        guard let package = file.package else { return "" }
        let flaws = file.vulnerabilities.isEmpty ? "" : ", \(file.vulnerabilities.joined(separator: " "))"
        return " (of \(package)\(flaws))"
    }

    private mutating func file(_ event: SensorEvent) -> [Alert] {
        guard event.opens({ $0 & 3 != 0 || $0 & 0o1100 != 0 }), !event.process.isRuntime else { return [] }
        if event.result == Self.readOnly { return refused(event) }
        guard event.result >= 0, let container = event.process.container, let path = event.path,
            !container.facts.writableMounts.isEmpty || container.facts.isReadOnly != nil,
            event.file?.isOnOverlay == true
        else { return [] }
        let name = String(decoding: path, as: UTF8.self)
        let mounts = container.facts.writableMounts
        guard !mounts.contains(where: { name == $0 || name.hasPrefix($0.hasSuffix("/") ? $0 : $0 + "/") }) else {
            return []
        }
        let known = "\(name)"
        guard observe("written \(AlertShape.path(known))", .file, container, digest: nil) else { return [] }
        return [
            OwnAlert.undeclaredWrite.alert(
                "a file was written in the container's own layer, outside its mounts | file=\(name)", event,
                matcher.context)
        ]
    }

    private static let readOnly: Int64 = -30

    private func refused(_ event: SensorEvent) -> [Alert] {
        guard event.result == Self.readOnly, !event.process.isRuntime else { return [] }
        let path = event.text2 ?? event.text1 ?? event.path ?? []
        return [
            OwnAlert.refusedWrite.alert(
                "a write was refused since the file system is read-only | file=\(String(decoding: path, as: UTF8.self))",
                event, matcher.context)
        ]
    }

    private mutating func connection(_ event: SensorEvent) -> [Alert] {
        guard let socket = event.socket, let container = event.process.container, let server = socket.server,
            event.result >= 0 || event.result == -115, let peer = socket.isServer ? socket.client : socket.server
        else { return [] }
        let known = network?.peer(peer.bytes)
        let kind = ConnectionClass(
            direction: socket.isServer ? .inbound : .outbound, transport: socket.transportName ?? "ip",
            serverPort: server.port, address: peer.bytes, workload: known?.workload, service: known?.service,
            name: known?.name)
        guard observe(kind.description, .connection, container, digest: nil) else { return [] }
        var message = "a class of connections that was never seen here: \(kind) | connection=\(socket.text)"
        let verdict = network?.verdict(kind, from: container, to: peer.bytes, port: server.port)
        if let verdict { message += " policy=\(verdict.verdict)" }
        var alert = OwnAlert.unlearnedConnection.alert(message, event, matcher.context)
        if let verdict {
            alert.add("martlet.policy", .text(([verdict.verdict] + verdict.reasons).joined(separator: "; ")))
            if !verdict.proposals.isEmpty {
                alert.add("martlet.policy_proposal", .text(verdict.proposals.joined(separator: "; ")))
            }
        }
        return [alert]
    }

    // MARK: Profiles

    /// Notes something a workload does; whether it is news after learning ended.
    private mutating func observe(
        _ name: String, _ kind: LearnedProfile.Class, _ container: SensorContainer, digest: String?
    ) -> Bool {
        guard settings.learns || settings.alertsOnProfiles else { return false }
        let subject = LearnedProfile.Subject(container)
        var profile = profiles.removeValue(forKey: subject) ?? LearnedProfile()
        let verdict = profile.observe(name, kind, fileDigest: digest, limit: settings.limit)
        profiles[subject] = profile
        return verdict == .unexpected && settings.alertsOnProfiles
    }
}

enum AlertShape {
    /// A path with what differs from run to run taken out.
    static func path(_ path: String) -> String {
        var out = ""
        var wasDigit = false
        for character in path {
            if character.isNumber {
                if !wasDigit { out.append("#") }
                wasDigit = true
            } else {
                out.append(character)
                wasDigit = false
            }
        }
        return out
    }
}

extension LearnedProfile.Subject {
    /// What is known of the container's workload; without names the image, without that the container itself.
    init(_ container: SensorContainer) {
        let facts = container.facts
        let pod = facts.podName.map { "\(facts.namespace ?? "")/\(AlertGroups.workloadName($0))" }
        self.init(
            workload: pod ?? facts.image ?? container.identity.shortID, container: facts.name ?? "",
            imageDigest: facts.imageDigest ?? facts.image ?? "")
    }
}

extension SensorProcess {
    /// The container's runtime on its way in: what it does is not the container's doing.
    var isRuntime: Bool {
        name.starts(with: Self.runc) || name.starts(with: Self.crun) || executablePath.starts(with: Self.cloned)
    }

    private static let runc = Array("runc:".utf8)
    private static let crun = Array("crun:".utf8)
    /// runc runs from a copy of itself in memory, so that a container cannot write over it.
    private static let cloned = Array("memfd:runc_cloned".utf8)

    var shown: String { String(decoding: name, as: UTF8.self) }
}
