import ArgumentParser
import KubernetesClient

/// What the webhook is told, where it runs alone and where it runs beside a hub.
struct AdmissionDoorOptions: ParsableArguments {
    @OptionGroup var policy: AdmissionPolicyOptions

    @Option(name: .customLong("name"), help: "A name or address clients know the webhook by; may be repeated.")
    var names: [String] = []

    @Option(name: .customLong("own-namespace"), help: "Martlet's own namespace, which is never judged.")
    var ownNamespace: String?

    @Option(help: "The webhook configuration to keep, by name.") var register: String?
    @Flag(name: .customLong("fail-closed"), help: "With --register: set failurePolicy: Fail once the webhook answers.")
    var failClosed = false
    @Option(
        name: .customLong("bundle-file"), help: "Write the certificates to be trusted there.", completion: .file())
    var bundleFile: String?

    @OptionGroup(title: "Images at the door") var images: AdmissionImageOptions

    mutating func validate() throws {
        if failClosed, register == nil { throw ValidationError("--fail-closed needs --register") }
    }

    /// Whether anything of the webhook was asked for.
    var isAsked: Bool { policy.policy != nil || register != nil || bundleFile != nil || !policy.custom.isEmpty }

    func door(host: String, port: Int, client: APIClient?, followsCluster: Bool) throws -> AdmissionDoor {
        let loaded = try policy.load(today: Clock.today())
        var door = AdmissionDoor(policy: loaded)
        (door.host, door.port, door.names) = (host, port, names)
        (door.client, door.followsCluster) = (client, followsCluster)
        if let ownNamespace { door.ownNamespaces = [ownNamespace] }
        (door.register, door.failsClosed, door.bundleFile) = (register, failClosed, bundleFile)
        door.images = try images.verdicts(loaded.policy.images, onNote: AdmissionDoor.tell)
        return door
    }
}

/// The webhook beside a hub: one program watches, keeps history and stands at the door.
struct HubDoorOptions: ParsableArguments {
    @Option(
        name: .customLong("admission-port"),
        help: ArgumentHelp(
            "Answer admission reviews on this port too, by the policy of --policy; what is refused and let in in an "
                + "emergency becomes an event of the hub.", valueName: "port"))
    var port: Int?

    @OptionGroup var door: AdmissionDoorOptions

    mutating func validate() throws {
        if port == nil, door.isAsked { throw ValidationError("the webhook's options need --admission-port") }
        if let port, !(0...65535 ~= port) { throw ValidationError("a port is from 0 to 65535") }
    }
}
