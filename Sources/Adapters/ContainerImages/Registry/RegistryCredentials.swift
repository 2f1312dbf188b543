import Documents
import Subprocess

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Logins for registries, as `docker login` and `podman login` keep them.
///
/// Source: the configuration file of docker's command line (`auths`, `credHelpers`, `credsStore`), containers-auth.json(5)
/// for keys that name a repository, and the protocol of docker-credential-helpers.
package struct RegistryCredentials: Sendable {
    enum Credential: Sendable, Hashable {
        case password(user: String, password: String)
        /// A refresh token that is exchanged for tokens.
        case identityToken(String)
    }

    private struct File: Sendable {
        var logins: [String: Credential] = [:]
        var helpers: [String: String] = [:]
        var store: String?
    }

    private var files: [File] = []
    /// What could not be understood, for people; never a secret.
    package private(set) var problems: [String] = []

    /// No logins at all.
    package init() {}

    /// From the content of a docker configuration, such as a pull secret's `.dockerconfigjson`.
    package init(json bytes: [UInt8], name: String) { read(bytes, name) }

    /// From where docker and podman keep them on this machine.
    ///
    /// - Parameter path: one file to read in place of all others.
    package static func ofThisMachine(_ path: String? = nil) -> RegistryCredentials {
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        var paths: [String] = []
        if let path {
            paths = [path]
        } else {
            if let file = variable("REGISTRY_AUTH_FILE") { paths.append(file) }
            if let folder = variable("DOCKER_CONFIG") { paths.append("\(folder)/config.json") }
            if let folder = variable("XDG_RUNTIME_DIR") { paths.append("\(folder)/containers/auth.json") }
            if let home = variable("HOME") {
                paths.append("\(home)/.config/containers/auth.json")
                if variable("DOCKER_CONFIG") == nil { paths.append("\(home)/.docker/config.json") }
            }
        }
        var credentials = RegistryCredentials()
        for candidate in paths {
            do throws(ImageError) {
                credentials.read(try LocalFile.bytes(candidate, limit: 4 << 20), candidate)
            } catch {
                if error.code != .notFound || path != nil { credentials.problems.append(error.message) }
            }
        }
        return credentials
    }

    private mutating func read(_ bytes: [UInt8], _ name: String) {
        let root: Node
        do throws(DocumentError) {
            let options = DocumentReader.Options(checkDuplicateKeys: false)
            root = try DocumentReader.readJSON(SourceText(name: name, bytes: bytes), options: options)
        } catch {
            problems.append("\(name): is no JSON, so that no login of it is used")
            return
        }
        var file = File()
        for member in root["auths"].members {
            guard let login = Self.login(member.value) else { continue }
            file.logins[Self.normal(member.key)] = login
        }
        for member in root["credHelpers"].members {
            if let helper = member.value.string { file.helpers[Self.normal(member.key)] = helper }
        }
        file.store = root["credsStore"].string.flatMap { $0.isEmpty ? nil : $0 }
        files.append(file)
    }

    private static func login(_ node: Node) -> Credential? {
        if let token = node["identitytoken"].string, !token.isEmpty { return .identityToken(token) }
        if let user = node["username"].string, let password = node["password"].string, !user.isEmpty {
            return .password(user: user, password: password)
        }
        guard let bytes = node["auth"].string.flatMap({ Base64.decoded($0, .all) }),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        // Docker pads with NULs.
        let password = bytes[(colon + 1)...].prefix { $0 != 0 }
        return .password(
            user: String(decoding: bytes[..<colon], as: UTF8.self), password: String(decoding: password, as: UTF8.self))
    }

    /// `https://index.docker.io/v1/` and `docker.io` are one place.
    private static func normal(_ key: String) -> String {
        var key = key[...]
        for scheme in ["https://", "http://"] where key.hasPrefix(scheme) { key = key.dropFirst(scheme.count) }
        while key.last == "/" { key.removeLast() }
        for version in ["/v1", "/v2"] where key.hasSuffix(version) { key.removeLast(version.count) }
        let parts = key.split(separator: "/", maxSplits: 1)
        guard let host = parts.first, ["index.docker.io", "registry-1.docker.io"].contains(host) else {
            return String(key)
        }
        return parts.count == 2 ? "docker.io/\(parts[1])" : "docker.io"
    }

    /// The login for a repository: the longest key that it begins with, helpers before what is written down.
    func credential(host: String, repository: String) async -> Credential? {
        var name = "\(host)/\(repository)"
        var names = [name]
        while let slash = name.lastIndex(of: "/") {
            name = String(name[..<slash])
            names.append(name)
        }
        for file in files {
            for name in names {
                if let helper = file.helpers[name], let found = await Self.ask(helper, name) { return found }
                if let login = file.logins[name] { return login }
            }
            if let store = file.store, let found = await Self.ask(store, host) { return found }
        }
        return nil
    }

    /// Asks `docker-credential-NAME`; one that knows nothing or fails counts as no login.
    private static func ask(_ helper: String, _ host: String) async -> Credential? {
        // The name becomes a command's: only what such names hold.
        guard
            helper.utf8.allSatisfy({ byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
            })
        else { return nil }
        let server = host == "docker.io" ? "https://index.docker.io/v1/" : host
        guard
            let result = try? await Subprocess.run(
                .name("docker-credential-\(helper)"), arguments: ["get"], input: .array(Array(server.utf8)),
                output: .bytes(limit: 1 << 16), error: .discarded),
            result.terminationStatus == .exited(0)
        else { return nil }
        let source = SourceText(name: "", bytes: result.standardOutput)
        guard let root = try? DocumentReader.readJSON(source), let secret = root["Secret"].string else { return nil }
        let user = root["Username"].string ?? ""
        return user == "<token>" ? .identityToken(secret) : .password(user: user, password: secret)
    }
}
