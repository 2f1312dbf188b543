import Testing

@testable import Sensor

private let id = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90"
private let uid = "11111111-2222-3333-4444-555555555555"
private let slice = "kubepods-burstable-pod11111111_2222_3333_4444_555555555555.slice"

struct PathCase: Sendable, CustomStringConvertible {
    var description: String
    var path: String
    var engine: ContainerIdentity.Engine?
    var pod: String?
}

@Suite struct ContainerIdentityTests {
    @Test(arguments: [
        PathCase(
            description: "the kubelet's folders", path: "/kubepods/burstable/pod\(uid)/\(id)", engine: .unknown,
            pod: uid),
        PathCase(
            description: "guaranteed pods lie one folder higher", path: "/kubepods/pod\(uid)/\(id)", engine: .unknown,
            pod: uid),
        PathCase(
            description: "systemd with containerd",
            path: "/kubepods.slice/kubepods-burstable.slice/\(slice)/cri-containerd-\(id).scope", engine: .containerd,
            pod: uid),
        PathCase(
            description: "systemd with CRI-O",
            path: "/kubepods.slice/kubepods-burstable.slice/\(slice)/crio-\(id).scope", engine: .crio, pod: uid),
        PathCase(
            description: "CRI-O's container in a folder of its scope",
            path: "/kubepods.slice/kubepods-burstable.slice/\(slice)/crio-\(id).scope/container", engine: .crio,
            pod: uid),
        PathCase(
            description: "containerd's own driver under systemd",
            path: "/system.slice/containerd.service/\(slice):cri-containerd:\(id)", engine: .containerd, pod: nil),
        PathCase(description: "docker's folders", path: "/docker/\(id)", engine: .docker, pod: nil),
        PathCase(
            description: "docker under systemd", path: "/system.slice/docker-\(id).scope", engine: .docker, pod: nil),
        PathCase(
            description: "podman", path: "/machine.slice/libpod-\(id).scope/container", engine: .podman, pod: nil),
        PathCase(
            description: "podman's monitor", path: "/machine.slice/libpod-conmon-\(id).scope", engine: nil, pod: nil),
        PathCase(
            description: "CRI-O's monitor", path: "/kubepods.slice/\(slice)/crio-conmon-\(id).scope", engine: nil,
            pod: nil),
        PathCase(
            description: "a static pod has a digest",
            path: "/kubepods/burstable/pod0123456789abcdef0123456789abcdef/\(id)", engine: .unknown,
            pod: "0123456789abcdef0123456789abcdef"),
        PathCase(
            description: "a cluster inside a container", path: "/docker/\(id)/kubepods/pod\(uid)/\(id)",
            engine: .docker, pod: uid),
        PathCase(description: "a pod's own group is no container", path: "/kubepods/pod\(uid)", engine: nil, pod: nil),
        PathCase(description: "a service is no container", path: "/system.slice/cron.service", engine: nil, pod: nil),
        PathCase(description: "the root", path: "/", engine: nil, pod: nil),
        PathCase(description: "a short name is no identifier", path: "/docker/a1b2c3", engine: nil, pod: nil),
        PathCase(description: "letters that are no digits", path: "/docker/\(id.dropLast())z", engine: nil, pod: nil),
    ])
    func theGroupsPathSaysWhichContainerAndPodItIs(_ example: PathCase) {
        let identity = ContainerIdentity(cgroupPath: example.path)
        #expect(identity?.engine == example.engine)
        #expect(identity?.podUID == example.pod)
        if example.engine != nil { #expect(identity?.id == id) }
    }
}
