/// Decides what an entry says about a package.
struct EntryRule {
    let scheme: VersionScheme
    let version: String
    let package: SoftwarePackage

    func verdict(_ entry: AffectedPackage) -> EntryVerdict {
        if let module = entry.module, !fits(module, entry) {
            return EntryVerdict(kind: .otherModule, trace: ["module \(module)"])
        }
        if scheme == .rpm, entry.module == nil, entry.status == .affected, !entry.fixes.isEmpty, isModular {
            return EntryVerdict(kind: .otherModule, trace: ["the package is of a module, the advisory is not"])
        }
        if !entry.architectures.isEmpty, let own = package.architecture, own != "noarch",
            !entry.architectures.contains(own)
        {
            return EntryVerdict(
                kind: .otherArchitecture, trace: ["only on \(entry.architectures.joined(separator: ", "))"])
        }
        if entry.status == .notAffected {
            return EntryVerdict(kind: .notAffected, trace: entry.note.isEmpty ? [] : [entry.note])
        }
        for bounds in entry.unaffected where !bounds.isEmpty && bounds.allSatisfy(holds) {
            return EntryVerdict(
                kind: .fixed, trace: bounds.map { "\(version) \($0.comparison.rawValue) \($0.version)" })
        }
        if let equal = entry.versions.first(where: { scheme.order(version, $0) == 0 }) {
            return EntryVerdict(kind: .vulnerable, trace: ["\(version) is listed as \(equal)"])
        }
        var failed: [String] = []
        for bounds in entry.ranges {
            guard let broken = bounds.first(where: { !holds($0) }) else {
                let trace = bounds.map { "\(version) \($0.comparison.rawValue) \($0.version)" }
                return EntryVerdict(kind: .vulnerable, trace: trace.isEmpty ? ["every version"] : trace)
            }
            failed.append("not \(version) \(broken.comparison.rawValue) \(broken.version)")
        }
        return EntryVerdict(kind: .fixed, trace: failed.isEmpty ? ["\(version) is not listed"] : failed)
    }

    private func holds(_ bound: VersionConstraint) -> Bool { bound.holds(for: version, scheme) }

    /// A module's builds say so in their release: `.module_el8.3.0+…`, `.module+el8…`.
    private var isModular: Bool {
        package.module.map { !$0.isEmpty } ?? (version.contains(".module_el") || version.contains(".module+el"))
    }

    private func fits(_ module: String, _ entry: AffectedPackage) -> Bool {
        if module == "?" {
            // Only known to be of a module: streams differ in their first number.
            guard isModular else { return false }
            guard let fix = entry.fixes.first else { return true }
            return Self.firstNumber(fix) == Self.firstNumber(version)
        }
        guard let own = package.module else {
            // Nothing is known of the package's module; a build that is of none shows it in its release.
            return !package.version.contains(".el") || isModular
        }
        return own == module || own.hasPrefix(module + ":")
    }

    private static func firstNumber(_ version: String) -> String {
        let text = version.firstIndex(of: ":").map { version[version.index(after: $0)...] } ?? version[...]
        return String(text.prefix { $0.isNumber })
    }
}
