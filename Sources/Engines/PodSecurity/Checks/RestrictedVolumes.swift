import Documents
import Findings
import Kubernetes

/// Sources of volumes by what restricted says of them.
enum VolumeType {
    static func isAllowed(_ member: Node.Member) -> Bool { allowed.contains(where: member.hasKey) }

    /// Whether the member is a source at all; what is not is dropped by the API server.
    static func isKnown(_ member: Node.Member) -> Bool { VolumeSources.names.contains(where: member.hasKey) }

    private static let allowed = [
        "configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim", "downwardAPI", "csi", "ephemeral",
        "image",
    ]

    /// In the order upstream asks for them: the first that is set names the volume.
    private static let restricted = [
        "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs", "rbd",
        "flexVolume", "cinder", "cephfs", "flocker", "fc", "azureFile", "vsphereVolume", "quobyte", "azureDisk",
        "photonPersistentDisk", "portworxVolume", "scaleIO", "storageos",
    ]

    /// The source of a volume that has no allowed one; `unknown` where no source is known.
    static func restrictedSource(of volume: Node) -> String {
        restricted.first { !volume[$0].isNull } ?? "unknown"
    }
}

extension PodSecurityCheck {
    static let volumeTypes = PodSecurityCheck(
        id: .volumeTypes, level: .restricted, rules: [.hostPath, .volumeType],
        editions: [Edition(since: 0, replaces: [.hostPath], evaluate: evaluate)])

    private static func evaluate(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let bad = pod.volumes.filter { !$0.hasAllowedSource }
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            check: .volumeTypes, reason: "restricted volume types", detail: detail(bad), places: bad.map(place))
    }

    private static func detail(_ volumes: [VolumeInput]) -> String {
        let types = GoText.sortedSet(volumes.map { VolumeType.restrictedSource(of: $0.node) })
        return "\(GoText.named("volume", volumes.map(\.name))) \(volumes.count == 1 ? "uses" : "use") "
            + GoText.named("restricted volume type", types)
    }

    private static func place(_ volume: VolumeInput) -> PodSecurityViolation.Place {
        let type = VolumeType.restrictedSource(of: volume.node)
        let name = GoText.quoted(volume.name)
        switch type {
        case "hostPath": return hostPathPlace(volume)
        case "unknown":
            return .init(
                node: volume.node, rule: .volumeType, message: "volume \(name) has no source that is known")
        default:
            return .init(node: volume.node[type], rule: .volumeType, message: "volume \(name) is of type \(type)")
        }
    }
}

extension Rule {
    static let volumeType = Rule(
        "pod/volume-type", .low, [.pss("restricted"), .nsa("pod-pss")],
        title: "A pod mounts storage by a type that skips storage classes",
        why: """
            Inline volumes such as `nfs`, `iscsi` or `rbd` name servers and credentials in the pod, past the claims \
            and classes an administrator controls; most of these drivers are no longer maintained.
            """,
        remedy: "Use a `persistentVolumeClaim`, `csi` or `ephemeral` volume.")
}
