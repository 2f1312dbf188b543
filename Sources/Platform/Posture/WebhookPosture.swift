package import Documents
package import Kubernetes
import Policies
package import Webhooks

extension WebhookEvaluation: PostureEngine {
    package mutating func follow(_ touched: Set<ObjectKey>, before: Inventory, after: Inventory) -> ChangeReach {
        guard touched.contains(where: { reads($0.reference.kind) }) else { return .touched }
        let gates = Set(["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]).union(
            Self.kindsRead.filter { $0.contains("AdmissionPolicy") })
        self = over(after)
        return .objects(Set(after.objects.keys.filter { gates.contains($0.reference.kind) }))
    }
}

extension WebhookEvaluation {
    /// With match conditions evaluated as the API server does.
    package init(_ inventory: Inventory, isCluster: Bool, unlistedKinds: Set<String>) {
        self.init(
            inventory, isCluster: isCluster, unlistedKinds: unlistedKinds,
            conditions: { MatchConditions.hold($0, for: $1) })
    }
}

/// The conditions of webhooks and policies, asked of requests that nobody has made.
package enum MatchConditions {
    /// Whether all conditions hold; nil where one cannot be decided without the object.
    package static func hold(_ conditions: Node, for request: AdmittedRequest) -> Bool? {
        // A policy without validations is nothing but its conditions.
        var writer = JSONWriter()
        writer.object { writer in
            writer.member(
                "spec",
                object: { writer in
                    writer.key("matchConditions")
                    writer.value(conditions)
                })
        }
        do throws(DocumentError) {
            let node = try DocumentReader.readJSON(SourceText(name: "", bytes: writer.takeBytes()))
            let policy = ValidatingPolicy(node)
            guard policy.defects.isEmpty else { return nil }
            let object = try object(of: request)
            let values = try self.request(request)
            switch policy.decide(AdmissionInput(object: CELValue(object), request: CELValue(values))).verdict {
            case .skip: return false
            case .pass: return true
            default: return nil
            }
        } catch {
            return nil
        }
    }

    private static func read(_ body: (inout JSONWriter) -> Void) throws(DocumentError) -> Node {
        var writer = JSONWriter()
        writer.object(body)
        return try DocumentReader.readJSON(SourceText(name: "", bytes: writer.takeBytes()))
    }

    /// What is known of the object: its name and labels. A condition that reads more fails, and decides nothing.
    private static func object(of request: AdmittedRequest) throws(DocumentError) -> Node {
        try read { writer in
            writer.member("kind", request.kind)
            writer.member(
                "metadata",
                object: { writer in
                    writer.member("name", request.name)
                    if !request.namespace.isEmpty { writer.member("namespace", request.namespace) }
                    guard let labels = request.labels?.first else { return }
                    writer.member(
                        "labels",
                        object: { writer in
                            for (key, value) in labels.sorted(by: { $0.key < $1.key }) { writer.member(key, value) }
                        })
                })
        }
    }

    private static func request(_ request: AdmittedRequest) throws(DocumentError) -> Node {
        try read { writer in
            for key in ["kind", "requestKind"] {
                writer.member(
                    key,
                    object: {
                        $0.member("group", request.group)
                        $0.member("version", request.version)
                        $0.member("kind", request.kind)
                    })
            }
            for key in ["resource", "requestResource"] {
                writer.member(
                    key,
                    object: {
                        $0.member("group", request.group)
                        $0.member("version", request.version)
                        $0.member("resource", request.resource)
                    })
            }
            writer.member("subResource", request.subresource)
            writer.member("requestSubResource", request.subresource)
            writer.member("name", request.name)
            writer.member("namespace", request.namespace)
            writer.member("operation", request.operation)
            writer.member(
                "userInfo",
                object: {
                    $0.member("username", request.username)
                    $0.member("groups", request.groups)
                })
            writer.member("dryRun", false)
        }
    }
}
