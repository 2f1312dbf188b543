/// A version of a gem.
///
/// Standard: Gem::Version of RubyGems: words make a prerelease, zeros before the first word and at the end do not
/// count, `-` stands for `.pre.`.
struct RubyVersion: Sendable {
    enum Segment: Hashable, Sendable {
        case number(DecimalNumber)
        case word([UInt8])

        var isWord: Bool { if case .word = self { true } else { false } }
        static let zero = Segment.number(.zero)
    }

    var segments: [Segment]

    init?(_ text: String) { self.init(text.utf8.span) }

    init?(_ text: Span<UInt8>) {
        var cursor = ByteCursor(Array(text).filter { !$0.isBlank })
        segments = []
        guard !cursor.isAtEnd else {
            segments = [.zero]
            return
        }
        guard cursor.current?.isDigit == true else { return nil }
        while let byte = cursor.current {
            if byte.isDigit, let number = cursor.takeNumber() {
                segments.append(.number(number))
            } else if byte.isLetter {
                segments.append(.word(Array(cursor.take { $0.isLetter })))
            } else if byte == UInt8(ascii: "-") {
                segments.append(.word(Array("pre".utf8)))
                cursor.position += 1
            } else if byte == UInt8(ascii: ".") {
                cursor.position += 1
            } else {
                return nil
            }
        }
    }

    private init(_ segments: [Segment]) { self.segments = segments }

    var isPrerelease: Bool { segments.contains(where: \.isWord) }

    /// `1.2.b1` is a prerelease of `1.2`.
    var release: RubyVersion {
        var out = segments
        while out.contains(where: \.isWord) { out.removeLast() }
        return RubyVersion(out)
    }

    /// The upper end of `~>`: the last number but one raised.
    var bumped: RubyVersion {
        var out = release.segments
        if out.count > 1 { out.removeLast() }
        if case .number(let number)? = out.last { out[out.count - 1] = .number(number.next) }
        return RubyVersion(out)
    }

    private var significant: [Segment] {
        let split = segments.firstIndex(where: \.isWord) ?? segments.count
        func stripped(_ part: ArraySlice<Segment>) -> ArraySlice<Segment> {
            var part = part
            while part.last == .zero { part.removeLast() }
            return part
        }
        return Array(stripped(segments[..<split]) + stripped(segments[split...]))
    }

    func order(_ other: RubyVersion) -> Int {
        let mine = significant
        let theirs = other.significant
        for index in 0..<max(mine.count, theirs.count) {
            let order =
                switch (index < mine.count ? mine[index] : .zero, index < theirs.count ? theirs[index] : .zero) {
                case (.number(let a), .number(let b)): a.order(b)
                case (.word, .number): -1
                case (.number, .word): 1
                case (.word(let a), .word(let b)): a.byteOrder(b)
                }
            if order != 0 { return order }
        }
        return 0
    }

    /// Order of two texts; what is no version comes before all that are.
    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        switch (RubyVersion(left), RubyVersion(right)) {
        case (let a?, let b?): a.order(b)
        case (nil, _?): -1
        case (_?, nil): 1
        case (nil, nil): orderOfBytes(left, 0..<left.count, right, 0..<right.count)
        }
    }
}

/// Requirements on a gem such as `~> 2.3, >= 2.3.1`.
///
/// Standard: Gem::Requirement.
package struct RubyRequirement: Sendable {
    private var clauses: [(comparison: String, version: RubyVersion)] = []

    package init?(_ text: String) {
        for part in text.split(separator: ",") {
            let clause = part.trimmed
            let comparison = ["~>", ">=", "<=", "!=", "=", ">", "<"].first(where: clause.hasPrefix)
            guard let version = RubyVersion(clause.dropFirst(comparison?.count ?? 0).trimmed) else { return nil }
            clauses.append((comparison ?? "=", version))
        }
    }

    package func contains(_ text: String) -> Bool {
        guard let version = RubyVersion(text) else { return false }
        return clauses.allSatisfy { clause in
            let order = version.order(clause.version)
            return switch clause.comparison {
            case "=": order == 0
            case "!=": order != 0
            case ">": order > 0
            case "<": order < 0
            case ">=": order >= 0
            case "<=": order <= 0
            default: order >= 0 && version.release.order(clause.version.bumped) < 0
            }
        }
    }

    /// The bounds in order, each as an operator and a version; `~>` as its two.
    var constraints: [VersionConstraint] {
        clauses.flatMap { clause -> [VersionConstraint] in
            let text = clause.version.text
            return switch clause.comparison {
            case "=": [VersionConstraint(.equal, text)]
            case "!=": [VersionConstraint(.notEqual, text)]
            case ">": [VersionConstraint(.greater, text)]
            case "<": [VersionConstraint(.less, text)]
            case ">=": [VersionConstraint(.greaterOrEqual, text)]
            case "<=": [VersionConstraint(.lessOrEqual, text)]
            default:
                // `release < bumped` keeps prereleases of the upper end out.
                [VersionConstraint(.greaterOrEqual, text), VersionConstraint(.less, clause.version.bumped.text + ".a")]
            }
        }
    }
}

extension RubyVersion {
    var text: String {
        segments.map { segment in
            switch segment {
            case .number(let number): number.text
            case .word(let word): String(decoding: word, as: UTF8.self)
            }
        }.joined(separator: ".")
    }
}
