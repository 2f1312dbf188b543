/// One of the fonts every reader of PDF has (ISO 32000-1, 9.6.2.2), with what layout has to know of it.
enum PDFFont: Int, CaseIterable {
    case regular, bold, mono

    var name: String {
        switch self {
        case .regular: "Helvetica"
        case .bold: "Helvetica-Bold"
        case .mono: "Courier"
        }
    }

    /// Widths of U+0020 to U+007E in thousandths of the size. Source: Adobe's font metrics of the core 14 fonts.
    private static let regularWidths: [Int] = [
        278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556,
        556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667,
        556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556,
        556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722,
        500, 500, 500, 334, 260, 334, 584,
    ]
    private static let boldWidths: [Int] = [
        278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556,
        556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722,
        611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556,
        611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778,
        556, 556, 500, 389, 280, 389, 584,
    ]

    /// Width of one encoded byte. Letters with marks are taken as wide as the widest of their kind, so that a line is
    /// never longer than was thought.
    func width(_ byte: UInt8) -> Int {
        if self == .mono { return 600 }
        if 0x20...0x7E ~= byte {
            let widths = self == .bold ? Self.boldWidths : Self.regularWidths
            return widths[Int(byte) - 0x20]
        }
        switch byte {
        case 0x85, 0x89, 0x8C, 0x97, 0x99, 0xC6: return 1000
        case 0xC0...0xDE: return 778
        case 0xE6, 0x9C: return 944
        default: return 611
        }
    }

    func width(of text: [UInt8], size: Double) -> Double {
        Double(text.reduce(0) { $0 + width($1) }) * size / 1000
    }
}

/// The encoding of text in our documents: Windows code page 1252, as ISO 32000-1 Annex D gives it.
enum WinAnsi {
    /// What lies between 0x80 and 0x9F.
    private static let upper: [Unicode.Scalar: UInt8] = [
        "\u{20AC}": 0x80, "\u{201A}": 0x82, "\u{0192}": 0x83, "\u{201E}": 0x84, "\u{2026}": 0x85, "\u{2020}": 0x86,
        "\u{2021}": 0x87, "\u{02C6}": 0x88, "\u{2030}": 0x89, "\u{0160}": 0x8A, "\u{2039}": 0x8B, "\u{0152}": 0x8C,
        "\u{017D}": 0x8E, "\u{2018}": 0x91, "\u{2019}": 0x92, "\u{201C}": 0x93, "\u{201D}": 0x94, "\u{2022}": 0x95,
        "\u{2013}": 0x96, "\u{2014}": 0x97, "\u{02DC}": 0x98, "\u{2122}": 0x99, "\u{0161}": 0x9A, "\u{203A}": 0x9B,
        "\u{0153}": 0x9C, "\u{017E}": 0x9E, "\u{0178}": 0x9F,
    ]

    /// The bytes of a text; what the encoding has no letter for is written by its number, so that two names that
    /// differ never look the same.
    static func bytes(_ text: String) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x20...0x7E, 0xA0...0xAC, 0xAE...0xFF: out.append(UInt8(scalar.value))
            case 0x2192: out += Array("->".utf8)
            default:
                if let byte = upper[scalar] {
                    out.append(byte)
                } else {
                    out += Array("[U+\(String(scalar.value, radix: 16, uppercase: true))]".utf8)
                }
            }
        }
        return out
    }
}
