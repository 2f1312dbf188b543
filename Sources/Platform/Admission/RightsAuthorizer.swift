package import Policies
package import RBAC

/// Answers the questions that policies put to `authorizer`, by the rights of the cluster that is followed.
///
/// Roles and bindings, and membership of `system:masters`; what a Node or webhook authorizer would allow beside them is
/// not known here, and counts as not allowed.
package struct RightsAuthorizer: Sendable {
    private let model: AccessModel

    package init(_ model: AccessModel) { self.model = model }

    /// The variables `authorizer` and `authorizer.requestResource` of a request.
    package func variables(for request: ReviewRequest) -> (authorizer: CELValue, requestResource: CELValue) {
        let user = request.node["userInfo"]
        var extra: [String: [String]] = [:]
        for member in user["extra"].members { extra[member.key] = member.value.strings }
        let asking = Identity(
            user: request.admission.username, groups: request.groups, uid: user["uid"].string ?? "", extra: extra)
        let model = model
        @Sendable func answer(_ question: CELAuthorizationRequest) -> CELAuthorizationDecision {
            let identity = question.serviceAccount.map { Identity.serviceAccount($0.namespace, $0.name) } ?? asking
            switch model.decide(identity, Self.access(question)) {
            case .denied: return CELAuthorizationDecision(isAllowed: false)
            case .masters: return CELAuthorizationDecision(isAllowed: true)
            case .node: return CELAuthorizationDecision(isAllowed: true, reason: "node")
            case .granted(let grant):
                return CELAuthorizationDecision(isAllowed: true, reason: "RBAC: allowed by \(grant)")
            }
        }
        var own = CELAuthorizationRequest()
        own.group = request.admission.resourceGroup
        own.resource = request.admission.resource
        own.subresource = request.admission.subresource
        own.namespace = request.admission.namespace
        own.name = request.admission.name
        return (.authorizer(answer), .requestResource(own, answer))
    }

    private static func access(_ question: CELAuthorizationRequest) -> AccessRequest {
        if let path = question.path { return AccessRequest(question.verb, path: path) }
        return AccessRequest(
            question.verb,
            AccessRequest.Resource(
                group: question.group, question.resource, subresource: question.subresource, name: question.name,
                namespace: question.namespace))
    }
}
