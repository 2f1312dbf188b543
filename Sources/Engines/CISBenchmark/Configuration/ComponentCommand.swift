package import Documents

/// A command line that starts a component, understood.
package struct ComponentCommand: Sendable {
    package var component: Component
    package var flags: [FlagUse]
    /// Something that is not a flag stood where only flags belong.
    package var strays: [String]
    /// The component is part of a bigger program, k3s, and not all that was told it is known.
    package var isEmbedded = false
    /// Why a file that stands for more flags was not read: what nobody wrote may be in it.
    var hidden: String?

    /// One flag as it was given.
    package struct FlagUse: Sendable {
        /// Without dashes in front; underscores as dashes.
        package var name: String
        package var value: String
        /// No value was given, as with `--profiling`.
        package var isBare: Bool
        /// Where it stands; nil for a process.
        package var node: Node?
        /// The program that sets it by itself; nil where somebody wrote it.
        package var setBy: String?
        /// The file that says it; nil for a flag on the command line.
        var source: Provenance?
    }

    /// A word of a command line, and where it stands.
    package struct Word: Sendable {
        package var text: String
        package var node: Node?

        package init(_ text: String, _ node: Node? = nil) {
            self.text = text
            self.node = node
        }
    }

    /// The component that a command line starts; nil when it is none we know.
    ///
    /// Seen through: go-runner, shells with `-c`, `exec`, `env`, hyperkube, init programs; flags with `=`, with the
    /// value in the next word, bare, repeated, with one dash or underscores.
    package init?(_ words: [Word]) {
        var words = words[...]
        for _ in 0..<8 {
            guard let first = words.first else { return nil }
            let name = Self.baseName(first.text)
            if Self.shells.contains(name), let script = Self.script(words) {
                guard let found = Self.inShell(script) else { return nil }
                self = found
                return
            }
            if name == "hyperkube", let next = words.dropFirst().first,
                let component = Component.allCases.first(where: {
                    ComponentFacts.of($0).executables.contains(next.text)
                })
            {
                self.init(component, words.dropFirst(2))
                return
            }
            if let component = Component(rawValue: name) {
                self.init(component, words.dropFirst())
                return
            }
            // A wrapper: what it starts is the first word that is no flag of its own, or what follows `--`.
            guard Self.wrappers.contains(name) else { return nil }
            words = words.dropFirst()
            let target = words.firstIndex { word in
                let name = Self.baseName(word.text)
                return Component(rawValue: name) != nil || Self.shells.contains(name) || Self.wrappers.contains(name)
            }
            guard let target else { return nil }
            words = words[target...]
        }
        return nil
    }

    /// For a container whose image starts the component and whose arguments are all flags.
    init(_ component: Component, _ words: ArraySlice<Word>) {
        self.component = component
        flags = []
        strays = []
        let booleans = ComponentFacts.of(component).booleans
        var rest = words
        while let word = rest.popFirst() {
            guard word.text.hasPrefix("-"), word.text != "-", word.text != "--" else {
                if word.text == "--" { break }
                if !word.text.isEmpty { strays.append(word.text) }
                continue
            }
            let body = word.text.drop { $0 == "-" }
            let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts.first ?? "").map { $0 == "_" ? "-" : $0 }
            var use = FlagUse(name: String(name), value: "", isBare: false, node: word.node)
            if parts.count == 2 {
                use.value = String(parts[1])
            } else if !booleans.contains(use.name), let next = rest.first, !Self.looksLikeFlag(next.text) {
                use.value = next.text
                rest.removeFirst()
            } else {
                use.value = "true"
                use.isBare = true
            }
            flags.append(use)
        }
    }

    /// Every use of a flag, in order.
    package func uses(_ flag: String) -> [FlagUse] { flags.filter { $0.name == flag } }

    private static let shells: Set<String> = ["sh", "bash", "dash", "ash", "busybox"]
    private static let wrappers: Set<String> = [
        "go-runner", "exec", "env", "nohup", "nice", "ionice", "tini", "dumb-init", "catatonit", "chroot", "timeout",
        "su-exec", "gosu", "setpriv", "watch-termination", "systemd-run", "nsenter", "taskset", "numactl",
    ]

    private static func baseName(_ text: String) -> String {
        String(text.split(separator: "/", omittingEmptySubsequences: true).last ?? "")
    }

    /// `-1` is a value, `-v` and `--x` are flags.
    private static func looksLikeFlag(_ text: String) -> Bool {
        guard text.hasPrefix("-"), let second = text.dropFirst().first else { return false }
        return !second.isNumber
    }

    private static func script(_ words: ArraySlice<Word>) -> Word? {
        let rest = words.dropFirst()
        guard let flag = rest.firstIndex(where: { $0.text.hasPrefix("-") && $0.text.hasSuffix("c") }) else {
            return nil
        }
        return rest[rest.index(after: flag)...].first
    }

    private static func inShell(_ script: Word) -> ComponentCommand? {
        for words in ShellWords.commands(script.text) {
            // Variables in front of a command are its environment.
            let command = words.drop { $0.contains("=") && !$0.hasPrefix("-") && !$0.contains("/") }
            if let found = ComponentCommand(command.map { Word($0, script.node) }) { return found }
        }
        return nil
    }
}
