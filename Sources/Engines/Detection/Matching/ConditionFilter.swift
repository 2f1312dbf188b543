/// One condition by itself, ready to be asked: for tests of a condition, and for the fields of a single source.
package struct ConditionFilter: Sendable {
    /// The fields the condition reads, by slot.
    package let fields: [FieldReference]
    package let warnings: [CompileWarning]
    private var matcher: Matcher

    package init(_ condition: Condition, _ catalogue: FieldCatalogue) throws(CompileError) {
        var builder = ProgramBuilder(catalogue)
        let root = try builder.compile(condition)
        fields = builder.program.slots.map(\.field)
        warnings = builder.warnings
        matcher = Matcher(builder.program, roots: [root])
    }

    /// Whether the condition holds for an event; `values` gives the values of a field, or nothing when it is absent.
    package mutating func holds(_ values: (FieldReference) -> [FieldValue]?) -> Bool {
        var event = matcher.blank
        for (slot, field) in fields.enumerated() {
            if let found = values(field) { matcher.set(slot, found, in: &event) }
        }
        return !matcher.match(event).isEmpty
    }
}
