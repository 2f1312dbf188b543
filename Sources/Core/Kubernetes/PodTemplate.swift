package import Documents

/// Where kinds that run pods keep the pod's specification.
package struct PodTemplate: Sendable {
    /// How the template was found.
    package enum Discovery: Sendable, Hashable {
        /// A kind of Kubernetes itself.
        case builtIn
        /// A custom resource in the table of well-known ones.
        case wellKnown
        /// A custom resource that looks like one: it has containers where templates have them.
        case shape
    }

    /// The way to the object that has the pod's `metadata` and `spec`; empty for a Pod.
    package let path: FieldPath
    package let discovery: Discovery
    package let spec: PodSpec

    package init(path: FieldPath, discovery: Discovery, spec: PodSpec) {
        self.path = path
        self.discovery = discovery
        self.spec = spec
    }

    /// Path of the pod's specification.
    package var specPath: FieldPath { spec.node.path }
}

extension KubernetesObject {
    /// Every pod template in the object, in the order of the table or of the document.
    package var podTemplates: [PodTemplate] {
        if let entry = PodTemplatePaths.builtIn[PodTemplatePaths.Kind(apiVersion.group, kind)] {
            return templates(entry, .builtIn)
        }
        if let entry = PodTemplatePaths.wellKnown[PodTemplatePaths.Kind(apiVersion.group, kind)] {
            return templates(entry, .wellKnown)
        }
        // An API group of Kubernetes itself without an entry has no pods in it.
        guard apiVersion.group.contains("."), !apiVersion.group.hasSuffix(".k8s.io") || kind == "SandboxTemplate",
            kind != "CustomResourceDefinition"
        else { return [] }
        var found: [PodTemplate] = []
        searchShape(node["spec"], depth: 0, &found)
        return found
    }

    /// The operator that makes this object's pods from settings of its own; nil where the pods stand in the object.
    ///
    /// What such pods are allowed cannot be seen here, only in the cluster.
    package var podOperator: String? {
        PodTemplatePaths.operators[PodTemplatePaths.Kind(apiVersion.group, kind)]
    }

    /// The one template of built-in workload kinds.
    package var podTemplate: PodTemplate? { podTemplates.first }

    private func templates(_ paths: [FieldPath], _ discovery: PodTemplate.Discovery) -> [PodTemplate] {
        paths.flatMap { expand($0.elements[...], node) }.map { template in
            PodTemplate(
                path: template.path, discovery: discovery,
                spec: PodSpec(template["spec"], metadata: template["metadata"]))
        }.filter { $0.spec.node.isObject }
    }

    /// `[*]` in a path of the table stands for every element.
    private func expand(_ path: ArraySlice<FieldPath.Element>, _ node: Node) -> [Node] {
        guard let first = path.first else { return [node] }
        switch first {
        case .key("*"): return node.elements.flatMap { expand(path.dropFirst(), $0) }
        case .key(let key): return expand(path.dropFirst(), node[key])
        case .index(let index): return expand(path.dropFirst(), node[index])
        }
    }

    private func searchShape(_ node: Node, depth: Int, _ found: inout [PodTemplate]) {
        guard depth < 8 else { return }
        if looksLikePodSpec(node["spec"]) {
            found.append(
                PodTemplate(path: node.path, discovery: .shape, spec: PodSpec(node["spec"], metadata: node["metadata"]))
            )
            return
        }
        for member in node.members where member.value.isObject || member.value.isArray {
            searchShape(member.value, depth: depth + 1, &found)
        }
        for element in node.elements where element.isObject { searchShape(element, depth: depth + 1, &found) }
    }

    private func looksLikePodSpec(_ node: Node) -> Bool {
        let containers = node["containers"]
        guard containers.isArray else { return false }
        let first = containers[0]
        return first["name"].string != nil && first["image"].string != nil
    }
}

/// The table of paths.
enum PodTemplatePaths {
    struct Kind: Hashable {
        var group: String
        var kind: String
        init(_ group: String, _ kind: String) { (self.group, self.kind) = (group, kind) }
    }

    static let builtIn: [Kind: [FieldPath]] = [
        Kind("", "Pod"): [FieldPath()],
        Kind("", "PodTemplate"): ["template"],
        Kind("", "ReplicationController"): ["spec.template"],
        Kind("apps", "ReplicaSet"): ["spec.template"],
        Kind("apps", "Deployment"): ["spec.template"],
        Kind("apps", "StatefulSet"): ["spec.template"],
        Kind("apps", "DaemonSet"): ["spec.template"],
        // Served until v1.15; manifests of that age still lie about.
        Kind("extensions", "ReplicaSet"): ["spec.template"],
        Kind("extensions", "Deployment"): ["spec.template"],
        Kind("extensions", "DaemonSet"): ["spec.template"],
        Kind("batch", "Job"): ["spec.template"],
        Kind("batch", "CronJob"): ["spec.jobTemplate.spec.template"],
    ]

    /// Custom resources whose templates are pods. Sources: the definitions of each project.
    static let wellKnown: [Kind: [FieldPath]] = [
        Kind("argoproj.io", "Rollout"): ["spec.template"],
        Kind("argoproj.io", "AnalysisTemplate"): ["spec.metrics[*].provider.job.spec.template"],
        Kind("argoproj.io", "ClusterAnalysisTemplate"): ["spec.metrics[*].provider.job.spec.template"],
        Kind("serving.knative.dev", "Service"): ["spec.template"],
        Kind("serving.knative.dev", "Configuration"): ["spec.template"],
        Kind("serving.knative.dev", "Revision"): [FieldPath()],
        Kind("sources.knative.dev", "ContainerSource"): ["spec.template"],
        Kind("openshift.io", "DeploymentConfig"): ["spec.template"],
        Kind("apps.openshift.io", "DeploymentConfig"): ["spec.template"],
        Kind("apps.kruise.io", "CloneSet"): ["spec.template"],
        Kind("apps.kruise.io", "StatefulSet"): ["spec.template"],
        Kind("apps.kruise.io", "DaemonSet"): ["spec.template"],
        Kind("apps.kruise.io", "AdvancedCronJob"): ["spec.template.jobTemplate.spec.template"],
        Kind("apps.kruise.io", "BroadcastJob"): ["spec.template"],
        Kind("batch.volcano.sh", "Job"): ["spec.tasks[*].template"],
        Kind("batch.tutorial.kubebuilder.io", "CronJob"): ["spec.jobTemplate.spec.template"],
        Kind("jobset.x-k8s.io", "JobSet"): ["spec.replicatedJobs[*].template.spec.template"],
        Kind("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): [
            "spec.leaderWorkerTemplate.leaderTemplate", "spec.leaderWorkerTemplate.workerTemplate",
        ],
        Kind("keda.sh", "ScaledJob"): ["spec.jobTargetRef.template"],
        Kind("kubeflow.org", "Notebook"): ["spec.template"],
        Kind("kubeflow.org", "TFJob"): [
            "spec.tfReplicaSpecs.Chief.template", "spec.tfReplicaSpecs.Master.template",
            "spec.tfReplicaSpecs.PS.template",
            "spec.tfReplicaSpecs.Worker.template", "spec.tfReplicaSpecs.Evaluator.template",
        ],
        Kind("kubeflow.org", "PyTorchJob"): [
            "spec.pytorchReplicaSpecs.Master.template", "spec.pytorchReplicaSpecs.Worker.template",
        ],
        Kind("kubeflow.org", "MPIJob"): [
            "spec.mpiReplicaSpecs.Launcher.template", "spec.mpiReplicaSpecs.Worker.template",
        ],
        Kind("ray.io", "RayCluster"): [
            "spec.headGroupSpec.template", "spec.workerGroupSpecs[*].template",
        ],
        Kind("ray.io", "RayJob"): [
            "spec.rayClusterSpec.headGroupSpec.template", "spec.rayClusterSpec.workerGroupSpecs[*].template",
            "spec.submitterPodTemplate",
        ],
        Kind("agones.dev", "GameServer"): ["spec.template"],
        Kind("agones.dev", "Fleet"): ["spec.template.spec.template"],
        Kind("sparkoperator.k8s.io", "SparkApplication"): ["spec.driver.template", "spec.executor.template"],
        Kind("actions.github.com", "AutoscalingRunnerSet"): ["spec.template"],
        Kind("actions.github.com", "EphemeralRunner"): [FieldPath()],
        Kind("actions.summerwind.dev", "RunnerDeployment"): ["spec.template"],
    ]

    /// Custom resources whose pods are made by an operator, with no template that says what they will be. Sources: the
    /// definitions of each project.
    static let operators: [Kind: String] = [
        Kind("kubevirt.io", "VirtualMachine"): "KubeVirt",
        Kind("kubevirt.io", "VirtualMachineInstance"): "KubeVirt",
        Kind("kubevirt.io", "VirtualMachineInstanceReplicaSet"): "KubeVirt",
        Kind("kafka.strimzi.io", "Kafka"): "Strimzi",
        Kind("kafka.strimzi.io", "KafkaNodePool"): "Strimzi",
        Kind("kafka.strimzi.io", "KafkaConnect"): "Strimzi",
        Kind("kafka.strimzi.io", "KafkaBridge"): "Strimzi",
        Kind("kafka.strimzi.io", "KafkaMirrorMaker2"): "Strimzi",
        Kind("monitoring.coreos.com", "Prometheus"): "the Prometheus operator",
        Kind("monitoring.coreos.com", "PrometheusAgent"): "the Prometheus operator",
        Kind("monitoring.coreos.com", "Alertmanager"): "the Prometheus operator",
        Kind("monitoring.coreos.com", "ThanosRuler"): "the Prometheus operator",
        Kind("opentelemetry.io", "OpenTelemetryCollector"): "the OpenTelemetry operator",
        Kind("tekton.dev", "Task"): "Tekton",
        Kind("tekton.dev", "ClusterTask"): "Tekton",
        Kind("tekton.dev", "TaskRun"): "Tekton",
        Kind("tekton.dev", "PipelineRun"): "Tekton",
        Kind("elasticsearch.k8s.elastic.co", "Elasticsearch"): "the Elastic operator",
        Kind("kibana.k8s.elastic.co", "Kibana"): "the Elastic operator",
        Kind("postgresql.cnpg.io", "Cluster"): "CloudNativePG",
        Kind("acid.zalan.do", "postgresql"): "the Zalando Postgres operator",
        Kind("crdb.cockroachlabs.com", "CrdbCluster"): "the CockroachDB operator",
        Kind("rabbitmq.com", "RabbitmqCluster"): "the RabbitMQ operator",
    ]
}
