import Documents

/// Programs that carry the list of what they were built from.
enum ProgramReader {
    static func read(_ bytes: [UInt8], _ facts: inout FileFacts) {
        guard let program = ProgramFile(bytes) else { return }
        if let info = GoBuildInfo(program) { info.add(to: &facts) }
        if let part = program.section(".dep-v0", ".rust-deps-v0") { cargo(Array(part), &facts) }
    }

    /// Rust programs built with cargo-auditable: JSON packed by zlib in a section of its own.
    private static func cargo(_ bytes: [UInt8], _ facts: inout FileFacts) {
        do {
            let text = try Inflate.zlib(bytes, limit: 64 << 20)
            let root = try DocumentReader.readJSON(SourceText(name: "", bytes: text))
            let packages = Array(root["packages"].elements)
            for package in packages {
                guard let name = package["name"].string, let version = package["version"].string else { continue }
                // What only the build ran is not in the program.
                if package["kind"].equals("build") { continue }
                var fact = PackageFact(type: "cargo", name: name, version: version)
                fact.requires = package["dependencies"].elements.compactMap { index in
                    index.int.flatMap { packages.indices.contains($0) ? packages[$0]["name"].string : nil }
                }
                facts.packages.append(fact)
            }
        } catch {
            facts.problem = "its list of crates cannot be read"
        }
    }
}
