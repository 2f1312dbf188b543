import Documents
import Kubernetes

/// A cluster of 5,000 service accounts, 10,000 bindings and 1,300 roles in 50 namespaces, with up to 100,000 pods on
/// 1,000 nodes: what the figures of the rights engine are measured on. The same in every run.
enum AccessCluster {
    /// Roles and bindings, one a line.
    static func rights() -> [String] {
        var random = SplitMix(state: 3)
        var lines: [String] = []
        let version = "rbac.authorization.k8s.io/v1"
        let resources = [
            "pods", "secrets", "configmaps", "services", "deployments", "jobs", "pods/log", "pods/exec", "nodes",
            "events",
        ]
        let verbs = ["get", "list", "watch", "create", "update", "patch", "delete"]
        func rules(_ random: inout SplitMix) -> String {
            (0..<(1 + random.next(4))).map { _ in
                let resource = (0..<(1 + random.next(3))).map { _ in "\"\(resources[random.next(resources.count)])\"" }
                let verb = (0..<(1 + random.next(4))).map { _ in "\"\(verbs[random.next(verbs.count)])\"" }
                let group = ["", "apps", "batch"][random.next(3)]
                return """
                    {"apiGroups":["\(group)"],"resources":[\(resource.joined(separator: ","))],\
                    "verbs":[\(verb.joined(separator: ","))]}
                    """
            }.joined(separator: ",")
        }
        for number in 0..<300 {
            lines.append(
                """
                {"apiVersion":"\(version)","kind":"ClusterRole","metadata":{"name":"c\(number)","uid":"c\(number)"},\
                "rules":[\(rules(&random))]}
                """)
        }
        for number in 0..<1000 {
            lines.append(
                """
                {"apiVersion":"\(version)","kind":"Role","metadata":{"name":"r\(number)","namespace":\
                "ns\(number % 50)","uid":"r\(number)"},"rules":[\(rules(&random))]}
                """)
        }
        for number in 0..<10_000 {
            let account = random.next(5000)
            let subject = #"{"kind":"ServiceAccount","name":"a\#(account)","namespace":"ns\#(account % 50)"}"#
            if number % 20 == 0 {
                lines.append(
                    """
                    {"apiVersion":"\(version)","kind":"ClusterRoleBinding","metadata":{"name":"cb\(number)"},"roleRef":\
                    {"kind":"ClusterRole","name":"c\(random.next(300))"},"subjects":[\(subject)]}
                    """)
            } else {
                let place = random.next(50)
                let role =
                    number % 2 == 0
                    ? #""kind":"ClusterRole","name":"c\#(random.next(300))""#
                    : #""kind":"Role","name":"r\#(random.next(20) * 50 + place)""#
                lines.append(
                    """
                    {"apiVersion":"\(version)","kind":"RoleBinding","metadata":{"name":"b\(number)","namespace":\
                    "ns\(place)"},"roleRef":{\(role)},"subjects":[\(subject)]}
                    """)
            }
        }
        return lines
    }

    /// Pods as an API server lists them, nodes and namespaces, one a line: ten pods of a workload, each on a node of
    /// its own; one workload in fifty is privileged, one in a hundred shares the node's processes.
    static func pods(_ count: Int) -> [String] {
        var random = SplitMix(state: 4)
        var lines: [String] = []
        lines.reserveCapacity(count + 1100)
        for number in 0..<1000 {
            let label = number < 3 ? #""node-role.kubernetes.io/control-plane":"""# : ""
            lines.append(
                #"{"apiVersion":"v1","kind":"Node","metadata":{"name":"node-\#(number)","labels":{\#(label)}}}"#)
        }
        for number in 0..<50 {
            let level = number % 5 == 0 ? "baseline" : "privileged"
            lines.append(
                """
                {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"ns\(number)","labels":\
                {"pod-security.kubernetes.io/enforce":"\(level)"}}}
                """)
        }
        for number in 0..<count {
            let workload = number / 10
            let account = workload % 5000
            let security =
                workload % 50 == 7
                ? #"{"privileged":true}"# : #"{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}"#
            lines.append(
                """
                {"apiVersion":"v1","kind":"Pod","metadata":{"name":"app-\(workload)-\(number % 10)","namespace":\
                "ns\(account % 50)","uid":"pod-\(number)","labels":{"app":"app-\(workload)"},"ownerReferences":[{"apiVersion":\
                "apps/v1","kind":"StatefulSet","name":"app-\(workload)","uid":"set-\(workload)","controller":true}]},"spec":\
                {"nodeName":"node-\(random.next(1000))","serviceAccountName":"a\(account)",\
                "hostPID":\(workload % 100 == 3),"containers":[{"name":"app","image":"registry.example/app:1.\(workload % 9)",\
                "ports":[{"containerPort":8080}],"env":[{"name":"MODE","value":"serve"}],"resources":{"requests":{"cpu":"50m",\
                "memory":"64Mi"},"limits":{"memory":"128Mi"}},"securityContext":\(security),"volumeMounts":[{"name":"data",\
                "mountPath":"/data"}]}],"volumes":[{"name":"data","emptyDir":{}}]},"status":{"phase":"Running","podIP":\
                "10.0.\(number % 250).\(number / 250 % 250)"}}
                """)
        }
        return lines
    }

    static func objects(_ lines: [String]) -> [KubernetesObject] {
        let source = SourceText(name: "", bytes: Array(lines.joined(separator: "\n").utf8))
        return DocumentReader.read(source).documents.compactMap { KubernetesObject($0.root.asRoot) }
    }
}

/// A small generator of numbers that are the same in every run.
struct SplitMix {
    var state: UInt64

    mutating func next(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(bound))
    }
}
