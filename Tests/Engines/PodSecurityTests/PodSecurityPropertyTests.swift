import Documents
import Kubernetes
import Testing

@testable import PodSecurity

/// What holds of every pod, tried on many.
@Suite struct PodSecurityPropertyTests {
    private static let count = 2000

    private func pods() throws -> [KubernetesObject] {
        var random = RandomPod(seed: 20_261_123)
        return try (0..<Self.count).map { _ in
            var writer = JSONWriter()
            writer.value(random.pod())
            let node = try DocumentReader.readJSON(SourceText(name: "", bytes: writer.bytes))
            return try #require(KubernetesObject(node))
        }
    }

    @Test func whatRestrictedAdmitsBaselineAdmits() throws {
        let evaluator = PodSecurityEvaluator()
        var restricted = 0
        for pod in try pods() {
            let template = try #require(pod.podTemplate)
            // Restricted trusts that a Windows pod sets nothing of Linux; the API server takes no other.
            if template.spec.isWindows, !PodValidation.errors(in: pod).isEmpty { continue }
            let input = PodSecurityInput(template, of: pod)
            for minor in 0...PolicyVersion.newestKnown {
                guard evaluator.evaluate(input, level: .restricted, version: .minor(minor)).allowed else { continue }
                restricted += 1
                let verdict = evaluator.evaluate(input, level: .baseline, version: .minor(minor))
                #expect(verdict.allowed, "v1.\(minor) \(pod.node.json()): \(verdict.detail)")
            }
        }
        #expect(restricted > 100, "the pods are too bad to prove anything")
    }

    @Test func decodingWithDefaultsIsDecodingTheDefaultedObject() throws {
        let evaluator = PodSecurityEvaluator()
        for pod in try pods() {
            let raw = PodSecurityInput(try #require(pod.podTemplate), of: pod)
            let template = try #require(pod.defaulted().podTemplate)
            let stored = PodSecurityInput(template.spec)
            for level in PodSecurityLevel.allCases {
                let (a, b) = (evaluator.evaluate(raw, level: level), evaluator.evaluate(stored, level: level))
                #expect(a.message == b.message, "\(pod.node.json())")
            }
        }
    }

    @Test func defaultingTwiceIsDefaultingOnce() throws {
        for pod in try pods() {
            let once = pod.admitted()
            #expect(once.admitted().node.json() == once.node.json())
        }
    }

    @Test func everyViolationHasAPlaceAndEveryPlaceARuleOfItsCheck() throws {
        let evaluator = PodSecurityEvaluator()
        for pod in try pods() {
            let input = PodSecurityInput(try #require(pod.podTemplate), of: pod)
            for violation in evaluator.evaluate(input, level: .restricted).violations {
                #expect(!violation.places.isEmpty, "\(violation.check) \(pod.node.json())")
                let rules = try #require(PodSecurityCheck.all.first { $0.id == violation.check }).rules
                #expect(violation.places.allSatisfy { rules.contains($0.rule) })
            }
        }
    }
}
