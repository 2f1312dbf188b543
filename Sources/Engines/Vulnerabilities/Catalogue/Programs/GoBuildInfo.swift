/// The modules that a Go program was built from, as the linker writes them into it.
///
/// Source: Go's debug/buildinfo: a block that begins with a mark, either with two lengths and texts behind it (since
/// 1.18) or with the addresses of two Go strings.
struct GoBuildInfo {
    /// `go1.21.3`.
    var goVersion: String
    var modules: [Module] = []
    var settings: [String: String] = [:]

    struct Module {
        var path: String
        var version: String
        var isMain: Bool
        /// Where the code comes from in place of `path`.
        var replacement: (path: String, version: String)?
    }

    private static let mark: [UInt8] = [0xFF] + Array(" Go buildinf:".utf8)
    private static let longestText = 16 << 20

    init?(_ program: ProgramFile) {
        guard let place = Self.place(in: program), let flags = program.file.little(1, at: place + 15),
            let width = program.file.little(1, at: place + 14)
        else { return nil }
        let version: ArraySlice<UInt8>
        var modules: ArraySlice<UInt8>
        if flags & 2 != 0 {
            var position = place + 32
            guard let first = Self.counted(program.file, &position), let second = Self.counted(program.file, &position)
            else { return nil }
            version = first
            modules = second
        } else {
            let isBig = flags & 1 != 0
            guard width == 4 || width == 8,
                let first = Self.string(program, place + 16, width, isBig),
                let second = Self.string(program, place + 16 + width, width, isBig)
            else { return nil }
            version = first
            modules = second
        }
        goVersion = String(decoding: version, as: UTF8.self)
        guard goVersion.hasPrefix("go") || goVersion.hasPrefix("devel") else { return nil }
        // Sixteen bytes on either side by which the list is found in memory.
        if modules.count >= 33, modules[modules.endIndex - 17] == 0x0A {
            modules = modules.dropFirst(16).dropLast(16)
        } else {
            modules = []
        }
        read(Array(modules))
    }

    private mutating func read(_ bytes: [UInt8]) {
        for line in Lines(bytes) {
            let cells = String(decoding: bytes[line], as: UTF8.self)
                .split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            switch cells.first {
            case "mod" where cells.count >= 3:
                modules.append(Module(path: cells[1], version: cells[2], isMain: true))
            case "dep" where cells.count >= 3:
                modules.append(Module(path: cells[1], version: cells[2], isMain: false))
            case "=>" where cells.count >= 2 && !modules.isEmpty:
                modules[modules.count - 1].replacement = (cells[1], cells.count > 2 ? cells[2] : "")
            case "build" where cells.count >= 2:
                guard let equal = cells[1].firstIndex(of: "=") else { continue }
                settings[String(cells[1][..<equal])] = String(cells[1][cells[1].index(after: equal)...])
            default: continue
            }
        }
    }

    private static func place(in program: ProgramFile) -> Int? {
        for name in [".go.buildinfo", "__go_buildinfo"] {
            guard let part = program.section(name), part.starts(with: mark) else { continue }
            return part.startIndex
        }
        // Windows' programs, and ones whose section table was cut away: the block is aligned to 16 bytes.
        let bytes = program.file.bytes
        let span = bytes.span
        var position = 0
        while position + 32 <= span.count {
            if span[position] == 0xFF, span[position + 1] == 0x20,
                bytes[position..<position + mark.count].elementsEqual(mark), span[position + 15] & ~3 == 0
            {
                return position
            }
            position += 16
        }
        return nil
    }

    private static func counted(_ file: BinaryFile, _ position: inout Int) -> ArraySlice<UInt8>? {
        var length = 0
        var shift = 0
        while shift < 35, let byte = file.little(1, at: position) {
            position += 1
            length |= (byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        guard length <= longestText, let out = file.slice(position, length) else { return nil }
        position += length
        return out
    }

    private static func string(
        _ program: ProgramFile, _ place: Int, _ width: Int, _ isBig: Bool
    ) -> ArraySlice<UInt8>? {
        guard let address = program.file.number(width, at: place, isBig: isBig),
            let header = program.offset(of: address),
            let start = program.file.number(width, at: header, isBig: isBig),
            let length = program.file.number(width, at: header + width, isBig: isBig), length <= longestText
        else { return nil }
        if length == 0 { return [] }
        return program.offset(of: start).flatMap { program.file.slice($0, length) }
    }
}

extension GoBuildInfo {
    func add(to facts: inout FileFacts) {
        var architecture = ""
        if let word = settings["GOARCH"] { architecture = word }
        for module in modules {
            var path = module.path
            var version = module.version
            if let replacement = module.replacement {
                // A folder in place of a module: the code is of the main module's own repository.
                if replacement.path.hasPrefix(".") || replacement.path.hasPrefix("/") {
                    version = "(devel)"
                } else {
                    path = replacement.path
                    version = replacement.version
                }
            }
            // A commit that no tag was seen before, as in a clone without its history, comes before every fix there
            // is; to compare it would accuse the program of all.
            if module.isMain, version == "(devel)" || version.isEmpty || version.hasPrefix("v0.0.0-") {
                version = linkedVersion(of: module.path) ?? "(devel)"
            }
            if let dirt = version.range(of: "+dirty") { version.removeSubrange(dirt) }
            guard !path.isEmpty, path != "command-line-arguments" else { continue }
            var fact = PackageFact(type: "golang", name: path, version: version)
            fact.architecture = architecture
            if module.isMain {
                fact.requires = modules.filter { !$0.isMain }.map { $0.replacement?.path ?? $0.path }
            }
            facts.packages.append(fact)
        }
        // `go1.20.5 X:boringcrypto`, `devel go1.22-abc Tue`.
        let words = goVersion.split(separator: " ")
        if let word = words.first(where: { $0.hasPrefix("go") }) {
            var fact = PackageFact(type: "golang", name: "stdlib", version: String(word))
            fact.architecture = architecture
            facts.packages.append(fact)
        }
    }

    /// The version that the program's builder gave the linker: `-X main.version=v1.2.3`, in `main` or in a package of
    /// the main module itself. Other packages' versions are not the program's.
    private func linkedVersion(of path: String) -> String? {
        guard let flags = settings["-ldflags"] else { return nil }
        for word in flags.split(whereSeparator: { $0 == " " || $0 == "\"" || $0 == "'" }) {
            var setting = word
            for start in ["-X", "="] where setting.hasPrefix(start) { setting = setting.dropFirst(start.utf8.count) }
            guard let equal = setting.firstIndex(of: "="), let dot = setting[..<equal].lastIndex(of: ".") else {
                continue
            }
            let place = setting[..<dot]
            guard place == "main" || place == path || place.hasPrefix(path + "/") else { continue }
            let name = setting[setting.index(after: dot)..<equal].lowercased()
            guard name == "version" || Self.versionNames.contains(name) else { continue }
            let value = setting[setting.index(after: equal)...]
            let number = value.hasPrefix("v") ? value.dropFirst() : value
            let parts = number.prefix { $0 != "-" && $0 != "+" }.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 3, parts.allSatisfy({ Int($0) != nil }) else { continue }
            return "v\(number)"
        }
        return nil
    }

    private static let versionNames: Set<String> = [
        "appversion", "buildversion", "gitversion", "semver", "programversion", "releaseversion", "tag", "gittag",
    ]
}
