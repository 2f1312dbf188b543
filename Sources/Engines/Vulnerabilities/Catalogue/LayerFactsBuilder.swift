package import Images

/// Gathers what one layer holds while its archive streams by.
package struct LayerFactsBuilder: LayerVisitor {
    /// More than this many programs are no image but an attack on whoever lists them.
    private static let mostExecutables = 200_000

    private var files: [String: FileFacts] = [:]
    private var executables: [String: ImageExecutable] = [:]
    private var nonDirectories: [UInt64] = []
    private var directories: [UInt64] = []
    private var whiteouts: Set<String> = []
    private var opaque: Set<String> = []
    private var problems: [CatalogueProblem] = []

    package init() {}

    package mutating func interest(in member: LayerMember) -> MemberInterest {
        CatalogueInterest.interest(in: member)
    }

    /// Programs are told apart from what is dropped into a running container by their digests.
    package func wantsDigest(of member: LayerMember) -> Bool {
        guard case .file = member.kind else { return false }
        return member.isExecutable && executables.count < Self.mostExecutables
    }

    /// Called for every member in the archive's order; `contents` as ``LayerVisitor`` says.
    package mutating func take(_ member: LayerMember, contents: [UInt8]?) {
        take(member, contents: contents, digest: nil)
    }

    /// The same, for a reader that hashes what it hands over: the digest is kept with programs.
    package mutating func take(_ member: LayerMember, contents: [UInt8]?, digest: [UInt8]?) {
        let name = member.name
        if name.hasPrefix(".wh.") {
            let folder = member.path.dropLast(name.utf8.count)
            if name == ".wh..wh..opq" {
                opaque.insert(String(folder.hasSuffix("/") ? folder.dropLast() : folder))
            } else if !name.hasPrefix(".wh..wh.") {
                whiteouts.insert(String(folder) + String(name.dropFirst(4)))
            }
            return
        }
        note(member)
        files[member.path] = nil
        executables[member.path] = nil
        switch member.kind {
        case .file:
            if member.isExecutable || member.mode & 0o6000 != 0, executables.count < Self.mostExecutables {
                let own = digest ?? (contents?.count == 32 && !isRead(member) ? contents : nil)
                executables[member.path] = ImageExecutable(
                    path: member.path, mode: member.mode, size: member.size, user: member.user, digest: own ?? [])
            }
            guard let contents, isRead(member) else { return }
            keep(FactReader.facts(of: contents, member: member))
        case .hardLink(let target):
            // The same contents under another name: what the first name told is told again, in its new place.
            if var facts = files[target], FileForm.of(member.path) == FileForm.of(target) || FileForm.of(target) == nil
            {
                facts.path = member.path
                keep(facts)
            }
            if var file = executables[target] {
                file.path = member.path
                executables[member.path] = file
            }
        case .directory, .symbolicLink, .other: break
        }
    }

    /// Called in place of `take` where the contents were wanted and are longer than was said.
    package mutating func noteTooLarge(_ member: LayerMember) {
        note(member)
        executables[member.path] = nil
        if member.isExecutable {
            executables[member.path] = ImageExecutable(
                path: member.path, mode: member.mode, size: member.size, user: member.user, digest: [])
        }
        var facts = FileFacts(path: member.path)
        facts.problem = "with \(member.size) bytes it is too large to be looked at"
        files[member.path] = facts
    }

    /// What the layer holds; the builder is empty afterwards.
    package mutating func finish() -> LayerFacts {
        var out = LayerFacts()
        out.files = files.values.sorted { $0.path < $1.path }
        out.executables = executables.values.sorted { $0.path < $1.path }
        out.nonDirectories = nonDirectories.sorted()
        out.directories = directories.sorted()
        out.whiteouts = whiteouts.sorted()
        out.opaque = opaque.sorted()
        out.problems = problems
        self = LayerFactsBuilder()
        return out
    }

    private func isRead(_ member: LayerMember) -> Bool {
        FileForm.of(member.path) != nil || CatalogueInterest.isProgram(member)
    }

    private mutating func note(_ member: LayerMember) {
        var hash = StableHash()
        hash.add(member.path)
        if case .directory = member.kind { directories.append(hash.value) } else { nonDirectories.append(hash.value) }
    }

    private mutating func keep(_ facts: FileFacts) {
        if !facts.isEmpty { files[facts.path] = facts }
    }
}
