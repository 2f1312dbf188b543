import Findings

/// Small pictures, drawn by ourselves: a line over days, bars of parts.
enum Charts {
    /// A line over days, oldest first; a day without a value is a gap. Reads as its words where pictures do not.
    static func sparkline(_ values: [Double?], words: String, width: Int = 140, height: Int = 32) -> HTML {
        let known = values.compactMap(\.self)
        guard known.count > 1, let least = known.min(), let most = known.max() else {
            return "<span class=\"dim\">\(words)</span>"
        }
        let span = max(most - least, 0.02)
        var path = ""
        var isDown = false
        for (index, value) in values.enumerated() {
            guard let value else {
                isDown = false
                continue
            }
            let x = 2 + Double(index) * Double(width - 4) / Double(max(1, values.count - 1))
            let y = 3 + (most - value) / span * Double(height - 6)
            path += "\(isDown ? "L" : "M")\(tenths(x)) \(tenths(y))"
            isDown = true
        }
        return """
            <svg width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)" role="img" aria-label="\(words)">\
            <title>\(words)</title><path class="s-accent" stroke-width="1.8" d="\(path)"/></svg>
            """
    }

    /// One bar of parts by severity, with numbers beside it: colour never says it alone.
    static func severities(_ counts: [(severity: Severity, count: Int)], width: Int = 220) -> HTML {
        let total = counts.reduce(0) { $0 + $1.count }
        guard total > 0 else { return "<span class=\"sev ok\">none</span>" }
        var x = 0.0
        var parts: [HTML] = []
        for (severity, count) in counts where count > 0 {
            let share = max(3, Double(count) / Double(total) * Double(width))
            parts.append(
                "<rect class=\"c-\(severity.rawValue)\" x=\"\(tenths(x))\" y=\"0\" width=\"\(tenths(share))\" height=\"10\"/>"
            )
            x += share
        }
        let words = counts.filter { $0.count > 0 }.map { "\($0.count) \($0.severity.rawValue)" }.joined(separator: ", ")
        return """
            <svg width="\(width)" height="10" viewBox="0 0 \(tenths(x)) 10" preserveAspectRatio="none" role="img" \
            aria-label="\(words)"><title>\(words)</title>\(parts)</svg><span class="dim">\(words)</span>
            """
    }

    /// A score as a ring with its number inside; the part without an answer stays open.
    static func ring(_ score: Double?, coverage: Double?) -> HTML {
        let words = "score \(Page.percent(score)), coverage \(Page.percent(coverage))"
        let length = 2 * Double.pi * 26
        let filled = length * (score ?? 0)
        let colour = (score ?? 0) >= 0.95 ? "c-ok" : (score ?? 0) >= 0.8 ? "c-medium" : "c-critical"
        return """
            <svg width="72" height="72" viewBox="0 0 72 72" role="img" aria-label="\(words)"><title>\(words)</title>\
            <circle cx="36" cy="36" r="26" class="ring-back" fill="none" stroke-width="7"/>\
            <circle cx="36" cy="36" r="26" class="ring \(colour)" fill="none" stroke-width="7" \
            stroke-dasharray="\(tenths(filled)) \(tenths(length))" transform="rotate(-90 36 36)"/>\
            <text x="36" y="41" text-anchor="middle">\(score.map { "\(Int(($0 * 100).rounded(.down)))" } ?? "?")</text></svg>
            """
    }

    static func tenths(_ value: Double) -> String {
        let scaled = Int((value * 10).rounded())
        return scaled % 10 == 0 ? "\(scaled / 10)" : "\(Double(scaled) / 10)"
    }
}
