import Documents
import Kubernetes
import PodSecurity
import Testing

@testable import Posture

/// Objects of a text.
func objects(_ yaml: String, _ name: String = "t.yaml") -> [KubernetesObject] {
    DocumentReader.read(SourceText(name: name, bytes: Array(yaml.utf8))).documents.flatMap {
        KubernetesObject.objects(in: $0).objects
    }
}

/// A pod, what is written to bring it to restricted, and what is left to decide.
struct PodFixExample: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var yaml: String
    var steps: [String]
    var decisions: [String]

    init(_ name: String, steps: [String] = [], decisions: [String] = [], _ yaml: String) {
        testDescription = name
        self.yaml = yaml
        self.steps = steps
        self.decisions = decisions
    }
}

@Suite struct FixTests {
    private static let clean = "allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}"

    @Test(arguments: [
        PodFixExample(
            "a bare container gets what restricted asks for, on the pod where one setting serves all",
            steps: [
                #"add spec.containers[0].securityContext.allowPrivilegeEscalation false"#,
                #"add spec.containers[1].securityContext.allowPrivilegeEscalation false"#,
                #"add spec.containers[0].securityContext.capabilities.drop ["ALL"]"#,
                #"add spec.containers[1].securityContext.capabilities.drop ["ALL"]"#,
                #"add spec.securityContext.runAsNonRoot true"#,
                #"add spec.securityContext.seccompProfile {"type":"RuntimeDefault"}"#,
            ], "spec: {containers: [{name: a}, {name: b}]}"),
        PodFixExample(
            "explicit wrong values are replaced",
            steps: [
                #"replace spec.containers[0].securityContext.allowPrivilegeEscalation false"#,
                #"replace spec.containers[0].securityContext.capabilities.drop ["ALL"]"#,
                #"replace spec.containers[0].securityContext.runAsNonRoot true"#,
            ],
            """
            spec:
              securityContext: {seccompProfile: {type: RuntimeDefault}, runAsNonRoot: true}
              containers:
              - name: a
                securityContext:
                  allowPrivilegeEscalation: true
                  runAsNonRoot: false
                  capabilities: {drop: [NET_RAW]}
            """),
        PodFixExample(
            "what an explicit false hides is found in the next round",
            steps: [
                "replace spec.containers[0].securityContext.runAsNonRoot true",
                "add spec.securityContext.runAsNonRoot true",
            ],
            """
            spec:
              securityContext: {seccompProfile: {type: RuntimeDefault}}
              containers:
              - {name: a, securityContext: {runAsNonRoot: false, \(clean)}}
              - {name: b, securityContext: {\(clean)}}
            """),
        PodFixExample(
            "no user is put in the place of 0",
            steps: ["add spec.containers[1].securityContext.runAsNonRoot true"],
            decisions: [
                "runAsUser spec.containers[0].securityContext.runAsUser"
            ],
            """
            spec:
              securityContext: {seccompProfile: {type: RuntimeDefault}}
              containers:
              - {name: a, securityContext: {runAsUser: 0, \(clean)}}
              - {name: b, securityContext: {\(clean)}}
            """),
        PodFixExample(
            "what was asked for on purpose is left to a person",
            decisions: [
                "hostNamespaces spec.hostNetwork",
                "hostPort spec.containers[0].ports[0].hostPort",
                "capabilitiesRestricted spec.containers[0].securityContext.capabilities.add[0]",
                "volumeTypes spec.volumes[0].hostPath",
            ],
            """
            spec:
              hostNetwork: true
              securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
              volumes: [{name: v, hostPath: {path: /}}]
              containers:
              - name: a
                ports: [{containerPort: 80, hostPort: 80}]
                securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL], add: [NET_ADMIN]}}
            """),
        PodFixExample(
            "a privileged container cannot be denied privilege escalation",
            decisions: [
                "privileged spec.containers[0].securityContext.privileged",
                "allowPrivilegeEscalation spec.containers[0].securityContext.allowPrivilegeEscalation",
            ],
            """
            spec:
              securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
              containers: [{name: a, securityContext: {privileged: true, capabilities: {drop: [ALL]}}}]
            """),
        PodFixExample(
            "what only root can use keeps its container from runAsNonRoot",
            steps: [
                "add spec.containers[1].securityContext.runAsNonRoot true",
                #"add spec.containers[0].securityContext.capabilities.drop ["ALL"]"#,
            ],
            decisions: [
                "capabilitiesRestricted spec.containers[0].securityContext.capabilities.add[0]",
                "runAsNonRoot spec.containers[0].securityContext.runAsNonRoot",
            ],
            """
            spec:
              securityContext: {seccompProfile: {type: RuntimeDefault}}
              containers:
              - {name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {add: [NET_ADMIN]}}}
              - {name: b, securityContext: {\(clean)}}
            """),
        PodFixExample(
            "a seccomp profile that was turned off is left to whoever did it",
            decisions: ["seccompRestricted spec.securityContext.seccompProfile.type"],
            """
            spec:
              securityContext: {runAsNonRoot: true, seccompProfile: {type: Unconfined}}
              containers: [{name: a, securityContext: {\(clean)}}]
            """),
        PodFixExample(
            "a pod for Windows nodes is named so, and then needs less",
            steps: [#"add spec.os.name "windows""#, "add spec.securityContext.runAsNonRoot true"],
            "spec: {nodeSelector: {kubernetes.io/os: windows}, containers: [{name: a}]}"),
        PodFixExample(
            "a debug container cannot be changed",
            decisions: [
                "allowPrivilegeEscalation spec.ephemeralContainers[0].securityContext.allowPrivilegeEscalation",
                "capabilitiesRestricted spec.ephemeralContainers[0].securityContext.capabilities.drop",
            ],
            """
            spec:
              securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
              containers: [{name: a, securityContext: {\(clean)}}]
              ephemeralContainers: [{name: debug}]
            """),
        PodFixExample(
            "a pod that is restricted already gets nothing",
            """
            spec:
              securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
              containers: [{name: a, securityContext: {\(clean)}}]
            """),
        PodFixExample(
            "a field of the wrong type has no fix",
            decisions: ["pod-security spec.containers[0].securityContext.privileged"],
            """
            spec:
              securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
              containers: [{name: a, securityContext: {privileged: "yes", \(clean)}}]
            """),
    ])
    func `A pod gets the smallest patch to restricted`(_ example: PodFixExample) throws {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n" + example.yaml
        let object = try #require(objects(text).first)
        let proposal = PodSecurityFixes().proposal(for: object)
        #expect(Set(proposal.steps.map { said($0.operation) }) == Set(example.steps))
        #expect(Set(proposal.decisions.map { "\($0.about) \($0.path)" }) == Set(example.decisions))
        guard example.decisions.isEmpty else { return }
        let patched = try #require(proposal.patch.applied(to: object.node))
        let template = try #require(object.with(patched).podTemplate)
        let verdict = PodSecurityEvaluator().evaluate(
            PodSecurityInput(template, of: object), level: .restricted)
        #expect(verdict.allowed, "\(verdict.detail)")
    }

    @Test func `A template loses the debug containers that no API server admits there`() throws {
        let text = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: d}
            spec:
              selector: {matchLabels: {a: b}}
              template:
                metadata: {labels: {a: b}}
                spec: {containers: [{name: a}], ephemeralContainers: [{name: debug}]}
            """
        let object = try #require(objects(text).first)
        let proposal = PodSecurityFixes().proposal(for: object)
        #expect(proposal.decisions.isEmpty)
        let fixed = try #require(proposal.patch.applied(to: object.node))
        #expect(fixed["spec"]["template"]["spec"]["ephemeralContainers"].isNull)
        let template = try #require(object.with(fixed).podTemplates.first)
        let verdict = PodSecurityEvaluator().evaluate(PodSecurityInput(template, of: object), level: .restricted)
        #expect(verdict.allowed, "\(verdict.detail)")
    }

    @Test func `What cannot be known of the user is said`() throws {
        let text = """
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec: {containers: [{name: a, securityContext: {runAsUser: 1000}}, {name: b}]}
            """
        let proposal = PodSecurityFixes().proposal(for: try #require(objects(text).first))
        let step = try #require(proposal.steps.first { $0.operation.path.last == .key("runAsNonRoot") })
        #expect(step.needsTrial)
        #expect(step.risk.contains(#""a" as user 1000 runs without root"#))
        #expect(step.risk.contains(#"the user of "b" is its image's"#))
    }

    @Test func `An older policy asks for less`() throws {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a}]}"
        let object = try #require(objects(text).first)
        let old = PodSecurityFixes(LevelVersion(.restricted, .minor(18))).proposal(for: object)
        #expect(!old.steps.contains { $0.operation.path.description.contains("seccomp") })
        let baseline = PodSecurityFixes(LevelVersion(.baseline)).proposal(for: object)
        #expect(baseline.steps.isEmpty && baseline.decisions.isEmpty)
    }

    @Test func `A template that merely looks like one is left alone`() throws {
        let text = """
            apiVersion: example.com/v1
            kind: Thing
            metadata: {name: t}
            spec: {inner: {spec: {containers: [{name: a, image: b}]}}}
            """
        let proposal = PodSecurityFixes().proposal(for: try #require(objects(text).first))
        #expect(proposal.steps.isEmpty)
        #expect(proposal.decisions.count == 1)
    }

    private func said(_ operation: PatchOperation) -> String {
        var writer = JSONWriter()
        writer.value(operation.value ?? .null)
        return "\(operation.kind.rawValue) \(operation.path) \(writer.string)"
    }
}
