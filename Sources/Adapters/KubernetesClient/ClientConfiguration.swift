import Documents

/// Everything needed to reach one cluster as one user: a kubeconfig's context with the flags laid over it, or the
/// service account of the pod this runs in.
package struct ClientConfiguration: Sendable {
    /// Who the requests are from.
    package struct Identity: Sendable {
        package var certificate: [UInt8]?
        package var key: [UInt8]?
        package var token: String?
        /// Read again when a minute has passed: service account tokens are replaced in place.
        package var tokenFile: String?
        package var username: String?
        package var password: String?
        package var plugin: ExecPlugin?
        package var impersonatedUser: String?
        package var impersonatedGroups: [String] = []
        package var impersonatedUID: String?
        package var impersonatedExtra: [(key: String, values: [String])] = []

        package init() {}
    }

    package var server: Endpoint
    package var certificateAuthority: [UInt8]?
    package var skipsVerification = false
    /// The name the certificate must have when it is not the server's host.
    package var tlsServerName: String?
    package var proxy: ProxySettings?
    package var identity = Identity()
    package var namespace: String?
    /// Names for people; empty when there is no kubeconfig.
    package var contextName = ""
    package var clusterName = ""
    package var userName = ""
    /// Limit of one request, the wait for a connection included; nil for none.
    package var requestTimeout: Duration?
    /// What a user should know before going on.
    package var warnings: [String] = []
    package var machine: Machine

    package init(server: Endpoint, machine: Machine) {
        self.server = server
        self.machine = machine
    }

    /// What to call the cluster in reports: the context, else the server.
    package var displayName: String { contextName.isEmpty ? server.authority : contextName }

    /// Reads the kubeconfig and the flags; without a kubeconfig, and inside a pod, its service account.
    package static func load(
        _ flags: KubeconfigFlags = KubeconfigFlags(), on machine: Machine
    ) throws(ClientError) -> ClientConfiguration {
        let kubeconfig = try Kubeconfig.load(path: flags.kubeconfig, on: machine)
        if kubeconfig.isEmpty, flags.server == nil, flags.context == nil {
            if var inCluster = try inCluster(on: machine) {
                if let namespace = flags.namespace { inCluster.namespace = namespace }
                try inCluster.apply(flags)
                return inCluster
            }
            let place =
                flags.kubeconfig ?? machine.environment["KUBECONFIG"].flatMap { $0.isEmpty ? nil : $0 }
                ?? "~/.kube/config"
            throw ClientError(
                .noConfiguration,
                "no cluster is configured in \(place); set KUBECONFIG, or name one with --kubeconfig or --server")
        }
        return try resolve(kubeconfig, flags, on: machine)
    }

    /// The cluster and user of a context.
    package static func resolve(
        _ kubeconfig: Kubeconfig, _ flags: KubeconfigFlags, on machine: Machine
    ) throws(ClientError) -> ClientConfiguration {
        let contextName = flags.context ?? kubeconfig.currentContext
        let context = kubeconfig.contexts[contextName]
        if context == nil, flags.context != nil || (!contextName.isEmpty && flags.server == nil) {
            throw ClientError(
                .contextNotFound,
                "context \"\(contextName)\" is not in \(kubeconfig.place); "
                    + choices("contexts", kubeconfig.contextNames))
        }
        let clusterName = flags.cluster ?? context?.node["cluster"].text ?? ""
        let cluster = kubeconfig.clusters[clusterName]
        if cluster == nil, flags.server == nil {
            if context == nil, flags.cluster == nil {
                throw ClientError(
                    .contextNotFound,
                    "\(kubeconfig.place) has no current-context; name one with --context: "
                        + choices("contexts", kubeconfig.contextNames))
            }
            throw ClientError(
                .clusterNotFound,
                clusterName.isEmpty
                    ? "context \"\(contextName)\" names no cluster; correct \(kubeconfig.place)"
                    : "cluster \"\(clusterName)\" of context \"\(contextName)\" is not in \(kubeconfig.place); "
                        + choices("clusters", kubeconfig.clusters.keys.sorted()))
        }
        let userName = flags.user ?? context?.node["user"].text ?? ""
        let user = kubeconfig.users[userName]
        if user == nil, !userName.isEmpty {
            throw ClientError(
                .userNotFound,
                "user \"\(userName)\" of context \"\(contextName)\" is not in \(kubeconfig.place); "
                    + choices("users", kubeconfig.users.keys.sorted()))
        }

        let address = flags.server ?? cluster?.node["server"].string ?? ""
        guard !address.isEmpty else {
            throw ClientError(
                .clusterNotFound,
                "cluster \"\(clusterName)\" has no server; correct \(kubeconfig.place) or use --server")
        }
        let speaksTLS =
            flags.insecureSkipTLSVerify || flags.certificateAuthority != nil
            || ["certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify"]
                .contains { cluster?.node[$0].exists ?? false }
        guard let server = Endpoint(address, scheme: speaksTLS ? "https" : "http") else {
            throw ClientError(
                .badConfiguration,
                "server \"\(address)\" of cluster \"\(clusterName)\" is no URL; write https://host:port")
        }
        var out = ClientConfiguration(server: server, machine: machine)
        out.contextName = context == nil ? "" : contextName
        out.clusterName = clusterName
        out.userName = userName
        let inContext = context?.node["namespace"].text
        out.namespace = flags.namespace ?? (inContext?.isEmpty ?? true ? nil : inContext)
        if let cluster { try out.read(cluster: cluster) }
        if let user { try out.read(user: user, cluster: cluster) }
        try out.apply(flags)
        if out.proxy == nil { out.proxy = try ProxySettings.inEnvironment(machine.environment, for: server) }
        return out
    }

    private static func choices(_ what: String, _ names: [String]) -> String {
        guard !names.isEmpty else { return "it has no \(what)" }
        let shown = names.prefix(20).joined(separator: ", ")
        return "\(what) there: \(shown)\(names.count > 20 ? " and \(names.count - 20) more" : "")"
    }
}

extension Kubeconfig {
    /// The files, for messages.
    package var place: String { files.isEmpty ? "the kubeconfig" : files.joined(separator: ":") }
}

extension ClientConfiguration {
    private mutating func read(cluster: Kubeconfig.Entry) throws(ClientError) {
        certificateAuthority = try material(cluster, "certificate-authority")
        skipsVerification = cluster.node["insecure-skip-tls-verify"].bool ?? false
        if let name = cluster.node["tls-server-name"].string, !name.isEmpty { tlsServerName = name }
        if let url = cluster.node["proxy-url"].string, !url.isEmpty { proxy = try ProxySettings(url) }
    }

    private mutating func read(user: Kubeconfig.Entry, cluster: Kubeconfig.Entry?) throws(ClientError) {
        identity.certificate = try material(user, "client-certificate")
        identity.key = try material(user, "client-key")
        func field(_ name: String) -> String? { user.node[name].text.flatMap { $0.isEmpty ? nil : $0 } }
        identity.token = field("token")
        identity.tokenFile = user.path("tokenFile")
        identity.username = field("username")
        identity.password = field("password")
        identity.impersonatedUser = field("as")
        identity.impersonatedUID = field("as-uid")
        identity.impersonatedGroups = user.node["as-groups"].strings
        identity.impersonatedExtra = user.node["as-user-extra"].members.map { ($0.key, $0.value.strings) }
        if user.node["exec"].isObject {
            identity.plugin = try ExecPlugin(user, userName: userName, cluster: cluster)
        }
        if let provider = user.node["auth-provider"]["name"].string {
            // kubectl itself knows no other provider any more; the token it was last given still serves.
            guard provider == "oidc", let token = user.node["auth-provider"]["config"]["id-token"].string else {
                throw ClientError(
                    .badConfiguration,
                    "user \"\(userName)\" uses the auth-provider \"\(provider)\", which kubectl no longer has; "
                        + "set up its exec credential plugin")
            }
            if identity.token == nil { identity.token = token }
        }
    }

    /// PEM given inline as base64, which wins, or as the path of a file.
    private func material(_ entry: Kubeconfig.Entry, _ field: String) throws(ClientError) -> [UInt8]? {
        if let text = entry.node["\(field)-data"].text, !text.isEmpty {
            guard let bytes = Base64.decoded(text, .all), !bytes.isEmpty else {
                throw ClientError(.badConfiguration, "\(field)-data in \(entry.file) is not base64; correct it")
            }
            return bytes
        }
        guard let path = entry.path(field) else { return nil }
        return try file(path, "\(field) in \(entry.file)")
    }

    private func file(_ path: String, _ what: String) throws(ClientError) -> [UInt8] {
        do {
            if let bytes = try machine.read(path) { return bytes }
        } catch {
            throw ClientError(.badConfiguration, "\(what): \(path) cannot be read; check its permissions")
        }
        throw ClientError(.badConfiguration, "\(what): \(path) does not exist; correct the path")
    }

    private mutating func apply(_ flags: KubeconfigFlags) throws(ClientError) {
        if let path = flags.certificateAuthority {
            certificateAuthority = try file(path, "--certificate-authority")
            skipsVerification = false
        }
        if flags.insecureSkipTLSVerify {
            skipsVerification = true
            certificateAuthority = nil
        }
        if let name = flags.tlsServerName, !name.isEmpty { tlsServerName = name }
        if flags.token != nil || flags.username != nil {
            // A credential given on the command line replaces those of the file that would get in its way.
            identity.plugin = nil
            identity.tokenFile = nil
            identity.token = flags.token
            identity.username = flags.username
            identity.password = flags.password
        }
        if let path = flags.clientCertificate { identity.certificate = try file(path, "--client-certificate") }
        if let path = flags.clientKey { identity.key = try file(path, "--client-key") }
        if let user = flags.impersonatedUser { identity.impersonatedUser = user }
        if !flags.impersonatedGroups.isEmpty { identity.impersonatedGroups = flags.impersonatedGroups }
        if let uid = flags.impersonatedUID { identity.impersonatedUID = uid }
        if let text = flags.requestTimeout {
            guard let duration = KubeconfigFlags.duration(text) else {
                throw ClientError(
                    .badConfiguration, "--request-timeout \"\(text)\" is no duration; write 10s, 2m or 0 for no limit")
            }
            requestTimeout = duration == .zero ? nil : duration
        }
        try validate()
    }

    private mutating func validate() throws(ClientError) {
        let user = userName.isEmpty ? "the user" : "user \"\(userName)\""
        if (identity.certificate == nil) != (identity.key == nil) {
            let missing = identity.key == nil ? "client-key" : "client-certificate"
            throw ClientError(.badConfiguration, "\(user) has no \(missing); a client certificate needs both parts")
        }
        if skipsVerification, certificateAuthority != nil {
            throw ClientError(
                .badConfiguration,
                "cluster \"\(clusterName)\" has a certificate-authority and insecure-skip-tls-verify; remove the latter"
            )
        }
        let impersonates =
            !identity.impersonatedGroups.isEmpty || identity.impersonatedUID != nil
            || !identity.impersonatedExtra.isEmpty
        if impersonates, identity.impersonatedUser == nil {
            throw ClientError(.badConfiguration, "groups are impersonated without a user; add --as")
        }
        if skipsVerification, server.isSecure {
            warnings.append(
                "insecure-skip-tls-verify: the certificate of \(server.authority) is not checked; anyone on the "
                    + "way can read the credentials and forge the answers")
        }
        let hasCredential = identity.token != nil || identity.tokenFile != nil || identity.username != nil
        if !server.isSecure, hasCredential {
            warnings.append("\(server) is not encrypted; the credentials go over the network in plain text")
        }
    }

    private static let accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The service account of the pod this runs in; nil outside a cluster.
    package static func inCluster(on machine: Machine) throws(ClientError) -> ClientConfiguration? {
        guard let host = machine.environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
            let port = machine.environment["KUBERNETES_SERVICE_PORT"].flatMap({ Int($0) })
        else { return nil }
        func mounted(_ name: String) throws(ClientError) -> [UInt8]? {
            do {
                return try machine.read("\(accountFolder)/\(name)")
            } catch {
                throw ClientError(.badConfiguration, "\(accountFolder)/\(name) cannot be read; check the pod's user")
            }
        }
        guard try mounted("token") != nil else {
            throw ClientError(
                .noConfiguration,
                "this pod has no service account token; set automountServiceAccountToken: true or mount a kubeconfig")
        }
        var out = ClientConfiguration(
            server: Endpoint(isSecure: true, host: host, port: port), machine: machine)
        out.identity.tokenFile = "\(accountFolder)/token"
        out.certificateAuthority = try mounted("ca.crt")
        out.namespace = try mounted("namespace").map { String(decoding: $0, as: UTF8.self) }
        out.proxy = try ProxySettings.inEnvironment(machine.environment, for: out.server)
        out.clusterName = "in-cluster"
        return out
    }
}
