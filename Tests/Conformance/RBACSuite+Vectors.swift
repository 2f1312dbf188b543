import Documents
import Foundation
import Kubernetes
import RBAC

/// Tables of Kubernetes' own unit tests.
extension ConformanceSuite {
    static let rbacVectors: [ConformanceFile] = [
        vector("covers") { line in
            let missing = RuleCovering.uncovered(rules(line["servant"]), by: rules(line["owner"]))
            return compare(
                "\(line["covered"].bool ?? false) \(sorted(rules(line["uncovered"])))",
                "\(missing.isEmpty) \(sorted(missing))")
        },
        vector("nonresource_url_covers") { line in
            compare(
                "\(line["covered"].bool ?? false)",
                "\(PolicyRule.urlCovers(line["owner"].string ?? "", line["requested"].string ?? ""))")
        },
        vector("rule_allows") { line in
            compare(
                "\(line["allowed"].bool ?? false)", "\(PolicyRule(line["rule"]).allows(attributes(line["request"])))")
        },
        vector("authorizer") { line in
            let model = AccessModel(vectorObjects(line), aggregation: .stored)
            for check in line["checks"].elements {
                let request = check["request"]
                let who = Identity(user: request["user"].string ?? "", groups: request["groups"].strings)
                let found = model.isAllowed(who, attributes(request))
                if found != check["allowed"].bool { return "\(who.user) \(attributes(request)): found \(found)" }
            }
            return nil
        },
        vector("subject_locator") { line in
            let model = AccessModel(vectorObjects(line), aggregation: .stored)
            var found = Set(model.whoCan(attributes(line["request"])).map { $0.subject.description })
            found.insert("Group system:masters")
            if let superUser = line["superUser"].string, !superUser.isEmpty { found.insert("User \(superUser)") }
            let expected = Set(
                line["allowedSubjects"].elements.map { node in
                    let namespace = node["namespace"].string.map { "\($0)/" } ?? ""
                    return "\(node["kind"].string ?? "") \(namespace)\(node["name"].string ?? "")"
                })
            return compare(expected.sorted().joined(separator: ", "), found.sorted().joined(separator: ", "))
        },
        vector("rules_for") { line in
            let model = AccessModel(vectorObjects(line), aggregation: .stored)
            let who = Identity(user: line["user"].string ?? "", groups: line["groups"].strings)
            let found = model.rules(of: who, in: line["namespace"].string ?? "")
            return compare(sorted(rules(line["rules"])), sorted(found))
        },
        vector("applies_to") { line in
            let who = Identity(user: line["user"].string ?? "", groups: line["groups"].strings)
            let found = Subject.applies(
                line["subjects"], to: who, bindingNamespace: line["bindingNamespace"].string ?? "")
            return compare(
                line["applies"].bool == true ? "\(line["index"].int ?? 0)" : "none",
                found.map { "\($0)" } ?? "none")
        },
        vector("compact_rules") { line in
            compare(
                sorted(rules(line["compactedAnyOrder"]).map(\.withSortedLists)),
                sorted(PolicyRule.compacted(rules(line["rules"])).map(\.withSortedLists)))
        },
        vector("aggregation") { line in
            let objects = line["clusterRoles"].elements.map {
                KubernetesObject($0, apiVersion: "\(AccessModel.group)/v1", kind: "ClusterRole")
            }
            let model = AccessModel(objects, aggregation: .controller)
            let name = line["sync"].string ?? ""
            let own = objects.first { $0.name == name }
            let expected =
                line["changed"].bool == true ? line["expected"]["rules"] : (own?.node["rules"] ?? line["missing"])
            return compare(
                rules(expected).map { "\($0)" }.joined(separator: "; "),
                (model.rules(of: RoleReference(.clusterRole, name)) ?? []).map { "\($0)" }.joined(separator: "; "))
        },
        vector("request_info") { line in
            let found = RequestInfo(method: line["method"].string ?? "", url: line["url"].string ?? "")
            let info = line["info"]
            func text(_ key: String) -> String { info[key].string ?? "" }
            let expected = [
                "\(info["IsResourceRequest"].bool ?? false)", text("Path"), text("Verb"), text("APIPrefix"),
                text("APIGroup"), text("APIVersion"), text("Namespace"), text("Resource"), text("Subresource"),
                text("Name"),
            ]
            return compare(
                expected.joined(separator: " | "),
                [
                    "\(found.isResourceRequest)", found.path, found.verb, found.apiPrefix, found.apiGroup,
                    found.apiVersion, found.namespace, found.resource, found.subresource, found.name,
                ].joined(separator: " | "))
        },
        ConformanceFile(name: "vectors/node_authorizer", run: nodeVectors),
        vector("kubelet_requests") { line in
            let found = KubeletRequest.attributes(
                method: line["method"].string ?? "", path: line["path"].string ?? "")
            return compare(
                "\(line["verb"].string ?? "") \(line["subresources"].strings)", "\(found.verb) \(found.subresources)")
        },
    ]

    private static func vector(_ name: String, _ difference: @escaping @Sendable (Node) -> String?) -> ConformanceFile {
        ConformanceFile(name: "vectors/\(name)") { folder in
            var agreement = Agreement()
            for (number, line) in try folder.lines("vectors/\(name).jsonl").enumerated() {
                agreement.note("\(number + 1) \(line["name"].string ?? "")", difference(line))
            }
            return agreement
        }
    }

    private static func compare(_ expected: String, _ found: String) -> String? {
        expected == found ? nil : "\n    expected \(expected)\n    found    \(found)"
    }

    private static func attributes(_ node: Node) -> AccessRequest {
        func text(_ key: String) -> String { node[key].string ?? "" }
        guard node["resourceRequest"].bool == true else { return AccessRequest(text("verb"), path: text("path")) }
        return AccessRequest(
            text("verb"),
            AccessRequest.Resource(
                group: text("apiGroup"), text("resource"), subresource: text("subresource"), name: text("name"),
                namespace: text("namespace")))
    }

    /// Objects of a test, which leave out kinds, and names of bindings.
    private static func vectorObjects(_ line: Node) -> [KubernetesObject] {
        var out: [KubernetesObject] = []
        for (key, kind) in [
            ("clusterRoles", "ClusterRole"), ("roles", "Role"), ("clusterRoleBindings", "ClusterRoleBinding"),
            ("roleBindings", "RoleBinding"),
        ] {
            for (number, node) in line[key].elements.enumerated() {
                var editor = DocumentEditor(node.asRoot)
                if !node["metadata"]["name"].exists { editor.set("metadata.name", .string("\(key)-\(number)")) }
                out.append(KubernetesObject(editor.finish(), apiVersion: "\(AccessModel.group)/v1", kind: kind))
            }
        }
        return out
    }

    private static func nodeVectors(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        var objects: [KubernetesObject] = []
        let kinds = [
            "pods": ("v1", "Pod"), "persistentVolumes": ("v1", "PersistentVolume"),
            "volumeAttachments": ("storage.k8s.io/v1", "VolumeAttachment"),
            "resourceSlices": ("resource.k8s.io/v1", "ResourceSlice"),
            "podCertificateRequests": ("certificates.k8s.io/v1beta1", "PodCertificateRequest"),
        ]
        for line in try folder.lines("vectors/node_graph.jsonl") {
            for (key, (version, kind)) in kinds {
                objects += line[key].elements.map { KubernetesObject($0, apiVersion: version, kind: kind) }
            }
        }
        let graph = NodeGraph(objects)
        for line in try folder.lines("vectors/node_authorizer.jsonl") {
            let name = line["name"].string ?? ""
            var features = NodeAuthorizer.Features()
            features.selectors =
                !(name.hasSuffix("_selector_disabled") || name.hasSuffix("selector_authz_disabled"))
            features.podCertificates = name.hasSuffix("PodCertificateProjection_is_enabled")
            features.serviceAccountReads = !name.contains("svcacct") || name.contains("feature_enabled")
            func text(_ key: String) -> String { line[key].string ?? "" }
            var request = AccessRequest(
                text("verb"),
                AccessRequest.Resource(
                    group: text("apiGroup"), text("resource"), subresource: text("subresource"),
                    name: text("objectName"), namespace: text("namespace")))
            for term in line["fieldSelector"].strings {
                let parts = term.split(separator: "=").map(String.init)
                if parts.count == 2 { request.fieldSelector.append(.init(parts[0], parts[1])) }
            }
            let found = NodeAuthorizer(graph, features: features).allows(
                Identity(user: text("user"), groups: line["groups"].strings), request)
            agreement.note(name, compare("\(line["allowed"].bool ?? false)", "\(found)"))
        }
        return agreement
    }
}
