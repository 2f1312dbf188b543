import Documents
import Kubernetes

extension PodValidation {
    private static let identities = 0...Int(Int32.max)

    mutating func checkPodSecurityContext() {
        let context = pod.securityContext
        guard context.isObject else { return }
        for name in ["fsGroup", "runAsUser", "runAsGroup"] { checkIdentity(context[name]) }
        for group in context["supplementalGroups"].elements { checkIdentity(group) }
        if isTrue(pod.node["shareProcessNamespace"]), pod.hostPID {
            let field = context.path.appending("shareProcessNamespace").description
            let message = "Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled"
            add(PodFieldError(node: pod.node["shareProcessNamespace"], field: field, message: message))
        }
        checkSysctls(context["sysctls"])
        checkSeccompProfile(context["seccompProfile"])
        checkAppArmorProfile(context["appArmorProfile"])
    }

    mutating func checkSecurityContext(_ context: Node) {
        guard context.isObject else { return }
        checkIdentity(context["runAsUser"])
        checkIdentity(context["runAsGroup"])
        let procMount = context["procMount"]
        if !procMount.isNull {
            if !procMount.equals("Default"), !procMount.equals("Unmasked") {
                add(.unsupported(procMount, of: ["Default", "Unmasked"]))
            }
            if procMount.equals("Unmasked"), pod.hostUsers {
                add(.invalid(procMount, "`hostUsers` must be false to use `Unmasked`"))
            }
        }
        checkSeccompProfile(context["seccompProfile"])
        if context["allowPrivilegeEscalation"].bool == false {
            if isTrue(context["privileged"]) {
                contradiction(context, "`privileged` to true")
            }
            for added in context["capabilities"]["add"].elements where added.equals("CAP_SYS_ADMIN") {
                contradiction(context, "`capabilities.Add` CAP_SYS_ADMIN")
            }
        }
        checkAppArmorProfile(context["appArmorProfile"])
    }

    private mutating func contradiction(_ context: Node, _ what: String) {
        let message =
            "Invalid value: \(SecurityContextText.json(context)): cannot set `allowPrivilegeEscalation` to false and "
            + what
        add(PodFieldError(node: context, field: context.path.description, message: message))
    }

    private mutating func checkIdentity(_ node: Node) {
        guard let number = node.int, !Self.identities.contains(number) else { return }
        add(.invalid(node, "must be between 0 and 2147483647, inclusive"))
    }

    private mutating func checkSeccompProfile(_ profile: Node) {
        guard profile.isObject else { return }
        let type = profile["type"]
        if isEmpty(type) {
            add(.required(type, "type is required when seccompProfile is set"))
        } else if !["Localhost", "RuntimeDefault", "Unconfined"].contains(where: type.equals) {
            add(.unsupported(type, of: ["Localhost", "RuntimeDefault", "Unconfined"]))
        }
        let file = profile["localhostProfile"]
        if type.equals("Localhost") {
            guard let path = file.string else {
                return add(.required(file, "must be set when seccomp type is Localhost"))
            }
            for why in Self.descendingPathErrors(path) {
                add(PodFieldError(node: file, field: file.path.description, message: why))
            }
        } else if !file.isNull {
            let value = "{\"Type\":\(type.json()),\"LocalhostProfile\":\(file.json())}"
            let message = "Invalid value: \(value): can only be set when seccomp type is Localhost"
            add(PodFieldError(node: file, field: file.path.description, message: message))
        }
    }

    private mutating func checkAppArmorProfile(_ profile: Node) {
        guard profile.isObject else { return }
        let type = profile["type"]
        let file = profile["localhostProfile"]
        let need = "must be set when AppArmor type is Localhost"
        if isEmpty(type) {
            add(.required(type, "type is required when appArmorProfile is set"))
        } else if type.equals("Localhost") {
            guard let name = file.string, !name.isEmpty else { return add(.required(file, need)) }
            if name.first?.isWhitespace == true || name.last?.isWhitespace == true {
                add(.invalid(file, "must not be padded with whitespace"))
            }
        } else if type.equals("RuntimeDefault") || type.equals("Unconfined") {
            if !file.isNull { add(.invalid(file, "can only be set when AppArmor type is Localhost")) }
        } else {
            add(.unsupported(type, of: ["Localhost", "RuntimeDefault", "Unconfined"]))
        }
    }

    // MARK: Sysctls

    private mutating func checkSysctls(_ list: Node) {
        var seen: Set<String> = []
        for sysctl in list.elements {
            let field = sysctl["name"]
            let name = field.string ?? ""
            if name.isEmpty {
                add(.required(field))
            } else if !Self.isSysctlName(name) {
                add(
                    .invalid(
                        field,
                        "must have at most 253 characters and match regex "
                            + "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"))
            } else if seen.contains(name) {
                add(.duplicate(field, name))
            }
            let dotted = Self.dotted(name)
            if pod.hostNetwork, dotted == "net" || dotted.hasPrefix("net.") {
                add(.invalid(field, "may not be specified when 'hostNetwork' is true"))
            } else if pod.hostIPC, Self.isIPC(dotted) {
                add(.invalid(field, "may not be specified when 'hostIPC' is true"))
            }
            seen.insert(name)
        }
    }

    private static func isSysctlName(_ name: String) -> Bool {
        guard name.utf8.count <= 253 else { return false }
        return name.split(omittingEmptySubsequences: false) { $0 == "." || $0 == "/" }.allSatisfy { segment in
            guard let first = segment.utf8.first, let last = segment.utf8.last else { return false }
            return DNSName.isAlphanumeric(first) && DNSName.isAlphanumeric(last)
                && segment.utf8.allSatisfy {
                    DNSName.isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                }
        }
    }

    /// `net/ipv4/x` is `net.ipv4.x`; where the first separator is a slash, dots and slashes change places.
    private static func dotted(_ name: String) -> String {
        guard name.first(where: { $0 == "." || $0 == "/" }) == "/" else { return name }
        return String(name.map { $0 == "/" ? "." : $0 == "." ? "/" : $0 })
    }

    private static func isIPC(_ name: String) -> Bool {
        [
            "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced", "kernel.shm",
            "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.msg",
        ].contains(name) || name == "fs.mqueue" || name.hasPrefix("fs.mqueue.")
    }
}

/// A security context as the API server prints it in an error: all fields, in the order and spelling of its type.
private enum SecurityContextText {
    static func json(_ context: Node) -> String {
        let capabilities = context["capabilities"]
        let fields: [(String, String)] = [
            (
                "Capabilities",
                capabilities.isObject
                    ? "{\"Add\":\(list(capabilities["add"])),\"Drop\":\(list(capabilities["drop"]))}" : "null"
            ),
            ("Privileged", context["privileged"].json()),
            ("SELinuxOptions", object(context["seLinuxOptions"], ["user", "role", "type", "level"], "")),
            (
                "WindowsOptions",
                object(
                    context["windowsOptions"],
                    ["gMSACredentialSpecName", "gMSACredentialSpec", "runAsUserName", "hostProcess"], nil)
            ),
            ("RunAsUser", context["runAsUser"].json()), ("RunAsGroup", context["runAsGroup"].json()),
            ("RunAsNonRoot", context["runAsNonRoot"].json()),
            ("ReadOnlyRootFilesystem", context["readOnlyRootFilesystem"].json()),
            ("AllowPrivilegeEscalation", context["allowPrivilegeEscalation"].json()),
            ("ProcMount", context["procMount"].json()),
            ("SeccompProfile", profile(context["seccompProfile"])),
            ("AppArmorProfile", profile(context["appArmorProfile"])),
        ]
        return "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    private static func list(_ node: Node) -> String { node.isEmpty && !node.isArray ? "null" : node.json() }

    private static func profile(_ node: Node) -> String { object(node, ["type", "localhostProfile"], nil) }

    /// Fields that are no pointers print as `empty` when they are not set.
    private static func object(_ node: Node, _ names: [String], _ empty: String?) -> String {
        guard node.isObject else { return "null" }
        let members = names.map { name in
            let key = name.prefix(1).uppercased() + name.dropFirst()
            let value = node[
                name == "gMSACredentialSpecName" || name == "gMSACredentialSpec" ? "gmsa" + name.dropFirst(4) : name]
            return "\"\(key)\":\(value.isNull ? empty.map { "\"\($0)\"" } ?? "null" : value.json())"
        }
        return "{" + members.joined(separator: ",") + "}"
    }
}
