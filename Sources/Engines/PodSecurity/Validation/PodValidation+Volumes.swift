import Documents
import Kubernetes

extension PodValidation {
    /// Fields a source cannot be without, by source.
    private static let required: [(source: String, fields: [String])] = [
        ("hostPath", ["path"]), ("gitRepo", ["repository"]), ("gcePersistentDisk", ["pdName"]),
        ("awsElasticBlockStore", ["volumeID"]), ("secret", ["secretName"]), ("nfs", ["server", "path"]),
        ("iscsi", ["targetPortal", "iqn"]), ("glusterfs", ["endpoints", "path"]),
        ("persistentVolumeClaim", ["claimName"]), ("rbd", ["monitors", "image"]), ("cinder", ["volumeID"]),
        ("cephfs", ["monitors"]), ("flexVolume", ["driver"]), ("configMap", ["name"]),
        ("azureFile", ["secretName", "shareName"]), ("vsphereVolume", ["volumePath"]),
        ("quobyte", ["registry", "volume"]), ("azureDisk", ["diskName", "diskURI"]),
        ("photonPersistentDisk", ["pdID"]), ("portworxVolume", ["volumeID"]),
        ("scaleIO", ["gateway", "system", "volumeName"]), ("csi", ["driver"]),
    ]

    mutating func checkVolumes() {
        var names: Set<String> = []
        for volume in pod.node["volumes"].elements {
            let before = errors.count
            let sources = VolumeSources.names.filter { !volume[$0].isNull }
            for extra in sources.dropFirst() {
                add(.forbidden(volume[extra], "may not specify more than 1 volume type"))
            }
            if let first = sources.first { checkSource(volume[first], first) }
            checkLabelName(volume["name"])
            let name = volume["name"].string ?? ""
            if names.contains(name) { add(.duplicate(volume["name"], name)) }
            if errors.count == before { names.insert(name) }
        }
    }

    private mutating func checkSource(_ source: Node, _ kind: String) {
        for field in Self.required.first(where: { $0.source == kind })?.fields ?? []
        where isEmpty(source[field]) || (source[field].isArray && source[field].isEmpty) {
            add(.required(source[field]))
        }
        switch kind {
        case "hostPath":
            if let path = source["path"].string, Self.hasBackstep(path) {
                add(.invalid(source["path"], "must not contain '..'"))
            }
        case "nfs":
            if let path = source["path"].string, !path.hasPrefix("/") {
                add(.invalid(source["path"], "must be an absolute path"))
            }
        case "azureDisk": checkAzureDisk(source)
        default: break
        }
    }

    private mutating func checkAzureDisk(_ disk: Node) {
        choice(disk["cachingMode"], ["None", "ReadOnly", "ReadWrite"])
        choice(disk["kind"], ["Dedicated", "Managed", "Shared"])
        let isManaged = disk["kind"].equals("Managed")
        let start = isManaged ? "/subscriptions/" : "https://"
        guard !(disk["diskURI"].string ?? "").hasPrefix(start) else { return }
        let example =
            isManaged
            ? "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
            : "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
        add(.unsupported(disk["diskURI"], of: [example]))
    }
}
