import Findings
import Testing

@testable import PodSecurity

/// The table of behaviour: for each rule what fails and what passes, plain cases first, odd ones last.
@Suite struct PodSecurityRuleTests {
    static let examples: [Example] =
        privileges + hostAccess + profiles + identities + storage

    static let privileges = [
        Example(
            "a privileged container", fails: "pod/privileged",
            """
            kind: Pod
            spec:
              containers:
              - name: app
                securityContext: {privileged: «true»}
              - name: quiet
                securityContext: {privileged: false}
            """),
        Example(
            "init and ephemeral containers count", fails: "pod/privileged",
            """
            kind: Pod
            spec:
              containers: [{name: app}]
              initContainers:
              - {name: setup, securityContext: {privileged: «true»}}
              ephemeralContainers:
              - {name: debug, securityContext: {privileged: «true»}}
            """),
        Example(
            "in a template three levels down", fails: "pod/privileged",
            """
            apiVersion: batch/v1
            kind: CronJob
            spec:
              jobTemplate:
                spec:
                  template:
                    spec:
                      containers: [{name: app, securityContext: {privileged: «yes»}}]
            """),
        Example(
            "nothing said", passes: "pod/privileged",
            "kind: Pod\nspec: {containers: [{name: app}]}"),
        Example(
            "escalation left open is allowed by default", fails: "pod/privilege-escalation",
            """
            kind: Pod
            spec:
              containers:
              - «name: app»
              - name: second
                securityContext: «{runAsNonRoot: true}»
              - name: third
                securityContext: {allowPrivilegeEscalation: «true»}
              - name: closed
                securityContext: {allowPrivilegeEscalation: false}
            """),
        Example(
            "Windows has no set-user-ID", passes: "pod/privilege-escalation",
            "kind: Pod\nspec: {os: {name: windows}, containers: [{name: app}]}"),
        Example(
            "a capability beyond the runtime's", fails: "pod/added-capabilities",
            """
            kind: Pod
            spec:
              containers:
              - name: app
                securityContext:
                  capabilities: {add: [CHOWN, «SYS_ADMIN», «net_bind_service»], drop: [ALL]}
            """),
        Example(
            "capabilities a runtime gives anyway", passes: "pod/added-capabilities",
            """
            kind: Pod
            spec:
              containers: [{name: app, securityContext: {capabilities: {add: [CHOWN, NET_BIND_SERVICE]}}}]
            """),
        Example(
            "not dropped, or dropped by halves, or taken back", fails: "pod/kept-capabilities",
            """
            kind: Pod
            spec:
              containers:
              - «name: silent»
              - name: half
                securityContext: {capabilities: {drop: «[NET_RAW]»}}
              - name: back
                securityContext: {capabilities: {drop: [ALL], add: [«KILL»]}}
            """),
        Example(
            "all dropped and one port opened", passes: "pod/kept-capabilities",
            """
            kind: Pod
            spec:
              containers: [{name: app, securityContext: {capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}}]
            """),
    ]

    static let hostAccess = [
        Example(
            "the network of the node", fails: "pod/host-network",
            "kind: Pod\nspec: {hostNetwork: «true», containers: [{name: app}]}"),
        Example(
            "a network of its own", passes: "pod/host-network",
            "kind: Pod\nspec: {hostNetwork: false, hostPID: true, containers: [{name: app}]}"),
        Example(
            "the processes of the node", fails: "pod/host-pid",
            "kind: Pod\nspec: {hostPID: «true», containers: [{name: app}]}"),
        Example(
            "processes of its own", passes: "pod/host-pid",
            "kind: Pod\nspec: {shareProcessNamespace: true, containers: [{name: app}]}"),
        Example(
            "the shared memory of the node", fails: "pod/host-ipc",
            "kind: Pod\nspec: {hostIPC: «true», containers: [{name: app}]}"),
        Example(
            "shared memory of its own", passes: "pod/host-ipc",
            "kind: Pod\nspec: {hostIPC: null, containers: [{name: app}]}"),
        Example(
            "a node port on an init container", fails: "pod/host-port",
            """
            kind: Pod
            spec:
              containers: [{name: app}]
              initContainers:
              - name: setup
                ports: [{containerPort: 80, hostPort: «80»}, {containerPort: 81}]
            """),
        Example(
            "ports of a pod on the node's network are ports of the node", fails: "pod/host-port",
            """
            kind: Pod
            spec:
              hostNetwork: true
              containers: [{name: app, ports: [{containerPort: «8080»}]}]
            """),
        Example(
            "a template's are not, until its pods are made", passes: "pod/host-port",
            """
            apiVersion: apps/v1
            kind: Deployment
            spec: {template: {spec: {hostNetwork: true, containers: [{name: app, ports: [{containerPort: 8080}]}]}}}
            """),
        Example(
            "zero means none", passes: "pod/host-port",
            "kind: Pod\nspec: {containers: [{name: app, ports: [{containerPort: 80, hostPort: 0}]}]}"),
        Example(
            "a probe that calls a host", fails: "pod/probe-host",
            """
            kind: Pod
            spec:
              containers:
              - name: app
                livenessProbe: {httpGet: {port: 80, host: «169.254.169.254»}}
                lifecycle: {preStop: {tcpSocket: {port: 80, host: «localhost»}}}
            """),
        Example(
            "probes that call the pod", passes: "pod/probe-host",
            """
            kind: Pod
            spec:
              containers:
              - {name: app, livenessProbe: {httpGet: {port: 80, host: ""}}, startupProbe: {exec: {command: [x]}}}
            """),
        Example(
            "a Windows pod as a process of its node", fails: "pod/host-process",
            """
            kind: Pod
            spec:
              os: {name: windows}
              hostNetwork: true
              securityContext: {windowsOptions: {hostProcess: «true»}}
              containers: [{name: app, securityContext: {windowsOptions: {hostProcess: «true»}}}]
            """),
        Example(
            "a Windows pod with a user name", passes: "pod/host-process",
            """
            kind: Pod
            spec:
              containers: [{name: app, securityContext: {windowsOptions: {runAsUserName: app}}}]
            """),
    ]

    static let profiles = [
        Example(
            "AppArmor turned off by field and by annotation", fails: "pod/unconfined-apparmor",
            """
            kind: Pod
            metadata:
              annotations: {container.apparmor.security.beta.kubernetes.io/old: «unconfined»}
            spec:
              securityContext: {appArmorProfile: {type: «Unconfined»}}
              containers: [{name: old}]
            """),
        Example(
            "AppArmor profiles of the runtime and of the node", passes: "pod/unconfined-apparmor",
            """
            kind: Pod
            metadata:
              annotations:
                container.apparmor.security.beta.kubernetes.io/old: localhost/mine
                container.apparmor.security.beta.kubernetes.io/empty: ""
            spec:
              containers: [{name: old, securityContext: {appArmorProfile: {type: RuntimeDefault}}}]
            """),
        Example(
            "seccomp turned off, and a profile without a type", fails: "pod/unconfined-seccomp",
            """
            kind: Pod
            spec:
              securityContext: {seccompProfile: {type: «Unconfined»}}
              containers:
              - name: app
                securityContext: {seccompProfile: «{}»}
            """),
        Example(
            "a missing profile is another matter", passes: "pod/unconfined-seccomp",
            "kind: Pod\nspec: {containers: [{name: app}]}"),
        Example(
            "no seccomp profile anywhere", fails: "pod/missing-seccomp",
            """
            kind: Pod
            spec:
              containers:
              - «name: app»
              - name: own
                securityContext: {seccompProfile: {type: Localhost, localhostProfile: a.json}}
            """),
        Example(
            "the pod's profile holds for its containers", passes: "pod/missing-seccomp",
            """
            kind: Pod
            spec: {securityContext: {seccompProfile: {type: RuntimeDefault}}, containers: [{name: app}]}
            """),
        Example(
            "an SELinux type and user of its own", fails: "pod/selinux-options",
            """
            kind: Pod
            spec:
              securityContext: {seLinuxOptions: {type: «spc_t», level: s0}}
              containers: [{name: app, securityContext: {seLinuxOptions: {type: container_t, user: «system_u»}}}]
            """),
        Example(
            "types made for containers", passes: "pod/selinux-options",
            """
            kind: Pod
            spec: {containers: [{name: app, securityContext: {seLinuxOptions: {type: container_engine_t, role: ""}}}]}
            """),
        Example(
            "/proc without masks", fails: "pod/unmasked-proc",
            "kind: Pod\nspec: {containers: [{name: app, securityContext: {procMount: «Unmasked»}}]}"),
        Example(
            "/proc as it comes", passes: "pod/unmasked-proc",
            "kind: Pod\nspec: {containers: [{name: app, securityContext: {procMount: Default}}]}"),
        Example(
            "a sysctl of the whole node", fails: "pod/unsafe-sysctl",
            """
            kind: Pod
            spec:
              securityContext:
                sysctls: [{name: «kernel.msgmax», value: "1"}, {name: net.ipv4.tcp_rmem, value: "1"}]
              containers: [{name: app}]
            """),
        Example(
            "a sysctl of the pod", passes: "pod/unsafe-sysctl",
            """
            kind: Pod
            spec:
              securityContext: {sysctls: [{name: net.ipv4.ip_local_port_range, value: 1 2}]}
              containers: [{name: app}]
            """),
    ]

    static let identities = [
        Example(
            "root is not ruled out", fails: "pod/root-allowed",
            """
            kind: Pod
            spec:
              containers:
              - «name: app»
              - {name: fine, securityContext: {runAsNonRoot: true}}
            """),
        Example(
            "a container that allows root against its pod", fails: "pod/root-allowed",
            """
            kind: Pod
            spec:
              securityContext: {runAsNonRoot: true}
              containers: [{name: app, securityContext: {runAsNonRoot: «false»}}, {name: other}]
            """),
        Example(
            "the pod rules it out", passes: "pod/root-allowed",
            "kind: Pod\nspec: {securityContext: {runAsNonRoot: true}, containers: [{name: app}]}"),
        Example(
            "root in a user namespace is nobody on the node", passes: "pod/root-allowed",
            "kind: Pod\nspec: {hostUsers: false, containers: [{name: app}]}"),
        Example(
            "user 0", fails: "pod/root-user",
            """
            kind: Pod
            spec:
              securityContext: {runAsUser: «0»}
              containers: [{name: app, securityContext: {runAsUser: «0»}}, {name: fine}]
            """),
        Example(
            "any other user", passes: "pod/root-user",
            "kind: Pod\nspec: {containers: [{name: app, securityContext: {runAsUser: 1000}}]}"),
    ]

    static let storage = [
        Example(
            "a directory of the node", fails: "pod/host-path",
            """
            kind: Pod
            spec:
              containers: [{name: app}]
              volumes: [{name: logs, hostPath: «{path: /var/log}»}, {name: scratch, emptyDir: {}}]
            """),
        Example(
            "a null source is none", passes: "pod/host-path",
            "kind: Pod\nspec: {containers: [{name: app}], volumes: [{name: logs, hostPath: null}]}"),
        Example(
            "storage named in the pod", fails: "pod/volume-type",
            """
            kind: Pod
            spec:
              containers: [{name: app}]
              volumes: [{name: data, nfs: «{server: a, path: /}»}, {name: logs, hostPath: {path: /}}]
            """),
        Example(
            "a volume without a source becomes an emptyDir", passes: "pod/volume-type",
            """
            kind: Pod
            spec:
              containers: [{name: app}]
              volumes: [{name: empty}, {name: odd, tmpfs: {}}, {name: secret, secret: {secretName: a}}]
            """),
    ]

    @Test(arguments: examples)
    func aRuleFindsWhatIsWrongAndNothingElse(_ example: Example) throws { try example.check() }

    @Test func everyRuleHasAFailingAndAPassingExample() {
        for check in PodSecurityChecks.all {
            #expect(Self.examples.contains { $0.rule == check.rule.id && $0.fails }, "\(check.rule.id) fails nowhere")
            #expect(Self.examples.contains { $0.rule == check.rule.id && !$0.fails }, "\(check.rule.id) never passes")
        }
    }

    @Test func rulesAreToldInWords() {
        let rules = PodSecurityChecks.all.map(\.rule)
        #expect(Set(rules.map(\.id)).count == rules.count)
        for rule in rules {
            #expect(rule.id.hasPrefix("pod/"))
            #expect(rule.id.dropFirst(4).allSatisfy { $0.isLowercase || $0 == "-" })
            #expect(!rule.title.hasSuffix("."))
            #expect(rule.why.hasSuffix("."))
            #expect(rule.remedy.hasSuffix("."))
            #expect(rule.references.contains { $0.source == .podSecurity }, "\(rule.id) names no level")
        }
    }

    @Test func theLevelsOfRulesAreThoseOfTheirChecks() {
        for rule in PodSecurityChecks.rules(upTo: .baseline) {
            #expect(rule.references.contains(.pss("baseline")), "\(rule.id)")
        }
        #expect(PodSecurityChecks.rules(upTo: .privileged).isEmpty)
        #expect(Set(PodSecurityChecks.rules(upTo: .restricted)) == Set(PodSecurityChecks.all.map(\.rule)))
    }
}
