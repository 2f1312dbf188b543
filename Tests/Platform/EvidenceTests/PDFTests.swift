import Foundation
import Testing

@testable import Evidence

@Suite struct PDFTests {
    private static let date = "2026-11-23T10:00:00Z"

    private static func long() -> PDFDocument {
        var document = PDFDocument(title: "A (title) \\ with everything", footer: "foot")
        document.heading("Heading")
        for number in 0..<40 { document.paragraph("Paragraph \(number): " + String(repeating: "word ", count: 60)) }
        document.table(
            [.init("Left", 1), .init("Right", 2)],
            (0..<100).map { ["row \($0)", String(repeating: "x", count: 200) + " \(SampleReport.hostile)"] })
        return document
    }

    /// Offsets, counts and lengths as the file's own tables say.
    @Test func theFileHoldsTogether() throws {
        let bytes = Self.long().finished(date: Self.date)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(bytes.starts(with: Array("%PDF-1.7".utf8)))
        let tail = text.split(separator: "startxref\n").last.map(String.init) ?? ""
        let start = try #require(tail.split(separator: "\n").first.flatMap { Int($0) })
        #expect(Array(bytes[start..<start + 4]) == Array("xref".utf8))
        let table = String(decoding: bytes[start...], as: UTF8.self)
        let entries = table.matches(of: #/(\d{10}) 00000 n /#)
        #expect(entries.count > 10)
        for (index, entry) in entries.enumerated() {
            let offset = try #require(Int(entry.1))
            let head = Array("\(index + 1) 0 obj".utf8)
            #expect(Array(bytes[offset..<offset + head.count]) == head)
        }
        for match in text.matches(of: #/\/Length (\d+) >>\nstream\n/#) {
            let from = match.range.upperBound.utf16Offset(in: text)
            let length = try #require(Int(match.1))
            #expect(text.utf16.count > from + length)
        }
    }

    @Test func stringsCannotEndEarly() {
        #expect(PDFDocument.literal(WinAnsi.bytes("a)b(c\\")) == Array("(a\\)b\\(c\\\\)".utf8))
        #expect(PDFDocument.literal(WinAnsi.bytes("é€")) == Array("(\\351\\200)".utf8))
        #expect(WinAnsi.bytes("中") == Array("[U+4E2D]".utf8))
    }

    @Test func linesFitTheirRoom() {
        let text = WinAnsi.bytes(
            String(repeating: "supercalifragilistic", count: 20) + " and words of any length at all")
        for font in PDFFont.allCases {
            let lines = PDFDocument.wrapped(text, font, 9, 120)
            #expect(lines.allSatisfy { font.width(of: $0, size: 9) <= 120 })
            #expect(lines.flatMap(\.self).filter { $0 != 0x20 } == text.filter { $0 != 0x20 })
        }
    }

    @Test(arguments: ["soc2", "hipaa", "pci-dss", "cis"])
    func theSummaryIsOnePage(_ framework: String) throws {
        let bytes = CompliancePaper(try SampleReport.make(framework)).executive()
        #expect(String(decoding: bytes, as: UTF8.self).contains("/Type /Pages /Count 1 "))
    }

    @Test func otherReadersReadIt() throws {
        try SampleReport.inFolder { folder in
            let file = "\(folder)/a.pdf"
            try Data(Self.long().finished(date: Self.date)).write(to: URL(filePath: file))
            if let read = try SampleReport.run("pdftotext", [file, "-"]) {
                #expect(read.status == 0 && !read.output.contains("Error"), "\(read.output.prefix(300))")
                #expect(read.output.contains("Paragraph 39:") && read.output.contains("row 99"))
                #expect(read.output.contains("[U+4E2D]"))
            } else {
                print("skipped: pdftotext not found")
            }
            if let checked = try SampleReport.run("qpdf", ["--check", file]) {
                #expect(checked.status == 0, "\(checked.output)")
            } else {
                print("skipped: qpdf not found")
            }
        }
    }
}
