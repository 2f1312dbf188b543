/// The simple commands of a shell script, as far as a command line needs them.
///
/// Standard: POSIX shell grammar, words and quoting. Variables stay as they are written; what a script does beside
/// running commands is not followed.
enum ShellWords {
    /// The words of each command; redirections are left out.
    static func commands(_ script: String) -> [[String]] {
        var commands: [[String]] = []
        var words: [String] = []
        var word = ""
        var hasWord = false
        var quote: Character?
        var skipsNext = false
        func isBlank(_ c: Character) -> Bool { c == " " || c == "\t" }
        func endWord() {
            if hasWord {
                if skipsNext { skipsNext = false } else { words.append(word) }
            }
            word = ""
            hasWord = false
        }
        func endCommand() {
            endWord()
            skipsNext = false
            if !words.isEmpty { commands.append(words) }
            words = []
        }
        var rest = Substring(script)
        while let c = rest.popFirst() {
            if let open = quote {
                if c == open {
                    quote = nil
                } else if c == "\\", open == "\"", let next = rest.first, "\"\\$`".contains(next) {
                    word.append(rest.removeFirst())
                } else {
                    word.append(c)
                }
                continue
            }
            switch c {
            case "'", "\"":
                quote = c
                hasWord = true
            case "\\":
                if let next = rest.popFirst(), !next.isNewline {
                    word.append(next)
                    hasWord = true
                }
            case "#" where !hasWord:
                while let next = rest.first, !next.isNewline { rest.removeFirst() }
            case "<", ">":
                // `2>file`: the number belongs to the redirection.
                if hasWord, word.allSatisfy(\.isNumber) { (word, hasWord) = ("", false) }
                endWord()
                while let next = rest.first, next == ">" || next == "<" || next == "&" || next == "|" {
                    rest.removeFirst()
                }
                skipsNext = true
            case "&" where rest.first == ">":
                endWord()
            case ";", "|", "&", "(", ")": endCommand()
            case _ where c.isNewline: endCommand()
            case _ where isBlank(c): endWord()
            default:
                word.append(c)
                hasWord = true
            }
        }
        endCommand()
        return commands
    }
}
