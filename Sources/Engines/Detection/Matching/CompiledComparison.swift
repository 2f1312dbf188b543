/// A check ready to be evaluated: operator, type and the constants it compares with.
struct CompiledComparison: Sendable, Hashable {
    let comparison: Comparison
    let type: ValueType
    let isList: Bool
    let matchesAnyElement: Bool
    let constants: [FieldValue]
    private let networks: [AddressRange]
    private let members: Set<FieldValue>
    private let patterns: Patterns

    /// What is made of the constants of some operators.
    private enum Patterns: Sendable {
        case none
        case paths(PathTree)
        case expressions([RegularExpression])
        case globs([Glob])
        case folded([[UInt8]])
    }

    static func == (a: Self, b: Self) -> Bool {
        a.comparison == b.comparison && a.type == b.type && a.isList == b.isList
            && a.matchesAnyElement == b.matchesAnyElement && a.constants == b.constants && a.networks == b.networks
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(comparison)
        hasher.combine(constants)
    }

    /// `texts` is empty for a check against another field.
    init(
        _ comparison: Comparison, type: ValueType, isList: Bool, matchesAnyElement: Bool, texts: [[UInt8]]
    ) throws(CompileError) {
        if let error = Self.refusal(comparison, type, isList) { throw CompileError("filter error: \(error)") }
        var texts = texts
        if comparison.operator == .bcontains || comparison.operator == .bstartswith {
            for i in texts.indices { texts[i] = try ConstantReader.hexadecimal(texts[i]) }
        }
        self.comparison = comparison
        self.type = type
        self.isList = isList
        self.matchesAnyElement = matchesAnyElement
        var constants: [FieldValue] = []
        var networks: [AddressRange] = []
        for text in texts {
            if type == .ipnet {
                networks.append(try ConstantReader.network(text))
            } else {
                constants.append(try ConstantReader.value(text, as: type))
            }
        }
        self.constants = constants
        self.networks = networks
        let isSet =
            switch comparison.operator {
            case .in, .intersects: true
            case .equal, .sameAs, .notEqual: comparison.modifier != nil
            default: false
            }
        members = isSet ? Set(constants) : []
        patterns = try Self.patterns(comparison.operator, constants.map(\.asBytes))
    }

    private static func patterns(
        _ operator: Comparison.Operator, _ texts: [[UInt8]]
    ) throws(CompileError) -> Patterns {
        switch `operator` {
        case .pmatch: return .paths(PathTree(texts))
        case .glob: return .globs(texts.map { Glob(Array($0.asCString)) })
        case .iglob: return .globs(texts.map { Glob(Array($0.asCString), foldsCase: true) })
        case .icontains: return .folded(texts.map { $0.asCString.map(foldedCase) })
        case .regex:
            var out: [RegularExpression] = []
            for text in texts {
                do throws(RegularExpression.SyntaxError) {
                    out.append(try RegularExpression(text))
                } catch {
                    throw CompileError("invalid regex pattern: \(error.message)")
                }
            }
            return .expressions(out)
        default: return .none
        }
    }

    private static func foldedCase(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

    // MARK: What may be compared

    /// Why an operator does not go with a type; nil when it does.
    static func refusal(_ comparison: Comparison, _ type: ValueType, _ isList: Bool) -> String? {
        let name = comparison.operator == .sameAs ? "=" : comparison.operator.rawValue
        if comparison.operator == .exists { return nil }
        if isList {
            switch type {
            case .string, .uint64, .reltime, .abstime, .bool, .ip, .ipnet: break
            default: return "list filters are not supported for type '\(type.falcoName)'"
            }
            switch comparison.operator {
            case .in, .intersects: return nil
            default: return "'\(name)' operator not supported list filters"
            }
        }
        let isEquality =
            switch comparison.operator {
            case .equal, .sameAs, .notEqual, .in, .intersects: true
            default: false
            }
        switch type {
        case .string, .path:
            switch comparison.operator {
            case .bcontains, .bstartswith: return "'\(name)' operator not supported for string filters"
            default: return nil
            }
        case .bytes:
            switch comparison.operator {
            case .contains, .startswith, .endswith, .bcontains, .bstartswith: return nil
            default: return isEquality ? nil : "'\(name)' operator not supported for buffer filters"
            }
        case .bool: return isEquality ? nil : "'\(name)' operator not supported for numeric filters"
        case .ip, .ipnet:
            if isEquality { return nil }
            return comparison.modifier == nil
                ? "'\(name)' operator not supported for ip address and network filters"
                : "'\(name)' with modifier not supported for ip address and network filters"
        case .dynamic: return "'\(name)' operator not supported for type 'DYN'"
        default:
            switch comparison.operator {
            case .less, .lessOrEqual, .greater, .greaterOrEqual: return nil
            default: return isEquality ? nil : "'\(name)' operator not supported for numeric filters"
            }
        }
    }

    // MARK: Evaluation

    /// Whether the values of the left-hand side hold against the constants.
    func holds(_ values: [FieldValue]) -> Bool {
        if comparison.operator == .exists { return true }
        if isList { return holdsAsList(values) }
        if matchesAnyElement { return values.contains(where: holds) }
        guard let value = values.first else { return false }
        return holds(value)
    }

    /// The same for one number, without making a list of it.
    func holds(number: UInt64) -> Bool {
        guard comparison.modifier == nil, !isList, !matchesAnyElement, case .number(let wanted)? = constants.first
        else { return holds([.number(number)]) }
        switch comparison.operator {
        case .equal, .sameAs, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            return Self.compareNumbers(number, wanted, comparison.operator, type)
        default: return holds([.number(number)])
        }
    }

    private func holdsAsList(_ values: [FieldValue]) -> Bool {
        func isMember(_ value: FieldValue) -> Bool {
            type == .ipnet ? networks.contains { $0.contains(value.asBytes) } : members.contains(value)
        }
        return comparison.operator == .in ? values.allSatisfy(isMember) : values.contains(where: isMember)
    }

    private func holds(_ value: FieldValue) -> Bool {
        let trimmed = trimmed(value)
        switch comparison.operator {
        case .in, .intersects:
            return type == .ipnet ? networks.contains { $0.contains(value.asBytes) } : members.contains(trimmed)
        case .pmatch:
            if case .paths(let tree) = patterns { return tree.matches(trimmed.asBytes) }
            return false
        default: break
        }
        let count = type == .ipnet ? networks.count : constants.count
        switch comparison.modifier {
        case nil: return count > 0 && element(value, 0)
        case .oneof:
            var found = 0
            for i in 0..<count where element(trimmed, i) {
                found += 1
                if found > 1 { return false }
            }
            return found == 1
        case .anyof:
            guard count > 0 else { return false }
            // A network is no member of a set of networks: Falco compares their bytes, which never are the same.
            if isEqual { return members.contains(trimmed) }
            return (0..<count).contains { element(trimmed, $0) }
        case .allof:
            guard count > 0 else { return false }
            if comparison.operator == .notEqual { return !members.contains(trimmed) }
            return (0..<count).allSatisfy { element(trimmed, $0) }
        }
    }

    private var isEqual: Bool { comparison.operator == .equal || comparison.operator == .sameAs }

    /// Text without the NUL bytes at its end.
    private func trimmed(_ value: FieldValue) -> FieldValue {
        guard type.isText, case .bytes(var bytes) = value, bytes.last == 0 else { return value }
        while bytes.last == 0 { bytes.removeLast() }
        return .bytes(bytes)
    }

    private func element(_ value: FieldValue, _ index: Int) -> Bool {
        switch patterns {
        case .expressions(let expressions): return expressions[index].matches(trimmed(value).asBytes)
        case .globs(let globs): return globs[index].matches(Array(value.asBytes.asCString))
        case .folded(let texts):
            return ByteSearch.contains(value.asBytes.asCString.map(Self.foldedCase), texts[index])
        case .none, .paths: break
        }
        if type == .ipnet {
            let network = networks[index]
            let bytes = value.asBytes
            guard bytes.count == network.address.count else { return comparison.operator == .notEqual }
            return network.contains(bytes) != (comparison.operator == .notEqual)
        }
        return Self.compare(value, constants[index], comparison.operator, type)
    }

    /// Whether the values of both sides hold against each other.
    func holds(_ values: [FieldValue], against others: [FieldValue]) -> Bool {
        if comparison.operator == .exists { return true }
        if isList || comparison.operator == .in || comparison.operator == .intersects {
            let members = Set(others)
            if isList, comparison.operator == .in { return values.allSatisfy(members.contains) }
            if isList { return values.contains(where: members.contains) }
            guard let value = values.first else { return false }
            return members.contains(trimmed(value))
        }
        guard let value = values.first, let other = others.first else { return false }
        switch comparison.operator {
        case .glob, .iglob:
            return Glob(Array(other.asBytes.asCString), foldsCase: comparison.operator == .iglob)
                .matches(Array(value.asBytes.asCString))
        case .icontains:
            return ByteSearch.contains(
                value.asBytes.asCString.map(Self.foldedCase), other.asBytes.asCString.map(Self.foldedCase))
        default: return Self.compare(value, other, comparison.operator, type)
        }
    }

    private static func compare(
        _ value: FieldValue, _ other: FieldValue, _ operator: Comparison.Operator, _ type: ValueType
    ) -> Bool {
        switch (value, other) {
        case (.number(let a), .number(let b)): compareNumbers(a, b, `operator`, type)
        case (.bytes(let a), .bytes(let b)):
            switch type {
            case .bytes: search(a[...], b[...], `operator`)
            case .ip: `operator` == .notEqual ? a != b : a == b
            default: search(a.asCString, b.asCString, `operator`)
            }
        default: `operator` == .notEqual
        }
    }

    private static func compareNumbers(
        _ a: UInt64, _ b: UInt64, _ operator: Comparison.Operator, _ type: ValueType
    ) -> Bool {
        if type == .double { return ordered(Double(bitPattern: a), Double(bitPattern: b), `operator`) }
        return type.isSigned
            ? ordered(Int64(bitPattern: a), Int64(bitPattern: b), `operator`) : ordered(a, b, `operator`)
    }

    static func ordered<T: Comparable>(_ a: T, _ b: T, _ operator: Comparison.Operator) -> Bool {
        switch `operator` {
        case .equal, .sameAs, .in, .intersects: a == b
        case .notEqual: a != b
        case .less: a < b
        case .lessOrEqual: a <= b
        case .greater: a > b
        case .greaterOrEqual: a >= b
        default: false
        }
    }

    private static func search(
        _ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>, _ operator: Comparison.Operator
    ) -> Bool {
        switch `operator` {
        case .equal, .sameAs: a == b
        case .notEqual: a != b
        case .contains, .bcontains: ByteSearch.contains(Array(a), Array(b))
        case .startswith, .bstartswith: a.starts(with: b)
        case .endswith: a.count >= b.count && a.suffix(b.count) == b
        case .less: a.lexicographicallyPrecedes(b)
        case .lessOrEqual: !b.lexicographicallyPrecedes(a)
        case .greater: b.lexicographicallyPrecedes(a)
        case .greaterOrEqual: !a.lexicographicallyPrecedes(b)
        case .glob, .iglob, .icontains, .regex, .in, .intersects, .pmatch, .exists: false
        }
    }
}

/// Bytes within bytes.
enum ByteSearch {
    static func contains(_ text: [UInt8], _ wanted: [UInt8]) -> Bool {
        guard let first = wanted.first else { return true }
        guard text.count >= wanted.count else { return false }
        let text = text.span
        let wanted = wanted.span
        for start in 0...text.count - wanted.count where text[start] == first {
            var i = 1
            while i < wanted.count, text[start + i] == wanted[i] { i += 1 }
            if i == wanted.count { return true }
        }
        return false
    }
}
