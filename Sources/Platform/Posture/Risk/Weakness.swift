package import Documents
package import Findings
package import Kubernetes

/// A known flaw in what a workload runs, as far as a way of an attack needs to know it.
package struct Weakness: Sendable, Hashable {
    /// `CVE-2021-44228`.
    package var id: String
    package var severity: Severity
    /// Whether it is in CISA's catalogue of known exploited vulnerabilities.
    package var isKnownExploited: Bool
    /// Probability of being exploited within 30 days (FIRST), 0 to 1.
    package var epss: Double?
    /// The port it is reached through; nil for any the workload listens on.
    package var port: UInt16?
    /// The image it lies in: what is rebuilt to be rid of it.
    package var image: String

    package init(
        id: String, severity: Severity, isKnownExploited: Bool = false, epss: Double? = nil, port: UInt16? = nil,
        image: String = ""
    ) {
        self.id = id
        self.severity = severity
        self.isKnownExploited = isKnownExploited
        self.epss = epss
        self.port = port
        self.image = image
    }

    /// What using it costs an attacker: from 1 for what others do already to 4 for what is only known.
    package var effort: Int {
        if isKnownExploited || (epss ?? 0) >= 0.5 { return 1 }
        if (epss ?? 0) >= 0.1 { return 2 }
        return severity >= .high ? 3 : 4
    }

    /// What using a flaw costs that nobody has told of.
    package static let unknownEffort = 6

    var words: String {
        var out = id
        if isKnownExploited { out += ", known to be exploited" }
        if let epss { out += ", EPSS \(Int((epss * 1000).rounded()) / 10).\(Int((epss * 1000).rounded()) % 10) %" }
        return out
    }
}

/// Whoever knows what is wrong with images.
package protocol WeaknessSource: Sendable {
    /// Flaws that somebody may use over the network, of what a workload runs.
    func weaknesses(of workload: ObjectReference, images: [String]) -> [Weakness]
}

/// Nothing was scanned.
package struct NoWeaknesses: WeaknessSource {
    package init() {}
    package func weaknesses(of workload: ObjectReference, images: [String]) -> [Weakness] { [] }
}

/// Flaws by image, from a file:
///
/// ```yaml
/// weaknesses:
/// - image: registry.example/shop/web:1.4
///   id: CVE-2021-44228
///   severity: critical
///   kev: true
///   epss: 0.97
///   port: 8080
/// ```
package struct ListedWeaknesses: WeaknessSource {
    private var byImage: [String: [Weakness]] = [:]

    package init(_ weaknesses: [Weakness]) {
        for weakness in weaknesses { byImage[weakness.image, default: []].append(weakness) }
    }

    package func weaknesses(of workload: ObjectReference, images: [String]) -> [Weakness] {
        images.flatMap { byImage[$0] ?? [] }
    }

    package static func read(_ source: SourceText) -> (list: ListedWeaknesses, problems: [Problem]) {
        let set = DocumentReader.read(source)
        var problems = set.problems.map { Problem(.invalid, code: $0.code.rawValue, $0.message, location: $0.location) }
        var out: [Weakness] = []
        for root in set.documents.map(\.root) where !root.isNull {
            guard root["weaknesses"].isArray else {
                problems.append(
                    Problem(
                        .invalid, code: "weaknesses", "expected a list \"weaknesses\"",
                        location: root["weaknesses"].location))
                continue
            }
            for node in root["weaknesses"].elements {
                guard let id = node["id"].string, let image = node["image"].string,
                    let severity = Severity(rawValue: node["severity"].string ?? "high")
                else {
                    problems.append(
                        Problem(
                            .invalid, code: "weaknesses", "expected \"id\", \"image\" and a \"severity\"",
                            location: node.location))
                    continue
                }
                out.append(
                    Weakness(
                        id: id, severity: severity, isKnownExploited: node["kev"].bool ?? false,
                        epss: node["epss"].double.map { min(1, max(0, $0)) },
                        port: node["port"].int.flatMap { UInt16(exactly: $0) }, image: image))
            }
        }
        return (ListedWeaknesses(out), problems)
    }
}
