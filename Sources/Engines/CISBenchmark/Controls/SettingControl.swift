import Documents

/// Controls that ask for the value of a setting.
struct SettingControl {
    let instance: ComponentInstance

    func part(
        _ outcome: CISOutcome, _ message: String, _ setting: Setting?
    ) -> CISPart {
        CISPart(
            outcome, message, node: instance.node, value: setting?.text, provenance: setting?.provenance,
            evidence: setting?.node ?? instance.place, object: instance.object?.reference)
    }

    func evaluate(
        _ names: [String], _ condition: CISControl.Condition, whenUnset: CISControl.WhenUnset
    ) -> CISPart {
        let settings = names.map(instance.setting)
        for setting in settings {
            if case .unknown(let reason) = setting.value { return part(.notObservable, reason, setting) }
        }
        guard let first = settings.first else { return part(.notObservable, "the control names no setting", nil) }
        switch condition {
        case .set: return set(settings, whenUnset)
        case .unset:
            if case .flag = first.provenance { return part(.fail, "\(label(first)) is set", first) }
            // Only the command line has it, and without one nobody knows.
            if instance.command == nil { return part(.notObservable, "the command line was not seen", first) }
            return first.isEmpty
                ? part(.pass, "\(label(first)) is not set", first) : part(.fail, "\(label(first)) is set", first)
        case .review:
            return part(.manual, "\(label(first)) is \(first.text ?? "not set"): a person has to judge", first)
        default: return judged(first, condition, whenUnset)
        }
    }

    private func set(_ settings: [Setting], _ whenUnset: CISControl.WhenUnset) -> CISPart {
        if let missing = settings.first(where: { $0.isEmpty || !$0.isWritten }) {
            if whenUnset == .review {
                return part(.manual, "\(label(missing)) is not set: a person has to judge the default", missing)
            }
            return part(.fail, "\(label(missing)) is not set", missing)
        }
        return part(.pass, settings.map { "\(label($0)) is set" }.joined(separator: ", "), settings.first)
    }

    private func judged(
        _ setting: Setting, _ condition: CISControl.Condition, _ whenUnset: CISControl.WhenUnset
    ) -> CISPart {
        if !setting.isWritten {
            switch whenUnset {
            case .pass: return part(.pass, "\(label(setting)) is not set\(asDefault(setting))", setting)
            case .fail:
                guard case .bool = condition, setting.provenance == .legacyDefault else {
                    return part(.fail, "\(label(setting)) is not set\(asDefault(setting))", setting)
                }
            case .review: return part(.manual, "\(label(setting)) is not set\(asDefault(setting))", setting)
            case .version:
                // A default that never deletes is what older versions had; the benchmark wants it said.
                let (met, _) = meets(setting, condition, zeroCounts: false)
                return part(
                    met ? .pass : .fail, "\(label(setting)) is not set\(asDefault(setting))", setting)
            case .default:
                let (met, _) = meets(setting, condition, zeroCounts: true)
                guard met else { return part(.fail, "\(label(setting)) is not set\(asDefault(setting))", setting) }
                if case .atLeast = condition {
                    return part(
                        .passByEquivalence, "\(label(setting)) is not set\(asDefault(setting)), which is enough",
                        setting)
                }
                return part(.pass, "\(label(setting)) is not set\(asDefault(setting))", setting)
            }
        }
        let (met, note) = meets(setting, condition, zeroCounts: true)
        if met, whenUnset == .default, case .atLeast = condition, let text = setting.text,
            text == instance.facts.setting(setting.name).defaultValue(instance.defaultsVersion.version)
        {
            var same = part(.passByEquivalence, "\(label(setting)) is \(text), as it would be unset", setting)
            same.isLiteral = true
            return same
        }
        if let note, !met { return part(note.isProblem ? .notObservable : .fail, note.text, setting) }
        if let note { return part(.passByEquivalence, note.text, setting) }
        return part(met ? .pass : .fail, "\(label(setting)) is \(setting.text ?? "not set")", setting)
    }

    private struct Note {
        var text: String
        /// The value cannot be read, so nothing is known.
        var isProblem = false
    }

    /// Whether a value meets a condition, and what is to be said beside yes or no.
    private func meets(
        _ setting: Setting, _ condition: CISControl.Condition, zeroCounts: Bool
    ) -> (met: Bool, note: Note?) {
        let text = setting.text ?? ""
        func number(_ body: (Int) -> (Bool, Note?)) -> (met: Bool, note: Note?) {
            guard let number = Int(text) else {
                return (false, Note(text: "\(label(setting)) is \"\(text)\", which is no number", isProblem: true))
            }
            return body(number)
        }
        switch condition {
        case .bool(let wanted):
            guard let value = Setting.bool(text) else {
                return (false, Note(text: "\(label(setting)) is \"\(text)\", which is no boolean", isProblem: true))
            }
            return (value == wanted, nil)
        case .not(let refused): return (text != refused, nil)
        case .equals(let wanted): return number { ($0 == wanted, nil) }
        case .above(let limit): return number { ($0 > limit, nil) }
        case .atLeast(let least, let zeroIsUnlimited):
            return number { value in
                if value == 0, zeroIsUnlimited, zeroCounts {
                    return (true, Note(text: "\(label(setting)) is 0, which sets no limit"))
                }
                return (value >= least, nil)
            }
        case .loopback:
            if text == "127.0.0.1" || text.hasPrefix("127.0.0.1:") { return (true, nil) }
            if Self.isLoopback(text) {
                return (true, Note(text: "\(label(setting)) is \(text), which is loopback too"))
            }
            return (false, nil)
        case .includes(let wanted):
            return (items(setting).contains(wanted), nil)
        case .excludes(let refused):
            return (!items(setting).contains(refused), nil)
        case .set, .unset, .review: return (false, nil)
        }
    }

    func items(_ setting: Setting) -> [String] {
        if case .list(let items) = setting.value { return items }
        return setting.text.map { [$0] } ?? []
    }

    /// `--profiling`, or `authorization.mode` for a field.
    func label(_ setting: Setting) -> String {
        switch setting.provenance {
        case .flag(let name): return "--\(name)"
        case .environment(let name): return name
        default:
            let known = instance.facts.setting(setting.name)
            return instance.component == .kubelet && known.field != nil ? setting.name : "--\(known.flag)"
        }
    }

    private func asDefault(_ setting: Setting) -> String {
        setting.text.map { "; the default is \($0)" } ?? ""
    }

    /// 127.0.0.0/8, ::1, localhost; with or without a port.
    static func isLoopback(_ text: String) -> Bool {
        var host = Substring(text)
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            host = host[host.index(after: host.startIndex)..<end]
        } else if host.count(where: { $0 == ":" }) == 1, let colon = host.firstIndex(of: ":") {
            host = host[..<colon]
        }
        if host == "localhost" || host == "::1" || host == "0:0:0:0:0:0:0:1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    // MARK: Gates

    /// A feature gate that must not be off.
    func gate(_ name: String) -> CISPart {
        let setting = instance.setting(instance.component == .kubelet ? "featureGates" : "feature-gates")
        if case .unknown(let reason) = setting.value { return part(.notObservable, reason, setting) }
        if case .map(let pairs) = setting.value {
            // `kubelet:RotateKubeletServerCertificate=false` is a component's own spelling of the gate (1.32).
            let own = pairs.last { pair in
                pair.name == name || pair.name.split(separator: ":").last.map(String.init) == name
            }
            if let own {
                guard let isOn = Setting.bool(own.value) else {
                    return part(.notObservable, "the gate \(name) is \"\(own.value)\", which is no boolean", setting)
                }
                return part(isOn ? .pass : .fail, "the gate \(name) is turned \(isOn ? "on" : "off")", setting)
            }
        }
        let (version, _) = instance.defaultsVersion
        guard instance.facts.gateDefault(name, version) ?? true else {
            return part(.fail, "the gate \(name) is off by itself in \(version)", setting)
        }
        return part(.pass, "the gate \(name) is on by itself", setting)
    }
}
