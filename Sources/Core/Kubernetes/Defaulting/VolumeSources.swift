import Documents

/// What a volume can be made of.
package enum VolumeSources {
    /// Every source of `VolumeSource`, Kubernetes v1.36. A volume with none of them becomes an `emptyDir`.
    package static let names = [
        "hostPath", "emptyDir", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "secret", "nfs", "iscsi",
        "glusterfs", "persistentVolumeClaim", "rbd", "flexVolume", "cinder", "cephfs", "flocker", "downwardAPI", "fc",
        "azureFile", "configMap", "vsphereVolume", "quobyte", "azureDisk", "photonPersistentDisk", "projected",
        "portworxVolume", "scaleIO", "storageos", "csi", "ephemeral", "image",
    ]

    /// Texts filled in where they are empty.
    static let defaults: [(String, [(String, String)])] = [
        ("iscsi", [("iscsiInterface", "default")]),
        ("rbd", [("pool", "rbd"), ("user", "admin"), ("keyring", "/etc/ceph/keyring")]),
        ("scaleIO", [("storageMode", "ThinProvisioned"), ("fsType", "xfs")]),
    ]

    static let azureDisk: [(String, DocumentValue)] = [
        ("cachingMode", "ReadWrite"), ("fsType", "ext4"), ("readOnly", false), ("kind", "Shared"),
    ]
}
