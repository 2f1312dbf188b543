import Documents
import Findings

/// Every detector there is, and the index of the words they begin with. Source: `Resources/detectors.yaml`.
package final class DetectorCatalogue: Sendable {
    /// What a word in a text is a reason to look for.
    enum Use: Sendable {
        /// Detector whose token begins here.
        case form(Int)
        /// Detector whose token may stand behind this word.
        case near(Int)
        /// Part of a name of a credential.
        case name
        /// `://`
        case address
        /// `-----begin`
        case armour
        /// `basic`, `bearer`
        case scheme
        /// Base64 of JSON, gzip or armour.
        case encoded
        /// A program that takes secrets as arguments, by its place in the table.
        case command(Int)
    }

    package let detectors: [Detector]
    let index: KeywordIndex
    /// Uses of each word of the index.
    let uses: [[Use]]
    let commands: CommandFacts

    package static let known = DetectorCatalogue()

    private init() {
        let set = DocumentReader.read(
            SourceText(name: "detectors.yaml", bytes: PackageResources.detectors_yaml),
            options: .init(checkDuplicateKeys: true))
        guard let root = set.documents.first?.root, set.problems.isEmpty else {
            preconditionFailure("detectors.yaml is part of the program and its schema test reads it: \(set.problems)")
        }
        var detectors: [Detector] = []
        for entry in root["detectors"].elements {
            do throws(PatternError) {
                detectors.append(try Self.detector(entry))
            } catch {
                preconditionFailure("detectors.yaml is part of the program and its schema test reads it: \(error)")
            }
        }
        self.detectors = detectors
        commands = CommandFacts.known
        var uses: [[UInt8]: [Use]] = [:]
        var order: [[UInt8]] = []
        func add(_ word: [UInt8], _ use: Use) {
            if uses[word] == nil { order.append(word) }
            uses[word, default: []].append(use)
        }
        for (index, detector) in detectors.enumerated() {
            if detector.near.isEmpty {
                add(Array(detector.pattern.prefix.prefix(12)), .form(index))
            } else {
                for word in detector.near { add(Array(word.lowercased().utf8), .near(index)) }
            }
        }
        for word in Self.nameWords { add(Array(word.utf8), .name) }
        add(Array("://".utf8), .address)
        add(Array("-----begin".utf8), .armour)
        for word in ["basic ", "bearer "] { add(Array(word.utf8), .scheme) }
        for word in ["eyj", "h4si", "ls0t", "ewog", "ewok", "ogot", "w2rl"] { add(Array(word.utf8), .encoded) }
        for (index, command) in commands.programs.enumerated() { add(Array(command.program.utf8), .command(index)) }
        self.uses = order.map { uses[$0] ?? [] }
        index = KeywordIndex(order)
    }

    /// What names of credentials have in them.
    private static let nameWords = [
        "pass", "pwd", "secret", "token", "key", "auth", "cred", "psw", "dsn", "salt", "licen", "cookie", "jwt",
        "signature", "bindpw", "_pw", "seed", "mnemonic", "login", "nonce", "webhook", "psk", "_pat", "hmac", "identified by",
    ]

    private static func detector(_ entry: Node) throws(PatternError) -> Detector {
        let id = entry["id"].string ?? ""
        let notation = entry["token"].string ?? ""
        let near = entry["near"].strings
        let pattern = try BytePattern(notation, ignoringCase: entry["case"].equals("any"))
        let check = entry["check"].string.flatMap(TokenCheck.init(rawValue:))
        if near.isEmpty, pattern.prefix.count < 2 {
            throw PatternError(notation: notation, offset: 0, message: "\(id) begins with nothing to search for")
        }
        if entry["check"].exists, check == nil {
            throw PatternError(notation: notation, offset: 0, message: "\(id) names an unknown check")
        }
        let family = entry["family"].string ?? id
        return Detector(
            id: id, family: family, title: entry["title"].string ?? "\(entry["name"].string ?? family) credential",
            severity: entry["severity"].string.flatMap(Severity.init(rawValue:)) ?? .high, near: near,
            within: entry["within"].int ?? 40, pattern: pattern, check: check,
            acceptsAnything: entry["plain"].bool ?? false, notation: notation)
    }
}
