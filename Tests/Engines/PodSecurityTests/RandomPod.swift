import Documents

/// Pods made of the fields checks read, with odd values among them; the same for the same seed.
struct RandomPod {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private mutating func pick<T>(_ choices: [T]) -> T { choices[Int(next() % UInt64(choices.count))] }
    private mutating func chance(_ percent: UInt64) -> Bool { next() % 100 < percent }

    mutating func pod() -> DocumentValue {
        var spec: [DocumentValue.Member] = []
        for name in ["hostNetwork", "hostPID", "hostIPC"] where chance(15) {
            spec.append(.init(name, .bool(chance(60))))
        }
        if chance(20) { spec.append(.init("hostUsers", .bool(chance(50)))) }
        if chance(10) { spec.append(.init("os", ["name": pick(["linux", "windows"])])) }
        if chance(70) { spec.append(.init("securityContext", context(ofPod: true))) }
        spec.append(.init("containers", containers("c", 1 + Int(next() % 3))))
        if chance(30) { spec.append(.init("initContainers", containers("i", 1 + Int(next() % 2)))) }
        if chance(10) { spec.append(.init("ephemeralContainers", containers("e", 1))) }
        if chance(50) { spec.append(.init("volumes", volumes())) }
        var annotations: [DocumentValue.Member] = []
        for name in ["c0", "i0", "none"] where chance(15) {
            annotations.append(
                .init(
                    "container.apparmor.security.beta.kubernetes.io/\(name)",
                    pick(["unconfined", "runtime/default", "localhost/a", "localhost/", "", "odd"])))
        }
        if chance(10) {
            annotations.append(
                .init("seccomp.security.alpha.kubernetes.io/pod", pick(["unconfined", "docker/default"])))
        }
        return [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": ["name": "random", "annotations": .object(annotations)], "spec": .object(spec),
        ]
    }

    private mutating func containers(_ letter: String, _ count: Int) -> DocumentValue {
        .array(
            (0..<count).map { index in
                var members: [DocumentValue.Member] = [
                    .init("name", .string("\(letter)\(index)")),
                    .init("image", pick(["app", "app:1", "app:latest", "Bad", .string("a@sha256:\(digest)")])),
                ]
                if chance(80) { members.append(.init("securityContext", context(ofPod: false))) }
                if chance(30) {
                    members.append(.init("ports", [["containerPort": 80, "hostPort": pick([0, 80, 443])]]))
                }
                if chance(20) { members.append(.init("ports", [["containerPort": 8080]])) }
                if chance(20) {
                    members.append(
                        .init("livenessProbe", ["httpGet": ["port": 80, "host": pick(["", "localhost"])]]))
                }
                return .object(members)
            })
    }

    private let digest = String(repeating: "0123456789abcdef", count: 4)

    private mutating func context(ofPod: Bool) -> DocumentValue {
        var members: [DocumentValue.Member] = []
        if chance(70) { members.append(.init("runAsNonRoot", .bool(chance(85)))) }
        if chance(20) { members.append(.init("runAsUser", pick([0, 1000]))) }
        for name in ["seccompProfile", "appArmorProfile"] where chance(60) {
            members.append(
                .init(name, ["type": pick(["RuntimeDefault", "RuntimeDefault", "Localhost", "Unconfined"])]))
        }
        if chance(15) {
            members.append(.init("seLinuxOptions", ["type": pick(["", "container_t", "container_engine_t", "spc_t"])]))
        }
        if chance(5) { members.append(.init("windowsOptions", ["hostProcess": .bool(chance(50))])) }
        guard !ofPod else { return .object(members) }
        if chance(85) { members.append(.init("allowPrivilegeEscalation", .bool(chance(15)))) }
        if chance(15) { members.append(.init("privileged", .bool(chance(50)))) }
        if chance(10) { members.append(.init("procMount", pick(["Default", "Unmasked"]))) }
        if chance(85) {
            members.append(
                .init(
                    "capabilities",
                    [
                        "drop": pick([["ALL"], ["ALL"], ["ALL"], ["NET_RAW"], []]),
                        "add": pick([[], [], ["NET_BIND_SERVICE"], ["CHOWN"], ["SYS_ADMIN"]]),
                    ]))
        }
        return .object(members)
    }

    private mutating func volumes() -> DocumentValue {
        .array(
            (0..<(1 + Int(next() % 3))).map { index in
                let source = pick(["", "emptyDir", "secret", "hostPath", "nfs", "csi", "image", "mystery"])
                let name = DocumentValue.Member("name", .string("v\(index)"))
                return .object(source.isEmpty ? [name] : [name, .init(source, [:])])
            })
    }
}
