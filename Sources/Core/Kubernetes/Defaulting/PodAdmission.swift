import Documents

/// What mutating admission plug-ins that are on by default write into a pod.
enum PodAdmission {
    static func mutate(_ pod: PodSpec, _ editor: inout DocumentEditor) {
        let spec = pod.node
        // Priority, in a cluster without a default class.
        if spec["priorityClassName"].isNull || spec["priorityClassName"].equals("") {
            if spec["priority"].isNull { editor.set(spec["priority"].path, 0) }
            if spec["preemptionPolicy"].isNull { editor.set(spec["preemptionPolicy"].path, "PreemptLowerPriority") }
        }
        // DefaultTolerationSeconds: five minutes on a node that does not answer.
        var count = spec["tolerations"].count
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
        where !spec["tolerations"].elements.contains(where: { tolerates($0, key) }) {
            editor.set(
                spec["tolerations"][count].path,
                ["key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300])
            count += 1
        }
    }

    private static func tolerates(_ toleration: Node, _ taint: String) -> Bool {
        let key = toleration["key"].string ?? ""
        let effect = toleration["effect"].string ?? ""
        return (key == taint || key.isEmpty) && (effect == "NoExecute" || effect.isEmpty)
    }
}
