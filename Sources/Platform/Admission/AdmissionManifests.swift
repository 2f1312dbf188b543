package import Documents
import Findings

/// What is put into a cluster to run the webhook there.
///
/// Nothing in it can keep the cluster from starting: the webhook never sees what Kubernetes needs, nor its own
/// namespace; it runs twice on different nodes; it gives up after two seconds; and while nobody answers, requests pass,
/// unless the user says otherwise.
package struct AdmissionManifests: Sendable {
    package static let configurationName = "martlet-admission"
    /// A label of namespaces that are left out, for whoever is locked out and may label.
    package static let excludeLabel = "martlet.dev/admission"

    package var namespace = "martlet"
    package var image: String
    package var replicas = 2
    /// Whether a request is refused while nobody answers. Only ever by explicit choice.
    package var failsClosed = false
    /// Whether the server is to make it so once it answers.
    package var waitsToFailClosed = false
    /// Whether tags are written as digests.
    package var mutates = false
    /// The admission policy, as YAML.
    package var policy: String
    /// Files beside the policy, by their place below its folder: custom policies, waivers, certificates.
    package var files: [(path: String, text: String)] = []
    /// Further resources that the server has to read: parameters of custom policies, policies of the network.
    package var reads: [(group: String, resource: String)] = []
    /// Further arguments of the server; ``folder`` is where the files lie.
    package var arguments: [String] = []
    /// Where the door knows images from; nil where its policy asks for nothing of theirs.
    package var images: Images?

    /// Where the policy and the files beside it lie in the server's container.
    package static let folder = "/etc/martlet"

    package struct Images: Sendable {
        /// A claim of a volume that holds `advisories.db`.
        package var databaseClaim: String
        /// A Secret of type `kubernetes.io/dockerconfigjson` with the registries' logins.
        package var pullSecret: String?

        package init(databaseClaim: String, pullSecret: String? = nil) {
            self.databaseClaim = databaseClaim
            self.pullSecret = pullSecret
        }
    }
    /// A server outside of the cluster in place of the service: `https://…`, with the bundle that it is trusted by.
    package var url: String?
    package var bundle: String?

    package init(image: String, policy: String) {
        self.image = image
        self.policy = policy
    }

    /// What is asked about, by group. Never `*`: what the webhook does not judge, it does not see.
    private static let rules: [(group: String, versions: [String], resources: [String])] = [
        (
            "", ["v1"],
            [
                "pods", "pods/ephemeralcontainers", "replicationcontrollers", "podtemplates", "services", "secrets",
                "configmaps", "namespaces", "serviceaccounts",
            ]
        ),
        ("apps", ["v1"], ["deployments", "statefulsets", "daemonsets", "replicasets"]),
        ("batch", ["v1"], ["jobs", "cronjobs"]),
        ("rbac.authorization.k8s.io", ["v1"], ["roles", "rolebindings", "clusterroles", "clusterrolebindings"]),
        ("networking.k8s.io", ["v1"], ["networkpolicies", "ingresses"]),
    ]

    /// Requests that are not even sent: what Kubernetes' own parts write, by rule.
    private static let conditions: [(name: String, expression: String)] = [
        ("not-the-api-server", "request.userInfo.username != 'system:apiserver'"),
        ("not-nodes", "!('system:nodes' in request.userInfo.groups)"),
        (
            "not-bootstrap-rights",
            "request.resource.group != 'rbac.authorization.k8s.io' || !has(object.metadata) || "
                + "!has(object.metadata.labels) || !('kubernetes.io/bootstrapping' in object.metadata.labels)"
        ),
        (
            "not-public-settings",
            "request.resource.resource != 'configmaps' || object.metadata.name != 'kube-root-ca.crt'"
        ),
    ]

    /// The configuration of the validating webhook, or of the mutating one.
    package func configuration(mutating: Bool = false) -> DocumentValue {
        var client: [DocumentValue.Member] = []
        if let url {
            client.append(.init("url", .string(url + (mutating ? "/mutate" : "/validate"))))
        } else {
            client.append(
                .init(
                    "service",
                    [
                        "namespace": .string(namespace), "name": "martlet-admission",
                        "path": .string(mutating ? "/mutate" : "/validate"), "port": 443,
                    ]))
        }
        if let bundle { client.append(.init("caBundle", .string(Base64.encoded(bundle.utf8)))) }
        let excluded = (AdmissionPolicy.Bootstrap.namespaces.sorted() + [namespace]).map(DocumentValue.string)
        let rules: [DocumentValue] = Self.rules.map { rule in
            [
                "apiGroups": [.string(rule.group)], "apiVersions": .array(rule.versions.map(DocumentValue.string)),
                "operations": ["CREATE", "UPDATE"], "resources": .array(rule.resources.map(DocumentValue.string)),
                "scope": "*",
            ]
        }
        let webhook: DocumentValue = [
            "name": .string(mutating ? "images.martlet.dev" : "admission.martlet.dev"),
            "admissionReviewVersions": ["v1"],
            "clientConfig": .object(client),
            "failurePolicy": .string(failsClosed && !mutating ? "Fail" : "Ignore"),
            "matchPolicy": "Equivalent",
            "namespaceSelector": [
                "matchExpressions": [
                    [
                        "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": .array(excluded),
                    ],
                    ["key": .string(Self.excludeLabel), "operator": "NotIn", "values": ["off"]],
                ]
            ],
            "matchConditions": .array(
                Self.conditions.map { ["name": .string($0.name), "expression": .string($0.expression)] }),
            "rules": .array(rules),
            "sideEffects": "NoneOnDryRun",
            "timeoutSeconds": 2,
        ]
        return [
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": .string(mutating ? "MutatingWebhookConfiguration" : "ValidatingWebhookConfiguration"),
            "metadata": [
                "name": .string(Self.configurationName), "labels": ["app.kubernetes.io/name": "martlet-admission"],
            ],
            "webhooks": [webhook],
        ]
    }

    /// Every object, in the order in which they are to be applied.
    package var objects: [DocumentValue] {
        let labels: DocumentValue = ["app.kubernetes.io/name": "martlet-admission"]
        func metadata(_ name: String, isNamespaced: Bool = true) -> DocumentValue {
            isNamespaced
                ? ["name": .string(name), "namespace": .string(namespace), "labels": labels]
                : ["name": .string(name), "labels": labels]
        }
        let name = "martlet-admission"
        guard url == nil else { return [configuration()] + (mutates ? [configuration(mutating: true)] : []) }
        let settings: [DocumentValue.Member] = settingsFiles.map { .init($0.key, .string($0.text)) }
        let read: [DocumentValue] =
            Set(reads.map(\.group)).sorted().map { group in
                Self.rule([group], reads.filter { $0.group == group }.map(\.resource).sorted())
            } + [
                Self.rule([""], ["namespaces", "serviceaccounts", "limitranges", "replicationcontrollers", "pods"]),
                Self.rule(["apps"], ["deployments", "replicasets", "statefulsets", "daemonsets"]),
                Self.rule(["batch"], ["jobs", "cronjobs"]),
                Self.rule(
                    ["rbac.authorization.k8s.io"], ["roles", "rolebindings", "clusterroles", "clusterrolebindings"]),
                [
                    "apiGroups": ["admissionregistration.k8s.io"],
                    "resources": ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
                    "resourceNames": [.string(Self.configurationName)], "verbs": ["get", "update"],
                ],
            ]
        return [
            [
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": [
                    "name": .string(namespace),
                    "labels": ["pod-security.kubernetes.io/enforce": "restricted"],
                ],
            ],
            ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(name)],
            [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                "metadata": metadata(name, isNamespaced: false), "rules": .array(read),
            ],
            [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                "metadata": metadata(name, isNamespaced: false),
                "roleRef": [
                    "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(name),
                ],
                "subjects": [["kind": "ServiceAccount", "name": .string(name), "namespace": .string(namespace)]],
            ],
            [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(name), "data": .object(settings),
            ],
            [
                "apiVersion": "v1", "kind": "Service", "metadata": metadata(name),
                "spec": ["selector": labels, "ports": [["name": "https", "port": 443, "targetPort": "https"]]],
            ],
            [
                "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata(name),
                "spec": ["minAvailable": 1, "selector": ["matchLabels": labels]],
            ],
            deployment(metadata(name), labels),
        ] + [configuration()] + (mutates ? [configuration(mutating: true)] : [])
    }

    /// What the ConfigMap holds. Its keys have no slashes, so that each file says where it is to lie.
    private var settingsFiles: [(key: String, path: String, text: String)] {
        [("policy.yaml", "policy.yaml", policy)]
            + files.enumerated().map { number, file in
                let name = file.path.split(separator: "/").last.map(String.init) ?? "file"
                let safe = String(
                    name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "_" })
                return ("\(number)-\(safe)", file.path, file.text)
            }
    }

    /// Another settings file is another pod: a server reads them once.
    private var fingerprint: String {
        var hash = FNV1a()
        for file in settingsFiles {
            hash.combine(file.path)
            hash.combine(file.text)
        }
        return hash.hex
    }

    private var volumes: (volumes: [DocumentValue], mounts: [DocumentValue], arguments: [String]) {
        let items = settingsFiles.map { file -> DocumentValue in ["key": .string(file.key), "path": .string(file.path)]
        }
        var volumes: [DocumentValue] = [
            ["name": "settings", "configMap": ["name": "martlet-admission", "items": .array(items)]]
        ]
        var mounts: [DocumentValue] = [["name": "settings", "mountPath": .string(Self.folder), "readOnly": true]]
        guard let images else { return (volumes, mounts, []) }
        var arguments = [
            "--image-store", "/var/lib/martlet/images.db", "--image-db", "/var/lib/martlet-db/advisories.db",
        ]
        volumes.append(["name": "images", "emptyDir": ["sizeLimit": "4Gi"]])
        mounts.append(["name": "images", "mountPath": "/var/lib/martlet"])
        volumes.append([
            "name": "advisories",
            "persistentVolumeClaim": ["claimName": .string(images.databaseClaim), "readOnly": true],
        ])
        mounts.append(["name": "advisories", "mountPath": "/var/lib/martlet-db", "readOnly": true])
        if let secret = images.pullSecret {
            arguments += ["--image-auth-file", "/etc/martlet-logins/config.json"]
            volumes.append([
                "name": "logins",
                "secret": [
                    "secretName": .string(secret),
                    "items": [["key": ".dockerconfigjson", "path": "config.json"]],
                ],
            ])
            mounts.append(["name": "logins", "mountPath": "/etc/martlet-logins", "readOnly": true])
        }
        return (volumes, mounts, arguments)
    }

    private static func rule(_ groups: [String], _ resources: [String]) -> DocumentValue {
        [
            "apiGroups": .array(groups.map(DocumentValue.string)),
            "resources": .array(resources.map(DocumentValue.string)), "verbs": ["get", "list", "watch"],
        ]
    }

    private func deployment(_ metadata: DocumentValue, _ labels: DocumentValue) -> DocumentValue {
        func probe(_ path: String) -> DocumentValue {
            ["httpGet": ["path": .string(path), "port": "https", "scheme": "HTTPS"], "periodSeconds": 5]
        }
        let (volumes, mounts, ownArguments) = volumes
        let names = ["martlet-admission.\(namespace).svc", "martlet-admission.\(namespace).svc.cluster.local"]
        let container: DocumentValue = [
            "name": "admission", "image": .string(image),
            "args": .array(
                ([
                    "admission", "serve", "--policy", "\(Self.folder)/policy.yaml", "--port", "8443", "--cluster",
                    "--own-namespace", namespace, "--register", Self.configurationName,
                ]
                    + (failsClosed || waitsToFailClosed ? ["--fail-closed"] : []) + names.flatMap { ["--name", $0] }
                    + ownArguments + arguments).map(DocumentValue.string)),
            // Layers that were read; the root file system is not written to.
            "env": [["name": "XDG_CACHE_HOME", "value": "/var/lib/martlet"]],
            "ports": [["name": "https", "containerPort": 8443]],
            "readinessProbe": probe("/readyz"), "livenessProbe": probe("/healthz"),
            "resources": [
                "requests": ["cpu": "50m", "memory": "64Mi"], "limits": ["memory": "512Mi"],
            ],
            "securityContext": [
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "capabilities": ["drop": ["ALL"]],
            ],
            "volumeMounts": .array(mounts),
        ]
        let apart: DocumentValue = [
            "podAntiAffinity": [
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    [
                        "weight": 100,
                        "podAffinityTerm": [
                            "topologyKey": "kubernetes.io/hostname", "labelSelector": ["matchLabels": labels],
                        ],
                    ]
                ]
            ]
        ]
        return [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
            "spec": [
                "replicas": .int(max(2, replicas)), "selector": ["matchLabels": labels],
                "strategy": ["type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": 0, "maxSurge": 1]],
                "template": [
                    "metadata": [
                        "labels": labels, "annotations": ["martlet.dev/settings": .string(fingerprint)],
                    ],
                    "spec": [
                        "serviceAccountName": "martlet-admission", "priorityClassName": "system-cluster-critical",
                        "terminationGracePeriodSeconds": 30, "affinity": apart,
                        "securityContext": [
                            "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": ["type": "RuntimeDefault"],
                        ],
                        "containers": [container],
                        "volumes": .array(volumes),
                    ],
                ],
            ],
        ]
    }

    /// All of them as one stream of documents.
    ///
    /// The marks stand before each: kubectl takes what begins with a brace for JSON, which knows no marks.
    package var text: String {
        objects.map { object in
            var writer = JSONWriter(compact: false)
            writer.value(object)
            return "---\n\(writer.string)\n"
        }.joined()
    }
}
