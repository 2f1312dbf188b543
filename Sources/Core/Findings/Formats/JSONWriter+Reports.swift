import Documents

extension JSONWriter {
    /// A member that is an object.
    mutating func fields(_ key: String, _ body: (inout JSONWriter) -> Void) { member(key, object: body) }

    /// A member that is a list.
    mutating func list(_ key: String, _ body: (inout JSONWriter) -> Void) { member(key, array: body) }

    /// An object on a line of its own, so that two reports can be compared by line.
    mutating func line(_ body: (inout JSONWriter) -> Void) {
        var own = JSONWriter()
        own.object(body)
        raw("\n" + own.string)
    }
}
