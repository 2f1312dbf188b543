/// Lists, sets, optionals and the two-variable folds.
///
/// Source: cel-go's `ext.Lists` 3, `ext.Sets` and `ext.TwoVarComprehensions`, its optional types, and the list library
/// of the API server.
enum CollectionsLibrary {
    private static let t = CELType.parameter("T")
    private static let k = CELType.parameter("K")
    private static let v = CELType.parameter("V")

    static let kubernetesLists: [CELFunction] = [
        CELFunction("isSorted", overloads { .member("list_\($0)_is_sorted_bool", [.list($1)], .bool) }) { values in
            guard case .list(let list) = values[0] else { return .error(.noSuchOverload) }
            var previous: CELValue?
            for value in list.values {
                if let previous {
                    guard let order = StandardLibrary.order(previous, value) else { return .error(.noSuchOverload) }
                    if order == .greater { return .bool(false) }
                }
                previous = value
            }
            return .bool(true)
        },
        CELFunction(
            "sum",
            [("int", CELType.int), ("uint", .uint), ("double", .double), ("duration", .duration)].map {
                .member("list_\($0.0)_sum_\($0.0)", [.list($0.1)], $0.1)
            }
        ) { values in
            guard case .list(let list) = values[0] else { return .error(.noSuchOverload) }
            let all = list.values
            guard var total = all.first else { return .int(0) }
            guard let add = StandardLibrary.functions.first(where: { $0.name == CELOperator.add })?.run else {
                return .error(.noSuchOverload)
            }
            for value in all.dropFirst() {
                total = add([total, value])
                if total.isError { return total }
            }
            return total
        },
        extreme("max", .greater),
        extreme("min", .less),
        CELFunction("indexOf", [.member("list_a_index_of_int", [.list(t), t], .int)]) { values in
            guard case .list(let list) = values[0] else { return .error(.noSuchOverload) }
            return .int(Int64(list.values.firstIndex(of: values[1]) ?? -1))
        },
        CELFunction("lastIndexOf", [.member("list_a_last_index_of_int", [.list(t), t], .int)]) { values in
            guard case .list(let list) = values[0] else { return .error(.noSuchOverload) }
            return .int(Int64(list.values.lastIndex(of: values[1]) ?? -1))
        },
    ]

    private static func extreme(_ name: String, _ wanted: CELNumber.Order) -> CELFunction {
        CELFunction(name, overloads { .member("list_\($0)_\(name)_\($0)", [.list($1)], $1) }) { values in
            guard case .list(let list) = values[0] else { return .error(.noSuchOverload) }
            guard var best = list.values.first else { return .error(CELError("\(name) called on empty list")) }
            for value in list.values.dropFirst() {
                guard let order = StandardLibrary.order(value, best) else { return .error(.noSuchOverload) }
                if order == wanted { best = value }
            }
            return best
        }
    }

    private static let comparable: [(String, CELType)] = [
        ("int", .int), ("uint", .uint), ("double", .double), ("bool", .bool), ("duration", .duration),
        ("timestamp", .timestamp), ("string", .string), ("bytes", .bytes),
    ]

    private static func overloads(_ make: (String, CELType) -> CELOverload) -> [CELOverload] {
        comparable.map { make($0.0, $0.1) }
    }

    // MARK: Sets

    private static func set(
        _ name: String, _ run: @escaping @Sendable ([CELValue], [CELValue]) -> Bool
    ) -> CELFunction {
        CELFunction("sets.\(name)", [CELOverload("list_sets_\(name)_list", [.list(t), .list(t)], .bool)]) { values in
            guard case .list(let a) = values[0], case .list(let b) = values[1] else { return .error(.noSuchOverload) }
            return .bool(run(a.values, b.values))
        }
    }

    static let sets: [CELFunction] = [
        set("contains") { a, b in b.allSatisfy(a.contains) },
        set("equivalent") { a, b in b.allSatisfy(a.contains) && a.allSatisfy(b.contains) },
        set("intersects") { a, b in a.contains(where: b.contains) },
    ]

    // MARK: Lists

    static let lists: [CELFunction] = [
        CELFunction("slice", [.member("list_slice", [.list(t), .int, .int], .list(t))]) { values in
            guard case .list(let list) = values[0], case .int(let start) = values[1], case .int(let end) = values[2]
            else { return .error(.noSuchOverload) }
            let all = list.values
            let what = "cannot slice(\(start), \(end)), "
            if start < 0 || end < 0 { return .error(CELError("\(what)negative indexes not supported")) }
            if start > end {
                return .error(CELError("\(what)start index must be less than or equal to end index"))
            }
            if end > all.count { return .error(CELError("\(what)list is length \(all.count)")) }
            return .list(.values(Array(all[Int(start)..<Int(end)])))
        },
        CELFunction(
            "flatten",
            [
                .member("list_flatten", [.list(.list(t))], .list(t)),
                .member("list_flatten_int", [.list(.dyn), .int], .list(.dyn)),
            ]
        ) { values in
            guard case .list(let list) = values[0] else { return .error(.noSuchOverload) }
            var depth: Int64 = 1
            if values.count > 1 {
                guard case .int(let given) = values[1] else { return .error(.noSuchOverload) }
                depth = given
            }
            if depth < 0 { return .error(CELError("level must be non-negative")) }
            return .list(.values(flattened(list.values, depth)))
        },
        CELFunction("sort", overloads { .member("list_\($1.name)_sort", [.list($1)], .list($1)) }) { values in
            guard case .list(let list) = values[0] else { return .error(.noSuchOverload) }
            return sorted(list.values, by: list.values)
        },
        CELFunction(
            "@sortByAssociatedKeys",
            overloads { .member("list_\($1.name)_sortByAssociatedKeys", [.list(t), .list($1)], .list(t)) }
        ) { values in
            guard case .list(let list) = values[0], case .list(let keys) = values[1] else {
                return .error(.noSuchOverload)
            }
            return sorted(list.values, by: keys.values)
        },
        CELFunction("lists.range", [CELOverload("lists_range", [.int], .list(.int))]) { values in
            guard case .int(let count) = values[0] else { return .error(.noSuchOverload) }
            guard count <= 10_000_000 else { return .error(.costLimit) }
            return .list(.values((0..<max(0, count)).map(CELValue.int)))
        },
        CELFunction("reverse", [.member("list_reverse", [.list(t)], .list(t))]) { values in
            guard case .list(let list) = values[0] else { return .error(.noSuchOverload) }
            return .list(.values(list.values.reversed()))
        },
        CELFunction("distinct", [.member("list_distinct", [.list(t)], .list(t))]) { values in
            guard case .list(let list) = values[0] else { return .error(.noSuchOverload) }
            var unique: [CELValue] = []
            for value in list.values where !unique.contains(value) { unique.append(value) }
            return .list(.values(unique))
        },
    ]

    private static func flattened(_ values: [CELValue], _ depth: Int64) -> [CELValue] {
        var result: [CELValue] = []
        for value in values {
            if depth > 0, case .list(let inner) = value {
                result += flattened(inner.values, depth - 1)
            } else {
                result.append(value)
            }
        }
        return result
    }

    private static func sorted(_ values: [CELValue], by keys: [CELValue]) -> CELValue {
        guard values.count == keys.count else {
            return .error(
                CELError(
                    "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got "
                        + "\(values.count) and \(keys.count) elements respectively"))
        }
        guard let first = keys.first else { return .list(.values(values)) }
        guard StandardLibrary.order(first, first) != nil else {
            return .error(CELError("list elements must be comparable"))
        }
        guard keys.allSatisfy({ $0.runtimeType == first.runtimeType }) else {
            return .error(CELError("list elements must have the same type"))
        }
        let order = keys.indices.sorted { a, b in
            StandardLibrary.order(keys[a], keys[b]) == .less || (keys[a] == keys[b] && a < b)
        }
        return .list(.values(order.map { values[$0] }))
    }

    // MARK: Optionals

    private static func member(
        _ name: String, _ overload: CELOverload, _ run: @escaping @Sendable (CELValue?, [CELValue]) -> CELValue
    ) -> CELFunction {
        CELFunction(name, [overload]) { values in
            guard case .optional(let inner) = values[0] else { return .error(.noSuchOverload) }
            return run(inner, values)
        }
    }

    static let optionals: [CELFunction] = [
        CELFunction("optional.of", [CELOverload("optional_of", [v], .optional(v))]) { .optional($0[0]) },
        CELFunction("optional.ofNonZeroValue", [CELOverload("optional_ofNonZeroValue", [v], .optional(v))]) {
            .optional($0[0].isZero ? nil : $0[0])
        },
        CELFunction("optional.none", [CELOverload("optional_none", [], .optional(v))]) { _ in .optional(nil) },
        member("value", .member("optional_value", [.optional(v)], v)) { inner, _ in
            inner ?? .error(CELError("optional.none() dereference"))
        },
        member("hasValue", .member("optional_hasValue", [.optional(v)], .bool)) { inner, _ in .bool(inner != nil) },
        member("or", .member("optional_or_optional", [.optional(v), .optional(v)], .optional(v))) { inner, values in
            if inner != nil { return values[0] }
            guard case .optional = values[1] else { return .error(.noSuchOverload) }
            return values[1]
        },
        member("orValue", .member("optional_orValue_value", [.optional(v), v], v)) { inner, values in
            inner ?? values[1]
        },
        CELFunction(
            CELOperator.optionalSelect, [CELOverload("select_optional_field", [.dyn, .string], .optional(v))]
        ) { _ in .error(.noSuchOverload) },
        CELFunction(
            CELOperator.optionalIndex,
            [
                CELOverload("list_optindex_optional_int", [.list(v), .int], .optional(v)),
                CELOverload("optional_list_optindex_optional_int", [.optional(.list(v)), .int], .optional(v)),
                CELOverload("map_optindex_optional_value", [.map(k, v), k], .optional(v)),
                CELOverload("optional_map_optindex_optional_value", [.optional(.map(k, v)), k], .optional(v)),
            ]
        ) { _ in .error(.noSuchOverload) },
        CELFunction(
            CELOperator.index,
            [
                CELOverload("optional_list_index_int", [.optional(.list(v)), .int], .optional(v)),
                CELOverload("optional_map_index_value", [.optional(.map(k, v)), k], .optional(v)),
            ]
        ) { _ in .error(.noSuchOverload) },
    ]

    /// The functions of optional lists.
    static let optionalLists: [CELFunction] = [
        CELFunction("first", [.member("list_first", [.list(v)], .optional(v))]) { values in
            guard case .list(let list) = values[0] else { return .error(.noSuchOverload) }
            return .optional(list[0])
        },
        CELFunction("last", [.member("list_last", [.list(v)], .optional(v))]) { values in
            guard case .list(let list) = values[0] else { return .error(.noSuchOverload) }
            return .optional(list.values.last)
        },
        CELFunction("optional.unwrap", [CELOverload("optional_unwrap", [.list(.optional(v))], .list(v))]) {
            unwrapped($0[0])
        },
        CELFunction("unwrapOpt", [.member("optional_unwrapOpt", [.list(.optional(v))], .list(v))]) {
            unwrapped($0[0])
        },
    ]

    private static func unwrapped(_ value: CELValue) -> CELValue {
        guard case .list(let list) = value else { return .error(.noSuchOverload) }
        var values: [CELValue] = []
        for element in list.values {
            guard case .optional(let inner) = element else { return .error(.noSuchOverload) }
            if let inner { values.append(inner) }
        }
        return .list(.values(values))
    }

    // MARK: Two variables

    static let twoVariables: [CELFunction] = [
        CELFunction(
            "cel.@mapInsert",
            [
                CELOverload("@mapInsert_map_key_value", [.map(k, v), k, v], .map(k, v)),
                CELOverload("@mapInsert_map_map", [.map(k, v), .map(k, v)], .map(k, v)),
            ]
        ) { values in
            guard case .map(let map) = values[0] else { return .error(.noSuchOverload) }
            var entries = CELEntries()
            if case .entries(let known) = map {
                entries = known
            } else {
                for key in map.keys { entries.insert(map[key] ?? .null, for: key) }
            }
            var added: [(CELValue, CELValue)] = []
            if values.count == 3 {
                added = [(values[1], values[2])]
            } else {
                guard case .map(let other) = values[1] else { return .error(.noSuchOverload) }
                added = other.keys.map { ($0, other[$0] ?? .null) }
            }
            for (key, value) in added where !entries.insert(value, for: key) {
                return .error(CELError("insert failed: key \(key.plainText) already exists"))
            }
            return .map(.entries(entries))
        }
    ]
}
