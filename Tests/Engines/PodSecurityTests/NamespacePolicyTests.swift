import Testing

@testable import PodSecurity

@Suite struct NamespacePolicyTests {
    private func policy(_ labels: [String: String]) -> (text: String, errors: [String]) {
        var errors: [LabelError] = []
        let full = labels.reduce(into: [:]) { $0["pod-security.kubernetes.io/\($1.key)"] = $1.value }
        let policy = NamespacePolicy(labels: full, defaults: .privileged, errors: &errors)
        return (
            PodSecurityMode.allCases.map { policy[$0].description }.joined(separator: " "), errors.map(\.description)
        )
    }

    @Test func enforcementWarnsTooUnlessToldHow() {
        #expect(policy(["enforce": "baseline"]).text == "baseline:latest privileged:latest baseline:latest")
        #expect(
            policy(["enforce": "baseline", "enforce-version": "v1.30"]).text
                == "baseline:v1.30 privileged:latest baseline:v1.30")
        #expect(
            policy(["enforce": "restricted", "warn": "baseline"]).text
                == "restricted:latest privileged:latest baseline:latest")
        #expect(
            policy(["enforce": "baseline", "enforce-version": "v1.30", "warn-version": "v1.2"]).text
                == "baseline:v1.30 privileged:latest baseline:v1.2")
    }

    @Test func whatCannotBeReadFailsClosedOnlyWhereItEnforces() {
        let wrong = policy(["enforce": "strict", "audit": "strict", "warn-version": "1.30"])
        #expect(wrong.text == "restricted:latest privileged:latest privileged:latest")
        #expect(
            wrong.errors == [
                "metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"strict\": must be one of "
                    + "privileged, baseline, restricted",
                "metadata.labels[pod-security.kubernetes.io/audit]: Invalid value: \"strict\": must be one of "
                    + "privileged, baseline, restricted",
                "metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: \"1.30\": must be "
                    + "\"latest\" or \"v1.x\"",
            ])
    }

    @Test func versionsOfPrivilegedSayNothing() {
        let a = LevelVersion(.privileged, .minor(3))
        #expect(a.isEquivalent(to: LevelVersion(.privileged)))
        #expect(!LevelVersion(.baseline, .minor(3)).isEquivalent(to: LevelVersion(.baseline)))
    }
}
