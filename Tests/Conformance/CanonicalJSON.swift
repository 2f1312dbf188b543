import Documents

extension Node {
    /// The value as JSON with its keys sorted, so that equal values have equal texts; `sparse` leaves out members that
    /// are null or empty lists.
    func canonicalJSON(sparse: Bool = false) -> String {
        var writer = JSONWriter()
        write(to: &writer, sparse)
        return writer.string
    }

    private func write(to writer: inout JSONWriter, _ sparse: Bool) {
        switch kind {
        case .object:
            writer.object { writer in
                for member in members.sorted(by: { $0.key < $1.key }) {
                    if sparse, member.value.isNull || (member.value.isArray && member.value.isEmpty) { continue }
                    writer.key(member.key)
                    member.value.write(to: &writer, sparse)
                }
            }
        case .array: writer.array { writer in for element in elements { element.write(to: &writer, sparse) } }
        default: writer.value(self)
        }
    }
}
