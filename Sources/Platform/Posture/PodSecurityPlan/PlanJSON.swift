import Documents
import Kubernetes
import PodSecurity

extension PodSecurityPlan {
    /// The plan for programs.
    package func json(cluster context: String? = nil) -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("version", version.description)
            for (name, plans) in [("namespaces", namespaces), ("system", system)] {
                writer.member(
                    name, array: { writer in for plan in plans { writer.object { plan.write(to: &$0, context) } } })
            }
        }
        return writer.string + "\n"
    }
}

extension NamespacePlan {
    fileprivate func write(to writer: inout JSONWriter, _ context: String?) {
        writer.member("name", name)
        for mode in PodSecurityMode.allCases { writer.member(mode.rawValue, policy[mode].description) }
        writer.member("labelled", isLabelled)
        writer.member("exempt", isExempt)
        writer.member("labelErrors", labelErrors.map(\.description))
        writer.member("meets", met.rawValue)
        writer.member("next", target?.rawValue ?? "")
        writer.member("ready", isReady)
        writer.member("workloads", workloads)
        writer.member(
            "effort",
            object: { writer in
                writer.member("score", effort.score)
                writer.member("explanation", effort.explanation)
            })
        writer.member(
            "blocked",
            array: { writer in for workload in blocked { writer.object { workload.write(to: &$0, context) } } })
        writer.member(
            "unknown", array: { writer in for unknown in unknown { writer.object { unknown.write(to: &$0) } } })
        writer.member(
            "stages", array: { writer in for stage in stages { writer.object { stage.write(to: &$0) } } })
        if let rollback { writer.member("rollback", object: { rollback.write(to: &$0) }) }
    }
}

extension WorkloadPlan {
    fileprivate func write(to writer: inout JSONWriter, _ context: String?) {
        writer.member("object", object.reference.description)
        if let location = object.node.location { writer.member("location", location.description) }
        writer.member("meets", level.rawValue)
        if !hiding.isEmpty { writer.member("hiding", hiding) }
        writer.member(
            "violations",
            array: { writer in for violation in violations { writer.object { violation.write(to: &$0) } } })
        writer.member(
            "onlyInPods",
            array: { writer in
                for extra in onlyInPods {
                    writer.object { writer in
                        writer.member("pod", extra.pod)
                        writer.member("detail", extra.detail)
                    }
                }
            })
        writer.member("fixable", isFixable)
        guard let fix else { return }
        writer.key("patch")
        writer.raw(fix.patch.json())
        if object.file.isEmpty, !fix.isEmpty, let command = fix.kubectl(context: context) {
            writer.member("kubectl", command)
        }
        writer.member("mayBreak", fix.steps.map(\.risk).filter { !$0.isEmpty })
        writer.member("needsTrial", fix.steps.contains(where: \.needsTrial))
        writer.member(
            "decisions",
            array: { writer in for decision in fix.decisions { writer.object { decision.write(to: &$0) } } })
        writer.member("cautions", fix.cautions)
        writer.member("remaining", remaining.map(\.text))
    }
}

extension PodSecurityViolation {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("check", check.rawValue)
        writer.member("reason", reason)
        writer.member("detail", detail)
        writer.member(
            "fields",
            array: { writer in
                for field in fields {
                    writer.object { writer in
                        writer.member("path", field.path.description)
                        if let location = field.location { writer.member("location", location.description) }
                    }
                }
            })
    }
}

extension UnknownWorkload {
    func write(to writer: inout JSONWriter) {
        writer.member("object", object.description)
        if let location { writer.member("location", location.description) }
        writer.member("reason", reason)
    }
}

extension LabelStage {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("name", name)
        writer.member("command", command)
        writer.key("patch")
        writer.raw(patch.json())
    }
}

extension PodSecuritySimulation {
    /// The simulation for programs.
    package func json() -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("namespace", namespace)
            writer.member("policy", policy.description)
            writer.member("exempt", isExempt)
            writer.member("labelWarnings", labelWarnings)
            for (name, list) in [("refused", refused), ("warned", warned)] {
                writer.member(
                    name, array: { writer in for refusal in list { writer.object { refusal.write(to: &$0) } } })
            }
            writer.member(
                "exemptObjects",
                array: { writer in
                    for (object, why) in exempt {
                        writer.object { writer in
                            writer.member("object", object.description)
                            writer.member("why", why)
                        }
                    }
                })
            writer.member(
                "unknown", array: { writer in for unknown in unknown { writer.object { unknown.write(to: &$0) } } })
            writer.member("passed", passed)
        }
        return writer.string + "\n"
    }
}

extension PodSecuritySimulation.Refusal {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("object", object.description)
        if let location { writer.member("location", location.description) }
        if !hiding.isEmpty { writer.member("hiding", hiding) }
        writer.member("message", message)
        writer.member("warnings", warnings)
        writer.member(
            "violations",
            array: { writer in for violation in violations { writer.object { violation.write(to: &$0) } } })
    }
}
