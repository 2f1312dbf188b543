import Testing

@testable import Secrets

@Suite("Detectors")
struct DetectorTests {
    private let catalogue = DetectorCatalogue.known

    @Test("there are at least six hundred families, each with a form that can be read")
    func families() {
        #expect(Set(catalogue.detectors.map(\.family)).count >= 600)
        for detector in catalogue.detectors {
            #expect(!detector.id.isEmpty && !detector.title.isEmpty)
            #expect(detector.pattern.shortest >= 8, "\(detector.id) has a form of nothing")
        }
    }

    @Test("an id is one detector's, or that of one family's credential in each shape it has had")
    func ids() {
        for (id, detectors) in Dictionary(grouping: catalogue.detectors, by: \.id) where detectors.count > 1 {
            #expect(Set(detectors.map(\.family)).count == 1, "\(id)")
            #expect(Set(detectors.map(\.title)).count == 1, "\(id)")
            #expect(Set(detectors.map(\.near)).count == 1, "\(id)")
            #expect(Set(detectors.map(\.notation)).count == detectors.count, "\(id) has a shape twice")
            #expect(detectors.allSatisfy { !$0.near.isEmpty }, "\(id) has a form of its own")
        }
    }

    /// A token of each detector, made from its form, is found where programs and settings write one; the same token
    /// with a sign inside that none has is not.
    @Test("each detector finds tokens of its form, and none with a foreign sign inside")
    func vectors() throws {
        var scanner = TextScanner()
        var missed: [String] = []
        var accused: [String] = []
        for (number, detector) in catalogue.detectors.enumerated() {
            var parser = BytePatternParser(detector.notation, ignoringCase: false)
            let root = try parser.parse()
            var maker = TokenMaker(seed: UInt64(number + 7))
            var finds = 0
            let tries = 6
            for _ in 0..<tries {
                let token = maker.token(root)
                let stored = token
                // What cannot be made at random has its own tests below.
                if let check = detector.check, !check.accepts(stored.span, 0..<stored.count) { finds += 1; continue }
                let before = detector.near.first.map { "\($0) = " } ?? "value: "
                let text = Array("\(before)\"".utf8) + token + Array("\"\n".utf8)
                let found = scanner.scan(text.span, as: .program)
                if !found.isEmpty { finds += 1 }
                // A blank in the middle: no form has one there.
                if token.count >= 16, !token.contains(0x20), !token.contains(UInt8(ascii: ":")) {
                    var broken = token
                    broken.insert(contentsOf: Array(" ? ".utf8), at: token.count / 2)
                    let text = Array("\(before)\"".utf8) + broken + Array("\"\n".utf8)
                    let whole = scanner.scan(text.span, as: .program).contains { $0.range.count >= broken.count }
                    if whole { accused.append(detector.id) }
                }
            }
            if finds < tries - 1 { missed.append("\(detector.id) \(finds) of \(tries)") }
        }
        #expect(missed.count <= catalogue.detectors.count / 50, "\(missed)")
        #expect(accused.isEmpty, "\(accused)")
    }

    @Test("the checksum of GitHub's tokens is read as GitHub makes it")
    func checksum() {
        // Thirty letters and the CRC-32 of them in base 62.
        let body = Array("AAAAAAAAAABBBBBBBBBBCCCCCCCCCC".utf8)
        var value = TokenCheck.crc32(body.span, 0..<body.count)
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        var sum: [UInt8] = []
        for _ in 0..<6 {
            sum.insert(alphabet[Int(value % 62)], at: 0)
            value /= 62
        }
        let token = Array("ghp_".utf8) + body + sum
        let holds1 = TokenCheck.hasChecksum(token.span, 0..<token.count)
        #expect(holds1)
        let wrong = Array("ghp_".utf8) + body + Array("000000".utf8)
        let holds2 = !TokenCheck.hasChecksum(wrong.span, 0..<wrong.count)
        #expect(holds2)
    }

    @Test("an AWS key id tells its account; the documentation's own is no finding")
    func awsKeyID() {
        let example = Array("AKIAIOSFODNN7EXAMPLE".utf8)
        let holds3 = !TokenCheck.isAWSKey(example.span, 0..<example.count)
        #expect(holds3)
        #expect(TokenCheck.awsAccount("AKIAQYLPMN5HHHFPZAM2")?.count == 12)
        #expect(TokenCheck.awsAccount("AKIA") == nil)
    }

    @Test(
        "names say whether their value is a credential",
        arguments: [
            ("DB_PASSWORD", true), ("jwtSigningKey", true), ("spring.datasource.password", true), ("HTTP_Passwd", true),
            ("restuserkey", true), ("requirepass", true), ("secret_key_base", true), ("--requirepass", true),
            ("AUTH_TOKEN_1", true), ("apiKey", true), ("PASSWORD_FILE", false), ("SECRET_NAME", false),
            ("TOKEN_TTL_SECONDS", false), ("PASSWORD_MIN_LENGTH", false), ("AUTH_TOKEN_HEADER", false),
            ("TOKENIZER_MODEL", false), ("MONKEY_PATCH", false), ("primaryKey", false), ("publicKey", false),
            ("adminPasswordKey", false), ("compass", false), ("secretName", false), ("token_issuer", false),
        ])
    func names(_ name: String, isCredential: Bool) {
        #expect((CredentialName(name) != nil) == isCredential, "\(name)")
    }

    @Test(
        "references, encrypted and public values are never secrets",
        arguments: [
            "$(DB_PASSWORD)", "${DB_PASSWORD}", "$DB_PASSWORD", "{{ .Values.password }}", "<REPLACE_ME>", "********",
            "ENC[AES256_GCM,data:abc]", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db",
            "vault:secret/data/db",
            "/run/secrets/db-password", "https://idp.example.test/token", "your-password-here", "true", "${vault.db}",
            "sha256:907daa6d1abf61120b12394d6ec010d2cead40438da8236f449018cc351b61e9", "op://vault/item/field",
        ])
    func references(_ value: String) {
        let bytes = Array(value.utf8)
        let holds4 = !ValueJudge.isSecret(bytes.span, 0..<bytes.count, named: .password, in: .configuration)
        #expect(holds4, "\(value)")
        let holds5 = !ValueJudge.isSecret(bytes.span, 0..<bytes.count, named: .secret, in: .configuration)
        #expect(holds5, "\(value)")
    }

    @Test(
        "one assignment is read in every notation",
        arguments: [
            "db_password = kV9x2mQp7LzT", "db_password: kV9x2mQp7LzT", "\"db_password\": \"kV9x2mQp7LzT\"",
            "<db_password>kV9x2mQp7LzT</db_password>", "--db-password=kV9x2mQp7LzT", "--db-password kV9x2mQp7LzT\n",
            "define('DB_PASSWORD', 'kV9x2mQp7LzT');", "'db_password' => 'kV9x2mQp7LzT'",
            "dbPassword := \"kV9x2mQp7LzT\"",
            "<add key=\"DbPassword\" value=\"kV9x2mQp7LzT\"/>", "- name: DB_PASSWORD\n  value: kV9x2mQp7LzT",
            "{\\\"db_password\\\": \\\"kV9x2mQp7LzT\\\"}", "CREATE USER a WITH PASSWORD 'kV9x2mQp7LzT';",
            "requirepass kV9x2mQp7LzT\n", "jdbc:postgresql://db/app?user=a&password=kV9x2mQp7LzT",
            "Server=db;User Id=sa;Password=kV9x2mQp7LzT;", "postgres://app:kV9x2mQp7LzT@db:5432/app",
            "curl -u deploy:kV9x2mQp7LzT https://x.test", "mysql -uroot -pkV9x2mQp7LzT -e 'select 1'",
        ])
    func notations(_ text: String) {
        var scanner = TextScanner()
        let bytes = Array(text.utf8)
        let found = scanner.scan(bytes.span)
        let values = found.map { String(decoding: bytes[$0.range], as: UTF8.self) }
        #expect(values == ["kV9x2mQp7LzT"], "\(text): \(values)")
    }
}
