/// The formulas of CVSS 2 and 3.
enum CVSSScore {
    // MARK: Version 2

    /// Standard: A Complete Guide to CVSS v2.0, 3.2.
    static func second(_ values: [String: String]) -> Double {
        func weight(_ name: String, _ weights: [String: Double], _ absent: Double) -> Double {
            weights[values[name] ?? ""] ?? absent
        }
        let impacts = ["N": 0, "P": 0.275, "C": 0.66]
        let c = weight("C", impacts, 0)
        let i = weight("I", impacts, 0)
        let a = weight("A", impacts, 0)
        let exploitability =
            20 * weight("AV", ["L": 0.395, "A": 0.646, "N": 1], 0) * weight("AC", ["H": 0.35, "M": 0.61, "L": 0.71], 0)
            * weight("Au", ["M": 0.45, "S": 0.56, "N": 0.704], 0)
        func base(_ impact: Double) -> Double {
            rounded((0.6 * impact + 0.4 * exploitability - 1.5) * (impact == 0 ? 0 : 1.176))
        }
        let temporal =
            weight("E", ["U": 0.85, "POC": 0.9, "F": 0.95], 1) * weight("RL", ["OF": 0.87, "TF": 0.9, "W": 0.95], 1)
            * weight("RC", ["UC": 0.9, "UR": 0.95], 1)
        guard values["CDP"] != nil else {
            let score = base(10.41 * (1 - (1 - c) * (1 - i) * (1 - a)))
            return values["E"] == nil ? score : rounded(score * temporal)
        }
        let needs = ["L": 0.5, "M": 1, "H": 1.51]
        let adjusted = min(
            10,
            10.41
                * (1 - (1 - c * weight("CR", needs, 1)) * (1 - i * weight("IR", needs, 1))
                    * (1 - a * weight("AR", needs, 1)))
        )
        let score = rounded(base(adjusted) * temporal)
        let damage = weight("CDP", ["N": 0, "L": 0.1, "LM": 0.3, "MH": 0.4, "H": 0.5], 0)
        return rounded((score + (10 - score) * damage) * weight("TD", ["N": 0, "L": 0.25, "M": 0.75, "H": 1], 1))
    }

    private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

    // MARK: Version 3

    /// Standard: CVSS v3.1 specification, 7; v3.0 differs in the modified impact and in how it rounds up.
    static func third(_ values: [String: String], isFirstRevision: Bool) -> Double {
        func value(_ name: String) -> String {
            let modified = values["M" + name] ?? "X"
            return modified == "X" ? values[name] ?? "X" : modified
        }
        func weight(_ name: String, _ weights: [String: Double]) -> Double { weights[value(name)] ?? 1 }
        let isEnvironmental = values.contains { key, value in
            value != "X" && (key.count == 2 && key.hasSuffix("R") && key != "PR" || key.hasPrefix("M"))
        }
        let changesScope = value("S") == "C"
        let impacts = ["H": 0.56, "L": 0.22, "N": 0]
        let needs = ["H": 1.5, "M": 1, "L": 0.5]
        func need(_ name: String) -> Double { needs[values[name] ?? "X"] ?? 1 }
        let left =
            (1 - weight("C", impacts) * need("CR")) * (1 - weight("I", impacts) * need("IR"))
            * (1 - weight("A", impacts) * need("AR"))
        let base = isEnvironmental ? min(1 - left, 0.915) : 1 - left
        let impact: Double
        if !changesScope {
            impact = 6.42 * base
        } else if isEnvironmental, isFirstRevision {
            impact = 7.52 * (base - 0.029) - 3.25 * power(base * 0.9731 - 0.02, 13)
        } else {
            impact = 7.52 * (base - 0.029) - 3.25 * power(base - 0.02, 15)
        }
        guard impact > 0 else { return 0 }
        let privileges =
            changesScope ? ["N": 0.85, "L": 0.68, "H": 0.5] : ["N": 0.85, "L": 0.62, "H": 0.27]
        let exploitability =
            8.22 * weight("AV", ["N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2]) * weight("AC", ["L": 0.77, "H": 0.44])
            * weight("PR", privileges) * weight("UI", ["N": 0.85, "R": 0.62])
        func up(_ value: Double) -> Double { isFirstRevision ? roundedUp(value) : roundedUpAsFirst(value) }
        let score = up(min((changesScope ? 1.08 : 1) * (impact + exploitability), 10))
        let temporal =
            (["H": 1, "F": 0.97, "P": 0.94, "U": 0.91][values["E"] ?? "X"] ?? 1)
            * (["U": 1, "W": 0.97, "T": 0.96, "O": 0.95][values["RL"] ?? "X"] ?? 1)
            * (["C": 1, "R": 0.96, "U": 0.92][values["RC"] ?? "X"] ?? 1)
        return up(score * temporal)
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        (0..<exponent).reduce(1) { product, _ in product * base }
    }

    /// Appendix A of v3.1: by whole numbers, so that 4.02 written as 4.0200000000000005 is not 4.1.
    private static func roundedUp(_ value: Double) -> Double {
        let scaled = Int((value * 100_000).rounded())
        return scaled % 10_000 == 0 ? Double(scaled) / 100_000 : Double(scaled / 10_000 + 1) / 10
    }

    private static func roundedUpAsFirst(_ value: Double) -> Double { (value * 10 - 1e-9).rounded(.up) / 10 }
}
