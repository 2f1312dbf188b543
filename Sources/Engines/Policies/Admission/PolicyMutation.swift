package import Documents

/// A policy changed in one place, to see whether its tests notice.
///
/// A change that no test notices is a part of the policy that no test holds: it may be wrong already.
package struct PolicyMutation: Sendable {
    /// Below the policy: `spec.validations[0].expression`.
    package let path: FieldPath
    package let before: String
    package let after: String
    /// The policy with the change.
    package let policy: ValidatingPolicy

    /// What is put in place of what, longer ones first, so that `<=` is not read as `<`.
    private static let swaps: [(from: String, to: String)] = [
        ("&&", "||"), ("||", "&&"), ("==", "!="), ("!=", "=="), ("<=", ">"), (">=", "<"), ("<", ">="), (">", "<="),
        (".all(", ".exists("), (".exists(", ".all("), ("true", "false"), ("false", "true"),
    ]
    /// A policy of hundreds of operators is not tried in all of them.
    private static let most = 200

    /// Every policy that differs in one operator, and those with one validation or condition that always holds or never
    /// does; those that do not compile are left out.
    package static func all(of node: Node) -> [PolicyMutation] {
        var out: [PolicyMutation] = []
        let spec = node["spec"]
        let expressions =
            spec["validations"].elements.map { $0["expression"] }
            + spec["matchConditions"].elements.map { $0["expression"] }
            + spec["variables"].elements.map { $0["expression"] }
        for expression in expressions {
            guard let text = expression.string else { continue }
            for changed in variants(of: text) {
                guard out.count < most else { return out }
                var editor = DocumentEditor(node)
                guard editor.set(expression.path, .string(changed)) else { continue }
                let policy = ValidatingPolicy(editor.finish())
                guard policy.defects.isEmpty else { continue }
                out.append(PolicyMutation(path: expression.path, before: text, after: changed, policy: policy))
            }
        }
        return out
    }

    private static func variants(of text: String) -> [String] {
        let bytes = Array(text.utf8)
        var out: [String] = []
        var quote: UInt8?
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if let open = quote {
                // What stands in quotes is data.
                if byte == UInt8(ascii: "\\") { index += 1 } else if byte == open { quote = nil }
                index += 1
                continue
            }
            if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
                index += 1
                continue
            }
            guard let swap = swaps.first(where: { stands($0.from, in: bytes, at: index) }) else {
                index += 1
                continue
            }
            let rest = bytes[(index + swap.from.utf8.count)...]
            out.append(String(decoding: Array(bytes[..<index]) + Array(swap.to.utf8) + Array(rest), as: UTF8.self))
            index += swap.from.utf8.count
        }
        for constant in ["true", "false"] where text != constant { out.append(constant) }
        return out
    }

    private static func stands(_ word: String, in bytes: [UInt8], at index: Int) -> Bool {
        let wanted = Array(word.utf8)
        guard index + wanted.count <= bytes.count, bytes[index..<index + wanted.count].elementsEqual(wanted) else {
            return false
        }
        guard let first = wanted.first, first != UInt8(ascii: "."), isLetter(first) else { return true }
        // `trueName` is a name.
        let isAlone = index == 0 || !isLetter(bytes[index - 1])
        let end = index + wanted.count
        return isAlone && (end == bytes.count || !isLetter(bytes[end]))
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: ".")
    }
}
