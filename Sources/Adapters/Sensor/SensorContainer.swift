/// What is known of a container. Names come from whoever knows them and are absent until then; none is invented.
package struct ContainerFacts: Sendable, Hashable {
    package var name: String?
    package var image: String?
    package var imageDigest: String?
    package var podName: String?
    package var namespace: String?
    package var podUID: String?
    package var isPrivileged: Bool?
    package var isReadOnly: Bool?
    /// Where the container may write besides its own layer, as its runtime was told.
    package var writableMounts: [String] = []
    package var started: UInt64?
    /// Where the pod's own volumes are: what lies there was put there by whoever made the pod.
    package var volumes: [String] = []
    /// The container's configuration was read: what is not said above is not so.
    package var isConfigured = false

    package init() {}

    /// What the other knows and this does not.
    package mutating func fill(from other: ContainerFacts) {
        name = name ?? other.name
        image = image ?? other.image
        imageDigest = imageDigest ?? other.imageDigest
        podName = podName ?? other.podName
        namespace = namespace ?? other.namespace
        podUID = podUID ?? other.podUID
        isPrivileged = isPrivileged ?? other.isPrivileged
        isReadOnly = isReadOnly ?? other.isReadOnly
        if writableMounts.isEmpty { writableMounts = other.writableMounts }
        started = started ?? other.started
        if volumes.isEmpty { volumes = other.volumes }
        isConfigured = isConfigured || other.isConfigured
    }

    /// The image without tag and digest.
    package var imageRepository: String? {
        guard var text = image else { return nil }
        if let at = text.firstIndex(of: "@") { text = String(text[..<at]) }
        let slash = text.lastIndex(of: "/") ?? text.startIndex
        if let colon = text[slash...].firstIndex(of: ":") { text = String(text[..<colon]) }
        return text
    }

    package var imageTag: String? {
        guard var text = image else { return nil }
        if let at = text.firstIndex(of: "@") { text = String(text[..<at]) }
        let slash = text.lastIndex(of: "/") ?? text.startIndex
        guard let colon = text[slash...].firstIndex(of: ":") else { return nil }
        return String(text[text.index(after: colon)...])
    }
}

/// Who knows the names of containers and pods: the API server's watch, the runtime's own files.
package protocol ContainerNames: AnyObject {
    /// What is known now; asked again as long as something is missing.
    func facts(_ container: ContainerIdentity) -> ContainerFacts?
}

/// A container the sensor has seen.
package final class SensorContainer {
    package let identity: ContainerIdentity
    package internal(set) var facts = ContainerFacts()
    /// Grows with every change of `facts`.
    package private(set) var revision = 0 { didSet { Revisions.note() } }
    private var nextAsking: UInt64 = 0
    private var firstAsked: UInt64?

    package init(_ identity: ContainerIdentity) {
        self.identity = identity
        facts.podUID = identity.podUID
    }

    /// Takes over what somebody knows.
    package func learn(_ change: (inout ContainerFacts) -> Void) {
        change(&facts)
        revision += 1
    }

    /// Asks for names that are missing: often while the container begins, for its runtime may take seconds to write them
    /// down, then seldom.
    func complete(from names: [any ContainerNames], now: UInt64) {
        guard now >= nextAsking, facts.image == nil || (facts.podName == nil && identity.podUID != nil) else { return }
        let first = firstAsked ?? now
        firstAsked = first
        nextAsking = now + (now < first + 10_000_000_000 ? 5_000_000 : 30_000_000_000)
        let before = facts
        for source in names {
            if let known = source.facts(identity) { facts.fill(from: known) }
        }
        if facts != before { revision += 1 }
    }
}
