package import Compliance
import Findings
import Kubernetes

/// The proof of one control over a period, in words.
package struct ProofText {
    private let proof: ControlProof

    package init(_ proof: ControlProof) { self.proof = proof }

    enum Line {
        case heading(String)
        case text(String)
        case code(String)
    }

    func lines() -> [Line] {
        var out: [Line] = []
        let control = proof.result.control
        out.append(.text("\(control.id)  \(control.title). Today: \(proof.result.outcome.words)."))
        out.append(.text("Reach: \(control.reach.words)."))
        out.append(.text("The newest scan is \(Self.age(proof.dataAge)) old."))
        out.append(.heading("State over the period"))
        out.append(.text(ComplianceText.time(proof.states)))
        for stretch in proof.states.stretches {
            let why = stretch.because.isEmpty ? "" : ": \(stretch.because)"
            out.append(.code("\(stretch.from)  to  \(stretch.to)  \(stretch.state.words)\(why)"))
        }
        out.append(.heading("Changes"))
        if proof.changes.isEmpty { out.append(.text("none on record")) }
        for change in proof.changes {
            let actor = change.actor.map { " by \($0)" } ?? ", actor not known"
            out.append(.code("\(change.at)  \(change.check)  \(change.subject)  \(change.outcome.rawValue)\(actor)"))
        }
        out.append(.heading("Exceptions in force"))
        if proof.exceptions.isEmpty { out.append(.text("none")) }
        for waiver in proof.exceptions {
            out.append(
                .text(
                    "\(waiver.scope.check), \(waiver.owner), until \(waiver.expires): \(waiver.reason) (\(waiver.place))"
                ))
        }
        out.append(.heading("Populations"))
        for population in proof.populations {
            out.append(.text("\(population.kind.title): \(population.members.count); \(population.query)"))
        }
        out.append(.heading("Samples, and how to look again"))
        for sample in proof.samples {
            out.append(.text("\(sample.subject): \(sample.outcome.words)"))
            for command in sample.commands { out.append(.code("    \(command)")) }
        }
        return out
    }

    package func render() -> String {
        var out = ""
        for line in lines() {
            switch line {
            case .heading(let text): out += "\n\(text)\n"
            case .text(let text), .code(let text): out += "  \(PrintableText.of(text, limit: 100_000))\n"
            }
        }
        return out
    }

    package static func age(_ seconds: Int) -> String {
        switch seconds {
        case ..<120: "\(seconds) seconds"
        case ..<7200: "\(seconds / 60) minutes"
        case ..<172_800: "\(seconds / 3600) hours"
        default: "\(seconds / 86_400) days"
        }
    }
}
