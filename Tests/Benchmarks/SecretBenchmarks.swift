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
            for _ in 0..<next(9) + 2 {
                out += Array(words[next(words.count)].utf8) + [[0x20, 0x2E, 0x28, 0x5F][next(4)]]
            }
            if next(6) == 0 { out += Array("= get_\(words[next(words.count)])(\"\(next(9999))\")".utf8) }
            if next(400) == 0 { out += Array("api_key = \"a\(next(1 << 40))f\(next(1 << 40))\"".utf8) }
            out.append(0x0A)
        }
        return out
    }
}

/// How fast texts and objects are looked through.
enum SecretBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("secrets-source", goal: ">= 79 MB/s") { source() },
        Benchmark("secrets-objects-10000", goal: "<= 1 CPU s") { objects() },
    ]

    private static func source() -> Benchmark.Outcome {
        let text = SecretCorpus.source(bytes: 32 << 20)
        var scan = SourceSecretScan(seal: .unkeyed)
        _ = scan.scan(file: "warm.py", bytes: Array(text.prefix(1 << 16)))
        let start = clock()
        let found = scan.scan(file: "a.py", bytes: text)
        let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
        precondition(!found.isEmpty, "the corpus holds tokens")
        return .figure(Double(text.count) / 1e6 / seconds, unit: "MB/s")
    }

    /// Ten thousand Deployments and ConfigMaps of three kilobytes.
    private static func objects() -> Benchmark.Outcome {
        var text = ""
        for number in 0..<10_000 {
            text += """
                ---
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: c\(number), namespace: shop}
                data:
                  app.properties: |

                """
            for line in 0..<60 { text += "    setting.\(line).value.of.service = value-\(line)-\(number) and more\n" }
        }
        var scan = SourceSecretScan(seal: .unkeyed)
        let bytes = Array(text.utf8)
        let start = clock()
        _ = scan.scan(file: "all.yaml", bytes: bytes)
        return .figure(Double(clock() - start) / Double(CLOCKS_PER_SEC), unit: "CPU s")
    }
}
