import Foundation

// Measures what the project promises: `bench [--name NAME]`. Figures of a debug build mean nothing.

let benchmarks =
    DocumentBenchmarks.all + PodSecurityBenchmarks.all + ScanBenchmarks.all + RBACBenchmarks.all
    + NetworkPolicyBenchmarks.all + NetworkFlowBenchmarks.all
    + DetectionBenchmarks.all + CISBenchmarks.all
    + VulnerabilityBenchmarks.all + ImageStoreBenchmarks.all + SecretBenchmarks.all + RiskBenchmarks.all
    + ImageBenchmarks.all
let parts = DocumentBenchmarks.parts.merging(ScanBenchmarks.parts) { first, _ in first }
    .merging(NetworkPolicyBenchmarks.parts) { first, _ in first }
    .merging(RBACBenchmarks.parts) { first, _ in first }
    .merging(RiskBenchmarks.parts) { first, _ in first }
    .merging(ImageBenchmarks.parts) { first, _ in first }
    .merging(SecretBenchmarks.parts) { first, _ in first }

var arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "--part":
    guard arguments.count > 1, let part = parts[arguments[1]] else { exit(2) }
    try part(Array(arguments.dropFirst(2)))
case "--name", nil:
    let wanted = arguments.dropFirst().first
    let chosen = benchmarks.filter { wanted == nil || $0.name == wanted }
    guard !chosen.isEmpty else {
        print("no such benchmark; there are: \(benchmarks.map(\.name).joined(separator: ", "))")
        exit(2)
    }
    for benchmark in chosen {
        print(try benchmark.line())
        fflush(nil)
    }
default:
    print("usage: bench [--name NAME]")
    exit(2)
}
