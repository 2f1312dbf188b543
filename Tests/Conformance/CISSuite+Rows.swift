import CISBenchmark
import Documents
import Findings
import Kubernetes
import PodSecurity
import Posture

extension DisagreementQuestion {
    static let server: [DisagreementQuestion] = [
        .init(
            subject: "anonymous-auth flag absent",
            expectations: [expect("absent fails", server("1.2.1", base) == .fail)]),
        .init(
            subject: "anonymous access limited by AuthenticationConfiguration",
            expectations: [
                expect(
                    "health paths only is equivalent",
                    server(
                        "1.2.1", base + ["--authentication-config=/a.yaml"],
                        files: [
                            "a.yaml":
                                "{kind: AuthenticationConfiguration, apiVersion: apiserver.config.k8s.io/v1, anonymous: "
                                + "{enabled: true, conditions: [{path: /livez}]}}"
                        ]) == .passByEquivalence),
                expect(
                    "other paths fail",
                    server(
                        "1.2.1", base + ["--authentication-config=/a.yaml"],
                        files: [
                            "a.yaml":
                                "{kind: AuthenticationConfiguration, apiVersion: apiserver.config.k8s.io/v1, anonymous: "
                                + "{enabled: true, conditions: [{path: /api}]}}"
                        ]) == .fail),
            ]),
        .init(
            subject: "DenyServiceExternalIPs",
            expectations: [
                expect("absent fails", server("1.2.3", base) == .fail),
                expect(
                    "enabled passes",
                    server("1.2.3", base + ["--enable-admission-plugins=DenyServiceExternalIPs"]) == .pass),
                expect(
                    "disabled fails",
                    server("1.2.3", base + ["--disable-admission-plugins=DenyServiceExternalIPs"]) == .fail),
            ]),
        .init(
            subject: "EventRateLimit",
            expectations: [
                expect("other plugins fail", server("1.2.9", base) == .fail),
                expect(
                    "enabled passes", server("1.2.9", base + ["--enable-admission-plugins=EventRateLimit"]) == .pass),
            ]),
        .init(
            subject: "no --authorization-mode and no config",
            expectations: [expect("nothing fails", server("1.2.6", ["--client-ca-file=/c"]) == .fail)]),
        .init(
            subject: "--authorization-config file",
            expectations: ["1.2.6", "1.2.7", "1.2.8"].map { id in
                expect(
                    "\(id) is decided by the file",
                    server(
                        id, ["--authorization-config=/a.yaml"],
                        files: [
                            "a.yaml":
                                "{apiVersion: apiserver.config.k8s.io/v1, kind: AuthorizationConfiguration, authorizers: "
                                + "[{type: Node, name: n}, {type: RBAC, name: r}]}"
                        ]) == .pass)
            }),
        .init(
            subject: "ServiceAccount and NamespaceLifecycle plugins not named",
            expectations: ["1.2.12", "1.2.13"].map { expect("\($0) passes", server($0, base) == .pass) }),
        .init(
            subject: "audit-log-maxage/maxbackup absent",
            expectations: ["1.2.17", "1.2.18"].flatMap { id in
                [
                    expect("\(id) fails on 1.35", server(id, base, version: "1.35.0") == .fail),
                    expect("\(id) passes on 1.36", server(id, base, version: "1.36.0") == .pass),
                ]
            }),
        .init(
            subject: "value present and good",
            expectations: [
                expect("1.2.18", server("1.2.18", base + ["--audit-log-maxbackup=10"]) == .pass),
                expect("1.2.19", server("1.2.19", base + ["--audit-log-maxsize=100"])?.isPass == true),
                expect("1.2.20 is no failure", server("1.2.20", base + ["--request-timeout=60s"]) == .manual),
                expect(
                    "1.3.1", other("kube-controller-manager", "1.3.1", ["--terminated-pod-gc-threshold=100"]) == .pass),
            ]),
        .init(
            subject: "service-account-lookup absent",
            expectations: [expect("absent passes", server("1.2.21", base) == .pass)]),
        .init(
            subject: "EncryptionConfiguration with identity first",
            expectations: [
                expect(
                    "identity first fails",
                    server(
                        "1.2.28", base + ["--encryption-provider-config=/e.yaml"],
                        files: [
                            "e.yaml":
                                "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: "
                                + "[{resources: [secrets], providers: [{identity: {}}, {aescbc: {keys: [{name: a, "
                                + "secret: REDACTED}]}}]}]}"
                        ]) == .fail)
            ]),
        .init(
            subject: "--tls-cipher-suites absent",
            expectations: [
                expect("absent fails", server("1.2.29", base) == .fail),
                expect(
                    "ECDHE with GCM passes",
                    server("1.2.29", base + ["--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]) == .pass),
            ]),
        .init(
            subject: "CHACHA20_POLY1305 spelled with _SHA256",
            expectations: [
                expect(
                    "API server",
                    server("1.2.29", base + ["--tls-cipher-suites=TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"])
                        == .pass),
                expect(
                    "kubelet",
                    kubelet("4.2.12", [], config: "tlsCipherSuites: [TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256]")
                        == .pass),
            ]),
        .init(
            subject: "other feature gates given",
            expectations: [
                expect("1.3.6", other("kube-controller-manager", "1.3.6", ["--feature-gates=A=true"]) == .pass)
            ]),
        .init(
            subject: "--bind-address absent",
            expectations: [
                expect("1.3.7", other("kube-controller-manager", "1.3.7", []) == .fail),
                expect("1.4.2", other("kube-scheduler", "1.4.2", []) == .fail),
            ]),
        .init(
            subject: "API server wrapped",
            expectations: [
                expect(
                    "go-runner",
                    ConformanceSuite.report(
                        pod("x", ["/go-runner", "--log-file=/l", "/usr/local/bin/kube-apiserver", "--profiling=false"]))[
                            "1.2.15"]?.outcome == .pass),
                expect(
                    "a shell",
                    ConformanceSuite.report(
                        pod("x", ["/bin/sh", "-c", "exec kube-apiserver --profiling=false 1>>/var/log/a 2>&1"]))[
                            "1.2.15"]?
                        .outcome == .pass),
                expect(
                    "args",
                    ConformanceSuite.report(pod("x", ["kube-apiserver"], more: ", args: ['--profiling=false']"))[
                        "1.2.15"]?
                        .outcome == .pass),
            ]),
        .init(
            subject: "second container in the API server pod",
            expectations: [
                expect(
                    "the API server's container counts",
                    ConformanceSuite.report(
                        pod(
                            "kube-apiserver", ["kube-apiserver", "--profiling=false"],
                            sidecar: ", {name: kms, image: k, command: [/kms]}"))["1.2.15"]?.outcome == .pass)
            ]),
        .init(
            subject: "flag and value as two array items",
            expectations: [
                expect("1.2.7", server("1.2.7", ["--authorization-mode", "Node,RBAC"]) == .pass)
            ]),
        .init(
            subject: "--auto-tls=false",
            expectations: [
                expect("2.3", other("etcd", "2.3", ["--auto-tls=false"]) == .pass),
                expect("2.6", other("etcd", "2.6", ["--peer-auto-tls=false"]) == .pass),
            ]),
        .init(
            subject: "--client-cert-auth=false",
            expectations: [expect("2.2", other("etcd", "2.2", ["--client-cert-auth=false"]) == .fail)]),
        .init(
            subject: "etcd configured by environment",
            expectations: [
                expect(
                    "2.1",
                    other(
                        "etcd", "2.1", [],
                        more: ", env: [{name: ETCD_CERT_FILE, value: /a}, {name: ETCD_KEY_FILE, value: /b}]") == .pass)
            ]),
    ]

    static let node: [DisagreementQuestion] = [
        .init(
            subject: "client CA file mode 0644",
            expectations: [
                expect(
                    "0644 passes",
                    fileMode("4.1.7", "/etc/ca.crt", 0o644, arguments: ["--client-ca-file=/etc/ca.crt"]) == .pass)
            ]),
        .init(
            subject: "file mode comparison",
            expectations: [
                expect("0577 fails", fileMode("4.1.5", "/etc/kubernetes/kubelet.conf", 0o577) == .fail),
                expect("0400 passes", fileMode("4.1.5", "/etc/kubernetes/kubelet.conf", 0o400) == .pass),
            ]),
    ]

    static let kubelet: [DisagreementQuestion] = [
        .init(
            subject: "kubelet without config file and without flags",
            expectations: ["4.2.1", "4.2.2", "4.2.4"].map { expect("\($0) fails", kubelet($0, []) == .fail) }),
        .init(
            subject: "--read-only-port=0 by flag over a file that says 10255",
            expectations: [
                expect(
                    "the flag wins", kubelet("4.2.4", ["--read-only-port=0"], config: "readOnlyPort: 10255") == .pass)
            ]),
        .init(
            subject: "makeIPTablesUtilChains absent in the file",
            expectations: [expect("absent passes", kubelet("4.2.6", [], config: "readOnlyPort: 0") == .pass)]),
        .init(
            subject: "eventRecordQPS 0",
            expectations: [expect("a person judges", kubelet("4.2.8", [], config: "eventRecordQPS: 0") == .manual)]),
        .init(
            subject: "feature gate not named",
            expectations: [expect("on by default", kubelet("4.2.11", [], config: "readOnlyPort: 0") == .pass)]),
        .init(
            subject: "podPidsLimit -1, seccompDefault false",
            expectations: [
                expect("4.2.13", kubelet("4.2.13", [], config: "podPidsLimit: -1") == .fail),
                expect("4.2.14", kubelet("4.2.14", [], config: "seccompDefault: false") == .fail),
            ]),
        .init(
            subject: "kubelet drop-in directory",
            expectations: [
                expect(
                    "the last drop-in wins",
                    kubelet(
                        "4.2.4", [], config: "readOnlyPort: 0",
                        dropIns: ["10-a.conf": "readOnlyPort: 1", "90-b.conf": "readOnlyPort: 10255"]) == .fail),
                expect(
                    "any path", kubelet("4.2.13", [], config: "podPidsLimit: 5", path: "/opt/k/c.json") == .pass),
            ]),
    ]

    static let policies: [DisagreementQuestion] = [
        .init(
            subject: "audit policy with a catch-all Metadata rule",
            expectations: [
                expect(
                    "it covers all",
                    server(
                        "3.2.2", base + ["--audit-policy-file=/p.yaml"],
                        files: ["p.yaml": "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}"])
                        == .pass)
            ]),
        .init(
            subject: "bootstrap cluster-admin binding of system:masters",
            expectations: [
                expect(
                    "it is expected",
                    cluster(
                        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: "
                            + "cluster-admin}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "
                            + "cluster-admin}, subjects: [{kind: Group, name: 'system:masters'}]}")["5.1.1"]?.outcome
                        == .pass)
            ]),
        .init(
            subject: "roles that read secrets",
            expectations: ["get", "list", "watch"].map { verb in
                expect(
                    verb,
                    cluster(rbac("{apiGroups: [''], resources: [secrets], verbs: [\(verb)]}"))["5.1.2"]?.outcome
                        == .fail)
            } + [
                expect(
                    "a Role too",
                    cluster(rbac("{apiGroups: [''], resources: [secrets], verbs: [get]}", kind: "Role"))["5.1.2"]?
                        .outcome
                        == .fail)
            ]),
        .init(
            subject: "wildcards",
            expectations: [
                expect(
                    "apiGroups",
                    cluster(rbac("{apiGroups: ['*'], resources: [pods], verbs: [get]}"))["5.1.3"]?.outcome == .fail),
                expect(
                    "deployments/* is none",
                    cluster(rbac("{apiGroups: [apps], resources: ['deployments/*'], verbs: [get]}"))["5.1.3"]?.outcome
                        == .pass),
            ]),
        .init(
            subject: "create on workload kinds",
            expectations: [("apps", "daemonsets"), ("batch", "cronjobs"), ("", "pods")].map { group, resource in
                expect(
                    resource,
                    cluster(rbac("{apiGroups: ['\(group)'], resources: [\(resource)], verbs: [create]}"))["5.1.4"]?
                        .outcome
                        == .fail)
            }),
        .init(
            subject: "any mutating or validating webhook with namespaced scope",
            expectations: [
                expect(
                    "it proves nothing",
                    cluster(
                        namespace(nil)
                            + "\n---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, "
                            + "metadata: {name: w}, webhooks: [{name: w.x, rules: [{apiGroups: [''], apiVersions: [v1], "
                            + "operations: [CREATE], resources: [configmaps], scope: Namespaced}]}]}")["5.2.1"]?.outcome
                        == .fail)
            ]),
        .init(
            subject: "what is evaluated",
            expectations: ["5.2.2", "5.2.3", "5.2.4", "5.2.5", "5.2.10", "5.2.11", "5.2.12"].flatMap { id in
                [
                    expect("\(id) is admitted without a label", admits(id, level: nil) == .fail),
                    expect("\(id) is refused by baseline", admits(id, level: "baseline") == .pass),
                ]
            }
                + ["5.2.6", "5.2.7", "5.2.8", "5.2.9"].flatMap { id in
                    [
                        expect("\(id) is admitted by baseline", admits(id, level: "baseline") == .fail),
                        expect("\(id) is refused by restricted", admits(id, level: "restricted") == .pass),
                    ]
                }),
        .init(
            subject: "hostIPC: false written out",
            expectations: [expect("false is fine", !running("5.2.4", "hostIPC: false, containers: [{name: a}]"))]),
        .init(
            subject: "allowPrivilegeEscalation absent",
            expectations: [expect("absent fails", running("5.2.6", "containers: [{name: a}]"))]),
        .init(
            subject: "runAsUser 0 at pod level",
            expectations: [
                expect("root fails", running("5.2.7", "securityContext: {runAsUser: 0}, containers: [{name: a}]")),
                expect("nothing set fails", running("5.2.7", "containers: [{name: a}]")),
            ]),
        .init(
            subject: "NET_RAW added or not dropped",
            expectations: [
                expect("not dropped", running("5.2.8", "containers: [{name: a}]")),
                expect(
                    "added",
                    running(
                        "5.2.8",
                        "containers: [{name: a, securityContext: {capabilities: {drop: [ALL], add: [NET_RAW]}}}]")),
                expect(
                    "dropped is fine",
                    !running("5.2.8", "containers: [{name: a, securityContext: {capabilities: {drop: [NET_RAW]}}}]")),
            ]),
        .init(
            subject: "hostPort",
            expectations: [
                expect(
                    "a port fails",
                    running("5.2.12", "containers: [{name: a, ports: [{containerPort: 1, hostPort: 1}]}]")),
                expect(
                    "0 is none", !running("5.2.12", "containers: [{name: a, ports: [{containerPort: 1, hostPort: 0}]}]")
                ),
                expect(
                    "hostNetwork implies one in a pod",
                    cluster(
                        "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}, spec: {hostNetwork: true, "
                            + "containers: [{name: a, ports: [{containerPort: 1}]}]}}")["5.2.12"]?.running.isEmpty
                        == false),
            ]),
        .init(
            subject: "HostProcess at pod level",
            expectations: [
                expect(
                    "it fails",
                    running(
                        "5.2.10",
                        "securityContext: {windowsOptions: {hostProcess: true}}, hostNetwork: true, containers: [{name: a}]"
                    ))
            ]),
        .init(
            subject: "network policy per pod",
            expectations: [
                expect(
                    "a policy of another namespace does not count",
                    cluster(
                        namespace(nil)
                            + "\n---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: "
                            + "other}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}")["5.3.2"]?.outcome
                        == .fail),
                expect(
                    "an empty selector of its own does",
                    cluster(
                        namespace(nil)
                            + "\n---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: "
                            + "shop}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}")["5.3.2"]?.outcome
                        == .pass),
            ]),
        .init(
            subject: "secrets in environment",
            expectations: [
                "containers: [{name: a, env: [{name: P, valueFrom: {secretKeyRef: {name: s, key: k}}}]}]",
                "containers: [{name: a, envFrom: [{secretRef: {name: s}}]}]",
                "containers: [{name: a}], initContainers: [{name: b, envFrom: [{secretRef: {name: s}}]}]",
            ].map { spec in expect(spec, cluster(workload(spec))["5.4.1"]?.outcome == .fail) }),
        .init(
            subject: "seccomp Localhost",
            expectations: [
                expect(
                    "Localhost passes",
                    cluster(
                        workload(
                            "securityContext: {seccompProfile: {type: Localhost, localhostProfile: p}}, containers: [{name: a}]"
                        ))[
                            "5.6.2"]?.outcome == .pass),
                expect(
                    "Unconfined over RuntimeDefault fails",
                    cluster(
                        workload(
                            "securityContext: {seccompProfile: {type: RuntimeDefault}}, containers: [{name: a, "
                                + "securityContext: {seccompProfile: {type: Unconfined}}}]"))["5.6.2"]?.outcome == .fail
                ),
            ]),
        .init(
            subject: "manifest without namespace",
            expectations: [
                expect(
                    "unknown, not default",
                    ConformanceSuite.report(
                        objects(
                            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {spec: "
                                + "{containers: [{name: a}]}}}}"))["5.6.4"]?.outcome == .notObservable)
            ]),
        .init(
            subject: "Windows pods",
            expectations: [
                expect(
                    "Linux rules do not apply",
                    level(
                        "os: {name: windows}, securityContext: {runAsNonRoot: true}, containers: [{name: a, image: a}]")
                        == .restricted)
            ]),
        .init(
            subject: "hostUsers: false",
            expectations: [
                expect(
                    "runAsNonRoot is not asked",
                    level(
                        "hostUsers: false, securityContext: {seccompProfile: {type: RuntimeDefault}}, containers: [{name: a, "
                            + "image: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]"
                    )
                        == .restricted)
            ]),
        .init(
            subject: "kustomize patches and templates scored as workloads",
            expectations: [
                expect(
                    "a patch without an image is no workload of the API server's",
                    refused("containers: [{name: a}]"))
            ]),
        .init(
            subject: "level",
            expectations: [expect("2 in this version", CISCatalogue.current["5.2.9"]?.level == 2)]),
        .init(
            subject: "assessment",
            expectations: [expect("manual", CISCatalogue.current["4.3.1"]?.isAutomated == false)]),
    ]

    /// Whether the API server would refuse the pod as it stands.
    private static func refused(_ spec: String) -> Bool {
        guard
            let object = objects("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {\(spec)}}").first
        else { return false }
        return !PodValidation.errors(in: object).isEmpty
    }
}
