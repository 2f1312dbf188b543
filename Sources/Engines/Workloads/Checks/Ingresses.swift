import Documents
import Findings
import Kubernetes

extension WorkloadChecks {
    static let ingressWithoutTLS = Check<ObjectSubject>(
        Rule(
            "ingress/no-tls", .medium, [.nsa("net-encryption"), .attack("T1190")],
            title: "An Ingress takes traffic without TLS",
            why:
                "Passwords, cookies and tokens cross the network in the clear, for anyone on the way to read or change.",
            remedy: "Add spec.tls with the hosts and a certificate's Secret; cert-manager can make and renew it.")
    ) { subject, report in
        let spec = subject.node["spec"]
        // The answer to a certificate authority's challenge has to come without TLS.
        if subject.object.metadata["labels"]["acme.cert-manager.io/http01-solver"].exists {
            return report.notApplicable()
        }
        // Without anything to serve it is a part of a manifest, to be merged into a whole one.
        guard !spec["rules"].isEmpty || !spec["defaultBackend"].isNull || !spec["backend"].isNull || !spec["tls"].isNull
        else { return report.notApplicable() }
        if Exposure.known.ingressTLS.contains(where: { $0.isOn(subject.object) }) { return }
        let className =
            spec["ingressClassName"].string
            ?? subject.object.metadata["annotations"]["kubernetes.io/ingress.class"]
            .string
        if let className, Exposure.known.tlsIngressClasses.contains(className) { return }
        let tls = spec["tls"]
        guard !tls.isEmpty else { return report.fail(at: tls, "has no certificate for any host") }
        // An entry without hosts is for all of them.
        let covered = tls.elements.map(\.["hosts"].strings)
        if covered.contains(where: \.isEmpty) { return }
        for rule in spec["rules"].elements {
            guard let host = rule["host"].string, !host.isEmpty else { continue }
            let isCovered = covered.joined().contains { name in
                name == host || (name.hasPrefix("*.") && host.drop { $0 != "." } == name.dropFirst())
            }
            if !isCovered { report.fail(at: rule["host"], "has no certificate for host \(quoted: host)") }
        }
    }

    static let codeAnnotation = Check<ObjectSubject>(
        Rule(
            "ingress/code-annotation", .high, [.nsa("net-policies"), .attack("T1190"), .kubernetes("CVE-2021-25742")],
            title: "An annotation puts text into the ingress controller's configuration",
            why: """
                The controller reads every Secret it serves certificates from, in all namespaces. Configuration given \
                as text can make it run code and hand those Secrets out (CVE-2021-25742 and those that followed).
                """,
            remedy: """
                Use the annotations made for the purpose (rewrite, headers, limits), and keep \
                allow-snippet-annotations off in the controller.
                """)
    ) { subject, report in
        for mark in Exposure.known.codeAnnotations where mark.isOn(subject.object) {
            report.fail(
                at: subject.object.metadata["annotations"][mark.key],
                "annotation \(quoted: mark.key) is \(mark.what)")
        }
    }
}
