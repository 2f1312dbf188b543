/// The ways in which ecosystems order their versions.
///
/// Each follows the ecosystem's own reference; the texts are compared as they stand, so that a trace of a comparison
/// can show them. The raw values stand in databases and are never reused.
package enum VersionScheme: UInt8, Sendable, Hashable, CaseIterable {
    /// Anything that numbers more or less semantically; the fallback.
    case generic = 0
    case deb = 1
    case rpm = 2
    case apk = 3
    case semver = 4
    case npm = 5
    case pypi = 6
    case gem = 7
    case maven = 8
    case golang = 9
    case composer = 10
    case nuget = 11
    case cargo = 12
    case bitnami = 13
    case alpm = 14
    case gentoo = 15
    case conan = 16
    case openssl = 17
    case pub = 18
    case hackage = 19
    case cran = 20
    case hex = 21
    case nginx = 22
    case intdot = 23
    case lexicographic = 24
    case datetime = 25
    case swift = 26

    /// The scheme by its name in a `vers:` range or a purl type.
    package init?(name: String) {
        switch name {
        case "generic": self = .generic
        case "deb": self = .deb
        case "rpm": self = .rpm
        case "apk", "alpine": self = .apk
        case "semver": self = .semver
        case "npm": self = .npm
        case "pypi": self = .pypi
        case "gem", "rubygems": self = .gem
        case "maven": self = .maven
        case "golang", "go": self = .golang
        case "composer", "packagist": self = .composer
        case "nuget": self = .nuget
        case "cargo", "crates": self = .cargo
        case "bitnami": self = .bitnami
        case "alpm", "arch": self = .alpm
        case "gentoo", "ebuild": self = .gentoo
        case "conan": self = .conan
        case "openssl": self = .openssl
        case "pub": self = .pub
        case "hackage": self = .hackage
        case "cran": self = .cran
        case "hex": self = .hex
        case "nginx": self = .nginx
        case "intdot": self = .intdot
        case "lexicographic": self = .lexicographic
        case "datetime": self = .datetime
        case "swift": self = .swift
        default: return nil
        }
    }

    package var name: String { "\(self)" }

    /// -1, 0 or 1 as `left` comes before, is equal to or comes after `right`.
    package func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        switch self {
        case .deb: DebianVersion.order(left, right)
        case .rpm: RPMVersion.order(left, right)
        case .apk: AlpineVersion.order(left, right)
        case .pypi: PythonVersion.order(left, right)
        case .gem: RubyVersion.order(left, right)
        case .maven: MavenVersion.order(left, right)
        case .golang: GoVersion.order(left, right)
        case .composer: ComposerVersion.order(left, right)
        case .nuget: SemanticVersion.order(left, right, SemanticVersion.Dialect(ignoresCase: true))
        case .bitnami: SemanticVersion.order(left, right, SemanticVersion.Dialect(hasRevisions: true))
        case .pub: SemanticVersion.order(left, right, SemanticVersion.Dialect(ordersBuilds: true))
        case .alpm: RPMVersion.orderForArch(left, right)
        case .gentoo: GentooVersion.order(left, right)
        case .conan: ConanVersion.order(left, right)
        case .openssl: OpenSSLVersion.order(left, right)
        case .hackage, .cran, .intdot: NumberVersion.order(left, right)
        case .datetime: InstantVersion.order(left, right)
        case .lexicographic: orderOfBytes(left, 0..<left.count, right, 0..<right.count)
        case .generic: FuzzyVersion.order(left, right)
        case .semver, .npm, .cargo, .hex, .nginx, .swift: SemanticVersion.order(left, right)
        }
    }

    package func order(_ left: String, _ right: String) -> Int { order(left.utf8.span, right.utf8.span) }
}

extension VersionScheme {
    /// Whether apk takes the text for a version.
    package static func isAlpineVersion(_ text: String) -> Bool { AlpineVersion.isValid(text.utf8.span) }

    /// Whether `text` is meant by apk's fuzzy `~range`.
    package static func isAlpineVersion(_ text: String, in range: String) -> Bool {
        AlpineVersion.order(text.utf8.span, range.utf8.span, isFuzzy: true) == 0
    }
}
