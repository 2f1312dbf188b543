import Foundation
import Testing

@testable import Secrets

/// One token of each detector's form and one that just is none, made from the form and a seed and kept as data, so that
/// a change of a form shows which tokens it gains and loses. `MARTLET_UPDATE_GOLDEN=1` makes them anew.
///
/// The file holds base64, so that scanners of repositories do not take made-up tokens for real ones.
@Suite("Vectors of the families")
struct VectorTests {
    private struct Vector {
        var detector: String
        var token: [UInt8]
        var miss: [UInt8]
    }

    private static let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors/tokens.tsv")

    private static func text(_ detector: Detector, _ token: [UInt8]) -> [UInt8] {
        let before = detector.near.first.map { "\($0) = " } ?? "value: "
        return Array("\(before)\"".utf8) + token + Array("\"\n".utf8)
    }

    private static func finds(_ detector: Detector, _ token: [UInt8], _ scanner: inout TextScanner) -> [SecretMatch] {
        let text = text(detector, token)
        let start = text.count - token.count - 2
        return scanner.scan(text.span, as: .program)
            .filter { $0.strength >= .near && $0.range.overlaps(start..<start + token.count) }
    }

    // MARK: Making

    private static func made() throws -> [Vector] {
        var scanner = TextScanner()
        var vectors: [Vector] = []
        for (number, detector) in DetectorCatalogue.known.detectors.enumerated() {
            var parser = BytePatternParser(detector.notation, ignoringCase: false)
            let root = try parser.parse()
            for seed in 0..<40 {
                var maker = TokenMaker(seed: UInt64(number * 64 + seed + 11))
                var token = maker.token(root)
                if let check = detector.check ?? detector.proof { token = maker.proved(token, check) }
                guard !finds(detector, token, &scanner).isEmpty else { continue }
                let miss = Array(token.prefix(max(4, detector.pattern.shortest - 1)))
                vectors.append(Vector(detector: detector.id, token: token, miss: miss))
                break
            }
        }
        return vectors
    }

    @Test("the file holds what the forms make")
    func golden() throws {
        let lines = try Self.made().map { vector in
            "\(vector.detector)\t\(Data(vector.token).base64EncodedString())\t\(Data(vector.miss).base64EncodedString())\n"
        }
        let text = lines.joined()
        if ProcessInfo.processInfo.environment["MARTLET_UPDATE_GOLDEN"] == "1" {
            try FileManager.default.createDirectory(
                at: Self.file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: Self.file, atomically: true, encoding: .utf8)
        }
        let kept = try String(contentsOf: Self.file, encoding: .utf8)
        let differ = zip(kept.split(separator: "\n"), text.split(separator: "\n")).filter { $0 != $1 }
        #expect(kept == text, "\(differ.prefix(3).map { $0.0.prefix(40) })")
    }

    @Test("every detector finds its token, and not one that is a byte too short")
    func vectors() throws {
        let catalogue = DetectorCatalogue.known
        var scanner = TextScanner()
        var seen: Set<String> = []
        for line in try String(contentsOf: Self.file, encoding: .utf8).split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            try #require(fields.count == 3)
            let token = try #require(Data(base64Encoded: fields[1])).map(\.self)
            let miss = try #require(Data(base64Encoded: fields[2])).map(\.self)
            let named = catalogue.detectors.filter { $0.id == fields[0] }
            seen.insert(fields[0])
            #expect(named.contains { !Self.finds($0, token, &scanner).isEmpty }, "\(fields[0]) misses its token")
            guard named.count == 1, let detector = named.first else { continue }
            let wrong = Self.finds(detector, miss, &scanner).filter { $0.detector == detector.id }
            #expect(wrong.isEmpty, "\(fields[0])")
        }
        // A value behind `rev` is a revision for every other reader.
        let without = catalogue.detectors.map(\.id).filter { !seen.contains($0) && $0 != "rev-token" }
        #expect(without.isEmpty, "\(without)")
    }
}

extension TokenMaker {
    /// A token of the same form for which the check holds.
    mutating func proved(_ token: [UInt8], _ check: TokenCheck) -> [UInt8] {
        func url(_ text: String) -> [UInt8] {
            Array(Data(text.utf8).base64EncodedString().utf8).filter { $0 != UInt8(ascii: "=") }
                .map { $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0 }
        }
        let letters = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        func random(_ count: Int, _ from: [UInt8]) -> [UInt8] { (0..<count).map { _ in from[next(from.count)] } }
        switch check {
        case .crc32Base62:
            guard let bar = token.lastIndex(of: UInt8(ascii: "_")) else { return token }
            var out = Array(token.dropLast(6))
            var value = TokenCheck.crc32(out.span, bar + 1..<out.count)
            var sum: [UInt8] = []
            for _ in 0..<6 {
                sum.insert(letters[Int(value % 62)], at: 0)
                value /= 62
            }
            out += sum
            return out
        case .crc32Hexadecimal:
            var out = Array(token.dropLast(9))
            let value = TokenCheck.crc32(out.span, 0..<out.count)
            let digits = Array("0123456789abcdef".utf8)
            out.append(UInt8(ascii: "_"))
            for index in 0..<4 {
                let byte = Int(value >> UInt32(8 * index) & 0xFF)
                out += [digits[byte >> 4], digits[byte & 15]]
            }
            return out
        case .bech32:
            let alphabet = Array("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".utf8)
            var out = token
            // The last six letters are tried by linearity: the checksum of a text with them at zero tells them.
            for place in out.count - 6..<out.count { out[place] = alphabet[0] }
            let rest = TokenCheck.bech32Remainder(out.span, 0..<out.count) ^ 1
            for index in 0..<6 { out[out.count - 6 + index] = alphabet[Int(rest >> UInt32(5 * (5 - index)) & 31)] }
            return out
        case .jwt:
            return url("{\"alg\":\"HS256\",\"typ\":\"JWT\"}") + [0x2E] + url("{\"sub\":\"\(next(1 << 30))\"}") + [0x2E]
                + random(43, letters)
        case .base64JSON:
            return token
        case .atlassianToken:
            let bytes =
                Array("\(UInt8(next(9) + 1))\((0..<11).map { _ in "\(next(10))" }.joined()):".utf8)
                + (0..<20).map { _ in UInt8(next(256)) }
            return Array(Data(bytes).base64EncodedString().utf8)
        case .awsKeyId, .basicAuthorization, .mixed, .telegram, .mixedCase: return token
        }
    }
}
