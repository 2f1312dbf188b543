/// Who is told what a layer holds while it streams by, one member after the other in the archive's order.
package protocol LayerVisitor: Sendable {
    /// How much of the member is wanted.
    mutating func interest(in member: LayerMember) -> MemberInterest

    /// Called once for each member.
    ///
    /// `contents` are those that were asked for; the 32 raw bytes of the SHA-256 for ``MemberInterest/digest``; nil
    /// where nothing was asked for or the contents begin otherwise.
    mutating func take(_ member: LayerMember, contents: [UInt8]?)

    /// Called in place of `take` for a member whose contents were asked for and are longer than was said.
    mutating func noteTooLarge(_ member: LayerMember)

    /// Whether the SHA-256 of the contents is wanted beside them, however long they are.
    func wantsDigest(of member: LayerMember) -> Bool

    /// The same as `take`, with the 32 raw bytes of the SHA-256 where it was wanted and is known.
    mutating func take(_ member: LayerMember, contents: [UInt8]?, digest: [UInt8]?)
}

extension LayerVisitor {
    package func wantsDigest(of member: LayerMember) -> Bool { false }

    package mutating func take(_ member: LayerMember, contents: [UInt8]?, digest: [UInt8]?) {
        take(member, contents: contents)
    }
}
