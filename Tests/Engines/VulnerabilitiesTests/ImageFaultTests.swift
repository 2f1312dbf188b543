import Documents
import Findings
import Images
import Testing
import Vulnerabilities

private func configuration(_ json: String) throws -> ImageConfiguration {
    ImageConfiguration(try DocumentReader.readJSON(SourceText(name: "", bytes: Array(json.utf8))))
}

private func rules(
    _ json: String, reference: String = "registry.example/app:1.2", catalogue: ImageCatalogue? = nil,
    policy: ImagePolicy = ImagePolicy()
) throws -> [String] {
    ImageInspector(policy).faults(
        reference: reference, configuration: try configuration(json), catalogue: catalogue
    ).map(\.rule.id)
}

private let safe = "{\"config\":{\"User\":\"65532\"}}"

@Suite struct ImageFaultTests {
    @Test(arguments: [
        ("", true), ("root", true), ("0", true), ("0:0", true), ("root:app", true), ("65532", false),
        ("app", false), ("1000:0", false),
    ])
    func `an image without a user, or with root, runs as root`(_ user: String, _ fails: Bool) throws {
        #expect(try rules("{\"config\":{\"User\":\"\(user)\"}}").contains("image/root-user") == fails)
    }

    @Test(arguments: [
        ("app", true), ("registry.example:5000/app", true), ("app:latest", true), ("app:1", false),
        ("app@sha256:0123", false), ("app:latest@sha256:0123", false),
    ])
    func `a tag that moves is named`(_ reference: String, _ fails: Bool) throws {
        #expect(try rules(safe, reference: reference).contains("image/latest-tag") == fails)
    }

    @Test(arguments: [
        ("DB_PASSWORD=hunter2222", true), ("API_KEY=abcdef123456", true),
        ("AWS_ACCESS_KEY_ID=AKIA0123456789ABCDEF", true),
        ("X=ghp_0123456789abcdefghijklmnopqrstuvwxyz", true), ("DATABASE_URL=postgres://app:s3cr3tpw@db/x", true),
        ("DB_PASSWORD_FILE=/run/secrets/db", false), ("PASSWORD=", false), ("TOKEN=$TOKEN", false),
        ("GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568", false), ("PATH=/usr/bin", false),
        ("SECRET_KEY=changeme", false), ("SSL_CERT_URL=https://host/x", false), ("ACCESS_KEY_ID=something", false),
    ])
    func `a secret is told by its shape or by its name`(_ pair: String, _ fails: Bool) throws {
        let json = "{\"config\":{\"User\":\"1\",\"Env\":[\"\(pair)\"]}}"
        let found = ImageInspector(ImagePolicy()).faults(
            reference: "a:1", configuration: try configuration(json), catalogue: nil)
        #expect(found.contains { $0.rule.id == "image/secret-in-environment" } == fails)
        let value = pair.split(separator: "=", maxSplits: 1).dropFirst().joined()
        #expect(!fails || found.allSatisfy { !$0.message.contains(value) })
    }

    @Test(arguments: [
        ("|1 NPM_TOKEN=abcdef0123456 /bin/sh -c npm ci", true),
        ("RUN /bin/sh -c curl -u x https://u:passw0rd1@host/f # buildkit", true),
        ("RUN |1 VERSION=1.2.3 /bin/sh -c make", false), ("/bin/sh -c apt-get update", false),
    ])
    func `build arguments stay in the history`(_ step: String, _ fails: Bool) throws {
        let json = "{\"config\":{\"User\":\"1\"},\"history\":[{\"created_by\":\"\(step)\"}]}"
        #expect(try rules(json).contains("image/secret-in-history") == fails)
    }

    @Test func `programs that run as root and package managers are told`() throws {
        var builder = LayerFactsBuilder()
        builder.take(LayerMember(path: "usr/bin/su", kind: .file, mode: 0o4755, size: 10), contents: nil)
        builder.take(LayerMember(path: "usr/bin/apt-get", kind: .file, mode: 0o755, size: 10), contents: nil)
        builder.take(LayerMember(path: "app/apk", kind: .file, mode: 0o755, size: 10), contents: nil)
        let image = ImageCatalogue(layers: [builder.finish()])
        let found = ImageInspector(ImagePolicy()).faults(
            reference: "a:1", configuration: try configuration(safe), catalogue: image)
        #expect(found.map(\.rule.id) == ["image/setuid-file", "image/package-manager"])
        #expect(found.map(\.paths) == [["/usr/bin/su"], ["/usr/bin/apt-get"]])
    }

    @Test func `the base is the longest chain of layers, and its line has newer ones`() throws {
        let old = BaseImage(
            name: "r/debian:12.4-slim", digest: "sha256:1", created: CivilDate("2024-01-01"), diffIDs: ["a"])
        let runtime = BaseImage(
            name: "r/python:3.12", digest: "sha256:2", created: CivilDate("2024-02-01"), diffIDs: ["a", "b"],
            isApproved: false)
        let new = BaseImage(
            name: "r/debian:12.5-slim", digest: "sha256:3", created: CivilDate("2024-03-01"), diffIDs: ["c"])
        let other = BaseImage(
            name: "r/debian:12.6", digest: "sha256:4", created: CivilDate("2024-04-01"), diffIDs: ["d"])
        let index = BaseImageIndex([old, runtime, new, other])
        #expect(index.base(of: ["a", "b", "x"])?.base == runtime)
        #expect(index.base(of: ["a", "x"])?.base == old)
        #expect(index.base(of: ["a", "x"])?.newer == new)
        #expect(index.base(of: ["x", "a"]) == nil)
        #expect(try BaseImageIndex(decoding: index.encoded()).images == index.images)
        let policy = ImagePolicy(today: CivilDate("2024-12-01"), bases: index)
        func rules(_ ids: String, _ created: String) throws -> [String] {
            let json = "{\"created\":\"\(created)\",\"config\":{\"User\":\"1\"},\"rootfs\":{\"diff_ids\":[\(ids)]}}"
            return ImageInspector(policy).faults(
                reference: "a:1", configuration: try configuration(json), catalogue: nil
            ).map(\.rule.id)
        }
        #expect(try rules("\"a\",\"x\"", "2024-11-20T00:00:00Z") == ["image/base-outdated"])
        #expect(try rules("\"a\",\"b\"", "2024-11-20T00:00:00Z") == ["image/base-not-approved"])
        #expect(try rules("\"z\"", "2024-01-20T00:00:00Z") == ["image/base-not-approved", "image/not-rebuilt"])
        #expect(try rules("\"c\"", "1970-01-01T00:00:00Z") == [])
    }

    @Test func `every rule has an id of its own, words and a remedy`() {
        let rules = Rule.imageRules
        #expect(Set(rules.map(\.id)).count == rules.count)
        #expect(rules.allSatisfy { $0.id.hasPrefix("image/") && !$0.remedy.isEmpty && !$0.why.isEmpty })
    }

    @Test func `a base's later builds are told, those of its own line first`() {
        func base(_ name: String, _ day: String, _ layer: String, approved: Bool = true) -> BaseImage {
            BaseImage(
                name: name, digest: "sha256:\(layer)", created: CivilDate(day), diffIDs: [layer], isApproved: approved)
        }
        let old = base("r/debian:12", "2026-01-01", "a")
        var index = BaseImageIndex([
            old, base("r/debian:13", "2026-06-01", "b"), base("r/debian:12", "2026-03-01", "c"),
            base("r/debian:12", "2026-02-01", "d"), base("r/debian:14", "2026-07-01", "e", approved: false),
            base("r/alpine:3", "2026-07-01", "f"), base("r/debian:11", "2025-01-01", "g"),
        ])
        #expect(index.candidates(after: old).map(\.digest) == ["sha256:c", "sha256:b"])
        #expect(index.remove("r/debian:12").count == 3)
        #expect(index.base(of: ["a", "x"]) == nil)
        #expect(index.remove("sha256:").isEmpty, "too short to name one")
        #expect(index.remove("r/debian:13@sha256:b").map(\.name) == ["r/debian:13"])
    }

    @Test func `a folder has no configuration to be wrong`() {
        #expect(ImageInspector(ImagePolicy()).faults(reference: "", configuration: nil, catalogue: nil).isEmpty)
    }

    @Test(arguments: [
        ("low", true), ("critical", false), ("fault", true), ("fault+high", true), ("fault+critical", false),
        ("high+fixable", false), ("kev", false), ("critical,fault", true),
    ])
    func `faults fail by their severity and by their own word`(text: String, fails: Bool) throws {
        let fault = ImageFault(.imageSecretInHistory, "a step shows a token")
        #expect(try #require(FailCondition(text)).holds(for: fault) == fails)
    }
}
