/// A CVSS vector of any version, read strictly, and the score it stands for.
///
/// Standard: FIRST, CVSS v2, v3.0, v3.1 and v4.0.
package struct CVSS: Sendable, Hashable {
    package enum Version: String, Sendable, Hashable, Comparable {
        case v2 = "2.0"
        case v30 = "3.0"
        case v31 = "3.1"
        case v4 = "4.0"

        package static func < (left: Version, right: Version) -> Bool { left.rawValue < right.rawValue }
    }

    package let version: Version
    /// Metrics in the order written.
    private let metrics: [(name: String, value: String)]
    private let values: [String: String]

    package static func == (left: CVSS, right: CVSS) -> Bool { left.vector == right.vector }
    package func hash(into hasher: inout Hasher) { hasher.combine(vector) }

    /// nil where the text is no vector: an unknown metric or value, one missing or twice, v4 out of order.
    package init?(_ text: String) {
        var text = text.trimmed
        if text.hasPrefix("("), text.hasSuffix(")") { text = String(text.dropFirst().dropLast()) }
        let (version, body) = Self.split(text)
        var metrics: [(name: String, value: String)] = []
        var values: [String: String] = [:]
        let table = CVSSMetrics.table(version)
        var place = 0
        for part in body.split(separator: "/", omittingEmptySubsequences: false) {
            let pair = part.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard pair.count == 2, let index = table.firstIndex(where: { $0.name == pair[0] }),
                table[index].values.contains(pair[1]), values.updateValue(pair[1], forKey: pair[0]) == nil
            else { return nil }
            if version == .v4 || version == .v2, index < place { return nil }
            place = index
            metrics.append((pair[0], pair[1]))
        }
        for metric in table where metric.isMandatory && values[metric.name] == nil { return nil }
        if version == .v2 {
            // The optional groups stand whole or not at all.
            for group in [["E", "RL", "RC"], ["CDP", "TD", "CR", "IR", "AR"]] {
                let count = group.count { values[$0] != nil }
                if count != 0, count != group.count { return nil }
            }
        }
        self.version = version
        self.metrics = metrics
        self.values = values
    }

    private static func split(_ text: String) -> (Version, Substring) {
        for version in [Version.v30, .v31, .v4] where text.hasPrefix("CVSS:\(version.rawValue)/") {
            return (version, text.dropFirst(9))
        }
        return (.v2, text[...])
    }

    package var vector: String {
        (version == .v2 ? "" : "CVSS:\(version.rawValue)/")
            + metrics.map { "\($0.name):\($0.value)" }.joined(separator: "/")
    }

    /// With threat and environment where the vector has them.
    package var score: Double {
        switch version {
        case .v2: CVSSScore.second(values)
        case .v30, .v31: CVSSScore.third(values, isFirstRevision: version == .v31)
        case .v4: CVSSScore4.score(values)
        }
    }

    package var severity: Severity { Severity(score: score, isSecondVersion: version == .v2) }
}

/// The metrics of each version: which values they take, in the order the standard writes them.
enum CVSSMetrics {
    struct Metric {
        var name: String
        var values: [String]
        var isMandatory: Bool

        init(_ name: String, _ values: String, _ isMandatory: Bool = false) {
            self.name = name
            self.values = values.split(separator: " ").map(String.init)
            self.isMandatory = isMandatory
        }
    }

    static func table(_ version: CVSS.Version) -> [Metric] {
        switch version {
        case .v2: second
        case .v30, .v31: third
        case .v4: fourth
        }
    }

    private static let second: [Metric] = [
        Metric("AV", "L A N", true), Metric("AC", "H M L", true), Metric("Au", "M S N", true),
        Metric("C", "N P C", true), Metric("I", "N P C", true), Metric("A", "N P C", true),
        Metric("E", "U POC F H ND"), Metric("RL", "OF TF W U ND"), Metric("RC", "UC UR C ND"),
        Metric("CDP", "N L LM MH H ND"), Metric("TD", "N L M H ND"), Metric("CR", "L M H ND"),
        Metric("IR", "L M H ND"), Metric("AR", "L M H ND"),
    ]

    private static let third: [Metric] = [
        Metric("AV", "N A L P", true), Metric("AC", "L H", true), Metric("PR", "N L H", true),
        Metric("UI", "N R", true), Metric("S", "U C", true), Metric("C", "H L N", true), Metric("I", "H L N", true),
        Metric("A", "H L N", true), Metric("E", "X H F P U"), Metric("RL", "X U W T O"), Metric("RC", "X C R U"),
        Metric("CR", "X H M L"), Metric("IR", "X H M L"), Metric("AR", "X H M L"), Metric("MAV", "X N A L P"),
        Metric("MAC", "X L H"), Metric("MPR", "X N L H"), Metric("MUI", "X N R"), Metric("MS", "X U C"),
        Metric("MC", "X N L H"), Metric("MI", "X N L H"), Metric("MA", "X N L H"),
    ]

    private static let fourth: [Metric] = [
        Metric("AV", "N A L P", true), Metric("AC", "L H", true), Metric("AT", "N P", true),
        Metric("PR", "N L H", true), Metric("UI", "N P A", true), Metric("VC", "H L N", true),
        Metric("VI", "H L N", true), Metric("VA", "H L N", true), Metric("SC", "H L N", true),
        Metric("SI", "H L N", true), Metric("SA", "H L N", true), Metric("E", "X A P U"), Metric("CR", "X H M L"),
        Metric("IR", "X H M L"), Metric("AR", "X H M L"), Metric("MAV", "X N A L P"), Metric("MAC", "X L H"),
        Metric("MAT", "X N P"), Metric("MPR", "X N L H"), Metric("MUI", "X N P A"), Metric("MVC", "X H L N"),
        Metric("MVI", "X H L N"), Metric("MVA", "X H L N"), Metric("MSC", "X H L N"), Metric("MSI", "X S H L N"),
        Metric("MSA", "X S H L N"), Metric("S", "X N P"), Metric("AU", "X N Y"), Metric("R", "X A U I"),
        Metric("V", "X D C"), Metric("RE", "X L M H"), Metric("U", "X Clear Green Amber Red"),
    ]
}
