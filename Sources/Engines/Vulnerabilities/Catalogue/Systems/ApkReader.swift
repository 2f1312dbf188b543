/// Alpine's list of installed packages.
///
/// Source: Alpine's wiki, "Apk spec", the installed database: a letter, a colon and a value on each line, an empty
/// line behind each package. Version 3 of apk keeps the same form.
enum ApkReader {
    static func read(_ bytes: [UInt8], _ facts: inout FileFacts) {
        var fact = PackageFact(type: "apk", name: "", version: "")
        var folder: ArraySlice<UInt8> = []
        var paths: [UInt8] = []
        func close() {
            if !fact.name.isEmpty, !fact.version.isEmpty {
                facts.packages.append(fact)
                if !paths.isEmpty { facts.owned.append(OwnedFiles(package: fact.name, paths: paths)) }
            }
            fact = PackageFact(type: "apk", name: "", version: "")
            folder = []
            paths = []
        }
        for line in Lines(bytes) {
            if line.isEmpty {
                close()
                continue
            }
            guard line.count >= 2, bytes[line.lowerBound + 1] == UInt8(ascii: ":") else { continue }
            let value = bytes[(line.lowerBound + 2)..<line.upperBound]
            func text() -> String { String(decoding: value, as: UTF8.self).trimmed }
            switch bytes[line.lowerBound] {
            case UInt8(ascii: "P"): fact.name = text()
            case UInt8(ascii: "V"): fact.version = text()
            case UInt8(ascii: "A"): fact.architecture = text()
            case UInt8(ascii: "o"): fact.source = .init(name: text())
            case UInt8(ascii: "L"): fact.licences = text().isEmpty ? [] : [text()]
            case UInt8(ascii: "D"):
                fact.requires = text().split(separator: " ").filter { !$0.hasPrefix("!") }.map { item in
                    String(item.prefix { !"<>=~".contains($0) })
                }
            case UInt8(ascii: "F"): folder = value
            case UInt8(ascii: "R"):
                if !folder.isEmpty {
                    paths += folder
                    paths.append(UInt8(ascii: "/"))
                }
                paths += value
                paths.append(0x0A)
            default: break
            }
        }
        close()
    }
}
