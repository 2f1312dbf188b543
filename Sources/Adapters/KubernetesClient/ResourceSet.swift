/// What a scan reads of a cluster, and why: the one table that the reader, the role it needs and the page of
/// permissions are made from.
package struct ResourceSet: Sendable {
    package struct Entry: Sendable, Hashable {
        package var group: String
        /// The plural, as roles name it.
        package var name: String
        package var isNamespaced: Bool
        package var form: ObjectForm
        /// What it is read for.
        package var reason: String
        /// Whether a server without it lacks something; custom resources come and go with their operators.
        package var isBuiltIn: Bool

        init(
            _ group: String, _ name: String, namespaced: Bool = true, form: ObjectForm = .full, builtIn: Bool = true,
            _ reason: String
        ) {
            self.group = group
            self.name = name
            isNamespaced = namespaced
            self.form = form
            isBuiltIn = builtIn
            self.reason = reason
        }
    }

    /// A single object or subresource that is fetched rather than listed.
    package struct Single: Sendable, Hashable {
        package var group: String
        /// `nodes/configz`, as roles name it.
        package var name: String
        /// The only names; empty for any.
        package var names: [String]
        package var reason: String
        /// The namespace where the reader fetches those names; nil for what others fetch.
        package var namespace: String?
    }

    package var entries: [Entry]
    package var singles: [Single] = []

    package init(_ entries: [Entry]) { self.entries = entries }

    /// Everything the checks look at, and nothing more.
    ///
    /// Not read, on purpose: Secrets (RBAC has no way to allow their metadata alone: who may list them may read their
    /// values) and ConfigMaps but a few by name; Events, Leases, Endpoints and EndpointSlices but the API server's own,
    /// metrics and reviews, which change all the time and configure nothing; revisions of workloads, which are not what
    /// runs.
    package static let standard: ResourceSet = {
        var set = ResourceSet(builtIn + customWorkloads + customNetwork + secretOperators)
        set.singles = [
            Single(
                group: "", name: "configmaps", names: ["amazon-vpc-cni", "cilium-config"],
                reason: "How the network plugin reads policies", namespace: "kube-system"),
            Single(
                group: "discovery.k8s.io", name: "endpointslices", names: ["kubernetes"],
                reason: "Where the API server answers, which policies have to allow", namespace: "default"),
        ]
        return set
    }()

    /// The names, labels and owners of Secrets; their values are never asked for.
    package static let secretMetadata = ResourceSet([
        Entry("", "secrets", form: .metadata, "Which Secrets exist and who owns them; the values are never asked for")
    ])

    /// Secrets with their values: read only where the user says so, with the user's own rights, to compare them.
    package static let secretValues = ResourceSet([
        Entry(
            "", "secrets", form: .values,
            "Whether one value stands in several places (martlet secrets dossier --compare-values)")
    ])

    /// ConfigMaps, whole.
    package static let configMaps = ResourceSet([Entry("", "configmaps", "Credentials written into ConfigMaps")])

    package static func + (a: Self, b: Self) -> Self {
        var sum = ResourceSet(a.entries + b.entries.filter { !a.entries.contains($0) })
        sum.singles = a.singles + b.singles.filter { !a.singles.contains($0) }
        return sum
    }

    /// What `martlet cis` fetches beside the lists: each kubelet's own settings, and kube-proxy's file.
    package static let cis: ResourceSet = {
        var set = ResourceSet([])
        set.singles = [
            Single(
                group: "", name: "nodes/configz", names: [],
                reason: "What each kubelet runs with, asked of the kubelet itself (martlet cis --kubelet direct)"),
            Single(
                group: "", name: "configmaps", names: ["kube-proxy"], reason: "The configuration file of kube-proxy"),
        ]
        return set
    }()

    /// The part that one namespace has.
    package var namespaced: Self { ResourceSet(entries.filter(\.isNamespaced)) }

    private static let builtIn: [Entry] = [
        Entry("", "namespaces", namespaced: false, "Pod Security labels, and the labels policies select by"),
        Entry("", "pods", "What runs: security contexts, volumes, images, host access"),
        Entry("", "podtemplates", "Pod templates kept for later"),
        Entry("", "replicationcontrollers", "Pod templates and the owners of pods"),
        Entry("", "serviceaccounts", "Which token a pod is given"),
        Entry("", "services", "What is reachable, and from outside"),
        Entry("", "limitranges", "Requests and limits a namespace gives to containers that name none"),
        Entry("", "nodes", namespaced: false, "Versions of kubelets, taints, owners of static pods"),
        Entry("apps", "deployments", "Pod templates and the owners of pods"),
        Entry("apps", "replicasets", "The way from pods to their Deployment"),
        Entry("apps", "statefulsets", "Pod templates and the owners of pods"),
        Entry("apps", "daemonsets", "Pod templates and the owners of pods"),
        Entry("autoscaling", "horizontalpodautoscalers", "How many replicas a workload really has"),
        Entry("batch", "jobs", "Pod templates and the owners of pods"),
        Entry("batch", "cronjobs", "Pod templates that have no pod at the moment"),
        Entry("networking.k8s.io", "networkpolicies", "Who may speak with whom"),
        Entry("networking.k8s.io", "ingresses", "What is reachable from outside, with or without TLS"),
        Entry("policy", "poddisruptionbudgets", "Which workloads survive the drain of a node"),
        Entry("rbac.authorization.k8s.io", "roles", "Who may do what in a namespace"),
        Entry("rbac.authorization.k8s.io", "rolebindings", "Who may do what in a namespace"),
        Entry("rbac.authorization.k8s.io", "clusterroles", namespaced: false, "Who may do what in the cluster"),
        Entry("rbac.authorization.k8s.io", "clusterrolebindings", namespaced: false, "Who may do what in the cluster"),
        Entry("scheduling.k8s.io", "priorityclasses", namespaced: false, "Which pods may push others off a node"),
        Entry(
            "admissionregistration.k8s.io", "mutatingadmissionpolicies", namespaced: false,
            "What is changed before it is stored"),
        Entry(
            "admissionregistration.k8s.io", "mutatingadmissionpolicybindings", namespaced: false,
            "Where those policies hold"),
        Entry(
            "admissionregistration.k8s.io", "mutatingwebhookconfigurations", namespaced: false,
            "What is changed before it is stored, and by whom"),
        Entry(
            "admissionregistration.k8s.io", "validatingadmissionpolicies", namespaced: false,
            "What the cluster already refuses"),
        Entry(
            "admissionregistration.k8s.io", "validatingadmissionpolicybindings", namespaced: false,
            "Where those policies hold"),
        Entry(
            "admissionregistration.k8s.io", "validatingwebhookconfigurations", namespaced: false,
            "What the cluster already refuses, and who decides"),
        Entry(
            "apiextensions.k8s.io", "customresourcedefinitions", namespaced: false, form: .metadata,
            "Which custom kinds there are; their schemas are not asked for"),
    ]

    /// Kinds of well-known operators that hold pod templates.
    private static let customWorkloads: [Entry] =
        [
            ("actions.github.com", ["autoscalingrunnersets", "ephemeralrunners"]),
            ("actions.summerwind.dev", ["runnerdeployments"]),
            ("agones.dev", ["fleets", "gameservers"]),
            ("apps.kruise.io", ["advancedcronjobs", "broadcastjobs", "clonesets", "daemonsets", "statefulsets"]),
            ("apps.openshift.io", ["deploymentconfigs"]),
            ("argoproj.io", ["analysistemplates", "rollouts"]),
            ("batch.volcano.sh", ["jobs"]),
            ("jobset.x-k8s.io", ["jobsets"]),
            ("keda.sh", ["scaledjobs", "scaledobjects"]),
            ("kubeflow.org", ["mpijobs", "notebooks", "pytorchjobs", "tfjobs"]),
            ("leaderworkerset.x-k8s.io", ["leaderworkersets"]),
            ("ray.io", ["rayclusters", "rayjobs"]),
            ("serving.knative.dev", ["services"]),
            ("sources.knative.dev", ["containersources"]),
            ("sparkoperator.k8s.io", ["sparkapplications"]),
        ].flatMap { group, names in
            names.map { Entry(group, $0, builtIn: false, "Pod templates inside custom resources") }
        } + [
            Entry(
                "argoproj.io", "clusteranalysistemplates", namespaced: false, builtIn: false,
                "Pod templates inside custom resources")
        ]

    /// What decides over traffic beside NetworkPolicy, and what leads it in from outside. Policies of kinds that are not
    /// understood are read too, so that what they may touch is known.
    private static let customNetwork: [Entry] =
        [
            ("cilium.io", ["ciliumnetworkpolicies", "ciliumlocalredirectpolicies"]),
            ("crd.antrea.io", ["networkpolicies"]), ("crd.projectcalico.org", ["networkpolicies", "networksets"]),
            (
                "gateway.networking.k8s.io",
                ["gateways", "grpcroutes", "httproutes", "tcproutes", "tlsroutes", "udproutes"]
            ),
            ("k8s.cni.cncf.io", ["multi-networkpolicies", "network-attachment-definitions"]),
            ("k8s.ovn.org", ["egressfirewalls", "userdefinednetworks"]),
            ("network.openshift.io", ["egressnetworkpolicies"]),
            ("networking.gke.io", ["fqdnnetworkpolicies"]), ("networking.k8s.aws", ["applicationnetworkpolicies"]),
            ("policy.linkerd.io", ["authorizationpolicies", "serverauthorizations"]),
            ("projectcalico.org", ["networkpolicies", "networksets"]), ("route.openshift.io", ["routes"]),
            ("security.istio.io", ["authorizationpolicies"]),
        ].flatMap { group, names in
            names.map {
                Entry(group, $0, builtIn: false, "Who may speak with whom, and what is reachable from outside")
            }
        }
        + [
            ("cilium.io", ["ciliumclusterwidenetworkpolicies", "ciliumcidrgroups"]),
            ("crd.antrea.io", ["clusternetworkpolicies"]),
            (
                "crd.projectcalico.org",
                [
                    "felixconfigurations", "globalnetworkpolicies", "globalnetworksets", "hostendpoints", "ippools",
                    "profiles", "tiers",
                ]
            ),
            ("k8s.ovn.org", ["clusteruserdefinednetworks"]), ("networking.k8s.aws", ["clusternetworkpolicies"]),
            (
                "policy.networking.k8s.io",
                ["adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"]
            ),
            (
                "projectcalico.org",
                [
                    "felixconfigurations", "globalnetworkpolicies", "globalnetworksets", "hostendpoints", "ippools",
                    "profiles", "tiers",
                ]
            ),
        ].flatMap { group, names in
            names.map {
                Entry(group, $0, namespaced: false, builtIn: false, "Who may speak with whom in the whole cluster")
            }
        }

    /// What fetches, makes and sends Secrets. Their objects hold no values, but for fake stores.
    private static let secretOperators: [Entry] =
        [
            ("bitnami.com", ["sealedsecrets"]),
            ("external-secrets.io", ["externalsecrets", "pushsecrets", "secretstores"]),
            ("secrets-store.csi.x-k8s.io", ["secretproviderclasses"]),
            (
                "secrets.hashicorp.com",
                ["vaultauths", "vaultconnections", "vaultdynamicsecrets", "vaultpkisecrets", "vaultstaticsecrets"]
            ),
        ].flatMap { group, names in
            names.map { Entry(group, $0, builtIn: false, "How Secrets are fetched, refreshed and sent elsewhere") }
        }
        + ["clusterexternalsecrets", "clusterpushsecrets", "clustersecretstores"].map {
            Entry(
                "external-secrets.io", $0, namespaced: false, builtIn: false,
                "How Secrets are fetched, refreshed and sent elsewhere")
        }
}
