import Documents
import Kubernetes
import Testing

@Suite("EncryptionConfiguration")
struct EncryptionConfigurationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var problems: [EncryptionConfiguration.LoadProblem.Code] = []
        var secrets = "none"
        var testDescription: String { name }
    }

    static let key32 = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="

    static func file(_ entries: String) -> String {
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [\(entries)]}"
    }

    static let box = "{secretbox: {keys: [{name: a, secret: \(key32)}]}}"

    static let cases = [
        Case(
            name: "the first provider writes",
            text: file("{resources: [secrets], providers: [\(box), {identity: {}}]}"),
            secrets: "secretbox"),
        Case(
            name: "identity first is plaintext",
            text: file("{resources: [secrets], providers: [{identity: {}}, \(box)]}"),
            secrets: "identity"),
        Case(name: "unlisted is plaintext", text: file("{resources: [configmaps], providers: [\(box)]}")),
        Case(
            name: "the core wildcard covers secrets", text: file("{resources: ['*.'], providers: [\(box)]}"),
            secrets: "secretbox"),
        Case(name: "a wildcard of another group does not", text: file("{resources: ['*.apps'], providers: [\(box)]}")),
        Case(
            name: "an exact name in front of a wildcard wins",
            text: file(
                "{resources: [secrets], providers: [{identity: {}}]}, {resources: ['*.*'], providers: [\(box)]}"),
            secrets: "identity"),
        Case(
            name: "a name behind its wildcard is masked",
            text: file("{resources: ['*.*'], providers: [\(box)]}, {resources: [secrets], providers: [\(box)]}"),
            problems: [.maskedResource], secrets: "secretbox"),
        Case(
            name: "a short key",
            text: file(
                "{resources: [secrets], providers: [{secretbox: {keys: [{name: a, secret: QUFBQQ==}]}}]}"),
            problems: [.badKeyLength], secrets: "secretbox"),
        Case(
            name: "a redacted key is not judged",
            text: file("{resources: [secrets], providers: [{aescbc: {keys: [{name: a, secret: REDACTED}]}}]}"),
            secrets: "aescbc"),
        Case(
            name: "no key", text: file("{resources: [secrets], providers: [{aesgcm: {keys: }}]}"),
            problems: [.noKeys], secrets: "aesgcm"),
        Case(
            name: "KMS without a version is v1, refused by default",
            text: file("{resources: [secrets], providers: [{kms: {name: a, endpoint: 'unix:///a'}}]}"),
            problems: [.kmsV1Disabled], secrets: "kmsv1"),
        Case(
            name: "KMS v2",
            text: file("{resources: [secrets], providers: [{kms: {apiVersion: v2, name: a, endpoint: 'unix:///a'}}]}"),
            secrets: "kmsv2"),
        Case(
            name: "a typing error is refused",
            text: file("{resources: [secrets], providers: [{secretboxx: {}}]}"),
            problems: [.unknownField, .unknownProvider]),
        Case(
            name: "a duration without a unit",
            text: file(
                "{resources: [secrets], providers: [{kms: {apiVersion: v2, name: a, endpoint: 'unix:///a', timeout: 3}}]}"
            ),
            problems: [.kmsTimeout], secrets: "kmsv2"),
        Case(
            name: "a wildcard over a name of the same list",
            text: file("{resources: [secrets, '*.'], providers: [\(box)]}"),
            problems: [.overlappingResources],
            secrets: "secretbox"),
        Case(name: "another kind", text: "{apiVersion: v1, kind: Secret}", problems: [.notAConfiguration]),
        Case(name: "no providers", text: file("{resources: [secrets], providers: []}"), problems: [.noProvider]),
        Case(
            name: "a scalar where fields belong", text: file("{resources: [secrets], providers: [identity]}"),
            problems: [.wrongType, .unknownProvider]),
        Case(
            name: "the legacy kind",
            text: "{apiVersion: v1, kind: EncryptionConfig, resources: [{resources: [secrets], providers: [\(box)]}]}",
            secrets: "secretbox"),
    ]

    @Test("problems and the provider that writes secrets", arguments: cases)
    func reads(_ example: Case) throws {
        let configuration = try #require(
            EncryptionConfiguration(SourceText(name: "e.yaml", bytes: Array(example.text.utf8))))
        #expect(configuration.problems.map(\.code) == example.problems)
        #expect(configuration.writeProvider(resource: "secrets").name == example.secrets)
        #expect(configuration.loads() == example.problems.isEmpty)
    }

    @Test("KMS v1 loads with its feature gate")
    func featureGate() throws {
        let text = Self.file("{resources: [secrets], providers: [{kms: {name: a, endpoint: 'unix:///a'}}]}")
        let configuration = try #require(EncryptionConfiguration(SourceText(name: "", bytes: Array(text.utf8))))
        #expect(configuration.loads(allowsKMSv1: true))
    }

    @Test("no message holds a key", arguments: cases)
    func silence(_ example: Case) throws {
        let configuration = try #require(
            EncryptionConfiguration(SourceText(name: "e.yaml", bytes: Array(example.text.utf8))))
        #expect(!configuration.problems.contains { $0.message.contains("QUF") })
    }

    @Test(
        "durations as Go reads them",
        arguments: [
            ("4h", 14_400_000_000_000), ("1h30m", 5_400_000_000_000), ("0", 0), ("-1s", -1_000_000_000),
            ("1.5s", 1_500_000_000), (".5s", 500_000_000), ("300ms", 300_000_000),
        ])
    func durations(_ text: String, _ nanoseconds: Int) {
        #expect(GoDuration(text)?.nanoseconds == nanoseconds)
    }

    @Test("what Go refuses as a duration", arguments: ["", "3", "s", "1x", "1.2.3s", "-", "99999999999h", "4 h"])
    func noDurations(_ text: String) {
        #expect(GoDuration(text) == nil)
    }
}
