/// The parts of a regular expression.
indirect enum PatternTree: Sendable {
    case empty
    case set(PatternSet)
    case assertion(PatternAssertion)
    case sequence([PatternTree])
    case alternatives([PatternTree])
    case repeated(PatternTree, least: Int, most: Int?, isLazy: Bool)
}

/// What is asked of a place between two characters.
enum PatternAssertion: Sendable {
    case textBegin, textEnd, lineBegin, lineEnd, wordBoundary, noWordBoundary
}

/// A set of characters.
struct PatternSet: Sendable {
    enum Item: Sendable {
        case range(ClosedRange<UInt32>)
        /// A Unicode category, or its first letter for all that begin with it.
        case category(String, isNegated: Bool)
        case script(String, isNegated: Bool)
    }

    var items: [Item]
    var isNegated = false
    var ignoresCase = false
    /// The answer for ASCII, worked out once.
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    init(_ items: [Item], isNegated: Bool = false, ignoresCase: Bool = false) {
        self.items = items
        self.isNegated = isNegated
        self.ignoresCase = ignoresCase
        for value in UInt32(0)..<128 where lookUp(value) {
            if value < 64 { low |= 1 << UInt64(value) } else { high |= 1 << UInt64(value - 64) }
        }
    }

    func contains(_ value: UInt32) -> Bool {
        if value < 64 { return low >> UInt64(value) & 1 == 1 }
        if value < 128 { return high >> UInt64(value - 64) & 1 == 1 }
        return lookUp(value)
    }

    private func lookUp(_ value: UInt32) -> Bool {
        if has(value) { return !isNegated }
        if ignoresCase, Self.folds(of: value).contains(where: has) { return !isNegated }
        return isNegated
    }

    private func has(_ value: UInt32) -> Bool {
        items.contains { item in
            switch item {
            case .range(let range): range.contains(value)
            case .category(let name, let isNegated): Self.isIn(value, category: name) != isNegated
            case .script(let name, let isNegated): Self.isIn(value, script: name) != isNegated
            }
        }
    }

    /// The other cases of a character, one to one.
    private static func folds(of value: UInt32) -> [UInt32] {
        guard let scalar = Unicode.Scalar(value) else { return [] }
        var folds: [UInt32] = []
        for mapping in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
            let scalars = mapping.unicodeScalars
            if scalars.count == 1, let other = scalars.first, other != scalar { folds.append(other.value) }
        }
        // Characters beyond ASCII whose lower or upper case lies within it.
        switch value {
        case 0x6b, 0x4b: folds.append(0x212a)
        case 0x73, 0x53: folds.append(0x17f)
        default: break
        }
        return folds
    }

    private static let categories: [Unicode.GeneralCategory: String] = [
        .uppercaseLetter: "Lu", .lowercaseLetter: "Ll", .titlecaseLetter: "Lt", .modifierLetter: "Lm",
        .otherLetter: "Lo", .nonspacingMark: "Mn", .spacingMark: "Mc", .enclosingMark: "Me", .decimalNumber: "Nd",
        .letterNumber: "Nl", .otherNumber: "No", .connectorPunctuation: "Pc", .dashPunctuation: "Pd",
        .openPunctuation: "Ps", .closePunctuation: "Pe", .initialPunctuation: "Pi", .finalPunctuation: "Pf",
        .otherPunctuation: "Po", .mathSymbol: "Sm", .currencySymbol: "Sc", .modifierSymbol: "Sk", .otherSymbol: "So",
        .spaceSeparator: "Zs", .lineSeparator: "Zl", .paragraphSeparator: "Zp", .control: "Cc", .format: "Cf",
        .surrogate: "Cs", .privateUse: "Co", .unassigned: "Cn",
    ]

    static let categoryNames = Set(categories.values).union(["L", "M", "N", "P", "S", "Z", "C", "Any"])

    private static func isIn(_ value: UInt32, category: String) -> Bool {
        if category == "Any" { return true }
        guard let scalar = Unicode.Scalar(value), let own = categories[scalar.properties.generalCategory] else {
            return false
        }
        return own == category || (category.utf8.count == 1 && own.hasPrefix(category) && own != "Cn")
    }

    /// The scripts that expressions ask for in practice, by their blocks.
    static let scripts: [String: [ClosedRange<UInt32>]] = [
        "Latin": [
            0x41...0x5a, 0x61...0x7a, 0xaa...0xaa, 0xba...0xba, 0xc0...0xd6, 0xd8...0xf6, 0xf8...0x2b8,
            0x1e00...0x1eff, 0x2c60...0x2c7f, 0xa722...0xa787,
        ],
        "Greek": [
            0x370...0x373, 0x375...0x377, 0x37a...0x37d, 0x37f...0x37f, 0x384...0x384, 0x386...0x386, 0x388...0x3e1,
            0x3f0...0x3ff, 0x1f00...0x1ffe,
        ],
        "Cyrillic": [0x400...0x484, 0x487...0x52f, 0x1c80...0x1c88, 0x2de0...0x2dff, 0xa640...0xa69f],
        "Han": [
            0x2e80...0x2fd5, 0x3005...0x3005, 0x3007...0x3007, 0x3021...0x3029, 0x3038...0x303b, 0x3400...0x4dbf,
            0x4e00...0x9fff, 0xf900...0xfad9, 0x20000...0x323af,
        ],
        "Hiragana": [0x3041...0x3096, 0x309d...0x309f],
        "Katakana": [0x30a1...0x30fa, 0x30fd...0x30ff, 0x31f0...0x31ff, 0xff66...0xff6f, 0xff71...0xff9d],
        "Hangul": [0x1100...0x11ff, 0x3131...0x318e, 0xac00...0xd7a3],
        "Arabic": [
            0x600...0x604, 0x606...0x60b, 0x60d...0x61a, 0x61c...0x61e, 0x620...0x63f, 0x641...0x64a, 0x656...0x66f,
            0x671...0x6dc, 0x6de...0x6ff, 0x750...0x77f,
        ],
        "Hebrew": [0x591...0x5c7, 0x5d0...0x5ea, 0x5ef...0x5f4, 0xfb1d...0xfb4f],
        "Thai": [0xe01...0xe3a, 0xe40...0xe5b],
        "Devanagari": [0x900...0x950, 0x955...0x963, 0x966...0x97f],
    ]

    private static func isIn(_ value: UInt32, script: String) -> Bool {
        scripts[script]?.contains { $0.contains(value) } ?? false
    }
}
