import Documents
import Kubernetes

extension PodValidation {
    mutating func checkAnnotations() {
        // Sorted by key: the API server looks at them in no order.
        let annotations = pod.annotations.members.sorted { $0.key < $1.key }
        for annotation in annotations where annotation.key == SeccompAnnotation.pod { checkSeccomp(annotation) }
        for annotation in annotations where annotation.key.hasPrefix(SeccompAnnotation.containerPrefix) {
            checkSeccomp(annotation)
        }
        for annotation in annotations where annotation.key.hasPrefix(AppArmorProfile.annotationPrefix) {
            checkAppArmor(annotation)
        }
    }

    private mutating func checkSeccomp(_ annotation: Node.Member) {
        let text = annotation.value.string ?? ""
        // Written without brackets, unlike other annotations.
        let field = "\(pod.annotations.path).\(annotation.key)"
        if ["runtime/default", "docker/default", "unconfined"].contains(text) { return }
        guard text.hasPrefix("localhost/") else {
            let message = "Invalid value: \(GoText.quoted(text)): must be a valid seccomp profile"
            return add(PodFieldError(node: annotation.value, field: field, message: message))
        }
        for why in Self.descendingPathErrors(String(text.dropFirst("localhost/".count))) {
            add(PodFieldError(node: annotation.value, field: field, message: why))
        }
    }

    private mutating func checkAppArmor(_ annotation: Node.Member) {
        let text = annotation.value.string ?? ""
        let name = String(annotation.key.dropFirst(AppArmorProfile.annotationPrefix.count))
        if !pod.allContainers.contains(where: { $0.name == name }) {
            let message = "Invalid value: \(GoText.quoted(name)): container not found"
            add(PodFieldError(node: annotation.value, field: annotation.value.path.description, message: message))
        }
        if !["", "runtime/default", "unconfined"].contains(text), !text.hasPrefix("localhost/") {
            add(.invalid(annotation.value, "invalid AppArmor profile name: \(GoText.quoted(text))"))
        }
    }

    /// Paths below a directory: not absolute, and without a way up.
    static func descendingPathErrors(_ path: String) -> [String] {
        let value = "Invalid value: \(GoText.quoted(path))"
        return (path.hasPrefix("/") ? ["\(value): must be a relative path"] : [])
            + (hasBackstep(path) ? ["\(value): must not contain '..'"] : [])
    }

    static func hasBackstep(_ path: String) -> Bool { path.split(separator: "/").contains("..") }

    // MARK: Annotations beside fields

    /// Where both say something, they have to say the same.
    mutating func checkAnnotationsMatchFields() {
        guard pod.annotations.isObject else { return }
        match(pod.securityContext["seccompProfile"], pod.annotations[SeccompAnnotation.pod], .seccomp)
        for container in pod.allContainers {
            let annotation = pod.annotations[SeccompAnnotation.containerPrefix + container.name]
            match(container.securityContext["seccompProfile"], annotation, .seccomp)
        }
        guard !pod.isWindows else { return }
        for container in pod.allContainers {
            let own = container.securityContext["appArmorProfile"]
            let annotation = pod.annotations[AppArmorProfile.annotationPrefix + container.name]
            match(own.isNull ? pod.securityContext["appArmorProfile"] : own, annotation, .appArmor, at: own)
        }
    }

    private enum Profile {
        case seccomp, appArmor
        var word: String { self == .seccomp ? "seccomp" : "apparmor" }
        var runtimeDefaults: [String] {
            self == .seccomp ? ["runtime/default", "docker/default"] : ["runtime/default"]
        }
    }

    private mutating func match(_ field: Node, _ annotation: Node, _ profile: Profile, at place: Node? = nil) {
        guard field.isObject, let text = annotation.string else { return }
        let place = place ?? field
        let type = field["type"]
        let isSameType =
            type.equals("Unconfined")
            ? text == "unconfined"
            : type.equals("RuntimeDefault")
                ? profile.runtimeDefaults.contains(text)
                : type.equals("Localhost") ? text.hasPrefix("localhost/") : true
        guard isSameType else {
            return add(.forbidden(place["type"], "\(profile.word) type in annotation and field must match"))
        }
        if type.equals("Localhost"), field["localhostProfile"].string != String(text.dropFirst("localhost/".count)) {
            let why = "\(profile.word) profile in annotation and field must match"
            add(.forbidden(place["localhostProfile"], why))
        }
    }
}
