import Documents
package import Kubernetes

/// A setting written into the manifest or configuration file that it belongs to.
package struct SettingChange: Sendable {
    /// The static pod, or the configuration file.
    package var object: KubernetesObject
    package var changed: KubernetesObject
    /// What is written, for people: `--profiling=false`.
    package var text: String

    /// The flags that are written, each `--name=value`; none where a flag is removed or a file is changed.
    var flags: [String]
    /// The component, whose process starts anew with the change.
    var component: Component
    /// The node whose file it is; nil for an object of the inventory.
    var node: String?

    /// The change in the configuration of what writes the manifest itself; nil where the manifest is for people.
    ///
    /// RKE2 writes the static pods of its control plane at each start: a change in them is gone with the next.
    /// Source: RKE2 documentation, "Server Configuration Reference", `kube-apiserver-arg` and its kin.
    package func told(by platform: Platform) -> (text: String, file: String)? {
        guard platform.id == "rke2", !flags.isEmpty else { return nil }
        let values = flags.map { "\"\($0.drop { $0 == "-" })\"" }.joined(separator: ", ")
        return ("\(component.rawValue)-arg: [\(values)]", "/etc/rancher/rke2/config.yaml")
    }

    /// What was seen, with the change in it and the component started anew.
    package func apply(to input: CISInput) -> CISInput {
        var copy = input
        guard let node else {
            let key = input.inventory.keys.first { key in
                key.reference == object.reference && input.inventory[key]?.file == object.file
            }
            if let key { copy.inventory.replace(key, with: changed) }
            return copy
        }
        for position in copy.captures.indices where copy.captures[position].name == node {
            guard var file = copy.captures[position][object.file] else { continue }
            file.content = SourceText(name: object.file, bytes: Array(changed.node.json().utf8))
            copy.captures[position].take(
                NodeCapture.Request(object.file, wantsContent: true), [(object.file, file)])
            guard let container = changed.podTemplates.first?.spec.containers.first?.node else { continue }
            let words = container["command"].strings + container["args"].strings
            for process in copy.captures[position].processes.indices {
                let arguments = copy.captures[position].processes[process].arguments
                let command = ComponentCommand(arguments.map { ComponentCommand.Word($0) })
                if command?.component == component { copy.captures[position].processes[process].arguments = words }
            }
        }
        return copy
    }
}

extension CISControl {
    /// `chmod 0600` or `chown root:root`, for controls about files.
    package var fileCommand: String? {
        guard case .place(_, let condition) = ask else { return nil }
        switch condition {
        case .mode(let mode): return "chmod \(FileControl.octal(mode))"
        case .owner(let owner): return "chown \(owner)"
        }
    }

    /// The settings to write; none where only a person can know.
    var writes: [(name: String, value: String)] {
        switch ask {
        case .setting(let names, let condition, _):
            guard let name = names.first, names.count == 1 else { return [] }
            switch condition {
            case .bool(let wanted): return [(name, "\(wanted)")]
            case .atLeast(let least, _): return [(name, "\(least)")]
            case .includes(let item): return [(name, "+\(item)")]
            case .excludes(let item): return [(name, "-\(item)")]
            case .set, .loopback, .not, .equals, .above: return value.map { [(name, $0)] } ?? []
            case .unset: return [(name, "")]
            case .review: return []
            }
        case .rule(_, let arguments):
            guard let name = arguments.setting, let value else { return [] }
            return [(name, value)]
        case .gate, .place, .described: return []
        }
    }
}

extension CISBenchmark {
    /// The change that would meet a control, in the one manifest or file that decides it; nil where only a person can
    /// know what to write, or nothing was seen that could be changed.
    package func change(for control: CISControl) -> SettingChange? {
        let writes = control.writes
        guard let component = control.component, !writes.isEmpty else { return nil }
        let failing = instances.first { $0.component == component && result(control, alone: $0) == .fail }
        guard let instance = failing, let place = place(of: instance) else { return nil }
        var editor = DocumentEditor(place.object.node)
        var texts: [String] = []
        for (name, value) in writes {
            if place.isConfiguration {
                guard writeField(name, value, instance, &editor) else { return nil }
                texts.append("\(name): \(value)")
            } else {
                guard let text = writeFlag(name, value, instance, &editor) else { return nil }
                texts.append(text)
            }
        }
        return SettingChange(
            object: place.object, changed: place.object.with(editor.finish()), text: texts.joined(separator: ", "),
            flags: !place.isConfiguration && texts.allSatisfy { $0.hasPrefix("--") } ? texts : [], component: component,
            node: place.node)
    }

    /// Where the settings of a component are written: an object of the inventory, or a file of a node.
    private func place(
        of instance: ComponentInstance
    ) -> (object: KubernetesObject, node: String?, isConfiguration: Bool)? {
        if let object = instance.object {
            if input.inventory[ObjectKey(object.reference)] != nil,
                instance.configuration != nil || instance.container != nil,
                input.captures.isEmpty
            {
                return (object, nil, instance.configuration != nil)
            }
            let isOnNode = input.captures.contains { $0.name == instance.node && $0[object.file]?.content != nil }
            return isOnNode ? (object, instance.node, false) : nil
        }
        // A kubelet's own file; a drop-in stands over it, and a flag over both, which the trial will show.
        guard instance.component == .kubelet, let layer = instance.layersSeen.last, !layer.isDropIn,
            let object = KubernetesObject(layer.root), object.file == layer.path
        else { return nil }
        return (object, instance.node, true)
    }

    private func result(_ control: CISControl, alone instance: ComponentInstance) -> CISOutcome? {
        let setting = SettingControl(instance: instance)
        switch control.ask {
        case .setting(let names, let condition, let whenUnset):
            return setting.evaluate(names, condition, whenUnset: whenUnset).outcome
        case .rule(let name, let arguments): return setting.rule(name, arguments)?.outcome
        case .gate(let gate): return setting.gate(gate).outcome
        case .place, .described: return nil
        }
    }

    private func writeField(
        _ name: String, _ value: String, _ instance: ComponentInstance, _ editor: inout DocumentEditor
    ) -> Bool {
        let known = instance.facts.setting(name)
        guard let field = known.field, !value.isEmpty else { return false }
        let written: DocumentValue
        switch known.kind {
        case .list: written = .array(value.split(separator: ",").map { .string(String($0)) })
        case .map: return false
        case .text:
            written =
                Setting.bool(value).flatMap { Int(value) == nil ? .bool($0) : nil } ?? Int(value).map { .int($0) }
                ?? .string(value)
        }
        return editor.set(FieldPath(field.map { .key($0) }), written)
    }

    /// Replaces the flag where it stands, or adds it to the list that has the component's flags.
    private func writeFlag(
        _ name: String, _ value: String, _ instance: ComponentInstance, _ editor: inout DocumentEditor
    ) -> String? {
        guard let container = instance.container, let command = instance.command else { return nil }
        let flag = instance.facts.setting(name).flag
        let uses = command.uses(flag)
        var items = uses.flatMap { $0.value.split(separator: ",").map(String.init) }
        var text = value
        if value.hasPrefix("+") {
            items.append(String(value.dropFirst()))
            text = items.joined(separator: ",")
        } else if value.hasPrefix("-"), Int(value) == nil {
            items.removeAll { $0 == String(value.dropFirst()) }
            text = items.joined(separator: ",")
        }
        let line = "--\(flag)=\(text)"
        // A flag of its own element can be written over; one inside a shell's text is for a person.
        let nodes = uses.compactMap(\.node)
        guard nodes.count == uses.count,
            nodes.allSatisfy({ $0.string?.hasPrefix("-") == true && $0.string?.contains("=") == true })
        else { return nil }
        for node in nodes.dropLast().reversed() where !editor.remove(node.path) { return nil }
        if let last = nodes.last {
            guard nodes.count == 1 else { return nil }
            if text.isEmpty { return editor.remove(last.path) ? "remove --\(flag)" : nil }
            return editor.set(last.path, .string(line)) ? line : nil
        }
        if text.isEmpty { return nil }
        let list = container["args"].isArray ? container["args"] : container["command"]
        guard list.isArray, command.flags.last?.node.map({ $0.path.parent == list.path }) ?? true else { return nil }
        return editor.set(list.path.appending(list.count), .string(line)) ? line : nil
    }
}
