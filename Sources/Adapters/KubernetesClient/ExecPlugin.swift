import Documents
import Subprocess
import SystemPackage

/// A command that prints a credential: the `exec` entry of a kubeconfig's user.
///
/// Standard: client.authentication.k8s.io, v1 and v1beta1.
package struct ExecPlugin: Sendable {
    package enum InteractiveMode: String, Sendable {
        case never = "Never", ifAvailable = "IfAvailable", always = "Always"
    }

    package var apiVersion: String
    /// As it is run: a name looked up in PATH, or a path from the folder of its kubeconfig.
    package var command: String
    package var arguments: [String]
    package var environment: [(name: String, value: String)]
    package var interactiveMode: InteractiveMode
    package var installHint: String
    package var userName: String
    /// The cluster as the plugin is told of it, when it asks.
    private let clusterInfo: DocumentValue?

    init(_ user: Kubeconfig.Entry, userName: String, cluster: Kubeconfig.Entry?) throws(ClientError) {
        let node = user.node["exec"]
        self.userName = userName
        guard let command = node["command"].string, !command.isEmpty else {
            throw ClientError(
                .badConfiguration, "the exec plugin of user \"\(userName)\" has no command; correct \(user.file)")
        }
        apiVersion = node["apiVersion"].string ?? ""
        guard ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"].contains(apiVersion) else {
            throw ClientError(
                .badConfiguration,
                "the exec plugin of user \"\(userName)\" speaks \"\(apiVersion)\"; update it to "
                    + "client.authentication.k8s.io/v1")
        }
        // A name without a slash is looked up in PATH; anything else stands beside the kubeconfig.
        self.command = command.contains("/") ? user.resolved(command) : command
        arguments = node["args"].elements.compactMap(\.text)
        environment = node["env"].elements.compactMap { entry in
            entry["name"].string.map { ($0, entry["value"].text ?? "") }
        }
        installHint = node["installHint"].string ?? ""
        let mode = node["interactiveMode"].string
        if mode == nil, apiVersion.hasSuffix("/v1") {
            throw ClientError(
                .badConfiguration,
                "the exec plugin of user \"\(userName)\" has no interactiveMode, which v1 demands; write IfAvailable")
        }
        guard let mode = InteractiveMode(rawValue: mode ?? "IfAvailable") else {
            throw ClientError(
                .badConfiguration,
                "the exec plugin of user \"\(userName)\" has an unknown interactiveMode; "
                    + "write Never, IfAvailable or Always"
            )
        }
        interactiveMode = mode
        clusterInfo = node["provideClusterInfo"].bool == true ? cluster.map(Self.info) : nil
    }

    private static func info(_ cluster: Kubeconfig.Entry) -> DocumentValue {
        var members: [DocumentValue.Member] = []
        for field in [
            "server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url",
        ]
        where !cluster.node[field].isNull {
            members.append(.init(field, DocumentValue(cluster.node[field])))
        }
        for entry in cluster.node["extensions"].elements
        where entry["name"].equals("client.authentication.k8s.io/exec") {
            members.append(.init("config", DocumentValue(entry["extension"])))
        }
        return .object(members)
    }

    /// What a run of the plugin gave.
    struct Credential: Sendable {
        var token: String?
        var certificate: [UInt8]?
        var key: [UInt8]?
        /// Seconds since 1970; nil when it serves as long as the server takes it.
        var expiry: Double?
    }

    private var name: String { "exec plugin \"\(command)\" of user \"\(userName)\"" }

    func run(on machine: Machine) async throws(ClientError) -> Credential {
        guard interactiveMode != .always || machine.isTerminal else {
            throw ClientError(.pluginFailed, "\(name) needs a terminal; run the command in one, or use another user")
        }
        let interactive = interactiveMode != .never && machine.isTerminal
        var variables = machine.environment
        for (name, value) in environment { variables[name] = value }
        variables["KUBERNETES_EXEC_INFO"] = request(interactive: interactive)
        let output = try await output(variables, interactive: interactive)
        return try read(output)
    }

    private func request(interactive: Bool) -> String {
        var spec: [DocumentValue.Member] = []
        if let clusterInfo { spec.append(.init("cluster", clusterInfo)) }
        spec.append(.init("interactive", .bool(interactive)))
        var writer = JSONWriter()
        writer.value(["apiVersion": .string(apiVersion), "kind": "ExecCredential", "spec": .object(spec)])
        return writer.string
    }

    private func output(_ variables: [String: String], interactive: Bool) async throws(ClientError) -> [UInt8] {
        var custom: [Environment.Key: String] = [:]
        for (name, value) in variables { if let key = Environment.Key(rawValue: name) { custom[key] = value } }
        let executable: Executable = command.contains("/") ? .path(FilePath(command)) : .name(command)
        let status: TerminationStatus
        let bytes: [UInt8]
        let complaint: String
        do {
            if interactive {
                // What the plugin asks goes to the person, not into our answer.
                let result = try await Subprocess.run(
                    executable, arguments: Arguments(arguments), environment: .custom(custom),
                    input: .currentStandardInput, output: .bytes(limit: 1 << 20), error: .currentStandardError)
                (status, bytes, complaint) = (result.terminationStatus, result.standardOutput, "")
            } else {
                let result = try await Subprocess.run(
                    executable, arguments: Arguments(arguments), environment: .custom(custom),
                    input: .none, output: .bytes(limit: 1 << 20), error: .string(limit: 1 << 16))
                (status, bytes) = (result.terminationStatus, result.standardOutput)
                complaint = result.standardError
            }
        } catch let error as SubprocessError where error.code == .executableNotFound || error.code == .spawnFailed {
            throw ClientError(.pluginMissing, "\(name) cannot be started; \(hint)")
        } catch {
            throw ClientError(.pluginFailed, "\(name) failed: \(Self.line("\(error)")); run it by hand to see why")
        }
        guard status == .exited(0) else {
            let said = Self.line(complaint)
            throw ClientError(
                .pluginFailed,
                "\(name) failed (\(status))\(said.isEmpty ? "" : ": \(said)"); run it by hand, or log in again")
        }
        return bytes
    }

    /// The hint of the kubeconfig's author, in one line.
    private var hint: String {
        let hint = installHint.split(whereSeparator: \.isNewline).map { $0.trimmed }.filter { !$0.isEmpty }
        return hint.isEmpty ? "install it, or correct its path" : hint.joined(separator: " ")
    }

    private static func line(_ text: String) -> String {
        let first = text.split(whereSeparator: \.isNewline).map { $0.trimmed }.first { !$0.isEmpty } ?? ""
        return first.count > 300 ? "\(first.prefix(300))…" : first
    }

    /// Reads the plugin's answer; nothing of it enters a message, for it is a secret.
    private func read(_ output: [UInt8]) throws(ClientError) -> Credential {
        let node: Node
        do throws(DocumentError) {
            node = try DocumentReader.readJSON(SourceText(name: "", bytes: output))
        } catch {
            throw ClientError(
                .pluginFailed, "\(name) did not print an ExecCredential; run it by hand to see what it prints")
        }
        guard node["kind"].equals("ExecCredential"), node["apiVersion"].equals(apiVersion) else {
            throw ClientError(
                .pluginFailed,
                "\(name) answered \(node["apiVersion"].string ?? "nothing"), the kubeconfig says \(apiVersion); "
                    + "make them agree"
            )
        }
        let status = node["status"]
        var out = Credential()
        out.token = status["token"].string.flatMap { $0.isEmpty ? nil : $0 }
        out.certificate = status["clientCertificateData"].string.flatMap { $0.isEmpty ? nil : Array($0.utf8) }
        out.key = status["clientKeyData"].string.flatMap { $0.isEmpty ? nil : Array($0.utf8) }
        if let text = status["expirationTimestamp"].string {
            guard let expiry = SystemTime.seconds(text) else {
                throw ClientError(
                    .pluginFailed, "\(name) gave an expirationTimestamp that is no date; update the plugin")
            }
            out.expiry = expiry
        }
        guard out.token != nil || (out.certificate != nil && out.key != nil) else {
            throw ClientError(
                .pluginFailed, "\(name) gave neither a token nor a certificate with its key; log in again")
        }
        return out
    }
}

extension StringProtocol {
    /// Without white space at both ends.
    var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return String(text)
    }
}
