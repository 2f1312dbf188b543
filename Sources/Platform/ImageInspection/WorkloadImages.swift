import ContainerImages
package import Documents
package import Kubernetes

/// Which images a cluster runs or files ask for, each once, and who uses them.
///
/// What runs counts: a pod's status tells the digest that its node pulled, so that a tag that moved since is no matter.
/// Only where no pod tells a digest is the name itself looked up.
package struct WorkloadImages: Sendable {
    /// A container that uses an image.
    package struct Use: Sendable {
        /// Which family of the inventory's.
        package var family: Int
        package var container: String
        /// The `image` field.
        package var node: Node
        package var object: KubernetesObject
        /// The pod says of itself that the container is not root, whatever the image says.
        package var deniesRoot: Bool
    }

    package struct Image: Sendable {
        /// What to inspect: by digest where one is known.
        package var name: String
        /// As manifests write it.
        package var written: String
        package var uses: [Use]
    }

    package let families: [OwnerFamily]
    /// Sorted by name.
    package let images: [Image]

    package init(_ inventory: Inventory) {
        families = inventory.families().filter(\.runsPods)
        var images: [String: Image] = [:]
        for (number, family) in families.enumerated() {
            let running = Self.running(family)
            for member in family.members where member.role != .silent {
                for template in member.templates {
                    for container in template.spec.allContainers where !container.image.isEmpty {
                        // A pod of a template adds an image only where it runs another one.
                        let own = member.role == .follower ? Self.digest(member.object, container.name) : nil
                        if member.role == .follower, own == nil || running[container.name]?.contains(own ?? "") == true,
                            family.members.contains(where: { $0.role == .speaker })
                        {
                            continue
                        }
                        let digests = own.map { [$0] } ?? running[container.name] ?? Self.alone(member, container.name)
                        let names =
                            digests.isEmpty ? [container.image] : digests.map { Self.pinned(container.image, $0) }
                        let use = Use(
                            family: number, container: container.name, node: container.node["image"],
                            object: member.object, deniesRoot: Self.deniesRoot(container, template.spec))
                        for name in names {
                            images[name, default: Image(name: name, written: container.image, uses: [])].uses.append(
                                use)
                        }
                    }
                }
            }
        }
        self.images = images.values.sorted { $0.name < $1.name }
    }

    /// The container's own word goes before the pod's.
    private static func deniesRoot(_ container: Container, _ pod: PodSpec) -> Bool {
        let (own, general) = (container.node["securityContext"], pod.securityContext)
        if let user = own["runAsUser"].int ?? general["runAsUser"].int { return user != 0 }
        return own["runAsNonRoot"].bool ?? general["runAsNonRoot"].bool ?? false
    }

    /// The digests that the family's pods run, by container.
    private static func running(_ family: OwnerFamily) -> [String: [String]] {
        var out: [String: [String]] = [:]
        for member in family.members where member.object.kind == "Pod" {
            for (name, digest) in statuses(member.object) where out[name]?.contains(digest) != true {
                out[name, default: []].append(digest)
            }
        }
        for name in out.keys { out[name]?.sort() }
        return out
    }

    private static func alone(_ member: OwnerFamily.Member, _ container: String) -> [String] {
        digest(member.object, container).map { [$0] } ?? []
    }

    private static func digest(_ object: KubernetesObject, _ container: String) -> String? {
        statuses(object).first { $0.container == container }?.digest
    }

    /// `docker.io/library/nginx@sha256:…`; dockershim's `docker-pullable://` before it; a bare `sha256:…` is the
    /// digest of a configuration, by which no registry finds anything.
    private static func statuses(_ pod: KubernetesObject) -> [(container: String, digest: String)] {
        let status = pod.node["status"]
        var out: [(container: String, digest: String)] = []
        for list in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
            for entry in status[list].elements {
                guard let name = entry["name"].string, let id = entry["imageID"].string,
                    let at = id.lastIndex(of: "@"), (try? ContentDigest(String(id[id.index(after: at)...]))) != nil
                else { continue }
                out.append((name, String(id[id.index(after: at)...])))
            }
        }
        return out
    }

    /// The name without its tag, with the digest: where to pull it and which.
    private static func pinned(_ image: String, _ digest: String) -> String {
        let reference = ImageReference(image)
        return "\(reference.registry)/\(reference.repository)@\(digest)"
    }
}
