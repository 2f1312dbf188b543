extension Example {
    static let exposure: [Example] = [
        Example(
            "addresses", fails: "service/external-ips",
            """
            apiVersion: v1
            kind: Service
            metadata: {name: a}
            spec: {externalIPs: «[203.0.113.5]», ports: [{port: 80}]}
            """),
        Example(
            "none", passes: "service/external-ips",
            """
            apiVersion: v1
            kind: Service
            metadata: {name: a}
            spec: {externalIPs: [], ports: [{port: 80}]}
            """),
        Example(
            "the type", fails: "service/node-port",
            """
            apiVersion: v1
            kind: Service
            metadata: {name: a}
            spec: {type: «NodePort», ports: [{port: 80}]}
            """),
        Example(
            "of the cluster only", passes: "service/node-port",
            """
            apiVersion: v1
            kind: Service
            metadata: {name: a}
            spec: {ports: [{port: 80}]}
            """),
        Example(
            "no ranges, and a range that is everything", fails: "service/open-load-balancer",
            """
            apiVersion: v1
            kind: Service
            metadata: {name: a}
            spec: {type: «LoadBalancer», ports: [{port: 80}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: b}
            spec: {type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.0/8, «0.0.0.0/0»], ports: [{port: 80}]}
            """),
        Example(
            "ranges, an inner address, a private class", passes: "service/open-load-balancer",
            """
            apiVersion: v1
            kind: Service
            metadata: {name: a}
            spec: {type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.0/8], ports: [{port: 80}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: b, annotations: {networking.gke.io/load-balancer-type: Internal}}
            spec: {type: LoadBalancer, ports: [{port: 80}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: c}
            spec: {type: LoadBalancer, loadBalancerClass: tailscale, ports: [{port: 80}]}
            """),
        Example(
            "a port, a target, a name that tells", fails: "service/exposed-admin-port",
            """
            apiVersion: v1
            kind: Service
            metadata: {name: prometheus}
            spec: {type: NodePort, ports: [{port: «22»}, {port: 80, targetPort: «9200»}, {port: «9090»}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: b}
            spec: {externalIPs: [203.0.113.5], ports: [{port: «6379»}]}
            """),
        Example(
            "inside the cluster, or a port that others use too", passes: "service/exposed-admin-port",
            """
            apiVersion: v1
            kind: Service
            metadata: {name: a}
            spec: {ports: [{port: 22}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: shop}
            spec: {type: NodePort, ports: [{port: 80, targetPort: 9090}, {port: 8443}]}
            """),
        Example(
            "none at all", fails: "ingress/no-tls",
            """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: a}
            spec: «{rules: [{host: shop.example}]}»
            """),
        Example(
            "for another host", fails: "ingress/no-tls",
            """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: a}
            spec:
              tls: [{hosts: [shop.example, "*.api.example"], secretName: s}]
              rules: [{host: shop.example}, {host: v1.api.example}, {host: «a.v1.api.example»}]
            """),
        Example(
            "a certificate by Secret, by annotation, or a challenge's answer", passes: "ingress/no-tls",
            """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: a}
            spec: {tls: [{secretName: s}], rules: [{host: shop.example}]}
            ---
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: b, annotations: {alb.ingress.kubernetes.io/certificate-arn: "arn:x"}}
            spec: {rules: [{host: shop.example}]}
            ---
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: c, labels: {acme.cert-manager.io/http01-solver: "true"}}
            spec: {rules: [{host: shop.example}]}
            """),
        Example(
            "snippets", fails: "ingress/code-annotation",
            """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata:
              name: a
              annotations:
                nginx.ingress.kubernetes.io/server-snippet: «"deny all;"»
                nginx.org/location-snippets: «"deny all;"»
            spec: {tls: [{secretName: s}]}
            """),
        Example(
            "annotations made for the purpose", passes: "ingress/code-annotation",
            """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: a, annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}}
            spec: {tls: [{secretName: s}]}
            """),
        Example(
            "gone", fails: "api/removed-version",
            """
            apiVersion: «extensions/v1beta1»
            kind: Deployment
            metadata: {name: a}
            spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: []}}}
            ---
            apiVersion: «batch/v1beta1»
            kind: CronJob
            metadata: {name: b}
            """),
        Example(
            "still served", passes: "api/removed-version",
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: a}
            ---
            apiVersion: networking.k8s.io/v1beta1
            kind: ServiceCIDR
            metadata: {name: b}
            """),
        Example(
            "going away", fails: "api/deprecated-version",
            """
            apiVersion: «networking.k8s.io/v1beta1»
            kind: ServiceCIDR
            metadata: {name: b}
            ---
            apiVersion: «resource.k8s.io/v1beta2»
            kind: ResourceClaim
            metadata: {name: b}
            """),
        Example(
            "not yet in that version, or the kind of somebody else", passes: "api/deprecated-version",
            target: .init(minor: 33),
            """
            apiVersion: networking.k8s.io/v1beta1
            kind: ServiceCIDR
            metadata: {name: b}
            ---
            apiVersion: resource.example/v1beta2
            kind: ResourceClaim
            metadata: {name: b}
            """),
    ]
}
