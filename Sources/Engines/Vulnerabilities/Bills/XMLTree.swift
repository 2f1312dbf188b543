/// An element of a small XML document.
///
/// Just what bills of materials and reports need: no document types, no entities but the five that XML names and
/// characters by number. A document with a DOCTYPE is refused: nothing can be expanded, nothing outside is read.
struct XMLTree {
    var name: String
    var attributes: [String: String] = [:]
    var children: [XMLTree] = []
    var text = ""

    subscript(_ name: String) -> XMLTree? { children.first { $0.name == name } }
    func children(named name: String) -> [XMLTree] { children.filter { $0.name == name } }

    static func read(_ bytes: [UInt8]) throws(BillError) -> XMLTree {
        var reader = Reader(cursor: ByteCursor(bytes))
        return try reader.document()
    }

    private struct Reader {
        var cursor: ByteCursor

        func fail(_ message: String) -> BillError {
            BillError(code: .invalid, message: "XML at byte \(cursor.position): \(message)")
        }

        mutating func document() throws(BillError) -> XMLTree {
            if cursor.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { cursor.position = 3 }
            try skipMisc()
            var stack: [XMLTree] = []
            while true {
                guard let byte = cursor.current else { throw fail("it ends inside an element") }
                if byte != UInt8(ascii: "<") {
                    let text = cursor.take { $0 != UInt8(ascii: "<") }
                    if let top = stack.indices.last { stack[top].text += try Self.unescaped(text, self) }
                    continue
                }
                if cursor.take("<!--") {
                    try skip(to: "-->")
                } else if cursor.take("<![CDATA[") {
                    let start = cursor.position
                    try skip(to: "]]>")
                    if let top = stack.indices.last {
                        stack[top].text += String(decoding: cursor.bytes[start..<cursor.position - 3], as: UTF8.self)
                    }
                } else if cursor.take("<?") {
                    try skip(to: "?>")
                } else if cursor.take("</") {
                    _ = cursor.take { $0 != UInt8(ascii: ">") }
                    guard cursor.take(UInt8(ascii: ">")), var element = stack.popLast() else {
                        throw fail("a stray end")
                    }
                    element.text = element.text.trimmed
                    guard let top = stack.indices.last else { return element }
                    stack[top].children.append(element)
                } else if cursor.take(UInt8(ascii: "<")) {
                    let (element, isEmpty) = try open()
                    guard stack.count < 256 else { throw fail("elements stand inside each other too deep") }
                    if !isEmpty {
                        stack.append(element)
                    } else if let top = stack.indices.last {
                        stack[top].children.append(element)
                    } else {
                        return element
                    }
                }
            }
        }

        private mutating func open() throws(BillError) -> (XMLTree, isEmpty: Bool) {
            let name = cursor.take { !$0.isBlank && $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: "/") }
            guard let first = name.first, first.isLetter || first == UInt8(ascii: "_") || first >= 0x80 else {
                throw fail("an element without a name")
            }
            // The prefix of a name space does not matter here.
            let local = name.split(separator: UInt8(ascii: ":")).last ?? name
            var element = XMLTree(name: String(decoding: local, as: UTF8.self))
            while true {
                _ = cursor.take { $0.isBlank }
                if cursor.take("/>") { return (element, true) }
                if cursor.take(UInt8(ascii: ">")) { return (element, false) }
                let key = cursor.take { !$0.isBlank && $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ">") }
                _ = cursor.take { $0.isBlank }
                guard !key.isEmpty, cursor.take(UInt8(ascii: "=")) else { throw fail("an attribute without a value") }
                _ = cursor.take { $0.isBlank }
                guard let quote = cursor.current, quote == 0x22 || quote == 0x27 else {
                    throw fail("a value without quotes")
                }
                cursor.position += 1
                let value = cursor.take { $0 != quote }
                guard cursor.take(quote) else { throw fail("a value that does not end") }
                element.attributes[String(decoding: key, as: UTF8.self)] = try Self.unescaped(value, self)
            }
        }

        private mutating func skipMisc() throws(BillError) {
            while true {
                _ = cursor.take { $0.isBlank }
                if cursor.take("<?") {
                    try skip(to: "?>")
                } else if cursor.take("<!--") {
                    try skip(to: "-->")
                } else if cursor.rest.starts(with: "<!".utf8) {
                    throw fail("a document type is not read")
                } else {
                    return
                }
            }
        }

        private mutating func skip(to end: String) throws(BillError) {
            let wanted = Array(end.utf8)
            while !cursor.isAtEnd {
                if cursor.rest.starts(with: wanted) {
                    cursor.position += wanted.count
                    return
                }
                cursor.position += 1
            }
            throw fail("\"\(end)\" is missing")
        }

        private static func unescaped(_ text: ArraySlice<UInt8>, _ reader: Reader) throws(BillError) -> String {
            guard text.contains(UInt8(ascii: "&")) else { return String(decoding: text, as: UTF8.self) }
            var out: [UInt8] = []
            var rest = text
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "&") else {
                    out.append(byte)
                    continue
                }
                let name = String(decoding: rest.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
                guard name.utf8.count < 12, rest.count > name.utf8.count else {
                    throw reader.fail("an entity without its end")
                }
                rest = rest.dropFirst(name.utf8.count + 1)
                switch name {
                case "amp": out.append(0x26)
                case "lt": out.append(0x3C)
                case "gt": out.append(0x3E)
                case "quot": out.append(0x22)
                case "apos": out.append(0x27)
                default:
                    let number =
                        name.hasPrefix("#x")
                        ? UInt32(name.dropFirst(2), radix: 16)
                        : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
                    guard let scalar = number.flatMap(Unicode.Scalar.init) else {
                        throw reader.fail("\"&\(name);\" is not known")
                    }
                    out.append(contentsOf: String(scalar).utf8)
                }
            }
            return String(decoding: out, as: UTF8.self)
        }
    }
}
