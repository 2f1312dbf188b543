import Documents
import Findings

/// Every detector there is, and the index of the words they begin with. Source: `Resources/detectors.yaml`.
package final class DetectorCatalogue: Sendable {
    /// What a word in a text is a reason to look for.
    enum Use: Sendable {
        /// Detector whose token begins here.
        case form(Int)
        /// Detector whose token has this inside.
        case inside(Int)
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
        /// `authorization`
        case header
        /// Base64 of JSON, gzip or armour.
        case encoded
        /// `kty` of a JSON Web Key.
        case webKey
        /// What base64 of a private key's DER begins with.
        case bareKey
        /// A program that takes secrets as arguments, by its place in the table.
        case command(Int)
    }

    package let detectors: [Detector]
    /// The detectors of each family that is known by words near it, where those words are no ordinary ones.
    let shapesOfFamily: [String: [Int]]
    /// Whether the family of a detector is in ``shapesOfFamily``: what follows its words soon is its token or none.
    let hasShapes: [Bool]
    /// What tokens with a form of their own begin with, and how long they are at least.
    let forms: [(prefix: [UInt8], shortest: Int)]
    let index: KeywordIndex
    /// Uses of each word of the index, as a slice of `uses`.
    let useStarts: [UInt32]
    let uses: [Use]
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
        let ordinary = Set(root["ordinary"].strings)
        do throws(PatternError) {
            for entry in root["detectors"].elements { detectors.append(try Self.detector(entry, ordinary)) }
            let taken = Set(detectors.map(\.id))
            for entry in root["near"].elements { detectors += try Self.shape(entry, root["words"], ordinary, taken) }
        } catch {
            preconditionFailure("detectors.yaml is part of the program and its schema test reads it: \(error)")
        }
        self.detectors = detectors
        var shapes: [String: [Int]] = [:]
        for (index, detector) in detectors.enumerated() where detector.isNearOwnWords {
            shapes[detector.family, default: []].append(index)
        }
        shapesOfFamily = shapes
        hasShapes = detectors.map { shapes[$0.family] != nil }
        forms = detectors.filter { $0.near.isEmpty && $0.inside.isEmpty && $0.pattern.prefix.count >= 3 }
            .map { ($0.pattern.prefix, $0.pattern.shortest) }
        commands = CommandFacts.known
        var uses: [[UInt8]: [Use]] = [:]
        var order: [[UInt8]] = []
        func add(_ word: [UInt8], _ use: Use) {
            if uses[word] == nil { order.append(word) }
            uses[word, default: []].append(use)
        }
        for (index, detector) in detectors.enumerated() {
            if !detector.inside.isEmpty {
                add(detector.inside, .inside(index))
            } else if detector.near.isEmpty {
                add(Array(detector.pattern.prefix.prefix(12)), .form(index))
            } else {
                for word in detector.near { add(Array(word.lowercased().utf8), .near(index)) }
            }
        }
        for word in Self.nameWords { add(Array(word.utf8), .name) }
        add(Array("://".utf8), .address)
        add(Array("-----begin".utf8), .armour)
        add(Array("authorization".utf8), .header)
        for word in ["basic ", "bearer "] { add(Array(word.utf8), .scheme) }
        for word in ["eyj", "h4si", "ls0t", "ewog", "ewok", "ogot", "w2rl"] { add(Array(word.utf8), .encoded) }
        add(Array("kty".utf8), .webKey)
        for word in ["mii", "mig", "mhcc", "mc4c", "mgkc"] { add(Array(word.utf8), .bareKey) }
        for (index, command) in commands.programs.enumerated() { add(Array(command.program.utf8), .command(index)) }
        var starts: [UInt32] = []
        var flat: [Use] = []
        for word in order {
            starts.append(UInt32(flat.count))
            flat += uses[word] ?? []
        }
        useStarts = starts + [UInt32(flat.count)]
        self.uses = flat
        index = KeywordIndex(order)
    }

    /// What names of credentials have in them.
    private static let nameWords = [
        "pass", "pwd", "secret", "token", "key", "auth", "cred", "psw", "dsn", "salt", "licen", "cookie", "jwt",
        "signature", "bindpw", "_pw", "seed", "mnemonic", "login", "nonce", "webhook", "psk", "_pat", "hmac",
        "identified by", "_api",
    ]

    /// A token with a form of its own.
    private static func detector(_ entry: Node, _ ordinary: Set<String>) throws(PatternError) -> Detector {
        let id = entry["id"].string ?? ""
        let notation = entry["token"].string ?? ""
        let near = entry["near"].strings
        let pattern = try BytePattern(notation, ignoringCase: entry["case"].equals("any"))
        let inside = Array((entry["inside"].string ?? "").lowercased().utf8)
        if near.isEmpty, inside.isEmpty, pattern.prefix.count < 2 {
            throw PatternError(notation: notation, offset: 0, message: "\(id) begins with nothing to search for")
        }
        let family = entry["family"].string ?? id
        return Detector(
            id: id, family: family, title: entry["title"].string ?? "\(family) credential",
            severity: entry["severity"].string.flatMap(Severity.init(rawValue:)) ?? .high, near: near,
            within: entry["within"].int ?? 40, pattern: pattern, inside: inside,
            check: try check(entry["check"], notation),
            proof: try check(entry["proof"], notation), acceptsAnything: entry["plain"].bool ?? false,
            notation: notation, ordinary: ordinary)
    }

    /// The detectors of every family whose tokens have one shape.
    ///
    /// A family whose tokens have had several shapes has one id for all of them: they are one kind of credential, and a
    /// shape alone does not tell which. No such id is that of a token with a form of its own.
    private static func shape(
        _ entry: Node, _ words: Node, _ ordinary: Set<String>, _ taken: Set<String>
    ) throws(PatternError) -> [Detector] {
        let notation = entry["token"].string ?? ""
        let pattern = try BytePattern(notation)
        let check = try check(entry["check"], notation)
        return entry["of"].strings.map { family in
            let near = words[family].strings
            return Detector(
                id: taken.contains("\(family)-token") ? "\(family)-credential" : "\(family)-token", family: family,
                title: "\(family) credential", severity: .high,
                near: near.isEmpty ? [family] : near, within: 40, pattern: pattern, inside: [],
                check: check, acceptsAnything: false, notation: notation, ordinary: ordinary)
        }
    }

    private static func check(_ entry: Node, _ notation: String) throws(PatternError) -> TokenCheck? {
        guard let name = entry.string else { return nil }
        guard let check = TokenCheck(rawValue: name) else {
            throw PatternError(notation: notation, offset: 0, message: "unknown check \(name)")
        }
        return check
    }
}
