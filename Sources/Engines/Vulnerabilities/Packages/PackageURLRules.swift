/// What a package type asks of its package URLs.
///
/// Source: the type definitions of package-url/purl-spec.
struct PackageURLRules {
    enum Presence { case required, prohibited, optional }

    var namespace = Presence.optional
    var lowercasesNamespace = false
    var lowercasesName = false
    var lowercasesVersion = false

    static func rules(_ type: String) -> PackageURLRules {
        switch type {
        case "alpm", "apk", "deb", "bitbucket", "composer", "git", "github", "luarocks":
            PackageURLRules(lowercasesNamespace: true, lowercasesName: true)
        case "hex", "npm", "golang", "vscode-extension", "yocto":
            PackageURLRules(
                namespace: type == "vscode-extension" ? .required : .optional, lowercasesNamespace: true,
                lowercasesName: true)
        case "bitnami", "pypi", "oci", "pub", "otp":
            PackageURLRules(namespace: .prohibited, lowercasesName: true)
        case "chrome-extension", "opam", "vcpkg":
            PackageURLRules(namespace: .prohibited, lowercasesName: type != "opam")
        case "bazel", "cargo", "cocoapods", "conda", "cran", "gem", "hackage", "julia", "nuget", "mlflow":
            PackageURLRules(namespace: .prohibited)
        case "swift": PackageURLRules(namespace: .required)
        case "rpm", "qpkg", "brew": PackageURLRules(lowercasesNamespace: true)
        case "huggingface": PackageURLRules(lowercasesVersion: true)
        default: PackageURLRules()
        }
    }

    func normalize(_ url: inout PackageURL) {
        if lowercasesNamespace { url.lowercaseNamespace() }
        if lowercasesName { url.lowercaseName() }
        if lowercasesVersion { url.lowercaseVersion() }
        switch url.type {
        case "pypi": url.replaceName(url.name.replacing("_", with: "-"))
        case "mlflow":
            // Databricks does not tell capitals from small letters, Azure ML does.
            if url["repository_url"]?.contains("azuredatabricks") == true { url.lowercaseName() }
        default: break
        }
    }

    func problem(_ url: PackageURL) -> String? {
        switch namespace {
        case .required where url.namespace == nil: return "\(url.type) needs a namespace"
        case .prohibited where url.namespace != nil: return "\(url.type) has no namespaces"
        default: break
        }
        switch url.type {
        case "cpan" where url.name.contains("::"): return "CPAN distributions are named with dashes"
        case "julia" where url["uuid"] == nil: return "a Julia package needs its uuid"
        case "chrome-extension":
            guard url.name.utf8.count == 32, url.name.utf8.allSatisfy({ (0x61...0x70).contains($0) }) else {
                return "an extension's id has 32 letters from a to p"
            }
            if let version = url.version, version.split(separator: ".").count > 4 {
                return "an extension's version has at most four numbers"
            }
            return nil
        default: return nil
        }
    }
}
