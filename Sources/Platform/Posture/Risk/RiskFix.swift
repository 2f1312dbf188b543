package import Kubernetes
import RBAC

/// One change that a person could make.
package enum RiskFix: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Take a Service, Ingress or route away, or keep it inside.
    case close(ObjectReference)
    /// Build an image anew without its flaws.
    case rebuild(String)
    case removeBinding(ObjectReference)
    /// Take the fields away that lead out of a workload's pods.
    case confine(ObjectReference)
    /// `automountServiceAccountToken: false`.
    case dropToken(ObjectReference)

    package var description: String {
        switch self {
        case .close(let reference): "keep \(reference) off the internet"
        case .rebuild(let image): "rebuild \(image)"
        case .removeBinding(let reference): "remove \(reference)"
        case .confine(let reference): "confine \(reference) (no host access, no added powers)"
        case .dropToken(let reference): "mount no token into \(reference)"
        }
    }

    package static func < (a: Self, b: Self) -> Bool { a.description < b.description }
}

/// A fix and what it was found to do when everything was computed again with it.
package struct RankedFix: Sendable {
    package var fix: RiskFix
    /// Points of the risk that are gone.
    package var removed: Double
    package var total: Double
    /// Ways to targets, from the internet, that are gone of those there were.
    package var paths: (cut: Int, of: Int)
    /// Targets that nobody from the internet reaches any more: the fix is a cut point for them.
    package var closed: [RiskTarget]
}

extension RiskGraph {
    /// The graph as it would be after a fix.
    package func applying(_ fix: RiskFix) -> RiskGraph {
        var copy = self
        switch fix {
        case .close(let reference): copy.close(through: reference)
        case .rebuild(let image): copy.rebuild(image: image)
        case .confine(let reference): copy.confine(reference, token: false)
        case .dropToken(let reference): copy.confine(reference, token: true)
        case .removeBinding(let reference):
            guard let binding = inventory[ObjectKey(reference)] else { return self }
            let kept = closed.map { joints[Int($0)] }
            copy.apply(.deleted(binding))
            copy.close(again: kept)
        }
        return copy
    }

    /// The fixes that take most of the risk away, each computed again; those that take nothing away are left out.
    ///
    /// - Parameters:
    ///   - considered: ways that are looked at for what could be changed on them, most points first.
    ///   - verified: candidates that are computed again.
    package func rankedFixes(_ answers: Answers, limit: Int = 10, considered: Int = 400, verified: Int = 24)
        -> [RankedFix]
    {
        let before = score(answers)
        var weight: [RiskFix: Double] = [:]
        for term in before.terms.prefix(considered) {
            let path = path(term, answers)
            for fix in Set(path.steps.flatMap(\.changes)) { weight[fix, default: 0] += term.points }
        }
        let candidates = weight.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(verified).map(\.key)
        let reached = Self.reached(before)
        var out: [RankedFix] = []
        for fix in candidates {
            let changed = applying(fix)
            let after = changed.score(changed.answers())
            let left = Self.reached(after)
            let cut = before.terms.count { $0.start != .pod } - after.terms.count { $0.start != .pod }
            let removed = before.total - after.total
            guard removed > 0.000_001 else { continue }
            out.append(
                RankedFix(
                    fix: fix, removed: removed, total: before.total,
                    paths: (max(0, cut), before.terms.count { $0.start != .pod }),
                    closed: reached.subtracting(left).sorted().map { targets[$0] }))
        }
        return Array(out.sorted { ($1.removed, $0.fix) < ($0.removed, $1.fix) }.prefix(limit))
    }

    private static func reached(_ score: RiskScore) -> Set<Int> {
        Set(score.terms.filter { $0.start != .pod }.map(\.target))
    }
}
