package import Documents
import Findings
package import Kubernetes
import Secrets

extension SecretExtraction {
    /// A value in plain sight that no plan is known for: in an argument, in a file inside a ConfigMap.
    package struct Unplanned: Sendable {
        package var object: ObjectReference
        package var path: FieldPath
        package var what: String
    }

    /// Plans of many values, each by itself.
    package struct Plans: Sendable {
        package var plans: [SecretExtraction] = []
        package var without: [Unplanned] = []
        /// Values in plain sight, planned or not.
        package var found: Int { plans.count + without.count }
    }

    /// A plan for every value that detection finds in the objects and `wants` asks for, in the order of the objects.
    package static func all(
        in inventory: Inventory, isCluster: Bool, destination: Destination = .secret, name: String? = nil,
        where wants: (ObjectReference, FieldPath) -> Bool
    ) -> Plans {
        var scanner = ObjectScanner(seal: .unkeyed, isManifest: !isCluster)
        let evaluation = FixEvaluation { inventory, keys in
            let secrets = SecretsEvaluation(inventory, isCluster: isCluster)
            return keys.compactMap { inventory[$0] }.flatMap { secrets.evaluate($0).findings }
        }
        var out = Plans()
        for key in inventory.keys {
            guard let object = inventory[key], object.controller == nil, !object.is("Secret") else { continue }
            var seen: Set<String> = []
            for found in scanner.scan(object) where found.place == .plain {
                let path = found.node.path
                guard wants(object.reference, path), seen.insert("\(path)").inserted else { continue }
                let text = found.node.text ?? ""
                // A file with a password on one of its lines is no value to be moved as a whole.
                let isWhole =
                    found.secret.range.count == text.utf8.count || object.is("ConfigMap") && !text.contains("\n")
                    || path.elements.last == .key("value")
                let plan =
                    isWhole
                    ? SecretExtraction(
                        of: path, in: object, key: key, inventory: inventory, destination: destination, name: name,
                        evaluation: evaluation) : nil
                if let plan {
                    out.plans.append(plan)
                } else {
                    out.without.append(Unplanned(object: object.reference, path: path, what: found.secret.title))
                }
            }
        }
        return out
    }

    // MARK: For people and programs

    package static func text(_ all: Plans) -> String {
        var out = ""
        for plan in all.plans {
            let places = plan.changes.map { "\($0.object.reference)" }.joined(separator: ", ")
            out += "\(places): key \(plan.secretKey) of Secret \(plan.secretName)\n"
            out +=
                plan.isVerified
                ? "  tried on a copy: closes \(plan.closed.count), opens \(plan.opened.count)\n"
                : "  tried on a copy: something as bad comes up or the value stays; look before you do it\n"
            for caution in plan.cautions { out += "  note: \(caution)\n" }
            out += steps(plan.steps, "  ")
            out += "  the way back\n" + steps(plan.rollback, "    ") + "\n"
        }
        for left in all.without {
            out +=
                "\(left.object) \(left.path): \(left.what) has no plan; only whole values of variables and ConfigMaps do\n"
        }
        if all.found == 0 { out += "no value in plain sight\n" }
        return out
    }

    private static func steps(_ steps: [Step], _ indent: String) -> String {
        var out = ""
        for (number, step) in steps.enumerated() {
            out += "\(indent)\(number + 1). \(step.title)\n"
            if !step.command.isEmpty { out += "\(indent)   \(step.command)\n" }
            for line in step.manifest.split(separator: "\n") { out += "\(indent)   | \(line)\n" }
        }
        return out
    }

    package static func json(_ all: Plans) -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("version", 1)
            writer.member(
                "plans",
                array: { writer in
                    for plan in all.plans {
                        writer.object { writer in
                            writer.member("secret", plan.secretName)
                            writer.member("key", plan.secretKey)
                            writer.member("verified", plan.isVerified)
                            writer.member("objects", plan.changes.map { "\($0.object.reference)" })
                            writer.member("cautions", plan.cautions)
                            write("steps", plan.steps, &writer)
                            write("rollback", plan.rollback, &writer)
                        }
                    }
                })
            writer.member(
                "without",
                array: { writer in
                    for left in all.without {
                        writer.object { writer in
                            writer.member("object", "\(left.object)")
                            writer.member("path", "\(left.path)")
                            writer.member("what", left.what)
                        }
                    }
                })
        }
        return writer.string + "\n"
    }

    private static func write(_ name: String, _ steps: [Step], _ writer: inout JSONWriter) {
        writer.member(
            name,
            array: { writer in
                for step in steps {
                    writer.object { writer in
                        writer.member("title", step.title)
                        writer.member("command", step.command)
                        writer.member("manifest", step.manifest)
                    }
                }
            })
    }
}
