import Admission
import Documents
import Findings
import Kubernetes
import PodSecurity

/// Reviews made from a seed.
enum Requests {
    static let today: CalendarDate = {
        guard let day = CalendarDate(year: 2026, month: 11, day: 23) else {
            preconditionFailure("November has 30 days")
        }
        return day
    }()

    static func objects(_ text: String) -> [KubernetesObject] {
        DocumentReader.read(SourceText(name: "", bytes: Array(text.utf8))).documents
            .flatMap { KubernetesObject.objects(in: $0).objects }
    }

    /// A pod as clusters have them: sidecar, probes, mounts, and one field in ten off the restricted level.
    static func pod(_ index: Int, image: String? = nil) -> String {
        let escalation = index % 10 == 0 ? "true" : "false"
        let containers = (0..<2).map { number in
            """
            {"name":"c\(number)","image":"\(image ?? "registry.example/shop/app-\(index % 50)@sha256:\(index)")",\
            "ports":[{"containerPort":8080}],"env":[{"name":"MODE","value":"live"},{"name":"ZONE","value":"a"}],\
            "resources":{"requests":{"cpu":"100m","memory":"64Mi"},"limits":{"memory":"128Mi"}},\
            "readinessProbe":{"httpGet":{"path":"/ready","port":8080},"periodSeconds":10},\
            "volumeMounts":[{"name":"data","mountPath":"/data"}],\
            "securityContext":{"allowPrivilegeEscalation":\(escalation),"runAsNonRoot":true,"capabilities":{"drop":["ALL"]},\
            "seccompProfile":{"type":"RuntimeDefault"}}}
            """
        }
        return """
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p-\(index)","namespace":"shop","labels":{"app":"a-\(index % 50)"}},\
            "spec":{"serviceAccountName":"app","automountServiceAccountToken":false,"containers":[\(containers.joined(separator: ","))],\
            "volumes":[{"name":"data","emptyDir":{}}]}}
            """
    }

    static func review(_ index: Int, image: String? = nil) -> [UInt8] {
        Array(
            """
            {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-\(index)","kind":{"group":"",\
            "version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"name":"p-\(index)",\
            "namespace":"shop","operation":"CREATE","userInfo":{"username":"alice","groups":["dev"]},\
            "object":\(pod(index, image: image)),"oldObject":null,"dryRun":false}}
            """.utf8)
    }

    static let namespace = objects(
        """
        {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: restricted}}}
        """)

    static var podSecurity: AdmissionPolicy {
        var policy = AdmissionPolicy(defaultMode: .off)
        policy.podSecurity = PodSecurityConfiguration()
        return policy
    }

    /// Policies as people write them: fields, lists, labels.
    static func policies(_ count: Int, ofDeployments: Bool = false) -> [KubernetesObject] {
        let group = ofDeployments ? "apps" : ""
        let resource = ofDeployments ? "deployments" : "pods"
        let expressions = [
            "object.spec.containers.all(c, has(c.resources) && has(c.resources.limits) && 'memory' in c.resources.limits)",
            "object.spec.containers.all(c, c.image.startsWith('registry.example/'))",
            "has(object.metadata.labels) && 'app' in object.metadata.labels",
            "!has(object.spec.hostNetwork) || object.spec.hostNetwork == false",
            "object.spec.containers.all(c, !has(c.env) || c.env.all(e, !e.name.matches('^(PASS|SECRET).*')))",
        ]
        func expression(_ index: Int) -> String {
            let text = expressions[index % expressions.count]
            guard ofDeployments else { return text }
            return text.replacing("object.spec", with: "object.spec.template.spec")
                .replacing("object.metadata", with: "object.spec.template.metadata")
        }
        return objects(
            (0..<count).map { index in
                """
                ---
                apiVersion: admissionregistration.k8s.io/v1
                kind: ValidatingAdmissionPolicy
                metadata: {name: policy-\(index)}
                spec:
                  matchConstraints:
                    resourceRules: [{apiGroups: ["\(group)"], apiVersions: [v1], operations: [CREATE], resources: [\(resource)]}]
                  validations:
                  - expression: "\(expression(index))"
                    message: rule \(index)

                """
            }.joined())
    }
}
