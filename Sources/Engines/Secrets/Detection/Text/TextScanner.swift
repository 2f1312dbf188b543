import Documents
import Findings

/// Finds secrets in one text: one pass for every word that is a reason to look, then a look at each place.
///
/// A value with room of its own, so that scanning many texts allocates once; one for each thread.
package struct TextScanner: Sendable {
    /// What kind of text it is.
    package enum Language: Sendable {
        /// Settings, where what stands behind a name is its value.
        case configuration
        /// A program, where it may be a variable.
        case program
    }

    let catalogue: DetectorCatalogue
    private var hits: [KeywordIndex.Hit] = []
    var threads = PatternThreads()
    var names = NameMemory()
    /// Names end here that have been looked at.
    var namedUntil = 0
    var matches: [SecretMatch] = []
    /// Runs of base64 that begin as JSON, gzip or armour do.
    var encoded: [Range<Int>] = []
    var language = Language.configuration
    /// A detector of the family named last, and where: what follows soon is its token or none.
    var named: (detector: Int, end: Int) = (0, -1)

    package init(catalogue: DetectorCatalogue = .known) { self.catalogue = catalogue }

    /// Every secret in the text, in order; no two share a byte.
    package mutating func scan(_ text: Span<UInt8>, as language: Language = .configuration) -> [SecretMatch] {
        self.language = language
        matches.removeAll(keepingCapacity: true)
        encoded.removeAll(keepingCapacity: true)
        namedUntil = 0
        named = (0, -1)
        var state = 0
        var start = 0
        while start < text.count {
            let end = min(text.count, start + Self.part)
            hits.removeAll(keepingCapacity: true)
            catalogue.index.hits(in: text, start..<end, &state, into: &hits)
            look(text)
            start = end
        }
        return settled(text)
    }

    /// Bytes searched for words before what was found is looked at: what was just read is still near the processor.
    private static let part = 1 << 16

    private mutating func look(_ text: Span<UInt8>) {
        let catalogue = catalogue
        for hit in hits {
            let (start, end) = (hit.start, hit.end)
            let word = Int(hit.word)
            for use in Int(catalogue.useStarts[word])..<Int(catalogue.useStarts[word + 1]) {
                switch catalogue.uses[use] {
                case .form(let detector): form(text, detector, start)
                case .inside(let detector): inside(text, detector, start)
                case .near(let detector): near(text, detector, start, end)
                case .name: assignment(text, start, end)
                case .address: address(text, start)
                case .armour: armour(text, start)
                case .scheme: scheme(text, start, end)
                case .header: header(text, end)
                case .encoded: encodedRun(text, start)
                case .webKey: webKey(text, start)
                case .bareKey: bareKey(text, start)
                case .command(let command): commandLine(text, command, start, end)
                }
            }
        }
    }

    // MARK: Detectors

    private mutating func form(_ text: Span<UInt8>, _ index: Int, _ start: Int) {
        let detector = catalogue.detectors[index]
        if start > 0, ByteClass.word.contains(text[start - 1]), ByteClass.word.contains(text[start]) {
            // Behind `\n` in a quoted text a token begins at its own first letter.
            let isEscaped = start > 1 && text[start - 2] == UInt8(ascii: "\\") && "nrt".utf8.contains(text[start - 1])
            guard isEscaped || isColored(text, start) else { return }
        }
        guard let match = detector.pattern.match(text, at: start, &threads), !isInBase64(text, start) else { return }
        if match.end < text.count, ByteClass.word.contains(text[match.end]),
            ByteClass.word.contains(text[match.end - 1])
        {
            return
        }
        accept(text, detector, match.secret, .form)
    }

    /// Whether what begins at `start` goes on from a long run of base64: then its letters are those of a picture or a
    /// certificate, which hold every short prefix somewhere.
    private func isInBase64(_ text: Span<UInt8>, _ start: Int) -> Bool {
        guard start >= 48, text[start - 1] == UInt8(ascii: "/") || text[start - 1] == UInt8(ascii: "+") else {
            return false
        }
        var digits = 0
        var capitals = 0
        for i in start - 48..<start {
            guard ByteClass.base64.contains(text[i]) else { return false }
            if ByteClass.digits.contains(text[i]) { digits += 1 }
            if ByteClass.upper.contains(text[i]) { capitals += 1 }
        }
        return digits >= 3 && capitals >= 8
    }

    /// Whether a terminal's colour ends right before: `ESC [ 9 4 m`.
    private func isColored(_ text: Span<UInt8>, _ start: Int) -> Bool {
        guard text[start - 1] == UInt8(ascii: "m") else { return false }
        var i = start - 1
        while i > 0, start - i < 10, ByteClass.digits.contains(text[i - 1]) || text[i - 1] == UInt8(ascii: ";") {
            i -= 1
        }
        return i > 0 && i < start - 1 && text[i - 1] == UInt8(ascii: "[")
    }

    /// A token that begins with nothing of its own, but has something inside: `….atlasv1.…`.
    private mutating func inside(_ text: Span<UInt8>, _ index: Int, _ place: Int) {
        let detector = catalogue.detectors[index]
        var start = place
        while start > 0, place - start < 80, ByteClass.word.contains(text[start - 1]) { start -= 1 }
        guard let match = detector.pattern.match(text, at: start, &threads), match.end > place,
            match.end == text.count || !ByteClass.word.contains(text[match.end])
        else { return }
        accept(text, detector, match.secret, .form)
    }

    private mutating func near(_ text: Span<UInt8>, _ index: Int, _ start: Int, _ end: Int) {
        let detector = catalogue.detectors[index]
        guard isWord(text, start, end) else { return }
        if catalogue.hasShapes[index] { named = (index, end) }
        let limit = min(text.count, end + detector.within + 1)
        let first = detector.pattern.first
        var place = end
        while place < limit {
            let before = text[place - 1]
            if first.contains(text[place]), !(ByteClass.word.contains(before) && ByteClass.word.contains(text[place])),
                let match = detector.pattern.match(text, at: place, &threads)
            {
                let edge =
                    match.end == text.count || !ByteClass.word.contains(text[match.end])
                    || !ByteClass.word.contains(text[match.end - 1])
                if edge, !isPiece(text, match.secret), accept(text, detector, match.secret, .near) { return }
            }
            place += 1
        }
    }

    private static let joints = ByteClass("-.+~/=?")
    private static let digestNames: Set<String> = [
        "sha", "shasum", "sha1", "sha256", "checksum", "integrity", "resolved", "commit", "revision", "rev", "head",
        "digest", "etag", "md5", "sig", "hash", "fingerprint", "ref", "tgz", "gz", "zip", "whl",
    ]

    /// Whether what looks like a token is a part of something longer, or a digest by its own name.
    ///
    /// A shape alone says little; only as the whole of a value it says enough.
    private func isPiece(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        let start = range.lowerBound
        let before = start > 0 ? text[start - 1] : 0x20
        if before == UInt8(ascii: "?") { return true }
        if start > 1, before == UInt8(ascii: "=") {
            // `name=value` has a name; `'=value'` has lost its first letters.
            let further = text[start - 2]
            if Self.isQuote(further), start < 3 || !ByteClass.word.contains(text[start - 3]) { return true }
        } else if start > 1, before == UInt8(ascii: "+") || before == UInt8(ascii: "~"),
            ByteClass.word.contains(text[start - 2])
        {
            return true
        }
        let end = range.upperBound
        if end + 1 < text.count, Self.joints.contains(text[end]), ByteClass.word.contains(text[end + 1]) {
            // A part of an address may be a token; a path goes on behind it, or a query.
            let isPath = text[end] == UInt8(ascii: "/") || text[end] == UInt8(ascii: "?")
            if !isPath || before != UInt8(ascii: "/") { return true }
        }
        return isDigest(text, start)
    }

    /// Whether the name right before a value is one of digests: `"shasum": "…"`, `x.tgz#…`.
    private func isDigest(_ text: Span<UInt8>, _ start: Int) -> Bool {
        var end = start
        while end > 0, start - end < 6, !ByteClass.alphanumeric.contains(text[end - 1]), text[end - 1] != 0x0A {
            end -= 1
        }
        var begin = end
        while begin > 0, end - begin < 32, ByteClass.word.contains(text[begin - 1]) { begin -= 1 }
        guard begin < end, let last = CredentialName.words(of: String(copying: text, begin..<end)).last else {
            return false
        }
        return Self.digestNames.contains(last)
    }

    /// Whether a word is one by itself or a part of a name, not a piece of another word: `box` in `BOX_TOKEN`, not in
    /// `inbox` or `boxes`.
    private func isWord(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        if start > 0, ByteClass.letters.contains(text[start - 1]) {
            let camel = ByteClass.lower.contains(text[start - 1]) && ByteClass.upper.contains(text[start])
            if !camel { return false }
        }
        // `sumOf`: the last letter begins a word of its own.
        if end < text.count, ByteClass.lower.contains(text[end]), ByteClass.upper.contains(text[end - 1]),
            end - start > 1, ByteClass.lower.contains(text[end - 2])
        {
            return false
        }
        if end - start <= 4, end < text.count, ByteClass.lower.contains(text[end]),
            ByteClass.lower.contains(text[end - 1])
        {
            return false
        }
        return true
    }

    @discardableResult
    private mutating func accept(
        _ text: Span<UInt8>, _ detector: Detector, _ range: Range<Int>, _ strength: SecretMatch.Strength
    ) -> Bool {
        guard !range.isEmpty else { return false }
        if let check = detector.check, !check.accepts(text, range) { return false }
        if ValueJudge.contains(text, range, "xxxxxx") || ValueJudge.isPublished(text, range) { return false }
        if !detector.acceptsAnything {
            let shape = ValueShape(text, range)
            if shape.distinct < 5 || shape.entropy < 2.2 { return false }
            if strength == .near {
                // Names of things are near names of providers everywhere.
                if shape.digits == 0, shape.letterCost < 4.8 { return false }
                if ValueJudge.isPlaceholder(text, range, shape), !shape.looksRandom { return false }
            } else if shape.length < 60, ValueJudge.contains(text, range, "example"), !shape.looksRandom {
                return false
            }
        }
        if let proof = detector.proof, !proof.accepts(text, range) {
            note(detector.id, "\(detector.title), whose checksum does not hold,", .low, strength, range)
        } else {
            note(detector.id, detector.title, detector.severity, strength, range)
        }
        return true
    }

    mutating func note(
        _ detector: String, _ title: String, _ severity: Severity, _ strength: SecretMatch.Strength, _ range: Range<Int>
    ) {
        matches.append(
            SecretMatch(detector: detector, title: title, severity: severity, strength: strength, range: range))
    }

    private mutating func encodedRun(_ text: Span<UInt8>, _ start: Int) {
        if start > 0, ByteClass.base64.contains(text[start - 1]), text[start - 1] != UInt8(ascii: "=") { return }
        if let last = encoded.last, last.upperBound > start { return }
        let length = Base64.run(text, start, text.count)
        // What goes on with a dot is a token of its own: header, payload and signature.
        let end = start + length
        guard length >= 24, end == text.count || text[end] != UInt8(ascii: ".") else { return }
        encoded.append(start..<end)
    }

    // MARK: Which of two

    /// Of matches that share bytes the one that knows most stays.
    private mutating func settled(_ text: Span<UInt8>) -> [SecretMatch] {
        guard matches.count > 1 else { return matches }
        let ranked = matches.enumerated().sorted { a, b in
            let (x, y) = (a.element, b.element)
            if x.strength != y.strength { return x.strength > y.strength }
            if x.range.count != y.range.count { return x.range.count > y.range.count }
            if x.range.lowerBound != y.range.lowerBound { return x.range.lowerBound < y.range.lowerBound }
            return a.offset < b.offset
        }
        // Kept ranges in order of place, so that asking costs a search.
        var kept: [SecretMatch] = []
        for (_, match) in ranked {
            var low = 0
            var high = kept.count
            while low < high {
                let middle = (low + high) / 2
                if kept[middle].range.lowerBound < match.range.lowerBound { low = middle + 1 } else { high = middle }
            }
            if low > 0, kept[low - 1].range.upperBound > match.range.lowerBound { continue }
            if low < kept.count, kept[low].range.lowerBound < match.range.upperBound { continue }
            kept.insert(match, at: low)
        }
        return kept
    }
}
