import Foundation

/// Cases whose truth comes from the real thing, and how to ask ours the same.
struct ConformanceSuite: Sendable {
    /// The folder under MARTLET_CONFORMANCE, and the first half of the printed name.
    var name: String
    var files: [ConformanceFile]
}

/// One line of the printed result.
struct ConformanceFile: Sendable {
    var name: String
    var run: @Sendable (ConformanceFolder) throws -> Agreement
}

/// How many cases agree, and where the rest differ.
struct Agreement {
    private(set) var agreed = 0
    private(set) var total = 0
    private(set) var differences: [String] = []

    /// Notes one case; `difference` says what was expected and what came, or nothing.
    mutating func note(_ id: String, _ difference: String?) {
        total += 1
        if let difference { differences.append("\(id): \(difference)") } else { agreed += 1 }
    }

    /// Notes one case that agrees when both texts are the same.
    mutating func note(_ id: String, expected: String, found: String) {
        note(id, expected == found ? nil : "\n    expected \(expected)\n    found    \(found)")
    }
}

struct ConformanceError: Error, CustomStringConvertible {
    var description: String
}
