import Documents

/// Programs that are given secrets on their command line. Source: `Resources/commands.json`.
struct CommandFacts: Sendable {
    struct Program: Sendable {
        /// `curl`, `docker login`; in lower case.
        let program: String
        /// Flags whose next word, or what follows `=`, is the secret.
        let flags: [String]
        /// Flags with the secret grown on: `-pSECRET`.
        let attached: [String]
        /// Flags whose value is `user:password`.
        let pairs: [String]
        /// What parts the user from the password in ``pairs``.
        let separator: UInt8
        /// The secret is the last of exactly so many words without a dash behind the program; 0 for none.
        let positional: Int
    }

    let programs: [Program]

    static let known: CommandFacts = {
        let root = FactFile.root(PackageResources.commands_json, "commands.json")
        return CommandFacts(
            programs: root["programs"].elements.map { entry in
                Program(
                    program: entry["program"].string ?? "", flags: entry["flags"].strings,
                    attached: entry["attached"].strings, pairs: entry["pairs"].strings,
                    separator: entry["separator"].string?.utf8.first ?? UInt8(ascii: ":"),
                    positional: entry["positional"].int ?? 0)
            })
    }()
}
