import Documents
import Findings
import Kubernetes

/// Ways, the risk and its fixes, for people.
package enum RiskText {
    package static func paths(_ paths: [RiskPath], of graph: RiskGraph, score: RiskScore) -> String {
        var out = summary(graph, score) + "\n"
        for path in paths {
            let start = path.start == .pod ? "from a pod of \(path.workload)" : "from the internet"
            out += "\n\(path.target) \(start), effort \(path.effort), \(RiskScore.text(path.points)) points\n"
            for (index, step) in path.steps.enumerated() {
                out += "  \(index + 1). \(PrintableText.of(step.from)) → \(PrintableText.of(step.to))\n"
                out += "     by \(PrintableText.of(step.by))\n"
                for evidence in step.evidence {
                    let place = evidence.location
                    out +=
                        "       \(PrintableText.of(evidence.text))\(place.isEmpty ? "" : "  \(PrintableText.of(place))")\n"
                }
                if let condition = step.condition { out += "       if \(PrintableText.of(condition))\n" }
            }
        }
        return out
    }

    package static func summary(_ graph: RiskGraph, _ score: RiskScore) -> String {
        let exposed = graph.workloads.count { !$0.exposures.isEmpty && !$0.isSystem }
        let flawed = graph.workloads.count { !$0.weaknesses.isEmpty }
        var out =
            "Risk \(RiskScore.text(score.total)) points, \(RiskScore.text(score.fromInternet)) of them from the internet; "
            + "\(graph.workloads.count) workloads, \(exposed) reachable from the internet."
        if flawed == 0 { out += " No flaws of images were given: getting in counts as unknown." }
        return out
    }

    package static func ranking(_ fixes: [RankedFix], of graph: RiskGraph, score: RiskScore) -> String {
        var out = summary(graph, score) + "\n"
        guard !fixes.isEmpty else { return out + "\nNo single change takes any of it away.\n" }
        out += "\nWhat takes most of it away, each computed again with the change made:\n"
        for (index, fix) in fixes.enumerated() {
            let share = fix.total > 0 ? Int((1000 * fix.removed / fix.total).rounded()) : 0
            out += "\n  \(index + 1). \(PrintableText.of(fix.fix.description))\n"
            out += "     -\(RiskScore.text(fix.removed)) points (\(share / 10).\(share % 10) %)"
            if fix.paths.cut > 0 { out += ", \(fix.paths.cut) of \(fix.paths.of) ways from the internet" }
            out += "\n"
            if !fix.closed.isEmpty {
                out += "     cut point: nobody from the internet reaches "
                out += fix.closed.map(\.description).joined(separator: ", ") + " any more\n"
            }
        }
        out += "\nThe largest terms of the sum:\n"
        for term in score.terms.prefix(8) {
            let start = term.start == .pod ? "a pod of " : "the internet to "
            out += "  \(start)\(PrintableText.of("\(term.workload)")) → \(graph.targets[term.target]): \(term.words)\n"
        }
        return out
    }
}

/// The same for programs: `martlet-risk/1`.
package enum RiskJSON {
    package static func paths(_ paths: [RiskPath], of graph: RiskGraph, score: RiskScore) -> String {
        document(graph, score) { writer in
            writer.member(
                "paths",
                array: { writer in
                    for path in paths { writer.object { writer in write(path, &writer) } }
                })
        }
    }

    private static func write(_ path: RiskPath, _ writer: inout JSONWriter) {
        writer.member("target", path.target.description)
        if case .internet(let route) = path.start {
            writer.member("start", "internet")
            writer.member("route", route.rawValue)
        } else {
            writer.member("start", "pod")
        }
        writer.member("workload", path.workload.description)
        writer.member("effort", path.effort)
        writer.key("points")
        writer.value(path.points, digits: 3)
        writer.member(
            "steps",
            array: { writer in
                for step in path.steps {
                    writer.object { writer in
                        writer.member("kind", step.kind.rawValue)
                        writer.member("from", step.from)
                        writer.member("to", step.to)
                        writer.member("by", step.by)
                        if let condition = step.condition { writer.member("if", condition) }
                        writer.member(
                            "evidence",
                            array: { writer in
                                for evidence in step.evidence {
                                    writer.object { writer in
                                        writer.member("text", evidence.text)
                                        if !evidence.location.isEmpty { writer.member("place", evidence.location) }
                                    }
                                }
                            })
                        writer.member("fixes", step.changes.map(\.description))
                    }
                }
            })
    }

    package static func ranking(_ fixes: [RankedFix], of graph: RiskGraph, score: RiskScore) -> String {
        document(graph, score) { writer in
            writer.member(
                "fixes",
                array: { writer in
                    for fix in fixes {
                        writer.object { writer in
                            writer.member("fix", fix.fix.description)
                            writer.key("removed")
                            writer.value(fix.removed, digits: 3)
                            writer.member("pathsCut", fix.paths.cut)
                            writer.member("closed", fix.closed.map(\.description))
                        }
                    }
                })
        }
    }

    private static func document(_ graph: RiskGraph, _ score: RiskScore, _ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("format", "martlet-risk/1")
            writer.key("total")
            writer.value(score.total, digits: 3)
            writer.key("fromInternet")
            writer.value(score.fromInternet, digits: 3)
            writer.member("targets", graph.targets.map(\.description))
            body(&writer)
            writer.member(
                "terms",
                array: { writer in
                    for term in score.terms.prefix(1000) {
                        writer.object { writer in
                            writer.member("workload", term.workload.description)
                            writer.member("target", graph.targets[term.target].description)
                            writer.member("fromInternet", term.start != .pod)
                            writer.member("value", term.value)
                            writer.member("effortIn", term.startEffort)
                            writer.member("effortOn", term.wayEffort)
                            writer.key("points")
                            writer.value(term.points, digits: 3)
                        }
                    }
                })
        }
        return writer.string + "\n"
    }
}
