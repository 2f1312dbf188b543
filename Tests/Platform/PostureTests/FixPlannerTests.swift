import Documents
import Findings
import Foundation
import Kubernetes
import PodSecurity
import Testing

@testable import Posture

@Suite struct FixPlannerTests {
    private static let deployment = """
        # The shop's front.
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: front   # one name
          namespace: shop
        spec:
          template:
            spec:
              containers:
              - name: web
                image: "nginx:1.27"
                # ports of the pod
                ports: [{containerPort: 80}]
              volumes: [] # none yet
        """ + "\n"

    @Test func `A fix says what it closes and opens nothing`() throws {
        let planner = FixPlanner(Inventory(objects(Self.deployment)))
        let fix = try #require(planner.fixes().first)
        #expect(
            Set(fix.closed.map(\.rule.id)) == [
                "pod/privilege-escalation", "pod/kept-capabilities", "pod/root-allowed", "pod/missing-seccomp",
            ])
        #expect(fix.opened.isEmpty)
        #expect(fix.unchanged.isEmpty)
        #expect(fix.refused.isEmpty)
    }

    @Test func `The patch is written into the file and nothing else changes`() throws {
        let planner = FixPlanner(Inventory(objects(Self.deployment)))
        let file = try #require(FixFiles.files(planner.fixes()).first)
        #expect(file.refused.isEmpty)
        #expect(
            String(decoding: file.diff, as: UTF8.self) == """
                --- a/t.yaml
                +++ b/t.yaml
                @@ -12,4 +12,13 @@
                         image: "nginx:1.27"
                         # ports of the pod
                         ports: [{containerPort: 80}]
                +        securityContext:
                +          allowPrivilegeEscalation: false
                +          capabilities:
                +            drop:
                +            - ALL
                       volumes: [] # none yet
                +      securityContext:
                +        runAsNonRoot: true
                +        seccompProfile:
                +          type: RuntimeDefault

                """)
        let again = FixPlanner(Inventory(objects(String(decoding: file.after, as: UTF8.self)))).fixes()
        #expect(again.isEmpty)
    }

    @Test func `A step that opens a finding is taken out, the others stay`() throws {
        // An evaluation that holds a seccomp profile for a wrong.
        let rule = Rule("test/no-seccomp-here", .low, title: "t", why: "w", remedy: "r")
        let strict = FixEvaluation.podSecurity.and(
            FixEvaluation { inventory, keys in
                keys.compactMap { inventory[$0] }.compactMap { object in
                    let node = object.node["spec"]["template"]["spec"]["securityContext"]["seccompProfile"]
                    guard node.exists else { return nil }
                    return Finding(
                        rule: rule, outcome: .fail, subject: object.reference, file: object.file,
                        evidence: [Evidence(node: node, message: "a profile is set")])
                }
            })
        let planner = FixPlanner(Inventory(objects(Self.deployment)), evaluation: strict)
        let fix = try #require(planner.fixes().first)
        #expect(fix.refused.map(\.reason) == ["it would open test/no-seccomp-here: a profile is set"])
        #expect(fix.opened.isEmpty)
        #expect(fix.steps.count == 3)
        #expect(fix.unchanged.map(\.rule.id) == ["pod/missing-seccomp"])
        #expect(!fix.closed.isEmpty)
    }

    @Test func `What an API server would refuse is not offered`() throws {
        let source = FixSource { object, _ in
            let path: FieldPath = "spec.template.spec.containers[0].securityContext"
            return FixProposal(steps: [
                FixStep(PatchOperation(.add, path.appending("privileged"), true), why: "a bad idea"),
                FixStep(PatchOperation(.add, path.appending("allowPrivilegeEscalation"), false), why: "good by itself"),
            ])
        }
        let nothing = FixEvaluation { _, _ in [] }
        let planner = FixPlanner(Inventory(objects(Self.deployment)), sources: [source], evaluation: nothing)
        let fix = try #require(planner.fixes().first)
        #expect(fix.steps.count == 1)
        #expect(fix.refused.count == 1)
        #expect(fix.refused.first?.reason.contains("an API server would refuse") == true)
    }

    @Test func `Only what is asked for is fixed`() throws {
        let planner = FixPlanner(Inventory(objects(Self.deployment)))
        let fix = try #require(planner.fixes { $0 == "pod/missing-seccomp" }.first)
        #expect(fix.steps.map(\.operation.path.description) == ["spec.template.spec.securityContext.seccompProfile"])
        #expect(fix.closed.map(\.rule.id) == ["pod/missing-seccomp"])
    }

    @Test func `Engines mend together in one patch`() throws {
        let text =
            Self.deployment.split(separator: "\n").map {
                $0 == "      volumes: [] # none yet" ? "      serviceAccountName: default" : $0
            }
            .joined(separator: "\n") + "\n"
        let fix = try #require(FixPlanner(engines: Inventory(objects(text))).fixes().first)
        #expect(fix.closed.map(\.rule.id).contains("pod/missing-seccomp"))
        #expect(fix.opened.isEmpty)
    }

    @Test func `A live workload gets a command, its pods are of its next rollout`() throws {
        let text = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: a, namespace: shop, uid: d1}
            spec: {template: {spec: {containers: [{name: c, image: x}]}}}
            ---
            apiVersion: apps/v1
            kind: ReplicaSet
            metadata: {name: a-1, namespace: shop, uid: r1, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: a, uid: d1, controller: true}]}
            spec: {template: {spec: {containers: [{name: c, image: x}]}}}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: a-1-x, namespace: shop, uid: p1, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: a-1, uid: r1, controller: true}]}
            spec: {containers: [{name: c, image: x}]}
            """
        let fixes = FixPlanner(Inventory(objects(text, ""))).fixes()
        #expect(fixes.map(\.object.reference.description) == ["Deployment shop/a"])
        let fix = try #require(fixes.first)
        #expect(fix.unchanged.isEmpty)
        let command = try #require(fix.kubectl(context: "prod"))
        #expect(
            command.hasPrefix(
                "kubectl patch deployment.v1.apps a --context prod -n shop --type=json -p '[{\"op\":\"add\""))
        #expect(FixFiles.files(fixes).isEmpty)
    }

    @Test func `Whoever would put the object back is named`() throws {
        let text = """
            apiVersion: v1
            kind: Pod
            metadata: {name: p, annotations: {meta.helm.sh/release-name: web, meta.helm.sh/release-namespace: shop}}
            spec: {containers: [{name: c, image: x}]}
            """
        let fix = try #require(FixPlanner(Inventory(objects(text))).fixes().first)
        #expect(
            fix.cautions.first
                == "change it in the values or the chart of Helm release shop/web; Helm would put the object back as it was"
        )
        #expect(fix.way != .patch)
    }

    @Test func `Rendered files are not written`() throws {
        let source = SourceText(name: "out.yaml", bytes: Array(Self.deployment.utf8), isRendered: true)
        let found = DocumentReader.read(source).documents.flatMap { KubernetesObject.objects(in: $0).objects }
        let file = try #require(FixFiles.files(FixPlanner(Inventory(found)).fixes()).first)
        #expect(!file.isChanged)
        #expect(file.refused.count == 1)
    }

    @Test func `Copies of an object in one file keep their own fixes`() throws {
        let list = """
            apiVersion: v1
            kind: List
            items:
            - apiVersion: v1
              kind: Pod
              metadata: {name: p}
              spec:
                containers:
                - name: a
            - {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a}]}}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec: {hostNetwork: true, containers: [{name: a}]}
            """
        let planner = FixPlanner(Inventory(objects(list)))
        let file = try #require(FixFiles.files(planner.fixes()).first)
        #expect(file.written.count == 3)
        let left = FixPlanner(Inventory(objects(String(decoding: file.after, as: UTF8.self)))).fixes()
        #expect(left.map { $0.steps.count } == [0])
        #expect(left.first?.decisions.map(\.about) == ["hostNamespaces"])
    }

    @Test func `Kustomize takes it as a strategic merge patch`() throws {
        let fix = try #require(FixPlanner(Inventory(objects(Self.deployment))).fixes().first)
        #expect(
            KustomizePatches.text([fix]) == """
                patches:
                - patch: |
                    apiVersion: apps/v1
                    kind: Deployment
                    metadata:
                      name: front
                      namespace: shop
                    spec:
                      template:
                        spec:
                          containers:
                          - name: web
                            securityContext:
                              allowPrivilegeEscalation: false
                              capabilities:
                                drop:
                                - ALL
                          securityContext:
                            runAsNonRoot: true
                            seccompProfile:
                              type: RuntimeDefault

                """)
        let json = KustomizePatches.text([fix], json: true)
        #expect(
            json.contains("  target:\n    group: apps\n    version: v1\n    kind: Deployment\n")
                || json.contains("target:"))
        #expect(objects("apiVersion: v1\nkind: K\n" + json).count == 1)
    }

    @Test func `Words on a command line are quoted`() {
        #expect(Shell.quoted("a-b.c") == "a-b.c")
        #expect(Shell.quoted("it's") == "'it'\\''s'")
        #expect(Shell.quoted("") == "''")
        #expect(Shell.quoted("$(rm)") == "'$(rm)'")
    }
}
