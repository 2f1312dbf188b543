package import Documents

/// Something that happened, from whatever log it came.
package enum RuntimeEvent: Sendable {
    case audit(AuditEvent)
    /// A recorded system call.
    case trace(TraceEvent)
    /// An alert that another detector raised: Falco's JSON output, falcosidekick's payload.
    case alert(Alert)

    package var time: UInt64 {
        switch self {
        case .audit(let event): event.time
        case .trace(let event): event.time
        case .alert(let alert): alert.time
        }
    }

    /// The event source whose rules are asked.
    package var source: String {
        switch self {
        case .audit: "k8s_audit"
        case .trace: "syscall"
        case .alert(let alert): alert.source
        }
    }

    package func values(_ field: FieldReference, _ info: FieldInfo) -> [FieldValue]? {
        switch self {
        case .audit(let event): event.values(field, info)
        case .trace(let event): event.values(field, info)
        case .alert(let alert): alert.field(field.description).map { [FieldValue($0)] }
        }
    }
}

/// Reads events from the forms they are kept and sent in: one JSON object a line, lists, the body an API server posts
/// to a webhook, and the wrappings of EKS (CloudWatch), GKE (Cloud Logging) and AKS (Azure Monitor).
package struct EventStream: Sendable {
    /// Lines that were no JSON, or JSON cut off.
    package private(set) var unreadable = 0
    /// Objects that were no event of any known form.
    package private(set) var unknown = 0
    package private(set) var events: [RuntimeEvent] = []

    /// Wrappings inside wrappings.
    private static let deepest = 4

    package init() {}

    /// Reads a whole text.
    package static func read(_ bytes: [UInt8]) -> EventStream {
        var stream = EventStream()
        let span = bytes.span
        var start = 0
        var isFirst = true
        while start < bytes.count {
            var end = start
            while end < bytes.count, span[end] != 0x0A { end += 1 }
            let line = bytes[start..<end]
            start = end + 1
            guard let first = line.first(where: { !ConditionLexer.isSpace($0) }), first != 0 else { continue }
            let isRead = stream.add(line: line)
            if isFirst, !isRead {
                // Not one object a line: one text, laid out over several.
                var whole = EventStream()
                let set = DocumentReader.read(SourceText(name: "", bytes: bytes), options: .server)
                if set.documents.contains(where: { $0.root.isObject || $0.root.isArray }) {
                    for document in set.documents { whole.add(document.root, 0) }
                    whole.unreadable += set.problems.isEmpty ? 0 : 1
                    return whole
                }
            }
            isFirst = false
        }
        return stream
    }

    /// Adds the events of one line; false when it is no JSON.
    @discardableResult
    package mutating func add(line: ArraySlice<UInt8>) -> Bool {
        // Exports of CloudWatch put the time before each object.
        guard let open = line.firstIndex(where: { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[") }) else {
            unreadable += 1
            return false
        }
        do throws(DocumentError) {
            add(try DocumentReader.readJSON(SourceText(name: "", bytes: Array(line[open...]))), 0)
            return true
        } catch {
            unreadable += 1
            return false
        }
    }

    package mutating func add(_ node: Node, _ depth: Int) {
        guard depth < Self.deepest else {
            unknown += 1
            return
        }
        if node.isArray {
            for element in node.elements { add(element, depth + 1) }
        } else if AuditEvent.accepts(node) {
            events.append(.audit(AuditEvent(node)))
        } else if TraceEvent.accepts(node) {
            events.append(.trace(TraceEvent(node.asRoot)))
        } else if let alert = Alert(node) {
            events.append(.alert(alert))
        } else if node["items"].isArray {
            for item in node["items"].elements { add(item, depth + 1) }
        } else if node["logEvents"].isArray || node["records"].isArray || node["entries"].isArray {
            for list in ["logEvents", "records", "entries"] {
                for entry in node[list].elements { add(entry, depth + 1) }
            }
        } else if let text = Self.inner(node) {
            add(text: text, depth + 1)
        } else if node["protoPayload"].isObject {
            guard let text = CloudAudit.event(node) else {
                unknown += 1
                return
            }
            add(text: text, depth + 1)
        } else {
            unknown += 1
        }
    }

    /// The text of an event inside its wrapping.
    private static func inner(_ node: Node) -> String? {
        for candidate in [
            node["message"], node["@message"], node["properties"]["log"], node["log"], node["jsonPayload"],
        ] {
            if let text = candidate.string, text.contains("{") { return text }
            if candidate.isObject { return AuditField.text(candidate) }
        }
        return nil
    }

    private mutating func add(text: String, _ depth: Int) {
        do throws(DocumentError) {
            add(try DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8))), depth)
        } catch {
            unreadable += 1
        }
    }
}

/// Audit entries of Google's Cloud Logging, which are not the API server's own events but can be read as such.
enum CloudAudit {
    /// The entry as an audit event in JSON; what the entry does not say is inferred as Falco's plugin infers it.
    static func event(_ entry: Node) -> String? {
        let payload = entry["protoPayload"]
        guard let method = payload["methodName"].string, let resource = payload["resourceName"].string else {
            return nil
        }
        let verb = method.split(separator: ".").last.map(String.init) ?? method
        let parts = resource.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let reference = self.reference(parts)
        let subresource = reference["subresource"]
        let isStream = subresource == "attach" || subresource == "exec"
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("kind", "Event")
            writer.member("apiVersion", "audit.k8s.io/v1")
            writer.member("level", isStream ? "Request" : "RequestResponse")
            writer.member("auditID", entry["insertId"].string ?? "")
            writer.member("stage", isStream ? "ResponseStarted" : "ResponseComplete")
            writer.member("requestURI", "/\(resource)")
            writer.member("verb", verb)
            writer.member(
                "user", object: { $0.member("username", payload["authenticationInfo"]["principalEmail"].string ?? "") })
            writer.member("sourceIPs", [payload["requestMetadata"]["callerIp"].string ?? ""])
            writer.member("userAgent", payload["requestMetadata"]["callerSuppliedUserAgent"].string ?? "")
            if !reference.isEmpty {
                writer.member(
                    "objectRef",
                    object: { writer in for (key, value) in reference.sorted(by: <) { writer.member(key, value) } })
            }
            writer.member(
                "responseStatus",
                object: { writer in
                    // Google gives no status of the API server, only the code of its own call.
                    let failed = payload["status"]["code"].int ?? 0
                    writer.member("code", failed == 7 ? 403 : isStream ? 101 : verb == "create" ? 201 : 200)
                })
            for (key, node) in [("requestObject", payload["request"]), ("responseObject", payload["response"])]
            where node.isObject {
                writer.key(key)
                writer.value(node)
            }
            let time = entry["receiveTimestamp"].string ?? entry["timestamp"].string ?? ""
            writer.member("requestReceivedTimestamp", time)
            writer.member("stageTimestamp", time)
            writer.member(
                "annotations",
                object: { writer in
                    var labels = entry["labels"].stringMap
                    labels.merge(entry["resource"]["labels"].stringMap) { _, new in new }
                    for (key, value) in labels.sorted(by: <) { writer.member(key, value) }
                })
        }
        return writer.string
    }

    /// `GROUP/VERSION/namespaces/NS/RESOURCE/NAME/SUBRESOURCE`, with less where there is less.
    private static func reference(_ parts: [String]) -> [String: String] {
        guard parts.count >= 4 else { return [:] }
        var out = ["apiGroup": parts[0], "apiVersion": parts[1]]
        if parts.count >= 5, parts[2] == "namespaces" {
            out["namespace"] = parts[3]
            out["resource"] = parts[4]
            if parts.count > 5 { out["name"] = parts[5] }
            if parts.count > 6 { out["subresource"] = parts[6] }
        } else {
            out["resource"] = parts[2]
            out["name"] = parts[3]
            if parts.count > 4 { out["subresource"] = parts[4] }
        }
        return out
    }
}
