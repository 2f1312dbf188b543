import Documents
import Kubernetes
import NetworkPolicies

/// Generated policies in words and as JSON.
enum NetworkGenerateText {
    static func summary(_ generation: PolicyGeneration) -> String {
        var out: [String] = []
        let closed = generation.workloads.filter { $0.ingress == .closed || $0.egress == .closed }
        out.append("\(generation.policies.count) policies for \(closed.count) of \(scope(generation).count) workloads")
        out.append("")
        out.append("certificate: \(generation.certificate.holds ? "holds" : "DOES NOT HOLD")")
        for line in generation.certificate.lines {
            var parts = ["  \(line.name): \(line.kept) of \(line.total) kept"]
            if !line.alreadyDenied.isEmpty { parts.append("\(line.alreadyDenied.count) denied today already") }
            if !line.unknown.isEmpty { parts.append("\(line.unknown.count) not observable") }
            if !line.broken.isEmpty { parts.append("\(line.broken.count) CUT") }
            out.append(parts.joined(separator: ", "))
            for text in line.broken {
                let family = generation.certificate.familyOfCut[text].map { " over IPv\($0.rawValue)" } ?? ""
                out.append("    cut: \(text)\(family)")
            }
            for text in line.unknown { out.append("    not observable: \(text)") }
            for text in line.alreadyDenied { out.append("    denied today already: \(text)") }
        }
        let (before, after) = (generation.certificate.before, generation.certificate.after)
        out.append("  pairs of workloads that may talk: \(before.pairs.grouped) before, \(after.pairs.grouped) after")
        out.append("  ports open between them: \(before.ports.grouped) before, \(after.ports.grouped) after")
        out.append("  workloads that reach the internet: \(before.toInternet) before, \(after.toInternet) after")
        out.append("  workloads the internet reaches: \(before.fromInternet) before, \(after.fromInternet) after")
        out.append(
            "  workloads that reach the metadata address: \(before.toMetadata) before, \(after.toMetadata) after")
        for text in generation.certificate.refusals { out.append("  refused: \(text)") }
        for text in generation.certificate.isolatedByAccident { out.append("  isolated by accident: \(text)") }
        for text in generation.certificate.assumptions { out.append("  given that: \(text)") }
        let left = open(generation)
        if !left.isEmpty {
            out += ["", "left open:"] + left.map { "  \($0)" }
        }
        if !generation.notes.isEmpty {
            out += ["", "to know:"] + generation.notes.map { "  \($0)" }
        }
        return out.joined(separator: "\n")
    }

    private static func scope(_ generation: PolicyGeneration) -> [WorkloadOutcome] {
        generation.workloads.filter { $0.ingress != .outOfScope }
    }

    private static func open(_ generation: PolicyGeneration) -> [String] {
        scope(generation).flatMap { workload -> [String] in
            if workload.ingress == .onHostNetwork { return ["\(workload.name): on its node's network"] }
            return [("ingress", workload.ingress), ("egress", workload.egress)].compactMap { word, stance in
                if case .open(let why) = stance { "\(workload.name), \(word): \(why)" } else { nil }
            }
        }
    }

    static func json(_ generation: PolicyGeneration) -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.key("policies")
            writer.array { writer in for policy in generation.policies { writer.value(policy.value) } }
            writer.key("workloads")
            writer.array { writer in
                for workload in scope(generation) {
                    writer.object { writer in
                        writer.member("name", workload.name)
                        writer.member("kind", workload.kind)
                        writer.key("selector")
                        writer.object { writer in for pair in workload.selector { writer.member(pair.key, pair.value) }
                        }
                        writer.member("ingress", text(workload.ingress))
                        writer.member("egress", text(workload.egress))
                    }
                }
            }
            writer.key("needs")
            writer.array { writer in
                for need in generation.needs {
                    writer.object { writer in
                        writer.member("from", generation.text(need.source))
                        writer.member("to", generation.text(need.target))
                        writer.member("protocol", need.protocol.rawValue)
                        if let port = need.port { writer.member("port", Int(port)) }
                        writer.member("reason", need.reason.rawValue)
                        writer.member("why", need.why)
                        if let place = need.location { writer.member("place", "\(place)") }
                    }
                }
            }
            writer.key("certificate")
            certificate(generation.certificate, &writer)
            writer.member("notes", generation.notes)
        }
        return writer.string
    }

    private static func text(_ stance: Stance) -> String {
        switch stance {
        case .closed: "generated"
        case .kept(let policies): "kept: \(policies.map { "\($0)" }.joined(separator: ", "))"
        case .open(let why): "open: \(why)"
        case .onHostNetwork: "host network"
        case .outOfScope: "out of scope"
        }
    }

    private static func certificate(_ certificate: PolicyCertificate, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("holds", certificate.holds)
            writer.key("checks")
            writer.array { writer in
                for line in certificate.lines {
                    writer.object { writer in
                        writer.member("name", line.name)
                        writer.member("total", line.total)
                        writer.member("kept", line.kept)
                        writer.member("cut", line.broken)
                        writer.member("deniedAlready", line.alreadyDenied)
                        writer.member("notObservable", line.unknown)
                    }
                }
            }
            for (name, surface) in [("before", certificate.before), ("after", certificate.after)] {
                writer.key(name)
                writer.object { writer in
                    for (key, value) in [
                        ("pairs", surface.pairs), ("ports", surface.ports), ("toInternet", surface.toInternet),
                        ("fromInternet", surface.fromInternet), ("toMetadata", surface.toMetadata),
                    ] { writer.member(key, value) }
                }
            }
            writer.member("refusals", certificate.refusals)
            writer.member("isolatedByAccident", certificate.isolatedByAccident)
            writer.member("assumptions", certificate.assumptions)
        }
    }
}
