extension Example {
    static let reliability: [Example] = [
        Example(
            "a Pod", fails: "workload/naked-pod",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: «a»}
            spec: {containers: [{name: app, image: app}]}
            """),
        Example(
            "a Pod that ends by itself, or has a controller", passes: "workload/naked-pod",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {restartPolicy: Never, containers: [{name: app, image: app}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: b, ownerReferences: [{kind: ReplicaSet, name: r, uid: u, controller: true}]}
            spec: {containers: [{name: app, image: app}]}
            """),
        Example(
            "missing", fails: "workload/no-liveness-probe",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {containers: [«{name: app, image: app, readinessProbe: {tcpSocket: {port: 1}}}»]}
            """),
        Example(
            "there, or of a Job", passes: "workload/no-liveness-probe",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {containers: [{name: app, image: app, livenessProbe: {tcpSocket: {port: 1}}}]}
            ---
            apiVersion: batch/v1
            kind: Job
            metadata: {name: a}
            spec: {template: {spec: {containers: [{name: app, image: app}]}}}
            """),
        Example(
            "missing", fails: "workload/no-readiness-probe",
            """
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: a}
            spec: {selector: {}, template: {spec: {containers: [«{name: app, image: app}»]}}}
            """),
        Example(
            "there, or of an init container", passes: "workload/no-readiness-probe",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              initContainers: [{name: setup, image: app}]
              containers: [{name: app, image: app, readinessProbe: {tcpSocket: {port: 1}}}]
            """),
        Example(
            "one by default", fails: "workload/single-replica",
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: a}
            spec: «{selector: {}, template: {spec: {containers: [{name: app, image: app}]}}}»
            """),
        Example(
            "two, none, or scaled", passes: "workload/single-replica",
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: a}
            spec: {selector: {}, replicas: 2, template: {spec: {containers: [{name: app, image: app}]}}}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: b}
            spec: {selector: {}, replicas: 0, template: {spec: {containers: [{name: app, image: app}]}}}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: c}
            spec: {selector: {}, template: {spec: {containers: [{name: app, image: app}]}}}
            ---
            apiVersion: autoscaling/v2
            kind: HorizontalPodAutoscaler
            metadata: {name: c}
            spec: {minReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: c}}
            """),
        Example(
            "another's budget", fails: "workload/no-disruption-budget",
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: a}
            spec: {selector: {}, replicas: «2», template: {metadata: {labels: {app: a}}, spec: {containers: [{name: app, image: app}]}}}
            ---
            apiVersion: policy/v1
            kind: PodDisruptionBudget
            metadata: {name: b}
            spec: {maxUnavailable: 1, selector: {matchLabels: {app: b}}}
            """),
        Example(
            "its own budget, or nothing to keep", passes: "workload/no-disruption-budget",
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: a}
            spec: {selector: {}, replicas: 2, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: app, image: app}]}}}
            ---
            apiVersion: policy/v1
            kind: PodDisruptionBudget
            metadata: {name: a}
            spec: {maxUnavailable: 1, selector: {matchLabels: {app: a}}}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: one}
            spec: {selector: {}, template: {spec: {containers: [{name: app, image: app}]}}}
            """),
        Example(
            "nothing", fails: "workload/no-spread",
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: a}
            spec: {selector: {}, replicas: 2, template: {spec: «{containers: [{name: app, image: app}]}»}}
            """),
        Example(
            "constraints, or anti-affinity", passes: "workload/no-spread",
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: a}
            spec:
              selector: {}
              replicas: 2
              template: {spec: {containers: [{name: app, image: app}], topologySpreadConstraints: [{topologyKey: zone}]}}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: b}
            spec:
              selector: {}
              replicas: 2
              template:
                spec:
                  containers: [{name: app, image: app}]
                  affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1}]}}
            """),
        Example(
            "by default", fails: "cronjob/overlapping-runs",
            """
            apiVersion: batch/v1
            kind: CronJob
            metadata: {name: a}
            spec: «{jobTemplate: {spec: {template: {spec: {containers: [{name: app, image: app}]}}}}}»
            """),
        Example(
            "forbidden", passes: "cronjob/overlapping-runs",
            """
            apiVersion: batch/v1
            kind: CronJob
            metadata: {name: a}
            spec: {concurrencyPolicy: Forbid, jobTemplate: {spec: {template: {spec: {containers: [{name: app, image: app}]}}}}}
            """),
        Example(
            "nothing kept", fails: "cronjob/no-failure-history",
            """
            apiVersion: batch/v1
            kind: CronJob
            metadata: {name: a}
            spec: {failedJobsHistoryLimit: «0», jobTemplate: {spec: {template: {spec: {containers: [{name: app, image: app}]}}}}}
            """),
        Example(
            "the default", passes: "cronjob/no-failure-history",
            """
            apiVersion: batch/v1
            kind: CronJob
            metadata: {name: a}
            spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: app, image: app}]}}}}}
            """),
        Example(
            "none may go", fails: "budget/blocks-drains",
            """
            apiVersion: policy/v1
            kind: PodDisruptionBudget
            metadata: {name: a}
            spec: {maxUnavailable: «0», selector: {matchLabels: {app: a}}}
            ---
            apiVersion: policy/v1
            kind: PodDisruptionBudget
            metadata: {name: b}
            spec: {minAvailable: «1», selector: {matchLabels: {app: b}}}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: b}
            spec: {selector: {}, template: {metadata: {labels: {app: b}}, spec: {containers: [{name: app, image: app}]}}}
            """),
        Example(
            "one may go", passes: "budget/blocks-drains",
            """
            apiVersion: policy/v1
            kind: PodDisruptionBudget
            metadata: {name: a}
            spec: {maxUnavailable: 1, selector: {matchLabels: {app: a}}}
            ---
            apiVersion: policy/v1
            kind: PodDisruptionBudget
            metadata: {name: b}
            spec: {minAvailable: 1, selector: {matchLabels: {app: b}}}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: b}
            spec: {selector: {}, replicas: 2, template: {metadata: {labels: {app: b}}, spec: {containers: [{name: app, image: app}]}}}
            """),
    ]
}
