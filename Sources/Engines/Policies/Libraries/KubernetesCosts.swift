/// The API server's costs beyond the language's own.
///
/// Source: Kubernetes 1.36, the cost estimator of its CEL library, and cel-go's costs of `ext.Lists` 3; figures only.
struct KubernetesCosts: CELCostRules {
    private let standard = CELStandardCosts()
    private static let walk = CELStandardCosts.traversal
    private static let one: Set<String> = [
        "serviceAccount", "path", "group", "resource", "subresource", "namespace", "name", "allowed", "reason", "error",
        "errored", "masked", "prefixLength", "family", "isUnspecified", "isLoopback", "isLinkLocalMulticast",
        "isLinkLocalUnicast", "isGlobalUnicast", "format.named", "sign", "asInteger", "isInteger",
        "asApproximateFloat", "isGreaterThan", "isLessThan", "compareTo", "add", "sub", "major", "minor", "patch",
        "getScheme", "getHostname", "getHost", "getPort", "getEscapedPath", "getQuery",
    ]

    func patternArgument(of function: String) -> Int? {
        switch function {
        case "matches", "find", "findAll": 1
        default: nil
        }
    }

    // MARK: At run time

    func cost(of function: String, overload: String, _ arguments: [CELValue], _ result: CELValue) -> UInt64 {
        if let cost = listCost(overload, arguments, result) { return cost }
        if let cost = libraryCost(function, overload, arguments, result) { return cost }
        return standard.cost(of: function, overload: overload, arguments, result)
    }

    private func libraryCost(
        _ function: String, _ overload: String, _ arguments: [CELValue], _ result: CELValue
    ) -> UInt64? {
        func size(_ index: Int) -> Int { arguments[index].costSize }
        func walked(_ index: Int, _ factor: Double = 1) -> UInt64 {
            CELStandardCosts.walk(size(index), factor * Self.walk)
        }
        if Self.one.contains(function) { return 1 }
        switch function {
        case "check": return 350_000
        case "fieldSelector", "labelSelector":
            return Self.selector(CELRange(UInt64(size(1)))).most
        case "isSorted", "sum", "max", "min", "indexOf", "lastIndexOf": return Self.traversal(arguments[0])
        case "url", "lowerAscii", "upperAscii", "substring", "trim", "jsonpatch.escapeKey", "cidr", "isIP", "isCIDR",
            "quantity", "isQuantity", "semver", "isSemver":
            return walked(0)
        case "replace", "split", "ip.isCanonical": return walked(0, 2)
        case "join": return CELStandardCosts.walk(result.costSize, 2 * Self.walk)
        case "find", "findAll":
            return CELStandardCosts.walk(size(0) + 1) * CELStandardCosts.walk(size(1), CELStandardCosts.pattern)
        case "ip": return overload == "cidr_ip" ? 1 : walked(0)
        case "containsIP", "containsCIDR":
            var cost = walked(0, 2)
            if function == "containsCIDR" { cost += walked(0) + 1 }
            if overload.hasSuffix("_string") { cost += walked(1) }
            return cost
        case "validate":
            guard case .opaque(let opaque) = arguments[0], let format = opaque as? CELNamedFormat else { return nil }
            return CELStandardCosts.walk(size(1) + 1)
                * CELStandardCosts.walk(format.patternSize, CELStandardCosts.pattern)
        case CELOperator.equals:
            if case .opaque(let opaque) = arguments[0] {
                switch opaque {
                case is CELQuantity, is CELAddress, is CELNetwork, is CELNamedFormat, is CELURL, is CELVersion,
                    is CELAuthorizer, is CELDecision:
                    return 1
                default: return nil
                }
            }
            return nil
        default: return nil
        }
    }

    /// Walking over a value with all that is in it.
    private static func traversal(_ value: CELValue) -> UInt64 {
        switch value {
        case .string(let text): UInt64(Double(text.utf8.count) * walk)
        case .bytes(let bytes): UInt64(Double(bytes.count) * walk)
        case .list(let list): list.values.reduce(0) { $0 + traversal($1) }
        case .map(let map): map.keys.reduce(0) { $0 + traversal($1) + (map[$1].map(traversal) ?? 0) }
        default: 1
        }
    }

    private static func selector(_ length: CELRange) -> CELRange {
        CELRange(10) + length * walk + (length * 0.5) * CELRange(50)
    }

    private func listCost(_ overload: String, _ arguments: [CELValue], _ result: CELValue) -> UInt64? {
        func allocated(_ size: Int, _ factor: Double) -> UInt64 { UInt64(Double(size) * factor) + 11 }
        switch overload {
        case "list_slice", "lists_range", "list_reverse": return allocated(result.costSize, 1)
        case "list_flatten", "list_flatten_int":
            var depth = 1.0
            if arguments.count == 2, case .int(let given) = arguments[1] { depth = max(0, Double(given)) }
            return allocated(arguments[0].costSize, depth)
        case "list_sets_contains_list", "list_sets_intersects_list":
            return UInt64(arguments[0].costSize * arguments[1].costSize) + 1
        case "list_sets_equivalent_list": return UInt64(2 * arguments[0].costSize * arguments[1].costSize) + 1
        default: break
        }
        let keys: CELValue
        if overload == "list_distinct" || overload.hasSuffix("_sort") {
            keys = arguments[0]
        } else if overload.hasSuffix("_sortByAssociatedKeys") {
            keys = arguments[1]
        } else {
            return nil
        }
        guard case .list(let list) = keys else { return nil }
        let size = list.count
        var factor = 2.0
        switch list[0] {
        case .string, .bytes: factor += Self.walk
        default: break
        }
        return allocated(size * size, factor)
    }

    // MARK: Beforehand

    func estimate(
        of function: String, overload: String, target: CELSized?, _ arguments: [CELSized]
    ) -> CELCallEstimate? {
        if let estimate = listEstimate(overload, target, arguments) { return estimate }
        if Self.one.contains(function) { return CELCallEstimate(cost: CELRange(1)) }
        func walked(_ size: CELRange, _ factor: Double = 1, result: CELRange? = nil) -> CELCallEstimate {
            CELCallEstimate(cost: size * (factor * Self.walk), resultSize: result)
        }
        switch function {
        case "check": return CELCallEstimate(cost: CELRange(350_000))
        case "fieldSelector", "labelSelector":
            return arguments.first.map { CELCallEstimate(cost: Self.selector($0.sizeOrUnknown)) }
        case "isSorted", "sum", "max", "min", "indexOf", "lastIndexOf":
            guard let target else { return nil }
            guard case .list(let element) = target.type else { return walked(target.sizeOrUnknown) }
            var each = CELRange(1)
            if element == .string || element == .bytes { each = each + CELRange.unknown * Self.walk }
            return CELCallEstimate(cost: target.sizeOrUnknown * each)
        case "url", "jsonpatch.escapeKey":
            return arguments.first.map { walked($0.sizeOrUnknown, result: $0.sizeOrUnknown) }
        case "lowerAscii", "upperAscii", "substring", "trim":
            return target.map { walked($0.sizeOrUnknown, result: $0.sizeOrUnknown) }
        case "replace":
            guard let target, arguments.count >= 2 else { return nil }
            let size = target.sizeOrUnknown
            return walked(
                size, 2, result: Self.replaced(size, arguments[0].sizeOrUnknown, arguments[1].sizeOrUnknown))
        case "split":
            guard let target else { return nil }
            var most = target.sizeOrUnknown.most
            if arguments.count > 1, case .int(let limit) = arguments[1].literal { most = UInt64(bitPattern: limit) }
            return walked(target.sizeOrUnknown, 2, result: CELRange(0, most))
        case "join":
            guard let target else { return nil }
            let list = target.sizeOrUnknown
            var size = CELRange(0)
            if case .list = target.type { size = list * CELRange.unknown }
            if let separator = arguments.first {
                size =
                    size + separator.sizeOrUnknown
                    * CELRange(list.least > 0 ? list.least - 1 : 0, list.most > 0 ? list.most - 1 : 0)
            }
            return walked(size, result: size)
        case "find", "findAll":
            guard let target, let pattern = arguments.first else { return nil }
            let text = (target.sizeOrUnknown + CELRange(1)) * Self.walk
            return CELCallEstimate(
                cost: text * (pattern.sizeOrUnknown * CELStandardCosts.pattern),
                resultSize: CELRange(0, target.sizeOrUnknown.most))
        case "cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver":
            return arguments.first.map { walked($0.sizeOrUnknown) }
        case "ip":
            if overload == "cidr_ip" { return CELCallEstimate(cost: CELRange(1)) }
            return arguments.first.map { walked($0.sizeOrUnknown) }
        case "ip.isCanonical": return arguments.first.map { walked($0.sizeOrUnknown, 2) }
        case "containsIP", "containsCIDR":
            guard let other = arguments.first else { return nil }
            let size = CELRange(4, 16)
            var cost = (size + size) * Self.walk
            if function == "containsCIDR" { cost = cost + size * Self.walk + CELRange(1) }
            if overload.hasSuffix("_string") { cost = cost + other.sizeOrUnknown * Self.walk }
            return CELCallEstimate(cost: cost)
        case "validate":
            return arguments.first.map {
                CELCallEstimate(cost: ($0.sizeOrUnknown * Self.walk) * (128 * CELStandardCosts.pattern))
            }
        case CELOperator.equals:
            guard arguments.count == 2, arguments[0].type == arguments[1].type else { return nil }
            switch arguments[0].type {
            case CELAddress.celType, CELNetwork.celType, CELQuantity.celType, CELVersion.celType,
                CELAuthorizer.authorizer, CELAuthorizer.path, CELAuthorizer.group, CELAuthorizer.resource,
                CELDecision.celType:
                return CELCallEstimate(cost: CELRange(1))
            case CELNamedFormat.celType: return CELCallEstimate(cost: CELRange(1, 64) * Self.walk)
            case CELURL.celType:
                let most = arguments[1].size?.most ?? 1
                return CELCallEstimate(cost: CELRange(1, most) * Self.walk)
            default: return nil
            }
        default: return nil
        }
    }

    /// Lengths of a text after replacing.
    private static func replaced(_ text: CELRange, _ old: CELRange, _ new: CELRange) -> CELRange {
        func count(_ length: UInt64, _ part: UInt64) -> UInt64 {
            let quotient = (Double(length) / Double(part)).rounded(.up)
            return quotient >= 0x1p64 ? .max : UInt64(quotient)
        }
        var times = CELRange(0)
        var kept = CELRange(0)
        if old.least == 0 {
            times.most = text.most < .max ? text.most + 1 : text.most
            kept.most = text.most
        } else if new.most <= old.least {
            kept.most = text.most
        } else {
            times.most = count(text.most, old.least)
        }
        if old.most == 0 {
            times.least = text.least < .max ? text.least + 1 : text.least
            kept.least = text.least
        } else if old.most <= new.least {
            kept.least = text.least
        } else {
            times.least = count(text.least, old.most)
        }
        return times * new + kept
    }

    private func listEstimate(_ overload: String, _ target: CELSized?, _ arguments: [CELSized]) -> CELCallEstimate? {
        func allocated(_ size: CELRange, _ factor: Double) -> CELCallEstimate {
            CELCallEstimate(cost: size * factor + CELRange(11), resultSize: size)
        }
        func whole(_ node: CELSized?, _ fallback: UInt64) -> UInt64 {
            guard case .int(let value) = node?.literal else { return fallback }
            return value < 0 ? 0 : UInt64(value)
        }
        switch overload {
        case "list_slice":
            guard let target, arguments.count == 2 else { return nil }
            let end = whole(arguments[1], target.sizeOrUnknown.most)
            return allocated(CELRange(end &- whole(arguments[0], 0)), 1)
        case "lists_range":
            return allocated(CELRange(whole(arguments.first, .max)), 1)
        case "list_reverse": return target.map { allocated($0.sizeOrUnknown, 1) }
        case "list_flatten", "list_flatten_int":
            let depth = arguments.isEmpty ? 1 : whole(arguments[0], .max)
            return target.map { allocated($0.sizeOrUnknown, Double(depth)) }
        case "list_sets_contains_list", "list_sets_intersects_list", "list_sets_equivalent_list":
            guard arguments.count == 2 else { return nil }
            let pairs = arguments[0].sizeOrUnknown * arguments[1].sizeOrUnknown
            return CELCallEstimate(cost: pairs * (overload == "list_sets_equivalent_list" ? 2 : 1) + CELRange(1))
        case "list_distinct": return target.map { allocated($0.sizeOrUnknown * $0.sizeOrUnknown, 2) }
        default: break
        }
        guard overload.hasPrefix("list_") else { return nil }
        let keys: CELSized?
        if overload.hasSuffix("_sort") {
            keys = target
        } else if overload.hasSuffix("_sortByAssociatedKeys") {
            keys = arguments.first
        } else {
            return nil
        }
        let isText = overload.hasPrefix("list_string") || overload.hasPrefix("list_bytes")
        return keys.map { allocated($0.sizeOrUnknown * $0.sizeOrUnknown, isText ? 2 + Self.walk : 2) }
    }
}
