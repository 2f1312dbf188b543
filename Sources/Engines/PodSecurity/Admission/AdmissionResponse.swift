package import Documents

/// What an admission plug-in answers.
///
/// Source: `admission.k8s.io/v1`, `AdmissionResponse`.
package struct AdmissionResponse: Sendable, Hashable {
    /// Why a request is refused, as the client sees it.
    package struct Status: Sendable, Hashable {
        package struct Cause: Sendable, Hashable {
            package var reason = ""
            package var message: String
            package var field = ""

            package init(reason: String = "", message: String, field: String = "") {
                self.reason = reason
                self.message = message
                self.field = field
            }
        }
        package var code: Int
        package var reason: String
        package var message: String
        package var name = ""
        package var group = ""
        package var kind = ""
        package var causes: [Cause] = []

        package init(
            code: Int, reason: String, message: String, name: String = "", group: String = "", kind: String = "",
            causes: [Cause] = []
        ) {
            self.code = code
            self.reason = reason
            self.message = message
            self.name = name
            self.group = group
            self.kind = kind
            self.causes = causes
        }
    }

    package var uid: String
    package var allowed = true
    package var status: Status?
    package var warnings: [String] = []
    /// Keys without the plug-in's prefix.
    package var auditAnnotations: [String: String] = [:]

    package init(
        uid: String, allowed: Bool = true, status: Status? = nil, warnings: [String] = [],
        auditAnnotations: [String: String] = [:]
    ) {
        self.uid = uid
        self.allowed = allowed
        self.status = status
        self.warnings = warnings
        self.auditAnnotations = auditAnnotations
    }

    static func allowed(_ request: AdmissionRequest) -> Self { Self(uid: request.uid) }

    static func exempt(_ request: AdmissionRequest, _ why: String) -> Self {
        Self(uid: request.uid, auditAnnotations: ["exempt": why])
    }

    static func forbidden(_ request: AdmissionRequest, _ why: String) -> Self {
        let named = request.name.isEmpty ? "" : " \(GoText.quoted(request.name))"
        let subject = request.resource.isEmpty ? "" : "\(request.qualifiedResource)\(named) is "
        return Self(
            uid: request.uid, allowed: false,
            status: Status(
                code: 403, reason: "Forbidden", message: "\(subject)forbidden: \(why)", name: request.name,
                group: request.resourceGroup, kind: request.resource))
    }

    static func invalid(_ request: AdmissionRequest, _ errors: [LabelError]) -> Self {
        let text = LabelError.joined(errors)
        return Self(
            uid: request.uid, allowed: false,
            status: Status(
                code: 422, reason: "Invalid",
                message: "\(request.qualifiedKind) \(GoText.quoted(request.name)) is invalid: \(text)",
                name: request.name, group: request.group, kind: request.kind,
                causes: errors.map { .init(reason: "FieldValueInvalid", message: $0.message, field: $0.field) }))
    }

    static func internalError(_ request: AdmissionRequest, _ what: String, _ cause: String) -> Self {
        let message = "Internal error occurred: \(what)"
        return Self(
            uid: request.uid, allowed: false,
            status: Status(code: 500, reason: "InternalError", message: message, causes: [.init(message: what)]),
            auditAnnotations: ["error": "\(message): \(cause)"])
    }

    static func badRequest(_ request: AdmissionRequest, _ what: String, _ cause: String? = nil) -> Self {
        Self(
            uid: request.uid, allowed: false, status: Status(code: 400, reason: "BadRequest", message: what),
            auditAnnotations: ["error": cause.map { "\(what): \($0)" } ?? what])
    }

    /// Writes the `response` of an AdmissionReview.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("uid", uid)
            writer.member("allowed", allowed)
            if let status { writer.member("status", object: status.write) }
            if !auditAnnotations.isEmpty {
                writer.member(
                    "auditAnnotations",
                    object: { writer in
                        for (key, value) in auditAnnotations.sorted(by: { $0.key < $1.key }) {
                            writer.member(key, value)
                        }
                    })
            }
            if !warnings.isEmpty { writer.member("warnings", warnings) }
        }
    }
}

extension AdmissionResponse.Status {
    func write(to writer: inout JSONWriter) {
        writer.member("metadata", object: { _ in })
        writer.member("status", "Failure")
        writer.member("message", message)
        writer.member("reason", reason)
        if !(name + group + kind).isEmpty || !causes.isEmpty {
            writer.member(
                "details",
                object: { writer in
                    if !name.isEmpty { writer.member("name", name) }
                    if !group.isEmpty { writer.member("group", group) }
                    if !kind.isEmpty { writer.member("kind", kind) }
                    if !causes.isEmpty {
                        writer.member(
                            "causes",
                            array: { writer in
                                for cause in causes {
                                    writer.object { writer in
                                        if !cause.reason.isEmpty { writer.member("reason", cause.reason) }
                                        writer.member("message", cause.message)
                                        if !cause.field.isEmpty { writer.member("field", cause.field) }
                                    }
                                }
                            })
                    }
                })
        }
        writer.member("code", code)
    }
}
