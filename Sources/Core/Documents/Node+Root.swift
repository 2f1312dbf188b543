extension Node {
    /// The root of the node's paths: the object it is a field of.
    package var rootNode: Node { Node(tape: tape, index: Int(root), root: Int(root)) }
}
