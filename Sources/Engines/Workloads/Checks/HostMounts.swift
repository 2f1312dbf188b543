import Documents
import Findings
import Kubernetes

extension WorkloadChecks {
    static let runtimeSocket = Check<WorkloadSubject>(
        Rule(
            "workload/runtime-socket", .critical,
            [.cis("5.2.11"), .nsa("pod-pss"), .attack("T1611"), .attack("T1610")],
            title: "A container can command the node's container runtime",
            why: """
                The socket takes orders without asking who gives them: a container that reaches it starts another one \
                with the node's file system and is root on the node. Mounting it read-only changes nothing.
                """,
            remedy: """
                Take the socket away. Build images with a tool that needs no daemon (BuildKit rootless, Buildah, \
                Kaniko), and read container metrics from the kubelet.
                """)
    ) { subject, report in
        for mount in subject.hostMounts {
            guard let place = HostPaths.known.socket(mount.path) else { continue }
            report.fail(at: mount.node, "\(mount.users) \(mount.verb) \(quoted: mount.written): \(place.what)")
            report.severity = max(report.severity ?? .info, place.severity)
        }
    }

    static let sensitiveHostPath = Check<WorkloadSubject>(
        Rule(
            "workload/sensitive-host-path", .high,
            [.cis("5.2.11"), .nsa("pod-pss"), .attack("T1611"), .attack("T1552.001")],
            title: "A container sees a part of the node that gives more than files",
            why: """
                Some directories of a node hold its keys, other pods' Secrets, or programs that run as root. Reading \
                or writing them from a container is taking the node.
                """,
            remedy: "Mount only the one file or directory the program needs, read-only; or use an API in its place."
        )
    ) { subject, report in
        for mount in subject.hostMounts where HostPaths.known.socket(mount.path) == nil {
            guard let place = HostPaths.known.place(mount.path) else { continue }
            let manner = mount.isReadOnly ? "\(mount.verb) read-only" : mount.verb
            report.fail(at: mount.node, "\(mount.users) \(manner) \(quoted: mount.written): \(place.what)")
            let severity = mount.isReadOnly ? place.readOnlySeverity : place.severity
            report.severity = max(report.severity ?? .info, severity)
        }
    }

    static let hostPathSubpath = Check<WorkloadSubject>(
        Rule(
            "workload/host-path-subpath", .low, [.cis("5.2.11"), .attack("T1611"), .kubernetes("CVE-2021-25741")],
            title: "A writable mount of a part of a hostPath volume",
            why: """
                The kubelet resolves the part on the node. A container that can write there has turned it into a \
                link to anywhere on the node before (CVE-2017-1002101, CVE-2021-25741).
                """,
            remedy: "Put the whole path into the volume's hostPath, or mount it read-only."
        )
    ) { subject, report in
        for volume in subject.spec.volumes {
            guard let source = volume.source, source.type == "hostPath" else { continue }
            for container in subject.containers {
                for mount in container.volumeMounts
                where mount["name"].equals(volume.name) && mount["readOnly"].bool != true {
                    let part = mount["subPath"].isNull ? mount["subPathExpr"] : mount["subPath"]
                    guard let text = part.string, !text.isEmpty else { continue }
                    report.fail(
                        at: part,
                        "\(container.phrase) writes to \(quoted: text) of hostPath volume \(quoted: volume.name)")
                    // Nodes of v1.22 and later know both ways out.
                    if subject.context.options.target < TargetVersion(minor: 22) { report.severity = .high }
                }
            }
        }
    }

    static let mountPropagation = Check<WorkloadSubject>(
        Rule(
            "workload/bidirectional-mount", .high, [.nsa("pod-pss"), .attack("T1611")],
            title: "What a container mounts appears on the node and in other pods",
            why: """
                With Bidirectional propagation the container's mounts reach the node, where they stay after the pod \
                and can cover the node's own files. Only storage drivers need it.
                """,
            remedy: "Leave mountPropagation out, or use HostToContainer to see the node's mounts.")
    ) { subject, report in
        for container in subject.containers {
            for mount in container.volumeMounts where mount["mountPropagation"].equals("Bidirectional") {
                report.fail(
                    at: mount["mountPropagation"],
                    "\(container.phrase) shares its mounts under \(quoted: mount["mountPath"].string ?? "") with the node"
                )
            }
        }
    }
}

/// A path of the node as containers see it.
private struct HostMount {
    /// The volume's `hostPath.path`.
    let node: Node
    /// The path with the mount's `subPath`, in the form the facts are written in.
    let path: String
    /// The same as the manifest has it, so that a person finds it again.
    let written: String
    /// The containers, as messages name them.
    var users: String
    var verb = "mounts"
    var isReadOnly: Bool
}

extension WorkloadSubject {
    /// Every path of the node that some container mounts; volumes nobody mounts give nothing away.
    fileprivate var hostMounts: [HostMount] {
        var out: [HostMount] = []
        for volume in spec.volumes {
            guard let source = volume.source, source.type == "hostPath", let path = source.node["path"].string else {
                continue
            }
            let first = out.count
            for container in containers {
                for mount in container.volumeMounts where mount["name"].equals(volume.name) {
                    let part = mount["subPath"].string ?? mount["subPathExpr"].string ?? ""
                    let written = part.isEmpty ? path : "\(path)/\(part)"
                    let whole = HostPaths.normalized(written)
                    let isReadOnly = mount["readOnly"].bool ?? false
                    if let known = out[first...].firstIndex(where: { $0.path == whole }) {
                        out[known].users += ", \(container.phrase)"
                        out[known].verb = "mount"
                        out[known].isReadOnly = out[known].isReadOnly && isReadOnly
                    } else {
                        out.append(
                            HostMount(
                                node: source.node["path"], path: whole, written: written, users: container.phrase,
                                isReadOnly: isReadOnly))
                    }
                }
            }
        }
        return out
    }
}
