/// Secrets among the words of one command.
struct CommandWords {
    /// One word as bytes, and where its first byte stands in the text it came from.
    struct Word {
        var bytes: [UInt8]
        var place: Int
    }

    /// The part of a word that is secret.
    struct Found: Equatable {
        var word: Int
        var range: Range<Int>
    }

    let words: [Word]

    /// What the words behind a program's name hold.
    func secrets(of program: CommandFacts.Program) -> [Found] {
        var found: [Found] = []
        var plain = 0
        var index = 0
        while index < words.count {
            let word = words[index]
            let text = String(decoding: word.bytes, as: UTF8.self)
            if let flag = (program.flags + program.pairs).first(where: {
                text.hasPrefix($0 + "=") || text.hasPrefix($0 + ":")
            }) {
                note(index, flag.utf8.count + 1, program.pairs.contains(flag), program, &found)
            } else if program.flags.contains(text) || program.pairs.contains(text) {
                if index + 1 < words.count { note(index + 1, 0, program.pairs.contains(text), program, &found) }
                index += 1
            } else if let flag = program.attached.first(where: { text.hasPrefix($0) && text.utf8.count > $0.utf8.count }
            ),
                !text.hasPrefix("--")
            {
                note(index, flag.utf8.count, false, program, &found)
            } else if program.pairs.contains(where: { $0.utf8.count == 2 && text.hasPrefix($0) && text.contains(":") })
            {
                note(index, 2, true, program, &found)
            } else if !text.hasPrefix("-") {
                plain += 1
                if plain == program.positional, !text.contains("=") { note(index, 0, false, program, &found) }
            }
            index += 1
        }
        return found
    }

    private func note(
        _ index: Int, _ from: Int, _ isPair: Bool, _ program: CommandFacts.Program, _ found: inout [Found]
    ) {
        let bytes = words[index].bytes
        var start = from
        if isPair {
            guard let mark = bytes[from...].firstIndex(of: program.separator) else { return }
            start = mark + 1
        }
        guard bytes.count - start >= 4 else { return }
        let range = start..<bytes.count
        let stored = bytes
        guard !ValueJudge.isReference(stored.span, range),
            !ValueJudge.isPlaceholder(stored.span, range, ValueShape(stored.span, range)),
            bytes[start] != UInt8(ascii: "-")
        else { return }
        // Ports and paths are behind -p too.
        let shape = ValueShape(stored.span, range)
        guard shape.digits < shape.length || shape.length >= 6 else { return }
        found.append(Found(word: index, range: range))
    }

    /// The words of a line of shell from `start` to the end of the command; quotes are cut off.
    static func split(_ text: Span<UInt8>, _ start: Int) -> CommandWords {
        var words: [Word] = []
        var word = Word(bytes: [], place: -1)
        var quote: UInt8 = 0
        var i = start
        let limit = min(text.count, start + 4096)
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        scan: while i < limit, words.count < 128 {
            let byte = text[i]
            if quote != 0 {
                if byte == quote { quote = 0 } else { word.bytes.append(byte) }
                if byte == 0x0A { break }
                i += 1
                continue
            }
            switch byte {
            case 0x20, 0x09:
                if word.place >= 0 { words.append(word) }
                word = Word(bytes: [], place: -1)
            case UInt8(ascii: "\\") where i + 1 < limit && (text[i + 1] == 0x0A || text[i + 1] == UInt8(ascii: "n")):
                if text[i + 1] == UInt8(ascii: "n") { break scan }
                i += 1
            case 0x0A, 0x0D, UInt8(ascii: ";"), UInt8(ascii: "|"), UInt8(ascii: "`"), UInt8(ascii: "<"),
                UInt8(ascii: ">"):
                break scan
            case UInt8(ascii: "&") where i + 1 < limit && (text[i + 1] == byte || isSpace(text[i + 1])):
                break scan
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                quote = byte
                if word.place < 0 { word.place = i + 1 }
            case UInt8(ascii: ")") where !word.bytes.contains(UInt8(ascii: "(")):
                break scan
            default:
                if word.place < 0 { word.place = i }
                word.bytes.append(byte)
            }
            i += 1
        }
        if word.place >= 0 { words.append(word) }
        return CommandWords(words: words)
    }
}

extension TextScanner {
    /// A program that takes secrets on its command line stands at `start..<end`.
    mutating func commandLine(_ text: Span<UInt8>, _ command: Int, _ start: Int, _ end: Int) {
        guard end < text.count, text[end] == 0x20 || text[end] == 0x09 else { return }
        if start > 0 {
            let before = text[start - 1]
            guard !ByteClass.word.contains(before), before != UInt8(ascii: "-"), before != UInt8(ascii: ".") else {
                return
            }
        }
        let line = CommandWords.split(text, end)
        for found in line.secrets(of: catalogue.commands.programs[command]) {
            let word = line.words[found.word]
            let place = word.place + found.range.lowerBound
            // A quote inside the word moves what is behind it; such a word is told from its first byte.
            let range = place..<min(text.count, place + found.range.count)
            note("command-line-credential", "Credential on a command line", .high, .structure, range)
        }
    }
}
