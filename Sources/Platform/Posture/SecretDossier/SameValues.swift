import Documents
package import Kubernetes
import Secrets

/// Where the values of a Secret stand besides it, known again by their keyed hash; no value is kept or told.
///
/// The same value in another Secret must be changed together with this one; in a variable or a ConfigMap it lies open.
package struct SameValues: Sendable {
    private struct Place: Hashable, Comparable {
        var key: String
        var at: String
        static func < (a: Self, b: Self) -> Bool { (a.key, a.at) < (b.key, b.at) }
    }

    private let seal: SecretSeal
    /// Keys of the Secret by the seal of their value.
    private let keys: [String: String]
    private let lengths: Set<Int>
    private let reference: ObjectReference
    /// Whether anything can be compared: metadata alone has no values.
    package var hasValues: Bool { !keys.isEmpty }

    /// Shorter values stand in many places for other reasons.
    private static let shortest = 6

    /// `key` seals for this run alone.
    package init(of secret: KubernetesObject, key: [UInt8]) {
        let seal = SecretSeal(key: key)
        var keys: [String: String] = [:]
        var lengths: Set<Int> = []
        for (name, value) in Self.entries(secret) where value.count >= Self.shortest {
            keys[seal.seal(value)] = name
            lengths.insert(value.count)
        }
        self.seal = seal
        self.keys = keys
        self.lengths = lengths
        reference = secret.reference
    }

    /// `key "password": Secret shop/api, key "pw"`, in order.
    package func places(in inventory: Inventory) -> [String] {
        guard hasValues else { return [] }
        var found: Set<Place> = []
        var layers = LayerScanner(seal: seal)
        for object in inventory.keys.compactMap({ inventory[$0] }) where object.controller == nil {
            if object.reference == reference { continue }
            if object.is("Secret") {
                for (name, value) in Self.entries(object) {
                    let place = "\(object.reference), key \"\(name)\""
                    note(value, place, &found)
                    // A password inside an address, a settings file.
                    for secret in layers.scan(value) {
                        if let key = keys[secret.seal] { found.insert(Place(key: key, at: "\(place), inside")) }
                    }
                }
                continue
            }
            walk(object.node, object.reference, &layers, &found, 0)
        }
        return found.sorted().map { "key \"\($0.key)\": \($0.at)" }
    }

    private func note(_ value: [UInt8], _ place: String, _ found: inout Set<Place>) {
        guard lengths.contains(value.count), let key = keys[seal.seal(value)] else { return }
        found.insert(Place(key: key, at: place))
    }

    private func walk(
        _ node: Node, _ reference: ObjectReference, _ layers: inout LayerScanner, _ found: inout Set<Place>,
        _ depth: Int
    ) {
        guard depth < 64 else { return }
        switch node.kind {
        case .object: for member in node.members { walk(member.value, reference, &layers, &found, depth + 1) }
        case .array: for element in node.elements { walk(element, reference, &layers, &found, depth + 1) }
        case .string, .number:
            guard let text = node.text, text.utf8.count >= Self.shortest else { return }
            let bytes = Array(text.utf8)
            let place = "\(reference) \(node.path)"
            note(bytes, place, &found)
            guard bytes.count > (lengths.min() ?? 0) else { return }
            for secret in layers.scan(bytes) {
                guard let key = keys[secret.seal] else { continue }
                found.insert(Place(key: key, at: secret.range.count == bytes.count ? place : "\(place), inside"))
            }
        default: return
        }
    }

    private static func entries(_ secret: KubernetesObject) -> [(name: String, value: [UInt8])] {
        secret.node["data"].members.compactMap { entry in
            entry.value.text.flatMap { Base64.decode(Array($0.utf8)) }.map { (entry.key, $0) }
        }
            + secret.node["stringData"].members.compactMap { entry in
                entry.value.text.map { (entry.key, Array($0.utf8)) }
            }
    }
}
