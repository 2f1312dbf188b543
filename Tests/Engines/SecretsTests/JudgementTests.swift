import Testing

@testable import Secrets

@Suite("Judgement of values")
struct JudgementTests {
    private func found(_ text: String) -> [String] {
        var scanner = TextScanner()
        let bytes = Array(text.utf8)
        return scanner.scan(bytes.span).map(\.detector)
    }

    @Test(
        "an address that only shows how one is written is no finding",
        arguments: [
            "redis://user:password@localhost:6379", "amqp://guest:guest@broker.shop.svc/",
            "postgres://app:letmein@db.example.com/app", "mysql://username:password@10.2.3.4/db",
        ])
    func documentation(_ text: String) { #expect(found(text) == []) }

    @Test(
        "an address with a password of its own is one",
        arguments: [
            "postgres://app:letmein@db.shop.svc/app", "postgres://postgres:secret@dbhost:5432/mydb",
            "mysql://root:kV9x2mQp7LzT@db.example.com/app",
        ])
    func addresses(_ text: String) { #expect(found(text) == ["url-credential"]) }

    @Test(
        "what breaks the rules of its own alphabet, or is made to be shown, is no token",
        arguments: [
            "API_TOKEN=c21677300162f34b89e200ecf55710e8a", "API_TOKEN=c2167730016rf34b89e200ecf55710e8",
            "API_TOKEN=m3MN/0yYJ5xqpE15=JYDJtCFdDF7RDLuiXtTi", "STRIPE_KEY=pk_live_51MtwBwLkdIwHu7ix0AHtQwX6NWg8Fq7",
            "API_TOKEN=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "API_TOKEN=aio_VxEqGaqgMgZej3DceezbBy03eWyWa",
        ])
    func spoiled(_ text: String) { #expect(found(text) == []) }

    @Test(
        "numbers of programs, names with versions, groups over and over and published keys are no secrets",
        arguments: [
            "password = \"0xAb19D82E7f546cC3\"", "pass_mask64 = 0x81103c1452dd61cd",
            "notes = \"Maven - io.jsonwebtoken:jjwt-jackson-0.11.2\"",
            "jira_token: MGE6eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4",
            "sumOfExposures = 3Kof2VffNQ0QgYIhXUPJosVlCaQKm2hfpWE6F1fT9YGY74blQBIPsrkCcf1TwKE5;",
            "AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/"
                + "K1SZFPTOtr/KBHBeksoGMGw==",
        ])
    func ordinary(_ text: String) { #expect(found(text) == []) }

    @Test(
        "what only resembles them is one",
        arguments: [
            "password = \"0xAb19D82E7f546cC3kQ\"", "password = \"falcon-heavy-7\"",
            "API_TOKEN=c2167730016df34b89e200ecf55710e8",
        ])
    func notOrdinary(_ text: String) { #expect(found(text).count == 1) }

    @Test("a whole token with the same name is one")
    func whole() { #expect(found("API_TOKEN=c2167730016df34b89e200ecf55710e8") == ["generic-secret"]) }

    @Test("a text of UTF-16 is read in both orders, and no other bytes are")
    func encoding() {
        let little: [UInt8] = [0xFF, 0xFE, 0x61, 0x00, 0xE9, 0x00]
        let big: [UInt8] = [0xFE, 0xFF, 0x00, 0x61, 0x00, 0xE9]
        #expect(TextEncoding.utf8(ofUTF16: little) == Array("aé".utf8))
        #expect(TextEncoding.utf8(ofUTF16: big) == Array("aé".utf8))
        #expect(TextEncoding.utf8(ofUTF16: Array("plain".utf8)) == nil)
    }

    @Test("files whose lines name nothing are known by their own names")
    func files() {
        let scanner = ObjectScanner(seal: .unkeyed, isManifest: true)
        func detectors(_ name: String, _ text: String) -> [String] {
            FileFormat(name: name).ownSecrets(Array(text.utf8), scanner: scanner).map(\.detector)
        }
        #expect(detectors("config/master.key", "9a4c3bd1e7f24485ab1c0d9e8f7a6b5c\n") == ["rails-master-key"])
        #expect(detectors("master.key", "not a key\n") == [])
        #expect(detectors("settings-security.xml", "<master>{abc=}</master>") == ["maven-master"])
        #expect(detectors("logins.json", "{\"encryptedPassword\": \"MDoEEPgA\"}") == ["firefox-login"])
        #expect(detectors("other.json", "{\"encryptedPassword\": \"MDoEEPgA\"}") == [])
    }
}
