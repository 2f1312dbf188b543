package import Documents
package import Kubernetes

/// Keeps of an answer what a security posture is read from.
///
/// Half of what a server sends says nothing here. Dropped are: `managedFields`; the text of the annotation
/// `kubectl.kubernetes.io/last-applied-configuration` (a copy of the object, and for a Secret of its values; the key
/// stays, so that it can be seen that there was one); of `status` everything but its numbers, words and truths, and of
/// pods the container statuses and addresses, of nodes the versions and addresses, of services the load balancer.
/// Each object gets the `apiVersion` and `kind` that lists leave out.
package struct ObjectCondenser: Sendable {
    private let apiVersion: String
    private let kind: String
    private let isPartial: Bool
    private let head: [UInt8]
    /// Members of `status` that are kept whole.
    private let keptStatus: Set<String>

    package init(_ resource: APIResource, form: ObjectForm = .full) {
        apiVersion = resource.apiVersion
        kind = resource.kind
        isPartial = resource.isSecrets && form != .values
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("apiVersion", resource.apiVersion)
            writer.member("kind", resource.kind)
        }
        head = writer.bytes.dropLast()
        keptStatus =
            switch (resource.group, resource.kind) {
            case ("", "Pod"):
                ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses", "podIPs", "hostIPs"]
            // A kubelet may serve on a port of its own.
            case ("", "Node"): ["nodeInfo", "addresses", "daemonEndpoints"]
            case ("", "Service"): ["loadBalancer"]
            // Whether a secret is kept up to date is told there and nowhere else.
            case ("external-secrets.io", _), ("secrets.hashicorp.com", _), ("bitnami.com", _): ["conditions"]
            default: []
            }
    }

    /// The objects, in a text of their own: the answer they came in is free to go.
    package func objects(_ items: some Sequence<Node>) throws(ClientError) -> [KubernetesObject] {
        var bytes: [UInt8] = [UInt8(ascii: "[")]
        for item in items where item.isObject {
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            write(item, to: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
        // An array grows by doubling; what it holds too much would be held as long as the objects.
        var exact: [UInt8] = []
        exact.reserveCapacity(bytes.count)
        exact += bytes
        let root: Node
        do throws(DocumentError) {
            root = try DocumentReader.readJSON(SourceText(name: "", bytes: exact))
        } catch {
            throw ClientError(.server, "objects of kind \(kind) cannot be kept (\(error.message)); please report this")
        }
        return root.elements.map { KubernetesObject($0, apiVersion: apiVersion, kind: kind) }
    }

    private func write(_ item: Node, to bytes: inout [UInt8]) {
        bytes += head
        for member in item.members {
            switch member.key {
            case "apiVersion", "kind": continue
            // The server was asked for metadata alone; if a proxy or an old server gave more, it ends here.
            case "data" where isPartial, "stringData" where isPartial: continue
            case "metadata":
                key(member, to: &bytes)
                metadata(member.value, to: &bytes)
            case "status":
                key(member, to: &bytes)
                object(member.value, to: &bytes) { status in
                    let value = status.value
                    return (!value.isObject && !value.isArray) || keptStatus.contains(status.key)
                }
            default:
                key(member, to: &bytes)
                copy(member.value, to: &bytes)
            }
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

    private func metadata(_ node: Node, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        for member in node.members {
            key(member, to: &bytes)
            guard member.hasKey("annotations"), member.value[Self.lastApplied].exists else {
                copy(member.value, to: &bytes)
                continue
            }
            bytes.append(UInt8(ascii: "{"))
            for annotation in member.value.members {
                key(annotation, to: &bytes)
                if annotation.hasKey(Self.lastApplied) {
                    bytes += [UInt8(ascii: "\""), UInt8(ascii: "\"")]
                } else {
                    copy(annotation.value, to: &bytes)
                }
            }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private func object(_ node: Node, to bytes: inout [UInt8], where isKept: (Node.Member) -> Bool) {
        guard node.isObject else {
            copy(node, to: &bytes)
            return
        }
        bytes.append(UInt8(ascii: "{"))
        for member in node.members where isKept(member) {
            key(member, to: &bytes)
            copy(member.value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// The key with its colon, behind a comma where something stands before it.
    private func key(_ member: Node.Member, to bytes: inout [UInt8]) {
        if bytes.last != UInt8(ascii: "{") { bytes.append(UInt8(ascii: ",")) }
        var writer = JSONWriter()
        writer.value(member.key)
        bytes += writer.bytes
        bytes.append(UInt8(ascii: ":"))
    }

    /// The value as it was written.
    private func copy(_ node: Node, to bytes: inout [UInt8]) {
        guard let range = node.sourceRange else {
            var writer = JSONWriter()
            writer.value(node)
            bytes += writer.bytes
            return
        }
        bytes += node.source.bytes[range]
    }
}
