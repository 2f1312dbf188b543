import Documents
import Encodings

/// Keeps the credential of a user fresh: token files are read again, plugins run again when theirs expires or is
/// refused.
actor Credentials {
    /// What a request carries, and what the connection shows.
    struct Current: Sendable {
        var headers: [(name: String, value: String)] = []
        var certificate: [UInt8]?
        var key: [UInt8]?
        /// Changes with the certificate: connections made with another are not used again.
        var generation = 0
    }

    private let identity: ClientConfiguration.Identity
    private let machine: Machine
    private let time: TimeSource
    private var fileToken: (text: String, read: Double)?
    private var plugin: ExecPlugin.Credential?
    private var generation = 0
    /// The run that is under way, so that ten requests at once ask the plugin once.
    private var running: Task<ExecPlugin.Credential, any Error>?

    init(_ configuration: ClientConfiguration, time: TimeSource) {
        identity = configuration.identity
        machine = configuration.machine
        self.time = time
    }

    func current() async throws -> Current {
        var out = Current()
        var token = identity.token
        if let path = identity.tokenFile { token = try read(path) ?? token }
        (out.certificate, out.key) = (identity.certificate, identity.key)
        if let exec = identity.plugin {
            let credential = try await credential(of: exec)
            token = token ?? credential.token
            if let certificate = credential.certificate, let key = credential.key {
                (out.certificate, out.key) = (certificate, key)
            }
        }
        if let token {
            out.headers.append(("Authorization", "Bearer \(token)"))
        } else if let user = identity.username {
            out.headers.append(("Authorization", "Basic " + Base64.encoded("\(user):\(identity.password ?? "")".utf8)))
        }
        out.headers += impersonation
        out.generation = generation
        return out
    }

    /// Forgets what was refused; false where asking again gives the same.
    func renew() -> Bool {
        fileToken = nil
        plugin = nil
        return identity.plugin != nil || identity.tokenFile != nil
    }

    private var impersonation: [(name: String, value: String)] {
        var out: [(name: String, value: String)] = []
        if let user = identity.impersonatedUser { out.append(("Impersonate-User", user)) }
        for group in identity.impersonatedGroups { out.append(("Impersonate-Group", group)) }
        if let uid = identity.impersonatedUID { out.append(("Impersonate-Uid", uid)) }
        for (key, values) in identity.impersonatedExtra {
            // The key is part of a header's name: what no name may hold is written as %XX.
            let name = "Impersonate-Extra-" + PercentEncoding.encoded(key, keeping: "!#$&'*+^`|")
            for value in values { out.append((name, value)) }
        }
        return out
    }

    private func read(_ path: String) throws -> String? {
        let now = time.now()
        if let fileToken, now - fileToken.read < 60 { return fileToken.text }
        do {
            if let bytes = try machine.read(path) {
                let text = String(decoding: bytes, as: UTF8.self).trimmed
                if !text.isEmpty {
                    fileToken = (text, now)
                    return text
                }
            }
        } catch let error as ClientError {
            throw error
        } catch {
            throw ClientError(.badConfiguration, "token file \(path) cannot be read; check its permissions")
        }
        // The last token read goes before none.
        if let fileToken { return fileToken.text }
        if identity.token != nil { return nil }
        throw ClientError(.badConfiguration, "token file \(path) is missing or empty; correct tokenFile")
    }

    private func credential(of exec: ExecPlugin) async throws -> ExecPlugin.Credential {
        if let plugin, plugin.expiry.map({ $0 > time.now() }) ?? true { return plugin }
        if let running { return try await running.value }
        let task = Task { [machine] in try await exec.run(on: machine) }
        running = task
        defer { running = nil }
        let fresh = try await task.value
        if fresh.certificate != plugin?.certificate { generation += 1 }
        plugin = fresh
        return fresh
    }
}
