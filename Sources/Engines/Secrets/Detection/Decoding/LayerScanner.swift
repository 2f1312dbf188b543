import Documents

/// Looks through texts and through what is wrapped in them: base64 in base64, gzip, Helm releases.
package struct LayerScanner: Sendable {
    private var scanner: TextScanner
    private let seal: SecretSeal
    /// Bytes that may still be unwrapped of the text at hand.
    private var budget = 0
    /// What of the texts since the last asking stayed shut, and why.
    private var unread: [String] = []

    /// A value is unwrapped at most so often.
    private static let deepest = 5
    /// Bytes unwrapped of one text at most: what grows without end stops here.
    private static let mostUnwrapped = 64 << 20

    package init(catalogue: DetectorCatalogue = .known, seal: SecretSeal) {
        scanner = TextScanner(catalogue: catalogue)
        self.seal = seal
    }

    var programs: [CommandFacts.Program] { scanner.catalogue.commands.programs }

    /// What stayed shut since the last time somebody asked: damaged, too deep, too much.
    package mutating func takeUnread() -> [String] {
        defer { unread = [] }
        return unread
    }

    mutating func noteUnread(_ reason: String) {
        if !unread.contains(reason) { unread.append(reason) }
    }

    /// Every secret in a text, wrapped ones too.
    package mutating func scan(
        _ bytes: [UInt8], as language: TextScanner.Language = .configuration, isWhole: Bool = false
    ) -> [FoundSecret] {
        budget = Self.mostUnwrapped
        return scan(bytes, language, depth: 0, isWhole: isWhole)
    }

    private mutating func scan(
        _ bytes: [UInt8], _ language: TextScanner.Language, depth: Int, isWhole: Bool
    ) -> [FoundSecret] {
        let stored = bytes
        let text = stored.span
        if let unwrapped = unwrapped(stored, isWhole: isWhole || depth > 0) {
            guard depth < Self.deepest else {
                noteUnread("it is wrapped more than \(Self.deepest) times")
                return []
            }
            let inner = scan(unwrapped.bytes, language, depth: depth + 1, isWhole: true)
            if !inner.isEmpty {
                return inner.map { wrapped($0, unwrapped.layer, stored, 0..<stored.count) }
            }
            if unwrapped.layer == "gzip" { return [] }
        }
        var found: [FoundSecret] = []
        let matches = scanner.scan(text, as: language)
        let runs = scanner.encoded
        for match in matches {
            let value = Array(stored[match.range])
            found.append(
                FoundSecret(
                    detector: match.detector, title: match.title, severity: match.severity, strength: match.strength,
                    range: match.range, seal: seal.seal(value), wrappedSeal: nil, hint: SecretSeal.hint(value),
                    layers: []))
        }
        guard depth < Self.deepest else { return found }
        for run in runs {
            let known = found.contains { $0.strength > .near && $0.range.overlaps(run) }
            guard !known, let decoded = Base64.decode(text, run), !decoded.isEmpty else { continue }
            guard spend(decoded.count) else { break }
            let inner = scan(decoded, .configuration, depth: depth + 1, isWhole: true)
            guard !inner.isEmpty else { continue }
            found.removeAll { $0.range.overlaps(run) }
            found += inner.map { wrapped($0, "base64", stored, run) }
        }
        if !runs.isEmpty { found.sort { $0.range.lowerBound < $1.range.lowerBound } }
        return found
    }

    private func wrapped(_ inner: FoundSecret, _ layer: String, _ bytes: [UInt8], _ range: Range<Int>) -> FoundSecret {
        var outer = inner
        outer.layers.insert(layer, at: 0)
        outer.range = range
        outer.wrappedSeal = seal.seal(Array(bytes[range]))
        return outer
    }

    private mutating func spend(_ count: Int) -> Bool {
        guard budget >= count else {
            noteUnread("more than \(Self.mostUnwrapped >> 20) MiB are wrapped in it")
            return false
        }
        budget -= count
        return true
    }

    /// What the whole text is a wrapping of.
    private mutating func unwrapped(_ bytes: [UInt8], isWhole: Bool) -> (bytes: [UInt8], layer: String)? {
        if Inflate.isGzip(bytes) {
            do throws(Inflate.Failure) {
                let inner = try Inflate.gzip(bytes, limit: budget)
                return spend(inner.count) ? (inner, "gzip") : nil
            } catch {
                noteUnread(
                    error == .tooLarge
                        ? "more than \(Self.mostUnwrapped >> 20) MiB are wrapped in it" : "gzip data that is damaged")
                return nil
            }
        }
        let stored = bytes
        // A file is base64 when it holds nothing else and does not begin with words.
        let isLine = stored.count >= 64 && stored.prefix(64).allSatisfy { ByteClass.base64.contains($0) }
        guard isWhole || isLine, stored.count >= 16, stored.count < 1 << 26 else { return nil }
        var end = stored.count
        while end > 0, ByteClass.space.contains(stored[end - 1]) { end -= 1 }
        guard Base64.isAlphabet(stored.span, 0..<end), let inner = Base64.decode(stored.span, 0..<end) else {
            return nil
        }
        guard Inflate.isGzip(inner) || Self.isText(inner), spend(inner.count) else { return nil }
        return (inner, "base64")
    }

    /// Whether bytes are for people: UTF-8 without control characters.
    static func isText(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 8 else { return false }
        for byte in bytes where byte < 0x20 && byte != 0x0A && byte != 0x0D && byte != 0x09 || byte == 0x7F {
            return false
        }
        let stored = bytes
        do {
            _ = try UTF8Span(validating: stored.span)
            return true
        } catch {
            return false
        }
    }
}
