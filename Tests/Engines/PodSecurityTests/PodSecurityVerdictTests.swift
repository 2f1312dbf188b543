import Documents
import Kubernetes
import Testing

@testable import PodSecurity

@Suite struct PodSecurityVerdictTests {
    private let evaluator = PodSecurityEvaluator()

    /// A pod that restricted admits, with `change` in place of its marked parts.
    private func pod(
        spec: String = "", container: String = "", context: String = "", annotations: String = "{}"
    ) throws -> PodSecurityInput {
        try input(
            """
            metadata: {annotations: \(annotations)}
            spec:
              \(spec)
              securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
              containers:
              - name: app
                \(container)
                securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]} \(context)}
            """)
    }

    private func input(_ yaml: String, defaults: PodSecurityInput.Defaults = .none) throws -> PodSecurityInput {
        let set = DocumentReader.read(SourceText(name: "pod.yaml", bytes: Array(yaml.utf8)))
        try #require(set.problems.isEmpty)
        let root = try #require(set.documents.first).root
        return PodSecurityInput(PodSpec(root["spec"], metadata: root["metadata"]), defaults: defaults)
    }

    @Test func aHardenedPodMeetsRestrictedInEveryVersion() throws {
        let pod = try pod()
        for minor in 0...PolicyVersion.newestKnown {
            let verdict = evaluator.evaluate(pod, level: .restricted, version: .minor(minor))
            #expect(verdict.allowed, "v1.\(minor): \(verdict.detail)")
        }
    }

    /// What is refused from a version on, or up to one.
    @Test(arguments: [
        (spec: "", container: "", context: ", procMount: Unmasked", level: PodSecurityLevel.baseline, refused: 0...37),
        ("hostUsers: false", "", ", procMount: Unmasked", .baseline, 0...34),
        ("hostUsers: false", "", ", procMount: Unmasked", .restricted, 0...37),
        ("", "", ", runAsUser: 0", .restricted, 23...37),
        ("hostUsers: false", "", ", runAsUser: 0", .restricted, 23...34),
        ("hostUsers: false", "", ", runAsNonRoot: false", .restricted, 0...34),
        ("", "", ", seLinuxOptions: {type: container_engine_t}", .baseline, 0...30),
        ("", "livenessProbe: {httpGet: {port: 80, host: a}}", "", .baseline, 34...37),
        ("", "", ", seccompProfile: {type: Unconfined}", .baseline, 19...37),
        ("", "", ", seccompProfile: {type: Unconfined}", .restricted, 19...37),
        ("hostPID: true", "", "", .baseline, 0...37),
    ])
    func checksHoldFromTheVersionThatBroughtThem(
        spec: String, container: String, context: String, level: PodSecurityLevel, refused: ClosedRange<Int>
    ) throws {
        let pod = try pod(spec: spec, container: container, context: context)
        for minor in 0...37 {
            let verdict = evaluator.evaluate(pod, level: level, version: .minor(minor))
            #expect(verdict.allowed == !refused.contains(minor), "v1.\(minor): \(verdict.detail)")
        }
    }

    @Test(arguments: [
        ("kernel.shm_rmid_forced", 0), ("net.ipv4.ip_local_reserved_ports", 27), ("net.ipv4.tcp_fin_timeout", 29),
        ("net.ipv4.tcp_wmem", 32), ("net.ipv4.tcp_notsent_lowat", 37),
    ])
    func sysctlsAreSafeFromAVersionOn(name: String, since: Int) throws {
        let pod = try input(
            "spec: {securityContext: {sysctls: [{name: \(name)}]}, containers: [{name: app}]}")
        for minor in 0...37 {
            #expect(
                evaluator.evaluate(pod, level: .baseline, version: .minor(minor)).allowed == (minor >= since))
        }
    }

    @Test func aVersionNotYetKnownIsTheNewestButPrintsAsAsked() throws {
        let pod = try pod(spec: "hostPID: true")
        let verdict = evaluator.evaluate(pod, level: .baseline, version: .minor(99))
        #expect(verdict.message == #"violates PodSecurity "baseline:v1.99": host namespaces (hostPID=true)"#)
        let old = PodSecurityEvaluator(newest: 33)
        let probe = try self.pod(container: "livenessProbe: {httpGet: {port: 80, host: a}}")
        #expect(old.evaluate(probe, level: .baseline).allowed)
        #expect(!evaluator.evaluate(probe, level: .baseline).allowed)
    }

    @Test func aMessageNamesEverySetterInTheOrderOfTheServer() throws {
        let pod = try input(
            """
            spec:
              securityContext: {seLinuxOptions: {type: b_t, user: u}}
              initContainers: [{name: first, ports: [{hostPort: 80}]}]
              containers:
              - {name: second, ports: [{hostPort: 443}], securityContext: {seLinuxOptions: {type: a_t}}}
              - {name: third, securityContext: {seLinuxOptions: {role: r}}}
            """)
        let verdict = evaluator.evaluate(pod, level: .baseline)
        #expect(verdict.reason == "hostPort, seLinuxOptions")
        #expect(
            verdict.detail
                == #"hostPort (containers "first", "second" use hostPorts 443, 80), "#
                + #"seLinuxOptions (pod and containers "second", "third" set forbidden securityContext."#
                + #"seLinuxOptions: types "a_t", "b_t"; user may not be set; role may not be set)"#)
    }

    @Test func anAnnotationIsQuotedTwice() throws {
        let pod = try pod(annotations: "{container.apparmor.security.beta.kubernetes.io/app: \"un\\tconfined\"}")
        #expect(
            evaluator.evaluate(pod, level: .baseline).detail
                == "forbidden AppArmor profile (annotation must not set AppArmor profile type to "
                + #""container.apparmor.security.beta.kubernetes.io/app="un\tconfined"")"#)
    }

    @Test func violationsPointAtWhatHasToBeSet() throws {
        let pod = try input("spec: {containers: [{name: app}]}")
        let fields = evaluator.evaluate(pod, level: .restricted).violations.flatMap(\.fields).map(\.path.description)
        #expect(
            fields == [
                "spec.containers[0].securityContext.allowPrivilegeEscalation",
                "spec.containers[0].securityContext.capabilities.drop",
                "spec.containers[0].securityContext.runAsNonRoot",
                "spec.containers[0].securityContext.seccompProfile.type",
            ])
    }

    @Test(arguments: [
        (#"{privileged: "true"}"#, "spec.containers[0].securityContext.privileged holds a string where"),
        ("{runAsUser: root}", "spec.containers[0].securityContext.runAsUser holds a string where"),
        ("[]", "spec.containers[0].securityContext holds a list where"),
        ("{capabilities: {drop: ALL}}", "spec.containers[0].securityContext.capabilities.drop holds a string where"),
        ("{seccompProfile: RuntimeDefault}", "spec.containers[0].securityContext.seccompProfile holds a string"),
    ])
    func aFieldOfTheWrongTypeIsNeverAPass(context: String, reason: String) throws {
        let pod = try input("spec: {containers: [{name: app, securityContext: \(context)}]}")
        let verdict = evaluator.evaluate(pod, level: .baseline)
        #expect(!verdict.allowed)
        #expect(!verdict.isObservable)
        #expect(verdict.problems.first?.reason.hasPrefix(reason) == true)
        #expect(evaluator.level(pod) == nil)
        #expect(evaluator.evaluate(pod, level: .privileged).allowed)
    }

    @Test func aWrongTypeIsNotObservableForTheChecksThatReadIt() throws {
        let pod = try input(#"spec: {containers: [{name: app, securityContext: {privileged: "true"}}]}"#)
        let outcomes = PodSecurityChecks.outcomes(of: pod)
        #expect(outcomes["pod/privileged"] == .notObservable)
        #expect(outcomes["pod/host-port"] == .pass)
        #expect(outcomes["pod/root-allowed"] == .fail)
    }

    @Test(arguments: [
        ("latest", "latest"), ("v1.0", "v1.0"), ("v1.30", "v1.30"), ("v1.99", "v1.99"),
        ("v1.030", nil), ("1.30", nil), ("v2.0", nil), ("v1.", nil), ("v1.x", nil), ("", nil), ("Latest", nil),
        ("v1.99999999999999999999", nil),
    ])
    func versionsAreReadAsTheServerReadsThem(text: String, expected: String?) {
        #expect(PolicyVersion(parsing: text)?.description == expected)
    }
}
