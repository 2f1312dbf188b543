package import Documents

/// Which labels match.
///
/// Source: `LabelSelector`, Kubernetes API reference. An empty selector matches everything, an absent one nothing; a
/// selector with an operator that Kubernetes does not know matches nothing and says so in `isValid`.
package struct LabelSelector: Sendable, Hashable {
    package struct Requirement: Sendable, Hashable {
        package enum Operator: String, Sendable {
            case `in` = "In", notIn = "NotIn", exists = "Exists", doesNotExist = "DoesNotExist"
        }
        package var key: String
        package var `operator`: Operator
        package var values: [String]
    }

    package var requirements: [Requirement]
    package var isValid: Bool

    package init(matchLabels: [String: String]) {
        requirements = matchLabels.sorted { $0.key < $1.key }.map {
            Requirement(key: $0.key, operator: .in, values: [$0.value])
        }
        isValid = true
    }

    /// Reads `matchLabels` and `matchExpressions`; nil for an absent selector.
    package init?(_ node: Node) {
        guard node.isObject else { return nil }
        self.init(matchLabels: node["matchLabels"].stringMap)
        for expression in node["matchExpressions"].elements {
            guard let key = expression["key"].string,
                let `operator` = expression["operator"].string.flatMap(Requirement.Operator.init)
            else {
                isValid = false
                continue
            }
            requirements.append(Requirement(key: key, operator: `operator`, values: expression["values"].strings))
        }
    }

    package var isEmpty: Bool { requirements.isEmpty }

    package func matches(_ labels: [String: String]) -> Bool {
        isValid
            && requirements.allSatisfy { requirement in
                switch requirement.operator {
                case .in: labels[requirement.key].map(requirement.values.contains) ?? false
                case .notIn: labels[requirement.key].map { !requirement.values.contains($0) } ?? true
                case .exists: labels[requirement.key] != nil
                case .doesNotExist: labels[requirement.key] == nil
                }
            }
    }
}
