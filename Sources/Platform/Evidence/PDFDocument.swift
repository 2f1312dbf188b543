import Findings

/// A document of text: headings, paragraphs and tables, flowing over numbered pages.
///
/// Standard: ISO 32000-1 (PDF 1.7), uncompressed, with the fonts every reader has, so that the same report is the same
/// bytes everywhere and a person can look inside.
package struct PDFDocument {
    /// A column of a table: its share of the width.
    package struct Column {
        package var title: String
        package var share: Double
        package init(_ title: String, _ share: Double) {
            self.title = title
            self.share = share
        }
    }

    /// A4, in points.
    static let width = 595.28
    static let height = 841.89
    private static let margin = 50.0
    private static let foot = 60.0

    private let title: String
    private let footer: String
    private var pages: [[UInt8]] = []
    private var content: [UInt8] = []
    private var y = 0.0

    /// - Parameter footer: stands on every page beside its number.
    package init(title: String, footer: String) {
        self.title = title
        self.footer = footer
        y = Self.height - Self.margin
    }

    private var bottom: Double { Self.foot }
    private var room: Double { Self.width - 2 * Self.margin }

    /// Whether anything still fits a page that has begun: for documents of one page.
    package var isOnFirstPage: Bool { pages.isEmpty }

    // MARK: Parts

    package mutating func heading(_ text: String, level: Int = 1) {
        let size = level == 1 ? 20.0 : level == 2 ? 14.0 : 11.0
        // A heading goes with at least two lines of what it heads.
        reserve(size * 1.4 + 30)
        y -= size * (level == 1 ? 0.2 : 0.7)
        lines(text, .bold, size, leading: 1.25)
        y -= size * 0.3
    }

    package mutating func paragraph(_ text: String, isDim: Bool = false, isBold: Bool = false) {
        if isDim { append("0.36 g\n") }
        lines(text, isBold ? .bold : .regular, 9.5, leading: 1.4)
        if isDim { append("0 g\n") }
        y -= 4
    }

    package mutating func code(_ text: String) {
        lines(text, .mono, 8, leading: 1.35)
        y -= 2
    }

    package mutating func space(_ points: Double) { y -= points }

    /// Rows of a table; the head stands again on every page.
    package mutating func table(_ columns: [Column], _ rows: [[String]]) {
        let total = columns.reduce(0) { $0 + $1.share }
        let widths = columns.map { $0.share / total * room }
        row(columns.map(\.title), widths, .bold, isHead: true)
        for cells in rows {
            let wrapped = wrap(cells, widths, .regular)
            let needed = Double(wrapped.map(\.count).max() ?? 1) * 11 + 5
            if y - needed < bottom, needed < Self.height - 2 * Self.margin - 40 {
                newPage()
                row(columns.map(\.title), widths, .bold, isHead: true)
            }
            draw(wrapped, widths, .regular) { document in
                document.row(columns.map(\.title), widths, .bold, isHead: true)
            }
        }
        y -= 8
    }

    // MARK: Layout

    private static let cellSize = 8.5

    private func wrap(_ cells: [String], _ widths: [Double], _ font: PDFFont) -> [[[UInt8]]] {
        zip(cells, widths).map { Self.wrapped(WinAnsi.bytes(PrintableText.of($0)), font, Self.cellSize, $1 - 6) }
    }

    private mutating func row(_ cells: [String], _ widths: [Double], _ font: PDFFont, isHead: Bool) {
        draw(wrap(cells, widths, font), widths, font) { _ in }
        if isHead { rule(0.9) }
    }

    private mutating func draw(
        _ cells: [[[UInt8]]], _ widths: [Double], _ font: PDFFont, onNewPage: (inout PDFDocument) -> Void
    ) {
        let count = cells.map(\.count).max() ?? 0
        for line in 0..<count {
            if y - 11 < bottom {
                newPage()
                onNewPage(&self)
            }
            var x = Self.margin
            for (cell, width) in zip(cells, widths) {
                if line < cell.count { show(cell[line], x + 2, y - 9, font, Self.cellSize) }
                x += width
            }
            y -= 11
        }
        y -= 2
        rule(0.25)
        y -= 3
    }

    private mutating func rule(_ weight: Double) {
        let n = Self.number
        append("\(n(weight)) w 0.7 G \(n(Self.margin)) \(n(y)) m \(n(Self.width - Self.margin)) \(n(y)) l S 0 G\n")
    }

    private mutating func lines(_ text: String, _ font: PDFFont, _ size: Double, leading: Double) {
        for part in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let bytes = WinAnsi.bytes(PrintableText.of(String(part), limit: 100_000))
            for line in Self.wrapped(bytes, font, size, room) {
                reserve(size * leading)
                show(line, Self.margin, y - size, font, size)
                y -= size * leading
            }
        }
    }

    private mutating func reserve(_ points: Double) { if y - points < bottom { newPage() } }

    /// Breaks at spaces, and inside a word that is wider than the line.
    static func wrapped(_ text: [UInt8], _ font: PDFFont, _ size: Double, _ room: Double) -> [[UInt8]] {
        var out: [[UInt8]] = []
        var line: [UInt8] = []
        var used = 0.0
        let space = font.width(of: [0x20], size: size)
        for word in text.split(separator: 0x20, omittingEmptySubsequences: false) {
            let width = font.width(of: Array(word), size: size)
            if !line.isEmpty, used + space + width <= room {
                line.append(0x20)
                line += word
                used += space + width
                continue
            }
            if !line.isEmpty { out.append(line) }
            (line, used) = ([], 0)
            if width <= room {
                line = Array(word)
                used = width
                continue
            }
            for byte in word {
                let one = font.width(of: [byte], size: size)
                if used + one > room, !line.isEmpty {
                    out.append(line)
                    (line, used) = ([], 0)
                }
                line.append(byte)
                used += one
            }
        }
        if !line.isEmpty || out.isEmpty { out.append(line) }
        return out
    }

    private mutating func newPage() {
        pages.append(content)
        content = []
        y = Self.height - Self.margin
    }

    // MARK: Operators

    private mutating func append(_ text: String) { content += Array(text.utf8) }

    private mutating func show(_ text: [UInt8], _ x: Double, _ y: Double, _ font: PDFFont, _ size: Double) {
        let n = Self.number
        append("BT /F\(font.rawValue) \(n(size)) Tf \(n(x)) \(n(y)) Td ")
        content += Self.literal(text)
        append(" Tj ET\n")
    }

    /// A string of the language, everything that could end it escaped.
    static func literal(_ text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [UInt8(ascii: "(")]
        for byte in text {
            switch byte {
            case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
            case 0x20...0x7E: out.append(byte)
            default:
                let octal = String(byte, radix: 8)
                out += Array("\\\(String(repeating: "0", count: 3 - octal.utf8.count))\(octal)".utf8)
            }
        }
        out.append(UInt8(ascii: ")"))
        return out
    }

    static func number(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
        let sign = hundredths < 0 ? "-" : ""
        return rest == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }

    // MARK: The file

    /// The whole file. `date` is `2026-11-23T10:00:00Z`.
    package consuming func finished(date: String) -> [UInt8] {
        pages.append(content)
        let footer = WinAnsi.bytes(PrintableText.of(footer, limit: 110))
        for index in pages.indices {
            content = []
            let number = WinAnsi.bytes("\(index + 1) of \(pages.count)")
            append("0.36 g\n")
            show(footer, Self.margin, 34, .regular, 8)
            show(number, Self.width - Self.margin - PDFFont.regular.width(of: number, size: 8), 34, .regular, 8)
            append("0 g\n")
            pages[index] += content
        }
        var file = FileText()
        file.append("%PDF-1.7\n%\u{00E9}\u{00E8}\n")
        let first = 4 + PDFFont.allCases.count
        let kids = pages.indices.map { "\(first + 2 * $0) 0 R" }.joined(separator: " ")
        file.object(1, "<< /Type /Catalog /Pages 2 0 R /Lang (en) /ViewerPreferences << /DisplayDocTitle true >> >>")
        file.object(2, "<< /Type /Pages /Count \(pages.count) /Kids [\(kids)] >>")
        let digits = date.filter(\.isNumber)
        let stamp = digits.utf8.count >= 14 ? "D:\(digits.prefix(14))Z" : "D:19700101000000Z"
        let named = String(decoding: Self.literal(WinAnsi.bytes(PrintableText.of(title))), as: UTF8.self)
        file.object(
            3, "<< /Title \(named) /Producer (Martlet) /CreationDate (\(stamp)) >>")
        for font in PDFFont.allCases {
            file.object(
                4 + font.rawValue,
                "<< /Type /Font /Subtype /Type1 /BaseFont /\(font.name) /Encoding /WinAnsiEncoding >>")
        }
        let fonts = PDFFont.allCases.map { "/F\($0.rawValue) \(4 + $0.rawValue) 0 R" }.joined(separator: " ")
        for (index, page) in pages.enumerated() {
            let n = Self.number
            file.object(
                first + 2 * index,
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 \(n(Self.width)) \(n(Self.height))] "
                    + "/Resources << /Font << \(fonts) >> >> /Contents \(first + 2 * index + 1) 0 R >>")
            file.stream(first + 2 * index + 1, page)
        }
        return file.finished(info: 3)
    }

    /// Objects with their offsets, for the table at the end.
    private struct FileText {
        var bytes: [UInt8] = []
        private var offsets: [Int: Int] = [:]

        mutating func append(_ text: String) { bytes += Array(text.utf8) }

        mutating func object(_ number: Int, _ text: String) {
            offsets[number] = bytes.count
            append("\(number) 0 obj\n\(text)\nendobj\n")
        }

        mutating func stream(_ number: Int, _ content: [UInt8]) {
            offsets[number] = bytes.count
            append("\(number) 0 obj\n<< /Length \(content.count) >>\nstream\n")
            bytes += content
            append("\nendstream\nendobj\n")
        }

        consuming func finished(info: Int) -> [UInt8] {
            let start = bytes.count
            let count = offsets.count + 1
            append("xref\n0 \(count)\n0000000000 65535 f \n")
            for number in 1..<count {
                let offset = String(offsets[number] ?? 0)
                append("\(String(repeating: "0", count: max(0, 10 - offset.utf8.count)))\(offset) 00000 n \n")
            }
            append("trailer\n<< /Size \(count) /Root 1 0 R /Info \(info) 0 R >>\nstartxref\n\(start)\n%%EOF\n")
            return bytes
        }
    }
}
