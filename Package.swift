// swift-tools-version: 6.2
import PackageDescription

// The house: an arrow only ever points down. Each layer has one constructor, and a constructor only accepts what the
// layer may stand on; Tests/Architecture reads the imports and refuses the rest.
//
//   martlet → Platform → Engines, Adapters → Core

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error), .enableUpcomingFeature("InternalImportsByDefault")]
let safe: [SwiftSetting] = strict + [.strictMemorySafety()]

/// Products of other packages.
enum Parts {
    static let yams = Target.Dependency.product(name: "Yams", package: "Yams")
    static let hashTrees = Target.Dependency.product(name: "HashTreeCollections", package: "swift-collections")
    static let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
    static let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
    static let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
    static let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
    static let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
    static let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
    static let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
    static let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
    static let certificates = Target.Dependency.product(name: "X509", package: "swift-certificates")
    static let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
    static let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
    static let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
    static let hummingbirdHTTP2 = Target.Dependency.product(name: "HummingbirdHTTP2", package: "hummingbird")
    static let database = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
    static let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
}

/// Core: the ground. Names other Core rooms and packages.
func core(
    _ name: String, on rooms: [String] = [], _ packages: [Target.Dependency] = [], settings: [SwiftSetting] = safe
) -> Target {
    .target(
        name: name, dependencies: rooms.map { .byName(name: $0) } + packages, path: "Sources/Core/\(name)",
        swiftSettings: settings)
}

/// Engines are pure: Core and nothing of each other.
func engine(_ name: String, resources: [Resource] = []) -> Target {
    .target(
        name: name, dependencies: ["Encodings", "Documents", "Kubernetes", "Images", "Findings"],
        path: "Sources/Engines/\(name)",
        resources: resources, swiftSettings: safe)
}

/// Adapters bring the world in and know nothing of checks.
func adapter(_ name: String, _ packages: [Target.Dependency]) -> Target {
    .target(
        name: name, dependencies: ["Encodings", "Documents", "Kubernetes", "Images"] + packages,
        path: "Sources/Adapters/\(name)",
        swiftSettings: strict)
}

/// Platform: the rooms where engines meet.
func platform(
    _ name: String, on rooms: [String], _ packages: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
    .target(
        name: name, dependencies: ["Encodings"] + rooms.map { .byName(name: $0) } + packages,
        path: "Sources/Platform/\(name)",
        resources: resources, swiftSettings: strict)
}

/// The test tree mirrors the source tree.
func tests(
    _ layer: String, _ name: String, on rooms: [String], _ packages: [Target.Dependency] = [],
    resources: [Resource] = []
) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: ["TestSupport"] + rooms.map { .byName(name: $0) } + packages,
        path: "Tests/\(layer)/\(name)Tests", resources: resources, swiftSettings: strict)
}

let package = Package(
    name: "martlet",
    platforms: [.macOS(.v26)],
    products: [.executable(name: "martlet", targets: ["martlet"])],
    dependencies: [
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        core("YAMLEvents", [Parts.yams], settings: strict),
        core("Encodings"),
        core("Documents", on: ["YAMLEvents"]),
        core("Kubernetes", on: ["Documents"], [Parts.hashTrees]),
        core("Images", on: ["Documents"]),
        core("Findings", on: ["Encodings", "Documents", "Kubernetes"]),
        engine("PodSecurity"),
        engine("Workloads", resources: [.embedInCode("Resources")]),
        engine("RBAC", resources: [.embedInCode("Resources")]),
        engine("NetworkPolicies"),
        engine("Policies"),
        engine("Webhooks"),
        engine("Detection", resources: [.embedInCode("Resources")]),
        engine("Vulnerabilities", resources: [.embedInCode("Resources")]),
        engine("CISBenchmark", resources: [.embedInCode("Resources")]),
        engine("Secrets", resources: [.embedInCode("Resources")]),
        engine("Compliance", resources: [.embedInCode("Resources")]),
        adapter("Manifests", [Parts.subprocess]),
        adapter("SourceTrees", [Parts.subprocess, "Compression", "ContainerImages"]),
        adapter("NodeInspection", []),
        adapter(
            "KubernetesClient",
            [Parts.nio, Parts.nioPosix, Parts.nioHTTP1, Parts.nioTLS, Parts.nioSSL, Parts.subprocess]),
        adapter("SecretManagers", [Parts.nio, Parts.nioPosix, Parts.nioHTTP1, Parts.nioSSL, Parts.crypto]),
        .systemLibrary(name: "CZstd", path: "Sources/Adapters/CZstd"),
        .systemLibrary(name: "CZlib", path: "Sources/Adapters/CZlib"),
        .systemLibrary(name: "CLZMA", path: "Sources/Adapters/CLZMA"),
        .systemLibrary(name: "CBzip2", path: "Sources/Adapters/CBzip2"),
        adapter("Compression", ["CZstd", "CZlib", "CLZMA", "CBzip2"]),
        .systemLibrary(name: "CFileAttributes", path: "Sources/Adapters/CFileAttributes"),
        adapter(
            "ContainerImages",
            [
                "Compression", "CFileAttributes", Parts.crypto, Parts.nio, Parts.nioHTTP1, Parts.nioSSL,
                Parts.httpClient, Parts.subprocess,
            ]),
        platform("Evidence", on: ["Documents", "Kubernetes", "Findings", "Compliance"], [Parts.crypto]),
        .systemLibrary(
            name: "CPostgres", path: "Sources/Adapters/CPostgres", pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"])]),
        adapter("Postgres", ["CPostgres", Parts.nioPosix]),
        .systemLibrary(name: "CBPF", path: "Sources/Adapters/CBPF"),
        .target(name: "SensorObject", path: "Sources/Adapters/SensorObject"),
        adapter("Sensor", ["CBPF", "SensorObject"]),
        platform("RuntimeWatch", on: ["Documents", "Kubernetes", "Detection", "NetworkPolicies", "Sensor"]),
        platform(
            "AdvisoryStore", on: ["Vulnerabilities", "Compression", "ContainerImages", "Documents"], [Parts.crypto]),
        platform(
            "ImageInspection",
            on: [
                "ContainerImages", "Images", "Documents", "Kubernetes", "Findings", "Vulnerabilities", "ImageStore",
            ], [Parts.crypto]),
        platform("ImageTrust", on: ["Documents"], [Parts.crypto, Parts.cryptoExtras, Parts.certificates, Parts.asn1]),
        platform("ImageStore", on: ["Documents", "Vulnerabilities"], [Parts.database]),
        platform(
            "Posture",
            on: [
                "Documents", "Kubernetes", "Findings", "PodSecurity", "Workloads", "RBAC", "NetworkPolicies",
                "CISBenchmark", "Secrets", "Policies", "Compliance", "Webhooks",
            ]),
        platform(
            "SecretSearch",
            on: [
                "Documents", "Kubernetes", "Images", "Secrets", "Posture", "Manifests", "SourceTrees",
                "ContainerImages",
            ]),
        platform(
            "Admission",
            on: [
                "Documents", "Kubernetes", "Findings", "PodSecurity", "Policies", "RBAC", "Webhooks", "Vulnerabilities",
                "Secrets", "Posture",
            ]),
        platform(
            "AdmissionImages",
            on: [
                "Documents", "Kubernetes", "Findings", "Vulnerabilities", "ContainerImages", "ImageInspection",
                "ImageStore", "ImageTrust", "AdvisoryStore", "Admission",
            ]),
        platform(
            "AdmissionServer", on: ["Documents", "Kubernetes", "Findings", "Admission", "KubernetesClient"],
            [
                Parts.hummingbird, Parts.hummingbirdTLS, Parts.hummingbirdHTTP2, Parts.certificates, Parts.asn1,
                Parts.crypto, Parts.nio, Parts.nioSSL,
            ]),
        platform("Store", on: ["Documents", "Findings", "Postgres"], [Parts.database, Parts.crypto]),
        platform(
            "Hub",
            on: [
                "Documents", "Kubernetes", "Findings", "Workloads", "Posture", "Store", "Manifests", "KubernetesClient",
                "CISBenchmark", "Vulnerabilities", "Detection", "NetworkPolicies", "RBAC", "Compliance", "Compression",
                "Evidence", "Admission", "SecretSearch",
            ],
            [
                Parts.hummingbird, Parts.hummingbirdCore, Parts.hummingbirdTLS, Parts.hummingbirdHTTP2,
                Parts.httpClient, Parts.crypto, Parts.cryptoExtras,
                Parts.certificates, Parts.asn1, Parts.logging, Parts.nio, Parts.nioPosix, Parts.nioHTTP1, Parts.nioSSL,
            ], resources: [.embedInCode("Resources")]),
        .executableTarget(
            name: "martlet",
            dependencies: [
                "Encodings",
                "Posture",
                "Admission",
                "AdmissionServer",
                "AdmissionImages",
                "Webhooks",
                "Compliance",
                "Evidence",
                "Manifests",
                "KubernetesClient",
                "NodeInspection",
                "SourceTrees",
                "SecretSearch",
                "SecretManagers",
                "Secrets",
                "NetworkPolicies",
                "Policies",
                "Detection",
                "Sensor",
                "RuntimeWatch",
                "Vulnerabilities",
                "AdvisoryStore",
                "Hub",
                Parts.logging,
                "ImageInspection",
                "ImageStore",
                "ContainerImages",
                "ImageTrust",
                Parts.crypto,
                Parts.arguments,
            ],
            path: "Sources/martlet",
            swiftSettings: strict),
        // What tests of several rooms need of the machine.
        .target(name: "TestSupport", path: "Tests/Support/TestSupport", swiftSettings: strict),
        tests("Core", "Encodings", on: ["Encodings"]),
        tests("Core", "Documents", on: ["Documents"]),
        tests("Core", "Kubernetes", on: ["Kubernetes"]),
        tests("Core", "Findings", on: ["Findings"], resources: [.copy("Golden")]),
        tests("Engines", "PodSecurity", on: ["PodSecurity"]),
        tests("Engines", "Workloads", on: ["Workloads"]),
        tests("Engines", "RBAC", on: ["RBAC"]),
        tests("Engines", "NetworkPolicies", on: ["NetworkPolicies"], resources: [.copy("Golden")]),
        tests("Engines", "Vulnerabilities", on: ["Vulnerabilities"], resources: [.copy("Fixtures")]),
        tests("Engines", "CISBenchmark", on: ["CISBenchmark"]),
        tests("Engines", "Secrets", on: ["Secrets"], resources: [.copy("Vectors")]),
        tests("Engines", "Detection", on: ["Detection"]),
        tests("Engines", "Compliance", on: ["Compliance"]),
        tests("Engines", "Policies", on: ["Policies"]),
        tests("Adapters", "Manifests", on: ["Manifests"]),
        tests("Adapters", "NodeInspection", on: ["NodeInspection"]),
        tests(
            "Adapters", "KubernetesClient", on: ["Encodings", "KubernetesClient", "Secrets"],
            [Parts.nio, Parts.nioPosix, Parts.nioHTTP1, Parts.nioSSL, Parts.subprocess],
            resources: [.copy("Golden")]),
        tests("Adapters", "SecretManagers", on: ["SecretManagers"], [Parts.nio, Parts.nioPosix, Parts.nioHTTP1]),
        tests("Adapters", "SourceTrees", on: ["SourceTrees"], [Parts.subprocess]),
        tests(
            "Platform", "SecretSearch", on: ["SecretSearch", "SourceTrees", "ContainerImages", "Secrets", "Posture"],
            [Parts.subprocess]),
        tests("Platform", "Store", on: ["Store", "Findings"]),
        tests(
            "Platform", "Hub",
            on: ["Hub", "Store", "Documents", "Evidence", "Findings", "Kubernetes", "Posture", "Admission"],
            [
                Parts.crypto, Parts.httpClient, Parts.logging, Parts.nio, Parts.nioPosix, Parts.nioHTTP1,
                Parts.nioSSL,
            ],
            resources: [.copy("Golden")]),
        tests(
            "Adapters", "ContainerImages", on: ["ContainerImages", "Compression"],
            [Parts.crypto, Parts.nio, Parts.nioPosix, Parts.nioHTTP1, Parts.subprocess]),
        tests("Platform", "ImageInspection", on: ["ImageInspection", "ContainerImages", "AdvisoryStore"]),
        tests(
            "Platform", "ImageTrust", on: ["ImageTrust", "Documents", "Encodings"],
            [Parts.crypto, Parts.cryptoExtras, Parts.certificates, Parts.asn1]),
        tests("Engines", "Webhooks", on: ["Webhooks"]),
        tests("Platform", "Admission", on: ["Admission", "Webhooks", "Posture"]),
        tests(
            "Platform", "AdmissionServer",
            on: [
                "AdmissionServer", "Admission", "AdmissionImages", "KubernetesClient", "ImageStore", "AdvisoryStore",
                "ImageTrust", "ContainerImages",
            ],
            [
                Parts.httpClient, Parts.nio, Parts.nioPosix, Parts.nioSSL, Parts.subprocess, Parts.certificates,
                Parts.crypto,
            ]),
        tests(
            "Platform", "Posture", on: ["Posture", "CISBenchmark", "Secrets", "Compliance"],
            resources: [.copy("Golden")]),
        tests("Platform", "Evidence", on: ["Evidence", "Compliance"]),
        tests(
            "Platform", "AdvisoryStore", on: ["AdvisoryStore", "ContainerImages", "Vulnerabilities"], [Parts.subprocess]
        ),
        tests("Platform", "ImageStore", on: ["ImageStore", "Vulnerabilities"]),
        tests("Adapters", "Sensor", on: ["Sensor", "SensorObject"]),
        tests("Platform", "RuntimeWatch", on: ["RuntimeWatch", "NetworkPolicies", "Kubernetes"], [Parts.crypto]),
        tests("Architecture", "Architecture", on: []),
        tests("Program", "Program", on: ["martlet"]),
        // Runs the suites of MARTLET_CONFORMANCE; not a product.
        .executableTarget(
            name: "conformance",
            dependencies: [
                "Posture",
                "Compliance",
                "Admission",
                "Manifests",
                "Secrets",
                "NodeInspection",
                "NetworkPolicies",
                "Policies",
                "Detection",
                "Vulnerabilities",
                "AdvisoryStore",
                "ImageTrust",
                "Compression",
            ],
            path: "Tests/Conformance",
            exclude: ["floors.txt"],
            swiftSettings: strict),
        // Drives the admission server; not a product.
        .executableTarget(
            name: "load",
            dependencies: [
                "Admission", "AdmissionServer", "AdmissionImages", "ImageStore", "ImageInspection", "Policies",
                "Vulnerabilities", "PodSecurity", Parts.httpClient, Parts.nio, Parts.nioPosix, Parts.nioSSL,
            ],
            path: "Tests/Load", swiftSettings: strict),
        // Load on the store; not a product.
        .executableTarget(
            name: "storeload", dependencies: ["Store", "Findings"], path: "Tests/StoreLoad", swiftSettings: strict),
        // Load on the sensor; not a product.
        .executableTarget(
            name: "sensorload", dependencies: ["RuntimeWatch", "Sensor", "Detection", "Documents", "CBPF"],
            path: "Tests/SensorLoad", swiftSettings: strict),
        // Benchmarks; not a product.
        .executableTarget(
            name: "bench",
            dependencies: [
                "Posture",
                "Compliance",
                "Manifests",
                "Secrets",
                "NodeInspection",
                "NetworkPolicies",
                "Policies",
                "Detection",
                "Vulnerabilities",
                "AdvisoryStore",
                "ImageStore",
                "Compression",
                "ContainerImages",
                "ImageInspection",
            ],
            path: "Tests/Benchmarks",
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
