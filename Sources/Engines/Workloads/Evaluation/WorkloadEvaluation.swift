import Documents
package import Findings
package import Kubernetes

/// What the checks say of one owner: its findings, and how many checks passed.
package struct OwnerResult: Sendable {
    /// Which owner: its reference, and its file where it is not of a cluster.
    package struct Identity: Sendable, Hashable, Comparable {
        package var reference: ObjectReference
        package var file: String

        package init(_ reference: ObjectReference, file: String) {
            self.reference = reference
            self.file = file
        }

        package static func < (a: Self, b: Self) -> Bool { (a.reference, a.file) < (b.reference, b.file) }
    }

    package var owner: Identity
    /// Fails, and what was not observable.
    package var findings: [Finding]
    /// Evaluations by result; `workloads` is 1 for an owner that runs pods.
    package var coverage: Coverage
}

/// Runs the checks over an inventory.
///
/// A finding belongs to the topmost controller: pods, ReplicaSets and Jobs fold into it. The template of the highest
/// controller that has one is evaluated; a live pod adds evidence only where it differs from that template, by a
/// sidecar that was injected, say.
package struct WorkloadEvaluation: Sendable {
    package let context: WorkloadContext
    private var inventory: Inventory { context.inventory }
    private let workloadChecks: [Check<WorkloadSubject>]

    package init(_ context: WorkloadContext) {
        self.context = context
        let includesReliability = context.options.includesReliability
        workloadChecks = WorkloadChecks.workloads.filter {
            includesReliability || $0.rule.category != .reliability
        }
    }

    package init(_ inventory: Inventory, options: WorkloadOptions = WorkloadOptions()) {
        self.init(WorkloadContext(inventory, options: options))
    }

    // MARK: Everything

    /// Every owner of the inventory, in order.
    package func owners() -> [OwnerResult] { evaluate(inventory.keys) }

    /// Every finding in the order of outputs, and the sum of the coverage.
    package func results() -> (findings: [Finding], coverage: Coverage) {
        var findings: [Finding] = []
        var coverage = Coverage()
        for result in owners() {
            findings += result.findings
            coverage.add(result.coverage)
        }
        findings.sort(by: Finding.areInOrder)
        return (findings, coverage)
    }

    // MARK: What changed

    /// The owners that objects belong to, evaluated again: what `Inventory.apply` says was touched.
    ///
    /// Replaces all earlier results of these owners. An object that is gone gives a result without findings.
    package func owners(of touched: some Sequence<ObjectKey>) -> [OwnerResult] {
        var keys: Set<ObjectKey> = []
        var gone: Set<OwnerResult.Identity> = []
        for key in touched {
            guard let object = inventory[key] else {
                gone.insert(OwnerResult.Identity(key.reference, file: ""))
                continue
            }
            for member in family(of: object, key) { keys.insert(member) }
        }
        let results = evaluate(keys.sorted())
        let seen = Set(results.map(\.owner))
        let empty = gone.subtracting(seen).map { OwnerResult(owner: $0, findings: [], coverage: Coverage()) }
        return (results + empty).sorted { $0.owner < $1.owner }
    }

    /// One object alone, as admission sees it: nothing folds into it.
    package func findings(on object: KubernetesObject) -> [Finding] {
        var collector = Collector(OwnerResult.Identity(object.reference, file: object.file), context)
        evaluate(object, templates: object.podTemplates, into: &collector)
        return collector.result(origin: inventory.origin(of: object)).findings
    }

    /// The topmost controller of an object and all that it controls.
    private func family(of object: KubernetesObject, _ key: ObjectKey) -> [ObjectKey] {
        var top = key
        var current = object
        var uid = object.uid
        for _ in 0..<16 {
            guard let controller = current.controller else { break }
            uid = controller.uid
            guard let above = inventory.key(uid: controller.uid), let owner = inventory[above] else { break }
            (top, current) = (above, owner)
        }
        var members: [ObjectKey] = [top]
        var seen: Set<ObjectKey> = [top]
        var queue = [uid].compactMap(\.self)
        while let next = queue.popLast() {
            for child in inventory.keys(ownedBy: next) where seen.insert(child).inserted {
                members.append(child)
                if let uid = inventory[child]?.uid { queue.append(uid) }
            }
        }
        return members
    }

    // MARK: Evaluating

    private struct Member {
        var object: KubernetesObject
        var templates: [PodTemplate]
        /// The highest controller that has a template, itself included.
        var speaker: ObjectKey
        var key: ObjectKey
    }

    private func evaluate(_ keys: [ObjectKey]) -> [OwnerResult] {
        var families: [OwnerResult.Identity: [Member]] = [:]
        var out: [OwnerResult] = []
        for key in keys {
            guard let object = inventory[key] else { continue }
            let templates = object.podTemplates
            let owner = object.controller == nil ? object.reference : inventory.topmostOwner(of: object)
            let identity = OwnerResult.Identity(owner, file: object.file)
            let member = Member(
                object: object, templates: templates, speaker: speaker(for: object, key, templates), key: key)
            families[identity, default: []].append(member)
        }
        out.reserveCapacity(families.count)
        for (identity, members) in families { out.append(evaluate(identity, members)) }
        return out.sorted { $0.owner < $1.owner }
    }

    private func evaluate(_ identity: OwnerResult.Identity, _ members: [Member]) -> OwnerResult {
        var collector = Collector(identity, context)
        // A custom resource that looks like a workload is silent once the real one is there.
        let isRealKnown = members.contains { $0.templates.contains { $0.discovery != .shape } }
        var origin: ObjectOrigin?
        for member in members where member.speaker == member.key {
            if origin == nil { origin = inventory.origin(of: member.object) }
            let isShape = member.templates.contains { $0.discovery == .shape }
            evaluate(member.object, templates: isShape && isRealKnown ? [] : member.templates, into: &collector)
        }
        for member in members where member.speaker != member.key && member.object.is("Pod") {
            collector.isSecondary = true
            evaluate(member.object, templates: member.templates, into: &collector)
        }
        return collector.result(origin: origin)
    }

    private func evaluate(_ object: KubernetesObject, templates: [PodTemplate], into collector: inout Collector) {
        for template in templates {
            let subject = WorkloadSubject(
                template, of: object, owner: collector.identity.reference, in: context)
            if !collector.isSecondary {
                let maker = SystemIdentities.known.owner(
                    of: object.name, in: object.namespace, running: subject.spec)
                collector.sees(maker, isWorkload: true)
            }
            for check in workloadChecks {
                var report = CheckReport()
                check.evaluate(subject, &report)
                collector.take(report, of: check.rule, on: object)
            }
        }
        guard !collector.isSecondary, object.controller == nil else { return }
        let checks = WorkloadChecks.table(for: object)
        guard !checks.isEmpty else { return }
        if templates.isEmpty {
            collector.sees(SystemIdentities.known.isBootstrap(object) ? "Kubernetes" : nil, isWorkload: false)
        }
        let subject = ObjectSubject(object, in: context)
        for check in checks where context.options.includesReliability || check.rule.category != .reliability {
            var report = CheckReport()
            check.evaluate(subject, &report)
            collector.take(report, of: check.rule, on: object)
        }
    }

    /// The highest controller in the inventory that has a template which says all; the object itself if there is none.
    private func speaker(for object: KubernetesObject, _ key: ObjectKey, _ templates: [PodTemplate]) -> ObjectKey {
        guard object.controller != nil else { return key }
        var speaker = key
        var current = object
        for _ in 0..<16 {
            guard let controller = current.controller, let above = inventory.key(uid: controller.uid),
                let owner = inventory[above]
            else { break }
            if owner.podTemplates.contains(where: { $0.discovery != .shape }) { speaker = above }
            current = owner
        }
        return speaker
    }
}

extension Coverage {
    fileprivate mutating func add(_ other: Coverage) {
        files += other.files
        objects += other.objects
        workloads += other.workloads
        passed += other.passed
        failed += other.failed
        notApplicable += other.notApplicable
        notObservable += other.notObservable
        waived += other.waived
    }
}
