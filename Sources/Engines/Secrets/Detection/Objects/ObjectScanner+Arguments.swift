import Documents

/// Secrets in `command` and `args`: one word each, flags and values apart.
extension ObjectScanner {
    mutating func arguments(_ nodes: [Node]) {
        let words = nodes.map { $0.text ?? "" }
        var taken: Set<Int> = []
        // --password VALUE
        for (index, word) in words.enumerated() where word.hasPrefix("-") && index + 1 < words.count {
            guard !word.contains("="), !word.contains(" "), !words[index + 1].hasPrefix("--"),
                let name = CredentialName(word), name.kind != .weak,
                let secret = whole(Array(words[index + 1].utf8), name, word)
            else { continue }
            taken.insert(index + 1)
            found.append(ObjectSecret(node: nodes[index + 1], secret: command(secret), place: .plain))
        }
        if let program = program(words) {
            let behind = CommandWords(
                words: words[program.behind...].map { CommandWords.Word(bytes: Array($0.utf8), place: 0) })
            for secret in behind.secrets(of: program.facts) {
                let index = program.behind + secret.word
                guard taken.insert(index).inserted else { continue }
                let bytes = Array(words[index].utf8)
                let own = made(
                    "command-line-credential", "Credential on a command line", .structure,
                    Array(bytes[secret.range]), secret.range)
                found.append(ObjectSecret(node: nodes[index], secret: own, place: .plain))
            }
        }
        for (index, node) in nodes.enumerated() where !taken.contains(index) { value(node, named: "") }
    }

    private func command(_ secret: FoundSecret) -> FoundSecret {
        var secret = secret
        secret.detector = "command-line-credential"
        secret.title = "Credential on a command line"
        return secret
    }

    /// The program the words run, and where its arguments begin.
    private func program(_ words: [String]) -> (facts: CommandFacts.Program, behind: Int)? {
        guard let first = words.first else { return nil }
        let base = first.split(separator: "/").last.map(String.init) ?? first
        let spoken = [base] + words.dropFirst()
        var best: (facts: CommandFacts.Program, behind: Int)?
        for program in layers.programs {
            let name = program.program.split(separator: " ").map(String.init)
            guard spoken.count > name.count, spoken.prefix(name.count).elementsEqual(name) else { continue }
            if name.count > best?.behind ?? 0 { best = (program, name.count) }
        }
        return best
    }
}
