import Foundation
import Testing

@testable import Secrets

@Suite("Keys without armour")
struct KeyTests {
    private func found(_ text: String, as language: TextScanner.Language = .configuration) -> [String] {
        var scanner = TextScanner()
        let bytes = Array(text.utf8)
        return scanner.scan(bytes.span, as: language).map(\.detector)
    }

    @Test("the private part of a JSON Web Key is one, whatever its kind; a public key is none")
    func webKeys() {
        let value = "qL7vX2mNc0RtYw9KzUe5HbJf3DgSa8Po1iTnBxEkQyM"
        #expect(found(#"{"kty": "EC", "crv": "P-256", "x": "\#(value)", "d": "\#(value)"}"#) == ["jwk-private-key"])
        #expect(found(#"{"keys": [{"k": "\#(value)", "alg": "HS256", "kty": "oct"}]}"#) == ["jwk-private-key"])
        #expect(found(#"{"kty": "EC", "crv": "P-256", "x": "\#(value)", "y": "\#(value)"}"#) == [])
        #expect(found(#"{"kty": "RSA", "n": "\#(value)", "other": {"d": "\#(value)"}}"#) == [])
    }

    /// The form of an RSA key over numbers that are none.
    private static let der = """
        MIIBNgIBAAJAKk3KGCUwux1tEyze1iN7LtkeP3IfyxlxF0SU1kk8nVw0YL4xIB5p/tqg7ui5mX9cfCmZ/a/lkyU81lSvTfrXFAID\
        AQABAkB8J6Cus/7pIy+K8iEfnuSRxbEL7LVWO/web5NCfsvI/ilV5c2ORtyO1LfCdk0qWk12dwb4XYaQAkrWvaNAG+nIAiAzzMk1\
        9s0fYSJq4VM4rho0AE0zug0kasBMgbG68j47+QIgfu71958rSTSvh/VSC2m5Sw2YLoW7VbZyqHJjes10ZvwCIC4ODo/xhGOw5LK6\
        KXA0dPBkrGj3APWwKz3GZvRb3qosAiBnyu3NK1FXQQ5N7krys09DCgc0R95jbA6AbJV7poTWQwIgCLXq10JNCeFdAkxYSPI9H6b3\
        Nh1/YY0VMucOIOKmZo0=
        """

    @Test("base64 of a private key's DER is found with and without lines, and only when it is whole")
    func der() {
        let key = Self.der
        let folded = stride(from: 0, to: key.count, by: 64).map { String(key.dropFirst($0).prefix(64)) }
        #expect(found("<data>\n\(folded.joined(separator: "\n    "))\n</data>") == ["private-key"])
        #expect(found("key = \"" + folded.joined(separator: "\" +\n  \"") + "\"") == ["private-key"])
        #expect(found("x \(key.prefix(key.count / 2)) y") == [])
        #expect(found("x \(key.replacing("A", with: "")) y") == [])
        #expect(found("MIIBwDCCAWegAwIBAgIRAJRIgZ8RtO8Ewg1Xepf8T44wCgYI\(key.dropFirst(48))") == [])
    }

    @Test(
        "a key written byte by byte behind a key's name is one; a table is none",
        arguments: [
            ("#define AESKEY {0x35, 0x34, 0x65, 0x9b, 0x1c, 0x2e, 023, 010, 041, 033, 043, 7, 91, 200, 17, 3}", true),
            ("static const uint8_t secret_key[16] = {53,52,101,155,28,46,19,8,33,27,35,7,91,200,17,3};", true),
            ("uint8_t secret_key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};", false),
            ("uint8_t keyboard[16] = {53,52,101,155,28,46,19,8,33,27,35,7,91,200,17,3};", false),
        ])
    func bytes(_ text: String, _ isKey: Bool) {
        #expect(found(text, as: .program) == (isKey ? ["generic-secret"] : []))
    }

    @Test(
        "what stands in for a variable that is not set is a value",
        arguments: [
            ("PASSWORD = os.environ.get(\"PASSWORD\") or \"at5G6zi!m\"", true),
            ("const token = process.env[\"TOKEN\"] || \"4b9a6d8b638eb0c6d41f0c77\"", true),
            ("if SECRET := getenv(\"NAME\", \"Kf83mQz71x\"):", true),
            ("PASSWORD = os.environ.get(\"PASSWORD\")", false),
            ("PASSWORD = os.environ.get(\"PASSWORD\", \"changeme\")", false),
        ])
    func defaults(_ text: String, _ isSecret: Bool) { #expect(found(text, as: .program).isEmpty != isSecret) }

    @Test(
        "a setting may be declared by a word before its name",
        arguments: ["%define token", "#define TOKEN", "export TOKEN", "ENV TOKEN"])
    func declared(_ start: String) { #expect(found("\(start) 4b9a6d8b638eb0c6d41f0c77a1\n") == ["generic-secret"]) }

    @Test("an Atlassian server's token is told by what it is base64 of")
    func atlassian() {
        let token = "OTI2NjA3NjU1NTI2Oh2DOnASdOHoIhEGyqIuYrdkYaQZ"
        #expect(found("/api/token/\(token)") == ["atlassian-server-token"])
        #expect(found("/api/token/MDAwMTI2NTU1NTI2Oh2DOnASdOHoIhEGyqIuYrdkYaQZ") == [])
    }

    @Test("a file that is base64 and nothing else is read as what it holds")
    func whole() {
        var scanner = LayerScanner(seal: .unkeyed)
        let text = "users:\n  - name: shop\nserver:\n  password: tG7kPq2xWz9v\n  port: 8080\n  host: db.shop.svc\n"
        let wrapped = Array(Data(text.utf8).base64EncodedString().utf8)
        #expect(scanner.scan(wrapped).map(\.detector) == ["generic-password"])
        #expect(scanner.scan(wrapped).map(\.layers) == [["base64"]])
    }
}
