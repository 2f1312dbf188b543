package import Documents
package import Kubernetes
package import PodSecurity
package import Webhooks

/// An AdmissionReview that asks.
///
/// Standard: `admission.k8s.io/v1`, `AdmissionReview`, `AdmissionRequest`.
package struct ReviewRequest: Sendable {
    /// The request as it stands in the review.
    package let node: Node
    package let admission: AdmissionRequest
    package let version: String
    package let isDryRun: Bool
    package let groups: [String]
    /// The object as it is to be stored, or for a deletion as it is; nil where there is none.
    package let object: KubernetesObject?
    /// The object as it was before.
    package let oldObject: KubernetesObject?

    package var operation: AdmissionRequest.Operation? { admission.operation }

    /// A body that is no review that can be answered.
    package struct Malformed: Error, Sendable, Equatable {
        package var message: String
        /// What is known of the request, so that the answer finds its way.
        package var uid: String
    }

    package init(_ bytes: [UInt8]) throws(Malformed) {
        let root: Node
        do throws(DocumentError) {
            root = try DocumentReader.readJSON(SourceText(name: "", bytes: bytes))
        } catch {
            throw Malformed(message: "the body is no JSON: \(error.message)", uid: "")
        }
        guard root["kind"].equals("AdmissionReview") else {
            throw Malformed(message: "the body is no AdmissionReview", uid: "")
        }
        let uid = root["request"]["uid"].string ?? ""
        guard root["apiVersion"].equals("admission.k8s.io/v1") else {
            throw Malformed(message: "expected apiVersion admission.k8s.io/v1", uid: uid)
        }
        guard root["request"].isObject, !uid.isEmpty else {
            throw Malformed(message: "the review holds no request with a uid", uid: "")
        }
        self.init(request: root["request"])
    }

    /// - Parameter node: an AdmissionRequest.
    package init(request node: Node) { self.init(request: node, object: node["object"], oldObject: node["oldObject"]) }

    /// A request whose objects stand elsewhere.
    init(request node: Node, object new: Node, oldObject old: Node?) {
        self.node = node
        var admission = AdmissionRequest(node)
        admission.object = new.asRoot
        if let old { admission.oldObject = old.asRoot }
        self.admission = admission
        let version = node["kind"]["version"].string ?? ""
        self.version = version
        isDryRun = node["dryRun"].bool ?? false
        groups = node["userInfo"]["groups"].strings
        let apiVersion = admission.group.isEmpty ? version : "\(admission.group)/\(version)"
        func typed(_ node: Node) -> KubernetesObject? {
            guard node.isObject else { return nil }
            return KubernetesObject(
                node, apiVersion: node["apiVersion"].string ?? apiVersion, kind: node["kind"].string ?? admission.kind)
        }
        object = typed(admission.object)
        oldObject = typed(admission.oldObject)
    }

    /// What selectors of custom policies look at.
    package func selected(namespaceLabels: [String: String]?) -> AdmittedRequest {
        var labels: [[String: String]] = []
        if let object { labels.append(object.labels) }
        if let oldObject { labels.append(oldObject.labels) }
        return AdmittedRequest(
            admission.operation?.rawValue ?? "", group: admission.resourceGroup,
            version: node["resource"]["version"].string ?? version, admission.resource,
            subresource: admission.subresource, kind: admission.kind, namespace: admission.namespace,
            name: admission.name, namespaceLabels: namespaceLabels, labels: labels.isEmpty ? [[:]] : labels,
            username: admission.username, groups: groups)
    }
}
