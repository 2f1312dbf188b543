import FoundationEssentials

/// The machine's clock and the form dates take in kubeconfigs and answers.
enum SystemTime {
    static let now: @Sendable () -> Double = { Date.now.timeIntervalSince1970 }

    /// Reads RFC 3339, with or without fractions of a second.
    static func seconds(_ text: String) -> Double? {
        let plain = Date.ISO8601FormatStyle()
        let exact = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return ((try? plain.parse(text)) ?? (try? exact.parse(text)))?.timeIntervalSince1970
    }

    /// `2026-11-23 05:10 UTC`.
    static func display(_ seconds: Double) -> String {
        let text = Date(timeIntervalSince1970: seconds).formatted(.iso8601)
        return text.prefix(16).replacing("T", with: " ") + " UTC"
    }
}
