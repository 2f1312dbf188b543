import Documents

/// AWS Secrets Manager: metadata only.
///
/// Source: the service's API reference, DescribeSecret, ListSecretVersionIds and ListSecrets. GetSecretValue is never
/// called.
package struct AWSSecretsManagerClient: Sendable {
    package struct Credentials: Sendable {
        package var accessKey: String
        package var secretKey: String
        package var sessionToken: String

        package init(accessKey: String, secretKey: String, sessionToken: String = "") {
            self.accessKey = accessKey
            self.secretKey = secretKey
            self.sessionToken = sessionToken
        }
    }

    private let address: WebAddress
    private let signature: AWSSignature
    private let web: WebClient
    private let now: @Sendable () -> Double

    /// - Parameters:
    ///   - endpoint: another address than the region's own: a private endpoint, a test server.
    ///   - now: seconds since 1970; a signature is good for some minutes.
    package init(
        region: String, credentials: Credentials, endpoint: String? = nil, web: WebClient = WebClient(),
        now: @escaping @Sendable () -> Double
    ) throws(SecretManagerError) {
        let isRegion =
            !region.isEmpty
            && region.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
            }
        guard isRegion else { throw SecretManagerError(.badAddress, "\"\(region)\" is no AWS region") }
        guard !credentials.accessKey.isEmpty, !credentials.secretKey.isEmpty else {
            throw SecretManagerError(
                .missingCredentials, "there are no AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        }
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        guard let address = WebAddress(endpoint ?? "https://secretsmanager.\(region).\(domain)") else {
            throw SecretManagerError(.badAddress, "the endpoint is no http or https address")
        }
        self.address = address
        self.web = web
        self.now = now
        signature = AWSSignature(
            accessKey: credentials.accessKey, secretKey: credentials.secretKey,
            sessionToken: credentials.sessionToken, region: region, service: "secretsmanager")
    }

    /// The metadata of a secret by name or ARN.
    package func secret(_ name: String) async throws -> SecretMetadata {
        let node = try await call("DescribeSecret", ["SecretId": .string(name)])
        var out = SecretMetadata(
            manager: "AWS Secrets Manager in \(signature.region)", path: node["Name"].string ?? name)
        out.created = UTCTime.text(node["CreatedDate"])
        out.changed = UTCTime.text(node["LastChangedDate"])
        out.rotated = UTCTime.text(node["LastRotatedDate"])
        out.rotatesItself = node["RotationEnabled"].bool ?? false
        if !node["DeletedDate"].isNull {
            out.notes.append("it is to be deleted since \(UTCTime.text(node["DeletedDate"]))")
        }
        // LastChangedDate moves with the description too; the version's own date is that of the value.
        out.versions = try await versions(name)
        if let current = out.versions.last(where: \.isCurrent), !current.created.isEmpty {
            out.changed = current.created
        }
        return out
    }

    private func versions(_ name: String) async throws -> [SecretMetadata.Version] {
        var versions: [SecretMetadata.Version] = []
        var next: String?
        for _ in 0..<100 {
            var body: [DocumentValue.Member] = [
                .init("SecretId", .string(name)), .init("IncludeDeprecated", true),
            ]
            if let next { body.append(.init("NextToken", .string(next))) }
            let page = try await call("ListSecretVersionIds", .object(body))
            for version in page["Versions"].elements {
                let stages = version["VersionStages"].strings
                versions.append(
                    SecretMetadata.Version(
                        id: version["VersionId"].string ?? "", created: UTCTime.text(version["CreatedDate"]),
                        isCurrent: stages.contains("AWSCURRENT"), isGone: stages.isEmpty))
            }
            next = page["NextToken"].string
            if next?.isEmpty ?? true { break }
        }
        return versions.sorted { ($0.created, $0.isCurrent ? 1 : 0, $0.id) < ($1.created, $1.isCurrent ? 1 : 0, $1.id) }
    }

    /// Names of the secrets there are.
    package func list() async throws -> [String] {
        var names: [String] = []
        var next: String?
        for _ in 0..<1000 {
            let body: [DocumentValue.Member] = next.map { [.init("NextToken", .string($0))] } ?? []
            let page = try await call("ListSecrets", .object(body))
            names += page["SecretList"].elements.compactMap { $0["Name"].string }
            next = page["NextToken"].string
            if next?.isEmpty ?? true { break }
        }
        return names
    }

    private func call(_ action: String, _ value: DocumentValue) async throws -> Node {
        var writer = JSONWriter()
        writer.value(value)
        let extra = [
            (name: "content-type", value: "application/x-amz-json-1.1"),
            (name: "x-amz-target", value: "secretsmanager.\(action)"),
        ]
        let headers = signature.headers(
            method: "POST", path: address.path, host: address.authority, extra: extra, body: writer.bytes,
            time: UTCTime.compact(now()))
        let request = WebClient.Request(method: .POST, address: address, headers: headers, body: writer.bytes)
        do {
            return try await web.json(request, manager: "AWS Secrets Manager")
        } catch let error as SecretManagerError where error.code == .server {
            // Every refusal is a 400 there, with its kind in words.
            if error.message.contains("can't find") || error.message.contains("ResourceNotFound") {
                throw SecretManagerError(.notFound, error.message)
            }
            if error.message.contains("AccessDenied") || error.message.contains("not authorized") {
                throw SecretManagerError(.forbidden, error.message)
            }
            if error.message.contains("security token") || error.message.contains("signature") {
                throw SecretManagerError(.unauthorized, error.message)
            }
            throw error
        }
    }
}
