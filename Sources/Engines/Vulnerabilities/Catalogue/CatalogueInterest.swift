package import Images

/// Which members of a layer the catalogue wants to see.
package enum CatalogueInterest {
    /// The largest program or archive that is opened; a larger one is told as not looked at.
    static let largestProgram = 256 << 20

    /// How a program begins: ELF, Mach-O (both orders, and with several architectures), and Windows'.
    static let programStarts: [[UInt8]] = [
        [0x7F, 0x45, 0x4C, 0x46], [0xCF, 0xFA, 0xED, 0xFE], [0xCE, 0xFA, 0xED, 0xFE], [0xFE, 0xED, 0xFA, 0xCF],
        [0xFE, 0xED, 0xFA, 0xCE], [0xCA, 0xFE, 0xBA, 0xBE], [0x4D, 0x5A],
    ]

    /// Asked once for each member while a layer streams by.
    package static func interest(in member: LayerMember) -> MemberInterest {
        guard case .file = member.kind, member.size > 0 else { return .none }
        if let form = FileForm.of(member.path) { return .contents(atMost: form.limit) }
        if isProgram(member) { return .contentsBeginning(with: programStarts, atMost: largestProgram) }
        return .none
    }

    /// Whether it may be a program with a list of its modules in it.
    static func isProgram(_ member: LayerMember) -> Bool {
        guard case .file = member.kind, member.size >= 64 else { return false }
        return member.isExecutable || member.path.hasSuffix(".exe")
    }
}
