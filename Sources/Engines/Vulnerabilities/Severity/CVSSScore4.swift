/// The score of CVSS 4: the score of the vector's class of equals, lowered by how far the vector stands below the
/// highest of its class.
///
/// Standard: CVSS v4.0 specification, section 8. The scores of the classes are data of the standard, in Resources.
enum CVSSScore4 {
    private static let scores: [[UInt8]: Double] = {
        var out: [[UInt8]: Double] = [:]
        for line in PackageResources.cvss4_macrovectors_txt.split(separator: UInt8(ascii: "\n")) {
            guard line.first != UInt8(ascii: "#"), line.count > 7 else { continue }
            let digits = line.prefix(6).map { $0 - 0x30 }
            out[digits] = Double(String(decoding: line.dropFirst(7), as: UTF8.self))
        }
        return out
    }()

    /// The highest vectors of each class of EQ1, EQ2, EQ3 with EQ6, and EQ4.
    private static let highest1 = [
        ["AV:N/PR:N/UI:N"], ["AV:A/PR:N/UI:N", "AV:N/PR:L/UI:N", "AV:N/PR:N/UI:P"],
        ["AV:P/PR:N/UI:N", "AV:A/PR:L/UI:P"],
    ]
    private static let highest2 = [["AC:L/AT:N"], ["AC:H/AT:N", "AC:L/AT:P"]]
    private static let highest36 = [
        [
            ["VC:H/VI:H/VA:H/CR:H/IR:H/AR:H"],
            ["VC:H/VI:H/VA:L/CR:M/IR:M/AR:H", "VC:H/VI:H/VA:H/CR:M/IR:M/AR:M"],
        ],
        [
            ["VC:L/VI:H/VA:H/CR:H/IR:H/AR:H", "VC:H/VI:L/VA:H/CR:H/IR:H/AR:H"],
            [
                "VC:L/VI:H/VA:L/CR:H/IR:M/AR:H", "VC:L/VI:H/VA:H/CR:H/IR:M/AR:M", "VC:H/VI:L/VA:H/CR:M/IR:H/AR:M",
                "VC:H/VI:L/VA:L/CR:M/IR:H/AR:H", "VC:L/VI:L/VA:H/CR:H/IR:H/AR:M",
            ],
        ],
        [[], ["VC:L/VI:L/VA:L/CR:H/IR:H/AR:H"]],
    ]
    private static let highest4 = [["SC:H/SI:S/SA:S"], ["SC:H/SI:H/SA:H"], ["SC:L/SI:L/SA:L"]]
    /// Steps from the highest to the lowest vector of each class.
    private static let depth1: [Double] = [1, 4, 5]
    private static let depth2: [Double] = [1, 2]
    private static let depth36: [[Double]] = [[7, 6], [8, 8], [0, 10]]
    private static let depth4: [Double] = [6, 5, 4]

    private static let levels: [String: String] = [
        "AV": "NALP", "PR": "NLH", "UI": "NPA", "AC": "LH", "AT": "NP", "VC": "HLN", "VI": "HLN", "VA": "HLN",
        "SC": "SHLN", "SI": "SHLN", "SA": "SHLN", "CR": "HML", "IR": "HML", "AR": "HML",
    ]

    static func score(_ values: [String: String]) -> Double {
        func value(_ name: String) -> String {
            let modified = values["M" + name] ?? "X"
            if modified != "X" { return modified }
            let own = values[name] ?? "X"
            guard own == "X" else { return own }
            // Not defined is taken as the worst.
            return name == "E" ? "A" : ["CR", "IR", "AR"].contains(name) ? "H" : own
        }
        if ["VC", "VI", "VA", "SC", "SI", "SA"].allSatisfy({ value($0) == "N" }) { return 0 }
        let own = classes(value)
        guard let top = scores[own] else { return 0 }

        // Distances from the highest vector that is nowhere below ours.
        let distances = [
            highest1[Int(own[0])], highest2[Int(own[1])], highest36[Int(own[2])][Int(own[5])], highest4[Int(own[3])],
        ]
        .map { candidates in candidates.lazy.compactMap { distance(from: $0, value) }.first ?? 0 }
        let depths = [
            depth1[Int(own[0])], depth2[Int(own[1])], depth36[Int(own[2])][Int(own[5])], depth4[Int(own[3])],
        ]
        func lowered(_ place: Int, _ other: Int? = nil) -> Double? {
            var next = own
            next[place] += 1
            if let other { next[other] += 1 }
            return scores[next]
        }
        let joint: Double? =
            switch (own[2], own[5]) {
            case (0, 0): [lowered(5), lowered(2)].compactMap(\.self).max()
            case (1, 0): lowered(5)
            case (0, 1), (1, 1): lowered(2)
            default: lowered(2, 5)
            }
        var sum = 0.0
        var count = 0.0
        for (index, next) in [lowered(0), lowered(1), joint, lowered(3)].enumerated() {
            guard let next else { continue }
            count += 1
            sum += (top - next) * distances[index] / depths[index]
        }
        // EQ5 has one vector a class: no distance, but it counts in the mean.
        if lowered(4) != nil { count += 1 }
        let score = max(0, min(10, top - (count == 0 ? 0 : sum / count)))
        return ((score + 1e-6) * 10).rounded() / 10
    }

    private static func classes(_ value: (String) -> String) -> [UInt8] {
        let open = [value("AV") == "N", value("PR") == "N", value("UI") == "N"]
        let first: UInt8 =
            open.allSatisfy(\.self) ? 0 : open.contains(true) && value("AV") != "P" ? 1 : 2
        let second: UInt8 = value("AC") == "L" && value("AT") == "N" ? 0 : 1
        let high = ["VC", "VI", "VA"].map { value($0) == "H" }
        let third: UInt8 = high[0] && high[1] ? 0 : high.contains(true) ? 1 : 2
        let fourth: UInt8 =
            value("SI") == "S" || value("SA") == "S" ? 0 : ["SC", "SI", "SA"].contains { value($0) == "H" } ? 1 : 2
        let fifth: UInt8 = value("E") == "A" ? 0 : value("E") == "P" ? 1 : 2
        let needed = zip(["CR", "IR", "AR"], high).contains { value($0) == "H" && $1 }
        return [first, second, third, fourth, fifth, needed ? 0 : 1]
    }

    /// Steps from `highest` down to ours; nil where one of our metrics stands above it.
    private static func distance(from highest: String, _ value: (String) -> String) -> Double? {
        var sum = 0
        for part in highest.split(separator: "/") {
            let pair = part.split(separator: ":")
            guard pair.count == 2, let scale = levels[String(pair[0])].map(Array.init),
                let from = scale.firstIndex(of: Character(String(pair[1]))),
                let to = scale.firstIndex(where: { String($0) == value(String(pair[0])) })
            else { return nil }
            guard to >= from else { return nil }
            sum += to - from
        }
        return Double(sum)
    }
}
