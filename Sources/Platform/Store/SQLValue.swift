/// A value as it goes into and comes out of a database; both backends know these and no more.
package enum SQLValue: Sendable, Hashable {
    case null
    case int(Int)
    case double(Double)
    case text(String)
    case blob([UInt8])
}

extension SQLValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByNilLiteral {
    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int) { self = .int(value) }
    package init(nilLiteral: ()) { self = .null }

    package init(_ text: String?) { self = text.map(SQLValue.text) ?? .null }
    package init(_ int: Int?) { self = int.map(SQLValue.int) ?? .null }
    package init(_ double: Double?) { self = double.map(SQLValue.double) ?? .null }
    package init(_ bool: Bool) { self = .int(bool ? 1 : 0) }
}

/// One row of an answer, read by position.
package struct SQLRow: Sendable {
    package let values: [SQLValue]

    package init(_ values: [SQLValue]) { self.values = values }

    package func text(_ index: Int) throws(StoreError) -> String {
        guard case .text(let text) = values[index] else { throw wrong(index, "text") }
        return text
    }

    package func optionalText(_ index: Int) throws(StoreError) -> String? {
        values[index] == .null ? nil : try text(index)
    }

    package func int(_ index: Int) throws(StoreError) -> Int {
        guard case .int(let int) = values[index] else { throw wrong(index, "an integer") }
        return int
    }

    package func optionalInt(_ index: Int) throws(StoreError) -> Int? {
        values[index] == .null ? nil : try int(index)
    }

    package func bool(_ index: Int) throws(StoreError) -> Bool { try int(index) != 0 }

    package func optionalDouble(_ index: Int) throws(StoreError) -> Double? {
        switch values[index] {
        case .null: return nil
        case .double(let double): return double
        case .int(let int): return Double(int)
        default: throw wrong(index, "a number")
        }
    }

    package func blob(_ index: Int) throws(StoreError) -> [UInt8] {
        guard case .blob(let bytes) = values[index] else { throw wrong(index, "bytes") }
        return bytes
    }

    private func wrong(_ index: Int, _ wanted: String) -> StoreError {
        // The value may be somebody's; only its place is told.
        StoreError(.type, "column \(index) of an answer of the database is not \(wanted)")
    }
}
