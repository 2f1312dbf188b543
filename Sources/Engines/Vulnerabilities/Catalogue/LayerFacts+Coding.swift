/// What is wrong with stored facts of a layer.
package struct LayerFactsError: Error, Equatable {
    package var message: String
}

extension LayerFacts {
    private static let magic = Array("martlet layer facts \(formatVersion)\n".utf8)

    /// The same facts, the same bytes.
    package func encoded() -> [UInt8] {
        var out = FactsWriter()
        out.record.bytes = Self.magic
        out.list(files) { out, file in
            out.text(file.path)
            out.list(file.packages) { $0.package($1) }
            out.list(file.owned) { out, owned in
                out.text(owned.package)
                out.bytes(owned.paths)
            }
            out.record.number(file.release == nil ? 0 : 1)
            if let release = file.release {
                for text in [release.id, release.version, release.codename, release.title] { out.text(text) }
                out.texts(release.streams)
            }
            out.optional(file.problem)
        }
        out.list(executables) { out, file in
            out.text(file.path)
            out.record.number(Int(file.mode))
            out.record.number(file.size)
            out.record.number(file.user)
            out.bytes(file.digest)
        }
        for hashes in [nonDirectories, directories] {
            out.record.number(hashes.count)
            for hash in hashes { out.record.fixed64(hash) }
        }
        out.texts(whiteouts)
        out.texts(opaque)
        out.list(problems) { out, problem in
            out.text(problem.path)
            out.text(problem.message)
        }
        return out.record.bytes
    }

    /// Reads what ``encoded()`` wrote, from `start` to the end; anything else, and anything of another version, is
    /// refused.
    package init(decoding bytes: [UInt8], from start: Int = 0) throws {
        guard start >= 0, start <= bytes.count, bytes[start...].starts(with: Self.magic) else {
            throw LayerFactsError(message: "these are no facts of a layer in the form \(Self.formatVersion)")
        }
        var reader = FactsReader(bytes: bytes, position: start + Self.magic.count)
        files = try reader.list { reader throws(LayerFactsError) in
            var file = FileFacts(path: try reader.text())
            file.packages = try reader.list { reader throws(LayerFactsError) in try reader.package() }
            file.owned = try reader.list { reader throws(LayerFactsError) in
                OwnedFiles(package: try reader.text(), paths: Array(try reader.slice()))
            }
            if try reader.number() == 1 {
                file.release = ReleaseFact(
                    id: try reader.text(), version: try reader.text(), codename: try reader.text(),
                    title: try reader.text(), streams: try reader.texts())
            }
            file.problem = try reader.optional()
            return file
        }
        executables = try reader.list { reader throws(LayerFactsError) in
            ImageExecutable(
                path: try reader.text(), mode: UInt16(truncatingIfNeeded: try reader.number()),
                size: try reader.number(), user: try reader.number(), digest: Array(try reader.slice()))
        }
        nonDirectories = try reader.hashes()
        directories = try reader.hashes()
        whiteouts = try reader.texts()
        opaque = try reader.texts()
        problems = try reader.list { reader throws(LayerFactsError) in
            CatalogueProblem(path: try reader.text(), message: try reader.text(), layer: 0)
        }
        guard reader.position == bytes.count else { throw LayerFactsError(message: "more bytes than facts") }
    }
}

private struct FactsWriter {
    var record = RecordWriter()

    mutating func bytes(_ bytes: [UInt8]) {
        record.number(bytes.count)
        record.bytes += bytes
    }
    mutating func text(_ text: String) {
        record.number(text.utf8.count)
        record.bytes += text.utf8
    }
    mutating func optional(_ text: String?) {
        record.number(text == nil ? 0 : 1)
        if let text { self.text(text) }
    }
    mutating func texts(_ texts: [String]) { list(texts) { $0.text($1) } }
    mutating func list<Item>(_ items: [Item], _ write: (inout FactsWriter, Item) -> Void) {
        record.number(items.count)
        for item in items { write(&self, item) }
    }

    mutating func package(_ fact: PackageFact) {
        text(fact.type)
        text(fact.name)
        text(fact.version)
        let rest =
            (fact.source == nil ? 0 : 1) | (fact.source?.version == nil ? 0 : 2) | (fact.module == nil ? 0 : 4)
            | (fact.isDeclared ? 8 : 0) | (fact.isDevelopment ? 16 : 0)
        record.number(rest)
        if let source = fact.source {
            text(source.name)
            if let version = source.version { text(version) }
        }
        if let module = fact.module { text(module) }
        text(fact.architecture)
        texts(fact.licences)
        texts(fact.requires)
        text(fact.inner)
        list(fact.qualifiers.sorted { $0.key < $1.key }) { out, pair in
            out.text(pair.key)
            out.text(pair.value)
        }
    }
}

private struct FactsReader {
    let bytes: [UInt8]
    var position: Int

    mutating func number() throws(LayerFactsError) -> Int {
        var out: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.count, shift < 63 {
            let byte = bytes[position]
            position += 1
            out |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                guard out <= UInt64(Int.max) else { break }
                return Int(out)
            }
            shift += 7
        }
        throw LayerFactsError(message: "a number is cut")
    }

    mutating func slice() throws(LayerFactsError) -> ArraySlice<UInt8> {
        let count = try number()
        guard count <= bytes.count - position else { throw LayerFactsError(message: "a text is cut") }
        position += count
        return bytes[position - count..<position]
    }

    mutating func text() throws(LayerFactsError) -> String { String(decoding: try slice(), as: UTF8.self) }
    mutating func optional() throws(LayerFactsError) -> String? { try number() == 0 ? nil : try text() }
    mutating func texts() throws(LayerFactsError) -> [String] {
        try list { reader throws(LayerFactsError) in try reader.text() }
    }

    mutating func list<Item>(
        _ read: (inout FactsReader) throws(LayerFactsError) -> Item
    ) throws(LayerFactsError) -> [Item] {
        let count = try number()
        guard count <= bytes.count - position else { throw LayerFactsError(message: "a list is cut") }
        var out: [Item] = []
        out.reserveCapacity(count)
        for _ in 0..<count { out.append(try read(&self)) }
        return out
    }

    mutating func hashes() throws(LayerFactsError) -> [UInt64] {
        let count = try number()
        guard count <= (bytes.count - position) / 8 else { throw LayerFactsError(message: "a list is cut") }
        var out: [UInt64] = []
        out.reserveCapacity(count)
        let start = position
        let stored = bytes
        let span = stored.span
        for index in 0..<count { out.append(RecordReader.fixed64(span, start + 8 * index)) }
        position += 8 * count
        return out
    }

    mutating func package() throws(LayerFactsError) -> PackageFact {
        var fact = PackageFact(type: try text(), name: try text(), version: try text())
        let rest = try number()
        if rest & 1 != 0 {
            let name = try text()
            fact.source = SoftwarePackage.Source(name: name, version: rest & 2 != 0 ? try text() : nil)
        }
        if rest & 4 != 0 { fact.module = try text() }
        fact.isDeclared = rest & 8 != 0
        fact.isDevelopment = rest & 16 != 0
        fact.architecture = try text()
        fact.licences = try texts()
        fact.requires = try texts()
        fact.inner = try text()
        for _ in 0..<min(try number(), 64) {
            let key = try text()
            fact.qualifiers[key] = try text()
        }
        return fact
    }
}
