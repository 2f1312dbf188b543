package import Kubernetes

extension Inventory {
    /// What a person would change to change pods: objects that run pods and are not made by another one of the
    /// inventory whose template says all.
    ///
    /// CronJobs, workloads scaled to zero and templates without a live pod are among them.
    package var workloadKeys: [ObjectKey] { keys.filter(isWorkload) }

    package func isWorkload(_ key: ObjectKey) -> Bool {
        guard let object = self[key] else { return false }
        let templates = object.podTemplates
        guard !templates.isEmpty, !isMade(object) else { return false }
        // A custom resource that merely looks like a workload is silent where what it made is there.
        guard let uid = object.uid, templates.allSatisfy({ $0.discovery == .shape }) else { return true }
        return !keys(ownedBy: uid).contains { self[$0]?.podTemplates.isEmpty == false }
    }

    /// The live pods a workload made, itself not counted.
    package func pods(of object: KubernetesObject) -> [KubernetesObject] {
        guard !object.is("Pod"), let uid = object.uid else { return [] }
        var queue = [uid]
        var seen: Set<String> = [uid]
        var out: [ObjectKey] = []
        while let next = queue.popLast() {
            for key in keys(ownedBy: next) {
                guard let made = self[key] else { continue }
                if made.is("Pod") { out.append(key) }
                if let uid = made.uid, seen.insert(uid).inserted { queue.append(uid) }
            }
        }
        return out.sorted().compactMap { self[$0] }
    }

    private func isMade(_ object: KubernetesObject) -> Bool {
        var current = object
        for _ in 0..<16 {
            guard let controller = current.controller else { return false }
            let reference = ObjectReference(
                group: controller.apiVersion.group, kind: controller.kind, namespace: current.namespace,
                name: controller.name)
            guard let owner = key(uid: controller.uid).flatMap({ self[$0] }) ?? self[ObjectKey(reference)] else {
                return false
            }
            if owner.podTemplates.contains(where: { $0.discovery != .shape }) { return true }
            current = owner
        }
        return false
    }
}
