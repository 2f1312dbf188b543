extension EvidencePack {
    /// The files of a pack in one folder of an archive, so that a pack can be sent.
    ///
    /// Standard: POSIX.1-1988 ustar.
    ///
    /// - Parameter time: seconds since 1970 that every file carries.
    package static func archive(_ files: [Artefact], folder: String, at time: Int) -> [UInt8] {
        var out: [UInt8] = []
        for file in files {
            out += head("\(folder)/\(file.name)", size: file.bytes.count, time: time)
            out += file.bytes
            out += [UInt8](repeating: 0, count: (512 - file.bytes.count % 512) % 512)
        }
        // Two empty blocks are the end.
        return out + [UInt8](repeating: 0, count: 1024)
    }

    private static func head(_ name: String, size: Int, time: Int) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at place: Int, most: Int) {
            for (index, byte) in text.utf8.prefix(most).enumerated() { block[place + index] = byte }
        }
        func number(_ value: Int, at place: Int, width: Int) {
            let digits = String(max(0, value), radix: 8)
            put(String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits, at: place, most: width)
        }
        // A long name has its folder in the field for prefixes.
        let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
        let isLong = name.utf8.count > 100 && parts.count == 2
        put(isLong ? parts[1] : name, at: 0, most: 100)
        if isLong { put(parts[0], at: 345, most: 155) }
        number(0o644, at: 100, width: 7)
        number(0, at: 108, width: 7)
        number(0, at: 116, width: 7)
        number(size, at: 124, width: 11)
        number(time, at: 136, width: 11)
        put("0", at: 156, most: 1)
        put("ustar\u{0}00", at: 257, most: 8)
        // The sum is made with spaces in its own place.
        put("        ", at: 148, most: 8)
        let sum = block.reduce(0) { $0 + Int($1) }
        number(sum, at: 148, width: 6)
        block[154] = 0
        return block
    }
}
