package import Compliance
package import Documents
package import Findings
import FoundationEssentials
import Store

/// How a hub runs: from its file, the environment and flags, the later over the earlier.
package struct HubSettings: Sendable {
    package var host = "127.0.0.1"
    package var port = 8080
    /// Where the database, the key and the certificate lie.
    package var dataFolder: String
    /// The file of the hub's key, where it does not lie in the data folder.
    package var keyFile: String?
    /// Where PostgreSQL is, as libpq writes it; the embedded database otherwise.
    package var postgres: String?
    /// Files of a certificate and its key; made by the hub itself when TLS is on without them.
    package var certificate: String?
    package var certificateKey: String?
    /// Nil: where others than this machine can reach it.
    package var usesTLS: Bool?
    /// Days that fixed findings are kept; events and alerts.
    package var findingDays = 400
    package var eventDays = 90
    /// Contexts of the kubeconfig to watch beside, or in place of, the current one.
    package var contexts: [String] = []
    /// Folders of manifests that stand for clusters.
    package var folders: [String] = []
    package var notifiers: [NotifierSettings] = []
    package var alertRules: [AlertRule] = AlertRule.standard
    package var openID: OpenIDSettings?
    package var agents = AgentSettings()
    /// Days in which a finding is to be mended, by severity, from when it was first seen.
    package var fixWithin: [Severity: Int] = [.critical: 7, .high: 30, .medium: 90, .low: 180]

    /// Frameworks, one's own among them, and what people declared of their controls.
    package var catalogue = ComplianceCatalogue.builtIn
    package var attestations: [Attestation] = []

    /// Compliance reports that go out by themselves.
    package var reports: [ReportSchedule] = []

    package init(dataFolder: String) { self.dataFolder = dataFolder }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool { ["127.0.0.1", "::1", "localhost"].contains(host) }

    package var speaksTLS: Bool { usesTLS ?? !isLoopback }

    /// What it all comes to, for people.
    package var summary: String {
        var lines = [
            "listens on   \(speaksTLS ? "https" : "http")://\(host):\(port)",
            "keeps        \(postgres == nil ? "\(dataFolder)/hub.sqlite" : "PostgreSQL"), its key in \(dataFolder)",
            "forgets      fixed findings after \(findingDays) days, events and alerts after \(eventDays) days",
        ]
        for context in contexts { lines.append("watches      context \(context)") }
        for folder in folders { lines.append("watches      the manifests in \(folder)") }
        for notifier in notifiers { lines.append("notifies     \(notifier.name) (\(notifier.kind))") }
        for rule in alertRules { lines.append("alerts on    \(rule.name): \(rule.summary)") }
        for report in reports {
            let clusters = report.cluster ?? "every cluster"
            lines.append(
                "reports      \(report.framework) of \(clusters) \(report.words) to "
                    + report.notifiers.joined(separator: ", "))
        }
        if agents.isOn { lines.append("agents join  at \(agents.address ?? "\(host):\(agents.port)")") }
        if let openID { lines.append("logs in with \(openID.issuer)") }
        return lines.joined(separator: "\n")
    }
}

/// Logging in with an OpenID provider.
package struct OpenIDSettings: Sendable, Hashable {
    package var issuer: String
    package var client: String
    package var secret: String
    /// This hub's address for the way back, where it is not the one a browser asks: `https://hub.example.org`.
    package var address: String?
    /// The claim that names groups.
    package var groupsClaim = "groups"
    /// Roles by group.
    package var groups: [Grant] = []

    package struct Grant: Sendable, Hashable {
        package var group: String
        package var role: Role
        package var cluster = "*"
        package var namespace = "*"
        /// Of namespaces, `key=value`.
        package var labels: [String] = []
    }
}

/// What is wrong with settings, and where.
package struct SettingsError: Error, Sendable {
    package var message: String

    init(_ message: String, at node: Node? = nil) {
        self.message = node.flatMap(\.location).map { "\($0): \(message)" } ?? message
    }
}

extension HubSettings {
    /// Reads a file of settings; every key must be known.
    package mutating func read(_ source: SourceText) throws(SettingsError) {
        let set = DocumentReader.read(source)
        if let problem = set.problems.first {
            throw SettingsError("\(problem.location): \(problem.message)")
        }
        guard let root = set.documents.first?.root else { return }
        let reader = SettingsReader(root)
        try reader.expect(
            "listen", "data", "keyFile", "database", "tls", "retention", "contexts", "folders", "notifiers", "alerts",
            "openid", "agents", "fixWithinDays", "compliance", "reports")
        let listen = SettingsReader(root["listen"])
        try listen.expect("host", "port")
        host = try listen.text("host") ?? host
        port = try listen.number("port", 0...65535) ?? port
        dataFolder = try reader.text("data") ?? dataFolder
        keyFile = try reader.text("keyFile") ?? keyFile
        let database = SettingsReader(root["database"])
        try database.expect("postgres")
        postgres = try database.secret("postgres") ?? postgres
        let tls = SettingsReader(root["tls"])
        try tls.expect("enabled", "certificate", "key")
        usesTLS = try tls.flag("enabled") ?? usesTLS
        certificate = try tls.text("certificate") ?? certificate
        certificateKey = try tls.text("key") ?? certificateKey
        let retention = SettingsReader(root["retention"])
        try retention.expect("findingDays", "eventDays")
        findingDays = try retention.number("findingDays", 1...36_500) ?? findingDays
        eventDays = try retention.number("eventDays", 1...36_500) ?? eventDays
        let terms = SettingsReader(root["fixWithinDays"])
        try terms.expect("critical", "high", "medium", "low", "info")
        for severity in Severity.allCases {
            if let days = try terms.number(severity.rawValue, 1...3650) { fixWithin[severity] = days }
        }
        try readCompliance(SettingsReader(root["compliance"]))
        contexts += try reader.texts("contexts")
        folders += try reader.texts("folders")
        for node in try reader.list("notifiers") { notifiers.append(try NotifierSettings(node)) }
        if root["alerts"].exists {
            alertRules = []
            for node in try reader.list("alerts") { alertRules.append(try AlertRule(node)) }
        }
        // Behind what they name: frameworks and notifiers.
        for node in try reader.list("reports") { reports.append(try ReportSchedule(node, self)) }
        if root["openid"].exists { openID = try OpenIDSettings(root["openid"]) }
        if root["agents"].exists { try agents.read(root["agents"]) }
        try check()
    }

    /// Reads the files of frameworks and attestations that the settings name; anything wrong in one refuses all.
    private mutating func readCompliance(_ reader: SettingsReader) throws(SettingsError) {
        try reader.expect("frameworks", "attestations")
        func sources(_ key: String) throws(SettingsError) -> [SourceText] {
            var out: [SourceText] = []
            for path in try reader.texts(key) {
                guard let data = FileManager.default.contents(atPath: path) else {
                    throw SettingsError("\"\(key)\" names the file \(path), which cannot be read", at: reader.node[key])
                }
                out.append(SourceText(name: path, bytes: [UInt8](data)))
            }
            return out
        }
        func refuse(_ problems: [Problem]) throws(SettingsError) {
            guard let first = problems.first else { return }
            throw SettingsError("\(first.location.map { "\($0): " } ?? "")\(first.message)")
        }
        let frameworks = try sources("frameworks")
        if !frameworks.isEmpty {
            let (read, problems) = ComplianceCatalogue.reading(frameworks, rules: HubRules.all)
            try refuse(problems)
            catalogue = read
        }
        for source in try sources("attestations") {
            let (read, problems) = AttestationFile.read(source, catalogue: catalogue)
            try refuse(problems)
            attestations += read
        }
    }

    private func check() throws(SettingsError) {
        guard Set(notifiers.map(\.name)).count == notifiers.count else {
            throw SettingsError("two notifiers have the same name")
        }
        guard Set(alertRules.map(\.name)).count == alertRules.count else {
            throw SettingsError("two alert rules have the same name")
        }
        guard Set(reports.map(\.name)).count == reports.count else {
            throw SettingsError("two reports have the same name")
        }
        for rule in alertRules {
            for name in rule.notifiers where !notifiers.contains(where: { $0.name == name }) {
                throw SettingsError(
                    "the alert rule \"\(rule.name)\" names the notifier \"\(name)\", which is not there")
            }
        }
        guard (certificate == nil) == (certificateKey == nil) else {
            throw SettingsError("tls needs both a certificate and a key, or neither")
        }
    }

    /// Reads `MARTLET_HOST`, `MARTLET_PORT`, `MARTLET_DATA`, `MARTLET_POSTGRES`, `MARTLET_KEY_FILE`.
    package mutating func read(environment: [String: String]) throws(SettingsError) {
        host = environment["MARTLET_HOST"] ?? host
        if let text = environment["MARTLET_PORT"] {
            guard let number = Int(text), 0...65535 ~= number else {
                throw SettingsError("MARTLET_PORT is a number from 0 to 65535, not \"\(text)\"")
            }
            port = number
        }
        dataFolder = environment["MARTLET_DATA"] ?? dataFolder
        postgres = environment["MARTLET_POSTGRES"] ?? postgres
        keyFile = environment["MARTLET_KEY_FILE"] ?? keyFile
    }
}

extension OpenIDSettings {
    init(_ node: Node) throws(SettingsError) {
        let reader = SettingsReader(node)
        try reader.expect("issuer", "client", "secret", "address", "groupsClaim", "groups")
        issuer = try reader.needed("issuer")
        client = try reader.needed("client")
        secret = try reader.secret("secret") ?? ""
        address = try reader.text("address")
        groupsClaim = try reader.text("groupsClaim") ?? "groups"
        for entry in try reader.list("groups") {
            let part = SettingsReader(entry)
            try part.expect("group", "role", "cluster", "namespace", "labels")
            guard let role = Role(rawValue: try part.needed("role")) else {
                throw SettingsError(
                    "a role is one of \(Role.allCases.map(\.rawValue).joined(separator: ", "))", at: entry["role"])
            }
            guard let labels = GrantRow.labels(try part.map("labels")) else {
                throw SettingsError(GrantRow.labelForm, at: entry["labels"])
            }
            groups.append(
                Grant(
                    group: try part.needed("group"), role: role, cluster: try part.text("cluster") ?? "*",
                    namespace: try part.text("namespace") ?? "*", labels: labels))
        }
    }
}
