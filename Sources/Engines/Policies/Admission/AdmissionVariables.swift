import Synchronization

/// What a policy's expressions are given.
package struct AdmissionInput: Sendable {
    package enum Operation: String, Sendable {
        case create = "CREATE", update = "UPDATE", delete = "DELETE", connect = "CONNECT"
    }

    package var object: CELValue
    package var oldObject: CELValue
    package var params: CELValue
    package var namespaceObject: CELValue
    package var request: CELValue
    /// Who answers questions to the authorizer; nil where nobody can.
    package var authorizer: CELValue?
    package var requestResource: CELValue?

    package init(
        object: CELValue, oldObject: CELValue = .null, params: CELValue = .null, namespaceObject: CELValue = .null,
        request: CELValue = .null, authorizer: CELValue? = nil, requestResource: CELValue? = nil
    ) {
        self.object = object
        self.oldObject = oldObject
        self.params = params
        self.namespaceObject = namespaceObject
        self.request = request
        self.authorizer = authorizer
        self.requestResource = requestResource
    }

    func value(_ name: String) -> CELValue? {
        switch name {
        case "object": object
        case "oldObject": oldObject
        case "params": params
        case "namespaceObject": namespaceObject
        case "request": request
        case "authorizer": authorizer
        case "authorizer.requestResource": requestResource
        default: nil
        }
    }
}

extension CELEnvironment {
    /// The variables of an admission policy of Kubernetes 1.36; objects are of any type.
    static let admission: CELEnvironment = {
        var environment = CELEnvironment.kubernetes
        environment.variables = [
            "object": .dyn, "oldObject": .dyn, "params": .dyn, "namespaceObject": .object("kubernetes.Namespace"),
            "request": .object("kubernetes.AdmissionRequest"), "authorizer": .authorizer,
            "authorizer.requestResource": .resourceCheck,
        ]
        for (name, fields) in structures { environment.structures[name] = CELStructure(fields: fields) }
        return environment
    }()

    private static let structures: [String: [String: CELType]] = {
        let kind = CELType.object("kubernetes.GroupVersionKind")
        let resource = CELType.object("kubernetes.GroupVersionResource")
        return [
            "kubernetes.GroupVersionKind": ["group": .string, "version": .string, "kind": .string],
            "kubernetes.GroupVersionResource": ["group": .string, "version": .string, "resource": .string],
            "kubernetes.UserInfo": [
                "username": .string, "uid": .string, "groups": .list(.string),
                "extra": .map(.string, .list(.string)),
            ],
            "kubernetes.AdmissionRequest": [
                "kind": kind, "resource": resource, "subResource": .string, "requestKind": kind,
                "requestResource": resource, "requestSubResource": .string, "name": .string, "namespace": .string,
                "operation": .string, "userInfo": .object("kubernetes.UserInfo"), "dryRun": .bool, "options": .dyn,
            ],
            "kubernetes.NamespaceMetadata": [
                "name": .string, "generateName": .string, "namespace": .string, "labels": .map(.string, .string),
                "annotations": .map(.string, .string), "UID": .string, "creationTimestamp": .timestamp,
                "deletionGracePeriodSeconds": .int, "deletionTimestamp": .timestamp, "generation": .int,
                "resourceVersion": .string, "finalizers": .list(.string),
            ],
            "kubernetes.NamespaceSpec": ["finalizers": .list(.string)],
            "kubernetes.NamespaceStatus": ["phase": .string],
            "kubernetes.Namespace": [
                "metadata": .object("kubernetes.NamespaceMetadata"), "spec": .object("kubernetes.NamespaceSpec"),
                "status": .object("kubernetes.NamespaceStatus"),
            ],
        ]
    }()
}

/// The `variables` of a policy: each computed when it is first looked at, and then kept.
final class LazyVariables: CELOpaque {
    static let celType = CELType.object("kubernetes.variables")

    private let programs: [String: CELProgram]
    private let input: AdmissionInput
    private let known = Mutex<[String: CELValue]>([:])
    private let spent = Mutex<UInt64>(0)

    init(_ programs: [String: CELProgram], _ input: AdmissionInput) {
        self.programs = programs
        self.input = input
    }

    var type: CELType { Self.celType }
    var text: String { "variables" }
    func isEqual(to other: any CELOpaque) -> Bool { (other as? LazyVariables) === self }
    func hasField(_ name: String) -> Bool { programs[name] != nil }

    /// What computing the variables has cost so far.
    var cost: UInt64 { spent.withLock { $0 } }

    func field(_ name: String) -> CELValue? {
        if let value = known.withLock({ $0[name] }) { return value }
        guard let program = programs[name] else { return nil }
        let result = program.evaluate { self.value($0) }
        known.withLock { $0[name] = result.value }
        spent.withLock { $0 &+= result.cost }
        return result.value
    }

    func value(_ name: String) -> CELValue? { name == "variables" ? .opaque(self) : input.value(name) }
}
