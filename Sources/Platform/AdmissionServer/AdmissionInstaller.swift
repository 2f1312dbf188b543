import Admission
package import Documents
import FoundationEssentials
import Kubernetes
package import KubernetesClient
import X509

/// Puts the webhook into a cluster, takes it out, and says how it stands there.
package struct AdmissionInstaller: Sendable {
    package let client: APIClient

    package init(_ client: APIClient) { self.client = client }

    /// Creates objects, or replaces those that are there; one line for each.
    package func apply(_ objects: [DocumentValue]) async throws -> [String] {
        let discovery = try await client.discover()
        var lines: [String] = []
        for value in objects {
            var writer = JSONWriter()
            writer.value(value)
            let node = try DocumentReader.readJSON(SourceText(name: "", bytes: writer.bytes))
            guard let object = KubernetesObject(node) else { continue }
            guard
                let resource = discovery.preferred.first(where: {
                    $0.group == object.apiVersion.group && $0.kind == object.kind
                })
            else {
                throw WebhookRegistration.Failed(description: "the cluster serves no \(object.kind)")
            }
            let folder = resource.path(in: object.namespace.isEmpty ? nil : object.namespace)
            let word = try await apply(object, folder)
            lines.append("\(object.reference) \(word)")
        }
        return lines
    }

    private func apply(_ object: KubernetesObject, _ folder: String) async throws -> String {
        let path = "\(folder)/\(object.name)"
        for _ in 0..<5 {
            var writer = JSONWriter()
            writer.value(object.node)
            if case .done = try await client.change(.create, folder, writer.takeBytes()) { return "created" }
            let current: Node
            do {
                current = try await client.node(path)
            } catch let error as ClientError where error.code == .notFound {
                continue
            }
            var editor = DocumentEditor(object.node)
            if let version = current["metadata"]["resourceVersion"].string {
                _ = editor.set("metadata.resourceVersion", .string(version))
            }
            // Addresses the cluster gave stay, and whom the servers have it trust.
            if let address = current["spec"]["clusterIP"].string, object.is("Service") {
                _ = editor.set("spec.clusterIP", .string(address))
            }
            for (index, webhook) in object.node["webhooks"].elements.enumerated()
            where !webhook["clientConfig"]["caBundle"].exists {
                guard let bundle = current["webhooks"][index]["clientConfig"]["caBundle"].string else { continue }
                _ = editor.set(
                    FieldPath([.key("webhooks"), .index(index), .key("clientConfig"), .key("caBundle")]),
                    .string(bundle))
            }
            writer.value(editor.finish())
            if case .done = try await client.change(.replace, path, writer.takeBytes()) { return "replaced" }
        }
        throw WebhookRegistration.Failed(description: "\(object.reference) changes faster than it can be written")
    }

    /// What an installation is made of, in the order in which it has to go: nobody is asked before nobody answers.
    package static func removals(namespace: String) -> [String] {
        let name = AdmissionManifests.configurationName
        let webhooks = "/apis/admissionregistration.k8s.io/v1"
        let rights = "/apis/rbac.authorization.k8s.io/v1"
        return [
            "\(webhooks)/validatingwebhookconfigurations/\(name)", "\(webhooks)/mutatingwebhookconfigurations/\(name)",
            "/apis/apps/v1/namespaces/\(namespace)/deployments/\(name)",
            "/apis/policy/v1/namespaces/\(namespace)/poddisruptionbudgets/\(name)",
            "/api/v1/namespaces/\(namespace)/services/\(name)", "/api/v1/namespaces/\(namespace)/configmaps/\(name)",
            "\(rights)/clusterrolebindings/\(name)", "\(rights)/clusterroles/\(name)",
            "/api/v1/namespaces/\(namespace)/serviceaccounts/\(name)",
        ]
    }

    package func remove(_ paths: [String]) async throws -> [String] {
        var lines: [String] = []
        for path in paths {
            switch try await client.change(.delete, path) {
            case .done: lines.append("removed \(path)")
            case .absent: lines.append("not there: \(path)")
            case .conflict: lines.append("not removed, it changes at the moment: \(path)")
            }
        }
        return lines
    }

    package struct Status: Sendable {
        package var lines: [String]
        package var isHealthy: Bool
    }

    package func status(namespace: String, now: Int) async throws -> Status {
        let name = AdmissionManifests.configurationName
        var lines: [String] = []
        var isHealthy = true
        do {
            let found = try await client.node(
                "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/\(name)")
            for webhook in found["webhooks"].elements {
                let policy = webhook["failurePolicy"].string ?? "Fail"
                lines.append(
                    "webhook \(webhook["name"].string ?? ""): failurePolicy \(policy), timeout "
                        + "\(webhook["timeoutSeconds"].int ?? 10) s")
                let pem = webhook["clientConfig"]["caBundle"].string.flatMap { Data(base64Encoded: $0) } ?? Data()
                let ends = Self.ends(String(decoding: pem, as: UTF8.self)).filter { $0 > now }
                lines.append("    trusts \(ends.count) authorities that have not ended")
                if ends.isEmpty { isHealthy = false }
            }
        } catch let error as ClientError where error.code == .notFound {
            lines.append("webhook: not installed")
            isHealthy = false
        }
        do {
            let found = try await client.node("/apis/apps/v1/namespaces/\(namespace)/deployments/\(name)")
            let ready = found["status"]["readyReplicas"].int ?? 0
            lines.append("deployment \(namespace)/\(name): \(ready) of \(found["spec"]["replicas"].int ?? 1) ready")
            if ready == 0 { isHealthy = false }
        } catch let error as ClientError where error.code == .notFound {
            lines.append("deployment \(namespace)/\(name): not installed")
        }
        return Status(lines: lines, isHealthy: isHealthy)
    }

    private static func ends(_ text: String) -> [Int] {
        text.split(separator: "-----END CERTIFICATE-----").compactMap { part in
            (try? Certificate(pemEncoded: part + "-----END CERTIFICATE-----")).map {
                Int($0.notValidAfter.timeIntervalSince1970)
            }
        }
    }
}
