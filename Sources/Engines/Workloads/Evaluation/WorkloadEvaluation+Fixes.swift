package import Documents
package import Findings
package import Kubernetes

extension WorkloadEvaluation {
    /// The operations that mend a finding's places in one object; none where only a person can know.
    ///
    /// `object` is the finding's subject, or the part of it that `Evidence.object` names. Places in live pods have no
    /// fix: their template has.
    package func fix(_ finding: Finding, in object: KubernetesObject) -> JSONPatch {
        let places = finding.evidence.filter { ($0.object ?? finding.subject) == object.reference }
        guard finding.outcome == .fail, object.controller == nil || !object.is("Pod") else { return JSONPatch() }
        var operations: [PatchOperation] = []
        if let check = WorkloadChecks.workloads.first(where: { $0.rule.id == finding.rule.id }), let fix = check.fix {
            let subjects = object.podTemplates.map { WorkloadSubject($0, of: object, in: context) }
            for place in places {
                guard let subject = subjects.first(where: { place.path.hasPrefix($0.template.path) }) else { continue }
                operations += fix(subject, place)
            }
        } else if let check = WorkloadChecks.table(for: object).first(where: { $0.rule.id == finding.rule.id }),
            let fix = check.fix
        {
            let subject = ObjectSubject(object, in: context)
            for place in places { operations += fix(subject, place) }
        }
        // Two places of one finding may be mended by one operation.
        var seen: Set<PatchOperation> = []
        return JSONPatch(operations.filter { seen.insert($0).inserted })
    }
}
