import Foundation
import Kubernetes
import Posture
import Secrets

/// Text as source files have it, made from a seed: words, assignments, calls, now and then a token.
enum SecretCorpus {
    static func source(bytes: Int) -> [UInt8] {
        var state: UInt64 = 88_172_645_463_325_252
        func next(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let words = [
            "return", "value", "index", "config", "client", "request", "handler", "token", "key", "password", "error",
            "string", "context", "result", "name", "path", "auth", "service", "secret", "count", "buffer", "length",
        ]
        var out: [UInt8] = []
        out.reserveCapacity(bytes + 200)
        while out.count < bytes {
            out += Array(String(repeating: " ", count: 4 * next(4)).utf8)
            for _ in 0..<next(9) + 2 { out += Array(words[next(words.count)].utf8) + [[0x20, 0x2E, 0x28, 0x5F][next(4)]] }
            if next(6) == 0 { out += Array("= get_\(words[next(words.count)])(\"\(next(9999))\")".utf8) }
            if next(400) == 0 { out += Array("api_key = \"a\(next(1 << 40))f\(next(1 << 40))\"".utf8) }
            out.append(0x0A)
        }
        return out
    }
}
