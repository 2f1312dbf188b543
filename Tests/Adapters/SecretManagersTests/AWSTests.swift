import TestSupport
import Testing

@testable import SecretManagers

/// Against moto, a real HTTP server with AWS's API.
@Suite(
    .enabled(if: TestMachine.program("moto_server") != nil, "moto_server is not installed (pip install moto[server])"))
struct AWSTests {
    @Test func `versions, times and rotation come from a server, values do not`() async throws {
        let moto = try #require(TestMachine.program("moto_server"))
        let port = TestMachine.freePort()
        let address = "http://127.0.0.1:\(port)"
        try await ServerProcess.run(moto, ["-H", "127.0.0.1", "-p", "\(port)"]) {
            (try? await ServerProcess.ask("GET", "\(address)/moto-api/data.json"))?.status == 200
        } _: {
            func call(_ action: String, _ body: String) async throws {
                let answer = try await ServerProcess.ask(
                    "POST", address,
                    headers: [
                        "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.\(action)",
                        "Authorization":
                            "AWS4-HMAC-SHA256 Credential=test/20261123/eu-central-1/secretsmanager/aws4_request",
                    ], body: body)
                #expect(answer.status == 200, "\(answer.text)")
            }
            try await call(
                "CreateSecret",
                #"{"Name":"shop/db","SecretString":"one","ClientRequestToken":"00000000-0000-0000-0000-000000000001"}"#)
            try await call(
                "PutSecretValue",
                #"{"SecretId":"shop/db","SecretString":"two","ClientRequestToken":"00000000-0000-0000-0000-000000000002"}"#
            )
            let client = try AWSSecretsManagerClient(
                region: "eu-central-1", credentials: .init(accessKey: "test", secretKey: "test"), endpoint: address,
                now: { 1_795_420_800 })
            let found = try await client.secret("shop/db")
            #expect(found.path == "shop/db")
            #expect(found.versions.count == 2)
            #expect(found.versions.count(where: \.isCurrent) == 1)
            #expect(found.versions.first(where: \.isCurrent)?.id == "00000000-0000-0000-0000-000000000002")
            #expect(found.rotatesItself == false)
            #expect(found.changed.hasPrefix("20") && found.changed.hasSuffix("Z"))
            #expect(try await client.list() == ["shop/db"])
            try await expectFailure(.notFound) { _ = try await client.secret("none") }
        }
    }

    @Test func `a region that is none is refused`() {
        #expect(throws: SecretManagerError.self) {
            try AWSSecretsManagerClient(
                region: "evil.test/", credentials: .init(accessKey: "a", secretKey: "b"), now: { 0 })
        }
    }
}

@Suite struct AWSSignatureTests {
    /// The example of a POST in AWS's own test suite for Signature Version 4 (`post-x-www-form-urlencoded`), with the
    /// body's digest signed as a header too: worked out by an implementation of its own.
    @Test func `the same request gives the same signature, another day another`() throws {
        let signature = AWSSignature(
            accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", sessionToken: "",
            region: "us-east-1", service: "service")
        func sign(_ time: String) throws -> String {
            let headers = signature.headers(
                method: "POST", path: "/", host: "example.amazonaws.com",
                extra: [(name: "content-type", value: "application/x-www-form-urlencoded")],
                body: Array("Param1=value1".utf8), time: time)
            return try #require(headers.first { $0.name == "Authorization" }).value
        }
        #expect(
            try sign("20150830T123600Z")
                == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                + "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, Signature=3ae685fb42e386f9c46ad18dc31b73536a1fc7867dc5cdc8e34e4b1ee1fe5c50"
        )
        #expect(try sign("20150830T123600Z") != sign("20150831T123600Z"))
    }

    @Test(arguments: [
        (0.0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_795_420_800, "2026-11-23T08:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"), (4_107_542_399, "2100-02-28T23:59:59Z"),
    ])
    func `seconds become dates`(_ seconds: Double, _ text: String) {
        #expect(UTCTime.text(seconds) == text)
    }
}
