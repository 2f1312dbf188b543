import Documents

/// Where agents dial in, and what they are told of it.
package struct AgentSettings: Sendable, Hashable {
    package var isOn = true
    package var port = 8444
    /// Host and port as agents reach them, where that is not what the hub listens on: a load balancer, a NAT.
    package var address: String?
    /// The image of an agent.
    package var image = "martlet"
    /// How long a certificate of an agent holds; a new one is asked for when two thirds of it have passed.
    package var certificateLife = AgentAuthority.leafLife

    package init() {}

    mutating func read(_ node: Node) throws(SettingsError) {
        let reader = SettingsReader(node)
        try reader.expect("enabled", "port", "address", "image", "certificateDays")
        isOn = try reader.flag("enabled") ?? isOn
        port = try reader.number("port", 0...65535) ?? port
        address = try reader.text("address") ?? address
        image = try reader.text("image") ?? image
        certificateLife = (try reader.number("certificateDays", 1...365)).map { $0 * 86_400_000 } ?? certificateLife
    }
}
