@testable import Secrets

/// Makes tokens of a form, from a seed: never real ones.
struct TokenMaker {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next(_ bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(max(1, bound)))
    }

    /// Bytes that the form matches.
    mutating func token(_ node: PatternNode) -> [UInt8] {
        switch node {
        case .bytes(let set):
            let all = set.bytes.filter { $0 > 0x20 && $0 < 0x7F }
            return all.isEmpty ? set.bytes.prefix(1) + [] : [all[next(all.count)]]
        case .sequence(let parts): return parts.flatMap { token($0) }
        case .choice(let options): return token(options[next(options.count)])
        case .group(let inner): return token(inner)
        case .repeated(let inner, let low, let high):
            let most = min(high ?? low + 40, max(low, 200))
            let count = low + next(most - low + 1)
            return (0..<count).flatMap { _ in token(inner) }
        }
    }
}
