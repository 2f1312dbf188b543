import Documents
import Findings
import Kubernetes

extension WorkloadChecks {
    static let writableRootFilesystem = Check<WorkloadSubject>(
        Rule(
            "workload/writable-root-filesystem", .low, [.nsa("pod-immutable-fs"), .cis("5.6.3")],
            title: "A container can change its own programs",
            why: """
                Who gets into the container can replace its programs, drop tools and stay until the next restart. On \
                a read-only root most of that fails.
                """,
            remedy: """
                Set securityContext.readOnlyRootFilesystem: true, and mount an emptyDir where the program writes \
                (/tmp, caches).
                """)
    ) { subject, report in
        // Windows has no such thing.
        guard !subject.spec.isWindows else { return report.notApplicable() }
        for container in subject.startedContainers {
            let field = container.securityContext["readOnlyRootFilesystem"]
            guard field.bool != true else { continue }
            let message = "\(container.phrase) may write to its root file system"
            if field.isNull {
                report.fail(missing: field, in: subject, message)
            } else {
                report.fail(at: field, message)
            }
        }
    }
}
