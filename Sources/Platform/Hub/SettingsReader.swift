import Documents
import FoundationEssentials

/// Reads one mapping of the file of settings, and says where it is wrong.
struct SettingsReader {
    let node: Node

    init(_ node: Node) { self.node = node }

    /// Throws on a key that nothing reads: a slip of the pen never goes by unseen.
    func expect(_ keys: String...) throws(SettingsError) {
        guard node.exists, !node.isNull else { return }
        guard node.isObject else { throw SettingsError("a mapping is needed here", at: node) }
        for member in node.members where !keys.contains(member.key) {
            throw SettingsError(
                "there is no setting \"\(member.key)\" here; known are \(keys.joined(separator: ", "))",
                at: member.value)
        }
    }

    func text(_ key: String) throws(SettingsError) -> String? {
        let value = node[key]
        guard value.exists, !value.isNull else { return nil }
        guard let text = value.text else { throw SettingsError("\"\(key)\" is a text", at: value) }
        return text
    }

    func needed(_ key: String) throws(SettingsError) -> String {
        guard let text = try text(key), !text.isEmpty else { throw SettingsError("\"\(key)\" is missing", at: node) }
        return text
    }

    /// A text that may stand elsewhere: `env:NAME` in the environment, `file:PATH` in a file.
    func secret(_ key: String) throws(SettingsError) -> String? {
        guard let text = try text(key) else { return nil }
        if text.hasPrefix("env:") {
            let name = String(text.dropFirst(4))
            guard let value = ProcessInfo.processInfo.environment[name] else {
                throw SettingsError("\"\(key)\" names the variable \(name), which is not set", at: node[key])
            }
            return value
        }
        if text.hasPrefix("file:") {
            let path = String(text.dropFirst(5))
            guard let data = FileManager.default.contents(atPath: path) else {
                throw SettingsError("\"\(key)\" names the file \(path), which cannot be read", at: node[key])
            }
            var value = String(decoding: data, as: UTF8.self)
            while value.hasSuffix("\n") { value.removeLast() }
            return value
        }
        return text
    }

    func number(_ key: String, _ range: ClosedRange<Int>) throws(SettingsError) -> Int? {
        let value = node[key]
        guard value.exists, !value.isNull else { return nil }
        guard let number = value.int, range.contains(number) else {
            throw SettingsError("\"\(key)\" is a number from \(range.lowerBound) to \(range.upperBound)", at: value)
        }
        return number
    }

    func flag(_ key: String) throws(SettingsError) -> Bool? {
        let value = node[key]
        guard value.exists, !value.isNull else { return nil }
        guard let flag = value.bool else { throw SettingsError("\"\(key)\" is true or false", at: value) }
        return flag
    }

    func list(_ key: String) throws(SettingsError) -> [Node] {
        let value = node[key]
        guard value.exists, !value.isNull else { return [] }
        guard value.isArray else { throw SettingsError("\"\(key)\" is a list", at: value) }
        return Array(value.elements)
    }

    func texts(_ key: String) throws(SettingsError) -> [String] {
        var out: [String] = []
        for element in try list(key) {
            guard let text = element.text else { throw SettingsError("\"\(key)\" holds texts", at: element) }
            out.append(text)
        }
        return out
    }

    /// Names and texts: headers, labels.
    func map(_ key: String) throws(SettingsError) -> [String: String] {
        let value = node[key]
        guard value.exists, !value.isNull else { return [:] }
        guard value.isObject else { throw SettingsError("\"\(key)\" is a mapping", at: value) }
        var out: [String: String] = [:]
        for member in value.members {
            let entry = SettingsReader(value)
            out[member.key] = try entry.secret(member.key) ?? ""
        }
        return out
    }
}
