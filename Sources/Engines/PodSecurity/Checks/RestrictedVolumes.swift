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
        var types: [String] = []
        var places: [PodSecurityViolation.Place] = []
        for volume in bad {
            let type = VolumeType.restrictedSource(of: volume.node)
            types.append(type)
            switch type {
            case "hostPath": places.append(hostPathPlace(volume))
            case "unknown":
                let message = "volume \(GoText.quoted(volume.name)) has no source that is known"
                places.append(.init(node: volume.node, rule: .volumeType, message: message))
            default:
                let message = "volume \(GoText.quoted(volume.name)) is of type \(type)"
                places.append(.init(node: volume.node[type], rule: .volumeType, message: message))
            }
        }
        let verb = bad.count == 1 ? "uses" : "use"
        return PodSecurityViolation(
            check: .volumeTypes, reason: "restricted volume types",
            detail: "\(GoText.named("volume", bad.map(\.name))) \(verb) "
                + GoText.named("restricted volume type", GoText.sortedSet(types)),
            places: places)
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
