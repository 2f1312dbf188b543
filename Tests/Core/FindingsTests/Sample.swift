import Documents
import Findings
import Kubernetes

/// Hand-made reports with something of everything in them.
enum Sample {
    static let privileged = Rule(
        "pod/privileged", .critical,
        [.pss("baseline"), .cis("5.2.2"), .attack("T1611"), .cwe("250")],
        title: "A container runs privileged",
        why: "It has every capability and every device of the node: whoever breaks into it owns the node.",
        remedy: "Leave out `privileged`, and add the one capability or device that is needed.")
    static let hostPort = Rule(
        "pod/host-port", .high, [.pss("baseline"), .cis("5.2.13")],
        title: "A container asks for a port on the node itself",
        why: "The pod then answers on every address of the node, past any NetworkPolicy.",
        remedy: "Use a Service in front of the pod, and no `hostPort`.")
    static let runAsNonRoot = Rule(
        "pod/run-as-root", .medium, [.pss("restricted"), .cis("5.2.7")],
        title: "A container may run as root",
        why: "Root in a container is root on the node as soon as anything else gives way.",
        remedy: "Set `runAsNonRoot: true` and a `runAsUser` above 0.")
    static let memoryLimit = Rule(
        "container/memory-limit", .low, [.nsa("resource policies")], category: .hygiene,
        title: "A container has no memory limit",
        why: "One leaking container takes the memory of its neighbours.",
        remedy: "Set `resources.limits.memory`.")
    static let imageTag = Rule(
        "image/tag-latest", .medium, [.cis("5.5.1")],
        title: "An image is taken by a tag that moves",
        why: "What runs tomorrow is not what was tested today.",
        remedy: "Name the image by digest.")
    static let secretInConfig = Rule(
        "secret/unencrypted", .info, [.kubernetes("encryption at rest")],
        title: "A Secret holds a value that could be kept elsewhere",
        why: "Everybody who may read Secrets of the namespace reads it.",
        remedy: "Keep it in the secret manager and mount it.")

    static let rules = [privileged, hostPort, runAsNonRoot, memoryLimit, imageTag, secretInConfig]

    static let api = """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: api
          namespace: shop
          labels: {app: api, tier: backend}
        spec:
          template:
            spec:
              containers:
              - name: api
                image: registry.example/shop/api:latest
                securityContext:
                  privileged: true
                ports:
                - containerPort: 8080
                  hostPort: 8080
                - containerPort: 9090
                  hostPort: 9090
              - name: 商品画像
                image: registry.example/shop/images:latest
                env:
                - name: PASSWORD
                  value: hunter2-the-password

        """
    static let mailer = """
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: mailer, namespace: shop}
        spec:
          jobTemplate:
            spec:
              template:
                spec:
                  hostNetwork: true
                  containers:
                  - name: mailer
                    image: registry.example/shop/mailer@sha256:0f1e2d3c
        """
    static let secret = """
        apiVersion: v1
        kind: Secret
        metadata: {name: payment-key, namespace: shop}
        stringData: {key: hunter2-the-password}
        """

    static func object(_ text: String, file: String) -> Node {
        DocumentReader.read(SourceText(name: file, bytes: Array(text.utf8))).documents[0].root.asRoot
    }

    static func reference(_ group: String, _ kind: String, _ namespace: String, _ name: String) -> ObjectReference {
        ObjectReference(group: group, kind: kind, namespace: namespace, name: name)
    }

    /// A folder of manifests.
    static func files() -> Report {
        let api = object(Self.api, file: "shop/deploy/api.yaml")
        let mailer = object(Self.mailer, file: "shop/jobs/mailer.yaml")
        let secret = object(Self.secret, file: "shop/secret.yaml")
        let containers = api["spec"]["template"]["spec"]["containers"]
        let deployment = reference("apps", "Deployment", "shop", "api")
        let cronJob = reference("batch", "CronJob", "shop", "mailer")
        let pod = mailer["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        var report = Report(
            target: "Examples/shop", isCluster: false, generatedAt: "2026-11-23T05:10:45Z", version: "0.1.0")
        report.rules = rules
        func add(
            _ rule: Rule, _ outcome: Outcome, _ subject: ObjectReference, _ file: String, _ evidence: [Evidence],
            severity: Severity? = nil, waiver: Waiver? = nil
        ) {
            var finding = Finding(
                rule: rule, severity: severity, outcome: outcome, subject: subject, file: file, evidence: evidence)
            finding.waiver = waiver
            report.findings.append(finding)
        }
        add(
            privileged, .fail, deployment, "shop/deploy/api.yaml",
            [
                Evidence(
                    node: containers[0]["securityContext"]["privileged"], message: "container \"api\" runs privileged")
            ])
        add(
            hostPort, .fail, deployment, "shop/deploy/api.yaml",
            (0..<2).map {
                Evidence(
                    node: containers[0]["ports"][$0]["hostPort"],
                    message: "container \"api\" opens a port on the node")
            })
        add(
            imageTag, .fail, deployment, "shop/deploy/api.yaml",
            [
                Evidence(
                    node: containers[0]["image"],
                    message: "container \"api\" takes \"registry.example/shop/api:latest\" by a tag that moves"),
                Evidence(
                    node: containers[1]["image"],
                    message: "container \"商品画像\" takes \"registry.example/shop/images:latest\" by a tag that moves"),
            ])
        add(
            memoryLimit, .fail, deployment, "shop/deploy/api.yaml",
            (0..<2).map {
                Evidence(
                    node: containers[$0]["resources"]["limits"]["memory"],
                    message: "container \"\($0 == 0 ? "api" : "商品画像")\" has no memory limit")
            })
        add(
            secretInConfig, .fail, deployment, "shop/deploy/api.yaml",
            [Evidence(node: containers[1]["env"][0]["value"], message: "variable \"PASSWORD\" holds a password")],
            severity: .high)
        add(
            runAsNonRoot, .notObservable, deployment, "shop/deploy/api.yaml",
            [
                Evidence(
                    node: containers[0]["securityContext"]["runAsNonRoot"],
                    message: "whether the image runs as root is known only to the image")
            ])
        add(
            runAsNonRoot, .fail, cronJob, "shop/jobs/mailer.yaml",
            [
                Evidence(
                    node: pod["containers"][0]["securityContext"]["runAsNonRoot"],
                    message: "container \"mailer\" may run as root", provenance: "default of Kubernetes v1.36")
            ])
        add(
            hostPort, .waived, cronJob, "shop/jobs/mailer.yaml",
            [Evidence(node: pod["hostNetwork"], message: "the pod uses the node's network")],
            waiver: Waiver(
                owner: "mail team", reason: "the relay knows only node addresses", approver: "security board",
                expires: "2027-03-31", scope: Waiver.Scope(check: "pod/host-port", namespace: "shop"),
                place: "waivers.yaml:3:3"))
        add(
            secretInConfig, .fail, reference("", "Secret", "shop", "payment-key"), "shop/secret.yaml",
            [Evidence(node: secret["stringData"]["key"], message: "key \"key\" is written in a file")])
        report.findings[4].origin = nil
        report.problems = [
            Problem(
                .invalid, code: "syntax", "expected a key, found end of file; the document is cut off",
                location: SourceLocation(file: "shop/broken.yaml", line: 12, column: 1)),
            Problem(
                .unsupported, code: "helmTemplate",
                "a Helm template; render the chart first, or scan the chart's folder",
                location: SourceLocation(file: "shop/chart/templates/web.yaml", line: 4, column: 9)),
        ]
        report.waiverNotes = ["waivers.yaml:9:3: waiver of pod/host-pid by data team expired on 2026-10-01"]
        report.coverage.files = 5
        report.coverage.objects = 9
        report.coverage.workloads = 4
        report.coverage.passed = 131
        report.coverage.failed = 7
        report.coverage.waived = 1
        report.coverage.notApplicable = 12
        report.coverage.notObservable = 1
        return report
    }

    /// A live cluster, with what Kubernetes itself brings.
    static func cluster() -> Report {
        var report = Report(
            target: "production", isCluster: true, generatedAt: "2026-11-23T05:10:45Z", version: "0.1.0")
        report.rules = rules
        for number in 0..<14 {
            let namespace = ["shop", "billing", "search"][number % 3]
            let name = "worker-\(number)"
            let pod = object(
                "{apiVersion: v1, kind: Pod, metadata: {name: \(name)-x1, namespace: \(namespace)}, spec: "
                    + "{containers: [{name: main, ports: [{hostPort: \(8000 + number)}]}]}}", file: "")
            let subject = reference("apps", "Deployment", namespace, name)
            var finding = Finding(
                rule: hostPort, outcome: .fail, subject: subject,
                evidence: [
                    Evidence(
                        node: pod["spec"]["containers"][0]["ports"][0]["hostPort"],
                        message: "container \"main\" opens a port on the node",
                        object: reference("", "Pod", namespace, "\(name)-x1"))
                ], cluster: "production")
            if number == 0 {
                let helm = object(
                    "{apiVersion: v1, kind: A, metadata: {annotations: {meta.helm.sh/release-name: shop, "
                        + "meta.helm.sh/release-namespace: shop}}}", file: "")
                finding.origin = KubernetesObject(helm).flatMap { ObjectOrigin($0) }
            }
            report.findings.append(finding)
        }
        let proxy = object(
            "{apiVersion: apps/v1, kind: DaemonSet, spec: {template: {spec: {containers: [{name: kube-proxy, "
                + "securityContext: {privileged: true}}]}}}}", file: "")
        let container = proxy["spec"]["template"]["spec"]["containers"][0]
        for (rule, node) in [
            (privileged, container["securityContext"]["privileged"]),
            (memoryLimit, container["resources"]["limits"]["memory"]),
        ] {
            report.findings.append(
                Finding(
                    rule: rule, outcome: .fail, subject: reference("apps", "DaemonSet", "kube-system", "kube-proxy"),
                    evidence: [Evidence(node: node, message: "container \"kube-proxy\": \(rule.title)")],
                    cluster: "production", isSystem: true))
        }
        report.problems = [
            Problem(
                .forbidden, code: "forbidden",
                "list networkpolicies.networking.k8s.io: not allowed; grant it with the ClusterRole of martlet permissions"
            )
        ]
        report.coverage.objects = 412
        report.coverage.workloads = 61
        report.coverage.passed = 1802
        report.coverage.failed = 16
        report.coverage.notObservable = 40
        return report
    }

    static func empty() -> Report {
        Report(target: "empty", isCluster: false, generatedAt: "2026-11-23T05:10:45Z", version: "0.1.0")
    }
}
