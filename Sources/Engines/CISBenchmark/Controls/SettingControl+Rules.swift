import Documents
import Kubernetes

/// Controls of components that more than one value decides.
extension SettingControl {
    func rule(_ name: String, _ arguments: CISControl.Arguments) -> CISPart? {
        switch name {
        case "anonymous-requests": anonymousRequests()
        case "authorizers": authorizers(arguments)
        case "service-account-keys": serviceAccountKeys()
        case "cipher-suites": cipherSuites(arguments)
        case "encryption-providers": encryptionProviders()
        case "audit-policy": auditPolicy()
        case "streaming-timeout": streamingTimeout()
        case "kubelet-serving-certificate": servingCertificate()
        default: nil
        }
    }

    private func unknown(_ setting: Setting) -> CISPart? {
        if case .unknown(let reason) = setting.value { return part(.notObservable, reason, setting) }
        return nil
    }

    /// The document a flag leads to.
    private enum Followed {
        case document(Node)
        case part(CISPart)
    }

    private func follow(_ setting: Setting, _ kinds: [String]) -> Followed {
        let path = setting.text ?? ""
        switch instance.files.look(path) {
        case .unknown(let reason): return .part(part(.notObservable, reason, setting))
        case .absent:
            return .part(
                part(.notObservable, "\(path) is not there; \(instance.component.rawValue) would not start", setting))
        case .found(let source):
            switch ComponentInstance.document(source, kinds: kinds) {
            case .success(let root): return .document(root)
            case .failure(let reason): return .part(part(.notObservable, "\(path): \(reason.text)", setting))
            }
        }
    }

    private func inFile(_ outcome: CISOutcome, _ message: String, _ setting: Setting, _ node: Node) -> CISPart {
        var part = part(outcome, message, setting)
        part.provenance = .file(setting.text ?? "", field: node.path.description)
        part.value = node.text
        part.evidence = node
        return part
    }

    /// 1.2.1: the flag, or the `anonymous` part of the authentication configuration, which the flag must not stand
    /// beside. Standard: `AuthenticationConfiguration`, configurable since 1.32.
    private func anonymousRequests() -> CISPart {
        let file = instance.setting("authentication-config")
        let flag = instance.setting("anonymous-auth")
        if let part = unknown(flag) { return part }
        if flag.isWritten || file.isEmpty { return evaluate(["anonymous-auth"], .bool(false), whenUnset: .fail) }
        switch follow(file, ["AuthenticationConfiguration"]) {
        case .part(let part): return part
        case .document(let root):
            let anonymous = root["anonymous"]
            guard !anonymous.isNull else { return evaluate(["anonymous-auth"], .bool(false), whenUnset: .fail) }
            guard anonymous["enabled"].bool ?? false else {
                return inFile(
                    .pass, "anonymous requests are refused by the authentication configuration", file,
                    anonymous["enabled"])
            }
            let paths = anonymous["conditions"].elements.compactMap { $0["path"].string }
            let health: Set<String> = ["/livez", "/readyz", "/healthz"]
            guard !paths.isEmpty,
                paths.allSatisfy({ path in health.contains { path == $0 || path.hasPrefix($0 + "/") } })
            else {
                return inFile(
                    .fail,
                    "anonymous requests are answered on \(paths.isEmpty ? "every path" : paths.joined(separator: ", "))",
                    file, anonymous)
            }
            return inFile(
                .passByEquivalence,
                "anonymous requests are answered on health paths only: \(paths.joined(separator: ", "))",
                file, anonymous["conditions"])
        }
    }

    /// 1.2.6 to 1.2.8: the flag, or the file, which the flag must not stand beside.
    private func authorizers(_ arguments: CISControl.Arguments) -> CISPart {
        let file = instance.setting("authorization-config")
        var modes: [String] = []
        var found = instance.setting("authorization-mode")
        if let part = unknown(found) { return part }
        var evidence: Node?
        if !file.isEmpty {
            if let part = unknown(file) { return part }
            switch follow(file, ["AuthorizationConfiguration"]) {
            case .part(let part): return part
            case .document(let root):
                modes = root["authorizers"].elements.compactMap { $0["type"].string }
                evidence = root["authorizers"]
                found = file
            }
        } else {
            modes = items(found)
        }
        let chain = modes.isEmpty ? "no authorizer" : modes.joined(separator: ", ")
        let how =
            file.isEmpty && !found.isWritten
            ? "nothing is set, so the authorizer is \(chain)" : "the authorizers are \(chain)"
        let isMet =
            arguments.includes.map(modes.contains) ?? arguments.excludes.map { !modes.contains($0) } ?? false
        var part = part(isMet ? .pass : .fail, how, found)
        part.value = modes.joined(separator: ",")
        if let evidence {
            part.evidence = evidence
            part.provenance = .file(file.text ?? "", field: "authorizers")
        }
        return part
    }

    /// 1.2.22: a key, or a signer outside (`--service-account-signing-endpoint`, 1.32 and later).
    private func serviceAccountKeys() -> CISPart {
        let endpoint = instance.setting("service-account-signing-endpoint")
        if endpoint.isWritten, !endpoint.isEmpty {
            return part(.passByEquivalence, "tokens are signed and verified by \(endpoint.text ?? "")", endpoint)
        }
        return evaluate(["service-account-key-file"], .set, whenUnset: .fail)
    }

    /// 1.2.29, 4.2.12: strong suites only. With TLS 1.3 as the least version the list has no effect, since its suites are
    /// all strong and cannot be chosen.
    private func cipherSuites(_ arguments: CISControl.Arguments) -> CISPart {
        let suites = instance.setting(arguments.setting ?? "")
        let minimum = instance.setting(arguments.minimum ?? "")
        if let part = unknown(suites) { return part }
        if minimum.text == "VersionTLS13" {
            return part(.passByEquivalence, "TLS 1.3 is the least version, and all its suites are strong", minimum)
        }
        let named = items(suites)
        guard !named.isEmpty else {
            return part(.fail, "\(label(suites)) is not set, so Go's own list is offered", suites)
        }
        let strong = Set(arguments.among.map(Self.suite))
        let tls13: Set<String> = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
        let weak = named.filter { !strong.contains(Self.suite($0)) && !tls13.contains($0) }
        guard weak.isEmpty else { return part(.fail, "weak suites: \(weak.joined(separator: ", "))", suites) }
        return part(.pass, "only strong suites are offered", suites)
    }

    /// The suite with ChaCha20 has two names in Go.
    private static func suite(_ name: String) -> String {
        name.hasSuffix("CHACHA20_POLY1305") ? name + "_SHA256" : name
    }

    /// 1.2.28: who writes secrets.
    private func encryptionProviders() -> CISPart {
        let flag = instance.setting("encryption-provider-config")
        if let part = unknown(flag) { return part }
        guard !flag.isEmpty else { return part(.fail, "nothing is encrypted: \(label(flag)) is not set", flag) }
        switch follow(flag, []) {
        case .part(let part): return part
        case .document(let root):
            return Self.encryption(EncryptionConfiguration(root), root, version: instance.defaultsVersion.version) {
                inFile($0, $1, flag, $2)
            }
        }
    }

    /// What the benchmark says of an EncryptionConfiguration.
    static func encryption(
        _ configuration: EncryptionConfiguration, _ root: Node, version: ComponentVersion,
        _ part: (CISOutcome, String, Node) -> CISPart
    ) -> CISPart {
        let isOld = ComponentFacts.of(.apiServer).gateDefault("KMSv1", version) ?? false
        guard configuration.loads(allowsKMSv1: isOld) else {
            let problem = configuration.problems.first { $0.code != .kmsV1Disabled || !isOld }
            return part(
                .fail, "the API server refuses the file: \(problem?.message ?? "it cannot be read")",
                problem?.node ?? root)
        }
        switch configuration.writeProvider(resource: "secrets") {
        case .unlisted:
            return part(.fail, "no entry names secrets, so they are written in plain text", root["resources"])
        case .provider(let provider, _):
            switch provider.algorithm {
            case .identity:
                return part(.fail, "identity comes first for secrets: they are written in plain text", provider.node)
            case .aesgcm:
                return part(
                    .fail,
                    "aesgcm writes secrets; its keys must be exchanged every 200,000 writes, so the benchmark does not accept it",
                    provider.node)
            case .aescbc, .secretbox, .kms: return part(.pass, "\(provider.name) writes secrets", provider.node)
            }
        }
    }

    /// 3.2.2
    private func auditPolicy() -> CISPart {
        let flag = instance.setting("audit-policy-file")
        if let part = unknown(flag) { return part }
        guard !flag.isEmpty else { return part(.fail, "no audit policy is given: \(label(flag)) is not set", flag) }
        switch follow(flag, ["Policy"]) {
        case .part(let part): return part
        case .document(let root):
            return AuditPolicy.judged(root) { inFile($0, $1, flag, $2) }
        }
    }

    /// 4.2.5: a zero in the file is replaced by the default of four hours; by the flag it is a zero.
    private func streamingTimeout() -> CISPart {
        let setting = instance.setting("streamingConnectionIdleTimeout")
        if let part = unknown(setting) { return part }
        guard setting.isWritten, let text = setting.text else {
            return part(.pass, "\(label(setting)) is not set; the default is 4h", setting)
        }
        guard let duration = GoDuration(text) else {
            return part(.notObservable, "\(label(setting)) is \"\(text)\", which is no duration", setting)
        }
        guard duration.nanoseconds == 0 else { return part(.pass, "\(label(setting)) is \(text)", setting) }
        switch setting.provenance {
        case .file, .dropIn:
            return part(.pass, "a zero in the file means the default of 4h; only the flag can set it", setting)
        default: return part(.fail, "\(label(setting)) is 0: idle connections stay open for ever", setting)
        }
    }

    /// 4.2.9
    private func servingCertificate() -> CISPart {
        let bootstrap = instance.setting("serverTLSBootstrap")
        if let part = unknown(bootstrap) { return part }
        if let text = bootstrap.text, Setting.bool(text) == true {
            return part(
                .notApplicable, "the serving certificate comes by certificate requests (serverTLSBootstrap)", bootstrap)
        }
        let certificate = instance.setting("tlsCertFile")
        let key = instance.setting("tlsPrivateKeyFile")
        // A kubelet that signs for itself writes the pair here, and then shows it as if it had been configured.
        if case .configz = certificate.provenance, certificate.text?.hasSuffix("/pki/kubelet.crt") == true,
            key.text?.hasSuffix("/pki/kubelet.key") == true
        {
            return part(
                .fail, "\(certificate.text ?? "") is the certificate the kubelet signed for itself", certificate)
        }
        // With another --cert-dir it lies elsewhere under that name, and so may one that somebody gave.
        if case .configz = certificate.provenance, certificate.text?.hasSuffix("/kubelet.crt") == true,
            key.text?.hasSuffix("/kubelet.key") == true
        {
            return part(
                .notObservable,
                "\(certificate.text ?? "") has the name of those that kubelets sign for themselves; look at the node",
                certificate)
        }
        return evaluate(["tlsCertFile", "tlsPrivateKeyFile"], .set, whenUnset: .fail)
    }
}
