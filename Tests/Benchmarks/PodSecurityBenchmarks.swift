import Documents
import Foundation
import Kubernetes
import PodSecurity

/// What one pod costs.
enum PodSecurityBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("pss-decoded-pod", goal: "<= 5 us, the Go reference takes 4.4 us") { decodedPod() },
        Benchmark("pss-pod", goal: "none: decoded and evaluated") { wholePod() },
    ]

    private static func pods() -> [PodTemplate] {
        var generator = Generator()
        let source = SourceText(name: "", bytes: generator.podList(size: 4_000_000, .compact))
        return DocumentReader.read(source, options: .server).documents.flatMap { document in
            document.root["items"].elements.map { pod in
                PodTemplate(
                    path: FieldPath(), discovery: .builtIn,
                    spec: PodSpec(pod["spec"], metadata: pod["metadata"]))
            }
        }
    }

    private static func decodedPod() -> Benchmark.Outcome {
        let inputs = pods().map { PodSecurityInput($0.spec) }
        let evaluator = PodSecurityEvaluator()
        var admitted = 0
        let seconds = Measuring.shortest {
            for input in inputs where evaluator.evaluate(input, level: .restricted).allowed { admitted += 1 }
        }
        precondition(admitted >= 0)
        return .figure(seconds / Double(inputs.count) * 1e6, unit: "us")
    }

    private static func wholePod() -> Benchmark.Outcome {
        let templates = pods()
        let evaluator = PodSecurityEvaluator()
        var admitted = 0
        let seconds = Measuring.shortest {
            for template in templates {
                let verdict = evaluator.evaluate(PodSecurityInput(template.spec), level: .restricted)
                if verdict.allowed { admitted += 1 }
            }
        }
        precondition(admitted >= 0)
        return .figure(seconds / Double(templates.count) * 1e6, unit: "us")
    }
}
