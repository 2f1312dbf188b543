/// A question to the authorizer, as far as it has been put together.
package struct CELAuthorizationRequest: Sendable, Equatable {
    /// Nil for the user who made the request.
    package var serviceAccount: (namespace: String, name: String)?
    package var path: String?
    package var group = ""
    package var resource = ""
    package var subresource = ""
    package var namespace = ""
    package var name = ""
    package var fieldSelector = ""
    package var labelSelector = ""
    package var verb = ""

    package init() {}

    package static func == (a: Self, b: Self) -> Bool {
        a.serviceAccount?.namespace == b.serviceAccount?.namespace && a.serviceAccount?.name == b.serviceAccount?.name
            && a.path == b.path && a.group == b.group && a.resource == b.resource && a.subresource == b.subresource
            && a.namespace == b.namespace && a.name == b.name && a.fieldSelector == b.fieldSelector
            && a.labelSelector == b.labelSelector && a.verb == b.verb
    }
}

/// The answer to such a question.
package struct CELAuthorizationDecision: Sendable, Equatable {
    package var isAllowed: Bool
    package var reason: String
    package var error: String?

    package init(isAllowed: Bool, reason: String = "", error: String? = nil) {
        self.isAllowed = isAllowed
        self.reason = reason
        self.error = error
    }
}

/// `authorizer` and what its methods give.
struct CELAuthorizer: CELOpaque {
    enum Stage: Sendable { case authorizer, path, group, resource }

    var stage: Stage
    var request = CELAuthorizationRequest()
    var answer: @Sendable (CELAuthorizationRequest) -> CELAuthorizationDecision

    static let authorizer = CELType.object("kubernetes.authorization.Authorizer")
    static let path = CELType.object("kubernetes.authorization.PathCheck")
    static let group = CELType.object("kubernetes.authorization.GroupCheck")
    static let resource = CELType.object("kubernetes.authorization.ResourceCheck")

    var type: CELType {
        switch stage {
        case .authorizer: Self.authorizer
        case .path: Self.path
        case .group: Self.group
        case .resource: Self.resource
        }
    }
    var text: String { type.name }
    func isEqual(to other: any CELOpaque) -> Bool {
        guard let other = other as? CELAuthorizer else { return false }
        return other.stage == stage && other.request == request
    }
}

struct CELDecision: CELOpaque {
    var decision: CELAuthorizationDecision
    static let celType = CELType.object("kubernetes.authorization.Decision")
    var type: CELType { Self.celType }
    var text: String { type.name }
    func isEqual(to other: any CELOpaque) -> Bool { (other as? CELDecision)?.decision == decision }
}

extension CELValue {
    /// The variable `authorizer`, given who answers.
    package static func authorizer(
        _ answer: @escaping @Sendable (CELAuthorizationRequest) -> CELAuthorizationDecision
    ) -> CELValue { .opaque(CELAuthorizer(stage: .authorizer, answer: answer)) }

    /// The variable `authorizer.requestResource`: a check of the resource that the request names.
    package static func requestResource(
        _ request: CELAuthorizationRequest,
        _ answer: @escaping @Sendable (CELAuthorizationRequest) -> CELAuthorizationDecision
    ) -> CELValue { .opaque(CELAuthorizer(stage: .resource, request: request, answer: answer)) }
}

extension CELType {
    package static let authorizer = CELAuthorizer.authorizer
    package static let resourceCheck = CELAuthorizer.resource
}

/// Source: the API server's authorizer library.
enum AuthorizerLibrary {
    private static func step(
        _ name: String, _ id: String, _ from: CELType, _ to: CELType,
        _ change: @escaping @Sendable (inout CELAuthorizer, [String]) -> Void, arguments: Int = 1
    ) -> CELFunction {
        let types = [from] + Array(repeating: CELType.string, count: arguments)
        return CELFunction(name, [.member(id, types, to)]) { values in
            guard case .opaque(let opaque) = values[0], var check = opaque as? CELAuthorizer, check.type == from else {
                return .error(.noSuchOverload)
            }
            var texts: [String] = []
            for value in values.dropFirst() {
                guard case .string(let text) = value else { return .error(.noSuchOverload) }
                texts.append(text)
            }
            guard texts.count == arguments else { return .error(.noSuchOverload) }
            change(&check, texts)
            return .opaque(check)
        }
    }

    private static func asked(_ name: String, _ id: String, _ from: CELType) -> CELFunction {
        CELFunction(name, [.member(id, [from, .string], CELDecision.celType)]) { values in
            guard case .opaque(let opaque) = values[0], let check = opaque as? CELAuthorizer, check.type == from,
                case .string(let verb) = values[1]
            else { return .error(.noSuchOverload) }
            var request = check.request
            request.verb = verb
            return .opaque(CELDecision(decision: check.answer(request)))
        }
    }

    private static func told(
        _ name: String, _ type: CELType, _ read: @escaping @Sendable (CELAuthorizationDecision) -> CELValue
    ) -> CELFunction {
        CELFunction(name, [.member("decision_\(name)", [CELDecision.celType], type)]) { values in
            guard case .opaque(let opaque) = values[0], let decision = opaque as? CELDecision else {
                return .error(.noSuchOverload)
            }
            return read(decision.decision)
        }
    }

    private static let resource = CELAuthorizer.resource

    static let functions: [CELFunction] = [
        step("path", "authorizer_path", CELAuthorizer.authorizer, CELAuthorizer.path) { check, texts in
            check.stage = .path
            check.request.path = texts[0]
        },
        step("group", "authorizer_group", CELAuthorizer.authorizer, CELAuthorizer.group) { check, texts in
            check.stage = .group
            check.request.group = texts[0]
        },
        step(
            "serviceAccount", "authorizer_serviceaccount", CELAuthorizer.authorizer, CELAuthorizer.authorizer,
            { check, texts in check.request.serviceAccount = (texts[0], texts[1]) }, arguments: 2),
        step("resource", "groupcheck_resource", CELAuthorizer.group, resource) { check, texts in
            check.stage = .resource
            check.request.resource = texts[0]
        },
        step("subresource", "resourcecheck_subresource", resource, resource) { $0.request.subresource = $1[0] },
        step("namespace", "resourcecheck_namespace", resource, resource) { $0.request.namespace = $1[0] },
        step("name", "resourcecheck_name", resource, resource) { $0.request.name = $1[0] },
        step("fieldSelector", "authorizer_fieldselector", resource, resource) { $0.request.fieldSelector = $1[0] },
        step("labelSelector", "authorizer_labelselector", resource, resource) { $0.request.labelSelector = $1[0] },
        asked("check", "pathcheck_check", CELAuthorizer.path),
        asked("check", "resourcecheck_check", resource),
        told("errored", .bool) { .bool($0.error != nil) },
        told("error", .string) { .string($0.error ?? "") },
        told("allowed", .bool) { .bool($0.isAllowed) },
        told("reason", .string) { .string($0.reason) },
    ]

    static let structures: [String: CELStructure] = Dictionary(
        uniqueKeysWithValues: [
            CELAuthorizer.authorizer, CELAuthorizer.path, CELAuthorizer.group, CELAuthorizer.resource,
            CELDecision.celType, CELQuantity.celType, CELURL.celType, CELNamedFormat.celType, CELVersion.celType,
        ].map { ($0.name, CELStructure(fields: [:])) })
}
