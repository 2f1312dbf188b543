import Testing

@testable import Secrets

@Suite("Matching")
struct MatchingTests {
    private func match(_ notation: String, _ text: String, at start: Int = 0) throws -> BytePattern.Match? {
        let pattern = try BytePattern(notation)
        var threads = PatternThreads()
        let bytes = Array(text.utf8)
        return pattern.match(bytes.span, at: start, &threads)
    }

    @Test(
        "patterns match what their notation says, as long as they can",
        arguments: [
            ("abc", "abcd", 3), ("a{3}b", "aaab", 4), ("[a-c]{2,4}", "abca-", 4), ("x(?:ab|a)c", "xac", 3),
            ("a?b", "b", 1), ("(?:ab)*c", "ababc", 5), ("[^x]+x", "aax", 3), (#"\d{2}\.\w"#, "12._", 4),
        ])
    func notation(_ pattern: String, _ text: String, _ end: Int) throws {
        #expect(try match(pattern, text)?.end == end)
    }

    @Test("a run that goes on is another thing")
    func longerRun() throws {
        #expect(try match("[a-f0-9]{4}", "abcde") == nil)
        #expect(try match("[a-f0-9]{4}", "abcd-")?.end == 4)
    }

    @Test("the group marks the secret")
    func group() throws {
        #expect(try match("Key=([a-z]+);", "Key=abc;")?.secret == 4..<7)
    }

    @Test("a pattern without choices reads as the machine for every pattern would, for every detector there is")
    func chains() throws {
        var maker = TokenMaker(seed: 11)
        var threads = PatternThreads()
        var chains = 0
        var matches = 0
        for detector in DetectorCatalogue.known.detectors {
            guard case .chain = detector.pattern.form else { continue }
            chains += 1
            var parser = BytePatternParser(detector.notation, ignoringCase: false)
            var compiler = BytePatternCompiler()
            let root = try parser.parse()
            let program = try compiler.compile(root)
            let pattern = try BytePattern(detector.notation)
            let token = maker.token(root)
            // Whole, cut, with more behind it, and with one byte changed.
            var changed = token
            changed[maker.next(changed.count)] = 0x21
            for text in [token, Array(token.dropLast()), token + token, token + [0x2E], changed] {
                let match = pattern.match(text.span, at: 0, &threads)
                #expect(match == threads.run(program, text.span, 0), "\(detector.id)")
                if match != nil { matches += 1 }
            }
        }
        #expect(chains > 100 && matches > chains)
    }

    @Test("a name that was judged says the same again, also when another has taken its place")
    func nameMemory() {
        var memory = NameMemory()
        var maker = TokenMaker(seed: 3)
        let parts = ["db", "API", "token", "Password", "key", "identified by", "_", "-", "file", "secret", "count"]
        for _ in 0..<2000 {
            let name = (0..<1 + maker.next(4)).map { _ in parts[maker.next(parts.count)] }.joined()
            let bytes = Array(name.utf8)
            let wanted =
                CredentialName(name)
                ?? (name.lowercased().hasPrefix("identified") ? CredentialName("password") : nil)
            #expect(memory.name(bytes.span, 0..<bytes.count) == wanted, "\(name)")
        }
    }

    @Test(
        "what is no pattern is told with its place",
        arguments: ["a{", "(a", "[a", "a{3,2}", "*a", "a)", #"\"#, "(a)(b)"])
    func badNotation(_ notation: String) {
        #expect(throws: PatternError.self) { try BytePattern(notation) }
    }

    @Test("every word is found wherever it stands, overlapping ones too, in either case")
    func keywords() {
        let words = ["he", "she", "his", "hers", "token"].map { Array($0.utf8) }
        let index = KeywordIndex(words)
        var maker = TokenMaker(seed: 5)
        for _ in 0..<200 {
            let letters = Array("hersitoknHERS ".utf8)
            let text = (0..<60).map { _ in letters[maker.next(letters.count)] }
            var hits: [KeywordIndex.Hit] = []
            var state = 0
            let middle = text.count / 2
            index.hits(in: text.span, 0..<middle, &state, into: &hits)
            index.hits(in: text.span, middle..<text.count, &state, into: &hits)
            let found = Set(hits.map { "\($0.word) \($0.start)" })
            var wanted: Set<String> = []
            let lower = text.map { $0 >= 0x41 && $0 <= 0x5A ? $0 + 32 : $0 }
            for (number, word) in words.enumerated() {
                for start in 0...(text.count - word.count) where Array(lower[start..<start + word.count]) == word {
                    wanted.insert("\(number) \(start)")
                }
            }
            #expect(found == wanted)
        }
    }

    @Test("any bytes are read to their end", arguments: 0..<40)
    func anyBytes(_ seed: Int) {
        var maker = TokenMaker(seed: UInt64(seed + 1))
        let pieces = [
            "password", "=", ":", "\"", "'", "://", "@", "-----BEGIN RSA PRIVATE KEY-----", "eyJ", "H4sI", "${",
            "Basic ",
            "\\", "\n", "<", ">", "curl -u ", "token", "\u{0}", "\u{FF}", "é", " ", "value", "ghp_", "AccountKey=",
        ].map { Array($0.utf8) }
        var bytes: [UInt8] = []
        for _ in 0..<300 {
            bytes += maker.next(3) == 0 ? [UInt8(maker.next(256))] : pieces[maker.next(pieces.count)]
        }
        var scanner = LayerScanner(seal: .unkeyed)
        for secret in scanner.scan(bytes) + scanner.scan(bytes, as: .program, isWhole: true) {
            #expect(secret.range.lowerBound >= 0 && secret.range.upperBound <= bytes.count && !secret.range.isEmpty)
        }
    }
}
