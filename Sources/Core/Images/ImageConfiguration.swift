package import Documents

/// What an image says of itself: how it starts, how it was built, and which layers it is made of.
///
/// Source: OCI Image Specification 1.1, "Image Configuration"; Docker's older form has the same fields.
package struct ImageConfiguration: Sendable, Hashable {
    /// One step of the build.
    package struct Step: Sendable, Hashable {
        package var created: String?
        package var createdBy: String
        package var comment: String
        /// The step changed only the configuration.
        package var isEmptyLayer: Bool
    }

    package var architecture: String
    package var operatingSystem: String
    package var variant: String?
    /// RFC 3339; nil where the image does not tell.
    package var created: String?
    /// The digests of the unpacked layers, the lowest first.
    package var diffIDs: [String]
    package var history: [Step]
    /// Empty for root.
    package var user: String
    /// `NAME=value`, as it stands.
    package var environment: [String]
    package var entrypoint: [String]
    package var command: [String]
    package var workingDirectory: String
    package var exposedPorts: [String]
    package var volumes: [String]
    package var labels: [String: String]

    package init(_ root: Node) {
        let config = root["config"]
        architecture = root["architecture"].string ?? ""
        operatingSystem = root["os"].string ?? ""
        variant = root["variant"].string
        created = root["created"].string
        diffIDs = root["rootfs"]["diff_ids"].strings
        history = root["history"].elements.map { step in
            Step(
                created: step["created"].string, createdBy: step["created_by"].string ?? "",
                comment: step["comment"].string ?? "", isEmptyLayer: step["empty_layer"].bool ?? false)
        }
        user = config["User"].string ?? ""
        environment = config["Env"].strings
        entrypoint = config["Entrypoint"].strings
        command = config["Cmd"].strings
        workingDirectory = config["WorkingDir"].string ?? ""
        exposedPorts = config["ExposedPorts"].members.map { $0.key }.sorted()
        volumes = config["Volumes"].members.map { $0.key }.sorted()
        labels = config["Labels"].stringMap
    }

    /// The configuration of something that tells none, such as a directory.
    package init(layers diffIDs: [String] = []) {
        architecture = ""
        operatingSystem = ""
        self.diffIDs = diffIDs
        history = []
        user = ""
        environment = []
        entrypoint = []
        command = []
        workingDirectory = ""
        exposedPorts = []
        volumes = []
        labels = [:]
    }

    /// The build step that made each layer, where the history tells one for each.
    package var layerSteps: [Step] {
        let steps = history.filter { !$0.isEmptyLayer }
        return steps.count == diffIDs.count ? steps : []
    }
}
