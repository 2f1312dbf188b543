/// What a set of conditions compiles to: slots for the fields they read, checks over single slots that become bits of
/// a value's row, and a graph of nodes in which equal parts are one.
struct Program: Sendable {
    /// A field that conditions read.
    struct Slot: Sendable {
        /// How a slot's value is held in an event.
        enum Kind: Sendable { case number, text, bool, list, numberList }

        var field: FieldReference
        var info: FieldInfo
        var kind: Kind

        /// Whether values are interned: then every check over this slot alone is answered once per distinct value.
        var isInterned: Bool { kind != .number }
    }

    /// A check over one interned slot.
    struct Atom: Sendable, Hashable {
        var operand: CompiledOperand
        /// Nothing asks whether there is a value at all.
        var comparison: CompiledComparison?
    }

    /// A check over a slot of numbers.
    struct NumberCheck: Sendable, Hashable {
        var slot: Int
        /// Nothing asks whether there is a value at all.
        var comparison: CompiledComparison?
    }

    /// A check that reads several slots.
    struct WideCheck: Sendable, Hashable {
        var left: CompiledOperand
        var comparison: CompiledComparison
        var right: CompiledOperand?
    }

    enum Node: Sendable, Hashable {
        case never
        case bit(slot: Int, bit: Int)
        case number(Int)
        case wide(Int)
        case all([Int])
        case any([Int])
        case not(Int)
    }

    var slots: [Slot] = []
    /// By slot.
    var atoms: [[Atom]] = []
    var numberChecks: [NumberCheck] = []
    var wideChecks: [WideCheck] = []
    var nodes: [Node] = []
    /// The slots a node reads, when they are few; nil for many.
    var nodeSlots: [SlotSet] = []

    /// The slots below a node: none, one, or more than one.
    enum SlotSet: Sendable, Equatable {
        case none
        case one(Int)
        case many

        func union(_ other: SlotSet) -> SlotSet {
            switch (self, other) {
            case (.none, let set), (let set, .none): set
            case (.one(let a), .one(let b)) where a == b: self
            default: .many
            }
        }
    }
}

/// A finding while compiling that does not stop it.
package struct CompileWarning: Sendable, Hashable {
    package var message: String
    package var position: ConditionPosition
}
