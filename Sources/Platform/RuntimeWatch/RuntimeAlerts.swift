internal import Detection
internal import Sensor

/// The alerts Martlet raises of itself, beside those of rules: their names are forever.
package enum OwnAlert: String, Sendable, CaseIterable {
    case drift = "Program not of the image"
    case libraryDrift = "Library not of the image"
    case refusedWrite = "Write refused by a read-only file system"
    case undeclaredWrite = "File written outside the declared mounts"
    case unlearnedProcess = "Process outside the learned profile"
    case unlearnedConnection = "Connection outside the learned profile"
    case stopped = "Program not of the image stopped"

    var priority: Priority {
        switch self {
        case .drift, .libraryDrift, .stopped: .error
        case .refusedWrite, .undeclaredWrite, .unlearnedProcess, .unlearnedConnection: .warning
        }
    }

    var tags: [String] {
        switch self {
        case .drift, .stopped: ["T1105", "martlet", "mitre_execution"]
        case .libraryDrift: ["T1574.006", "martlet", "mitre_persistence"]
        case .refusedWrite: ["T1222", "martlet", "mitre_defense_evasion"]
        case .undeclaredWrite: ["T1554", "martlet", "mitre_persistence"]
        case .unlearnedProcess: ["T1059", "martlet", "mitre_execution"]
        case .unlearnedConnection: ["T1071", "martlet", "mitre_command_and_control"]
        }
    }

    func alert(_ message: String, _ event: SensorEvent, _ context: LiveContext) -> Alert {
        var alert = Alert(
            rule: rawValue, priority: priority, source: "syscall", time: event.time, hostname: context.hostname,
            message: message, tags: tags, outputFields: [])
        for name in ["evt.type", "proc.name", "proc.exepath", "proc.cmdline", "proc.pname", "user.name", "fd.name"] {
            if let text = LiveText.value(name, event, context) { alert.add(name, .text(text)) }
        }
        alert.add("evt.time", .unsigned(event.time))
        return alert
    }
}

/// Fields as text, for messages.
enum LiveText {
    static func value(_ name: String, _ event: SensorEvent, _ context: LiveContext) -> String? {
        guard let value = LiveField(FieldReference(name))?.values(event, context)?.first else { return nil }
        switch value {
        case .bytes(let bytes): return String(decoding: bytes, as: UTF8.self)
        case .number(let number): return String(number)
        }
    }

    /// `containerd-shim(812) > sh(2210) > curl(2214)`.
    static func tree(_ process: SensorProcess) -> String {
        var names: [String] = []
        var next: SensorProcess? = process
        while let found = next, names.count < 16 {
            names.append("\(String(decoding: found.name, as: UTF8.self))(\(found.id))")
            next = found.parent
        }
        return names.reversed().joined(separator: " > ")
    }
}

extension Alert {
    /// Whose it is, what led to it and whether all of that is known; every alert of an event carries these.
    mutating func addEvidence(_ event: SensorEvent) {
        let known = Set(outputFields.map(\.name))
        func add(_ name: String, _ text: String?) {
            if let text, !known.contains(name) { self.add(name, .text(text)) }
        }
        if let container = event.process.container {
            add("container.id", container.identity.shortID)
            add("k8s.pod.uid", container.facts.podUID)
            add("k8s.pod.name", container.facts.podName)
            add("k8s.ns.name", container.facts.namespace)
            add("container.image.repository", container.facts.imageRepository)
        }
        add("martlet.process_tree", LiveText.tree(event.process))
        add("martlet.evidence", event.isIncomplete ? "incomplete" : "complete")
    }
}
