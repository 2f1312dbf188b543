/// Addresses of both families.
package struct AddressSet: Sendable, Hashable {
    package var v4 = IntervalSet<UInt32>()
    package var v6 = IntervalSet<UInt128>()

    package init() {}

    package init(_ cidr: CIDR) {
        switch cidr.base.family {
        case .v4:
            v4 = IntervalSet(
                UInt32(truncatingIfNeeded: cidr.base.value), through: UInt32(truncatingIfNeeded: cidr.last))
        case .v6: v6 = IntervalSet(cidr.base.value, through: cidr.last)
        }
    }

    package init(_ cidrs: some Sequence<CIDR>) {
        self.init()
        for cidr in cidrs { self = union(AddressSet(cidr)) }
    }

    /// Every address there is.
    package static let all: AddressSet = {
        var all = AddressSet()
        all.v4 = IntervalSet(0, through: .max)
        all.v6 = IntervalSet(0, through: .max)
        return all
    }()

    package var isEmpty: Bool { v4.isEmpty && v6.isEmpty }

    package func contains(_ address: IPAddress) -> Bool {
        switch address.family {
        case .v4: v4.contains(UInt32(truncatingIfNeeded: address.value))
        case .v6: v6.contains(address.value)
        }
    }

    package func union(_ other: Self) -> Self { map(other, { $0.union($1) }, { $0.union($1) }) }
    package func subtracting(_ other: Self) -> Self { map(other, { $0.subtracting($1) }, { $0.subtracting($1) }) }
    package func intersection(_ other: Self) -> Self { map(other, { $0.intersection($1) }, { $0.intersection($1) }) }

    private func map(
        _ other: Self, _ four: (IntervalSet<UInt32>, IntervalSet<UInt32>) -> IntervalSet<UInt32>,
        _ six: (IntervalSet<UInt128>, IntervalSet<UInt128>) -> IntervalSet<UInt128>
    ) -> Self {
        var out = AddressSet()
        out.v4 = four(v4, other.v4)
        out.v6 = six(v6, other.v6)
        return out
    }
}

/// Addresses from a first to a last one: a piece of the address space that every policy treats alike.
package struct AddressRange: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var first: IPAddress
    package var last: IPAddress

    package static func < (a: Self, b: Self) -> Bool { a.first < b.first }

    /// `10.0.0.0/8` where the range is a block, `10.0.0.1-10.0.0.9` otherwise.
    package var description: String {
        if first == last { return first.description }
        let size = last.value &- first.value &+ 1
        let bits = first.family == .v4 ? 32 : 128
        if size == 0 { return "\(first)/0" }
        if size & (size - 1) == 0, first.value & (size - 1) == 0 {
            return "\(first)/\(bits - size.trailingZeroBitCount)"
        }
        return "\(first)-\(last)"
    }
}

/// The address space cut at every bound any policy names.
///
/// A piece has a place in the order of addresses and a number; the numbers do not move when a piece is cut in two.
struct AddressAtoms: Sendable {
    private(set) var ranges: [AddressRange] = []
    /// The number of each range.
    private(set) var numbers: [Int32] = []
    /// Numbers there are, those kept free for later cuts included.
    let capacity: Int
    private var v4Count = 0

    init(_ sets: some Sequence<AddressSet>, spare: Int = 0) {
        var four: Set<UInt64> = [0]
        var six: Set<UInt128> = [0]
        for set in sets {
            for interval in set.v4.intervals {
                four.insert(UInt64(interval.first))
                four.insert(UInt64(interval.last) + 1)
            }
            for interval in set.v6.intervals {
                six.insert(interval.first)
                if interval.last != .max { six.insert(interval.last + 1) }
            }
        }
        let starts4 = four.filter { $0 <= 0xFFFF_FFFF }.sorted()
        for (index, start) in starts4.enumerated() {
            let end = index + 1 < starts4.count ? starts4[index + 1] - 1 : 0xFFFF_FFFF
            ranges.append(Self.range(.v4, UInt128(start), UInt128(end)))
        }
        v4Count = ranges.count
        let starts6 = six.sorted()
        for (index, start) in starts6.enumerated() {
            ranges.append(Self.range(.v6, start, index + 1 < starts6.count ? starts6[index + 1] - 1 : .max))
        }
        numbers = ranges.indices.map { Int32($0) }
        capacity = ranges.count + spare
    }

    private static func range(_ family: IPAddress.Family, _ first: UInt128, _ last: UInt128) -> AddressRange {
        AddressRange(first: IPAddress(family: family, value: first), last: IPAddress(family: family, value: last))
    }

    private func place(of address: IPAddress) -> Int {
        var low = address.family == .v4 ? 0 : v4Count
        var high = address.family == .v4 ? v4Count : ranges.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if ranges[middle].first.value <= address.value { low = middle } else { high = middle }
        }
        return low
    }

    func range(numbered number: Int) -> AddressRange? {
        numbers.firstIndex(of: Int32(number)).map { ranges[$0] }
    }

    /// The number of the atom an address lies in.
    func index(of address: IPAddress) -> Int { Int(numbers[place(of: address)]) }

    /// The first address behind every bound of a set that no range begins at.
    func missingCuts(_ set: AddressSet) -> [IPAddress] {
        var out: [IPAddress] = []
        func note(_ family: IPAddress.Family, _ value: UInt128) {
            let address = IPAddress(family: family, value: value)
            if ranges[place(of: address)].first.value != value { out.append(address) }
        }
        for interval in set.v4.intervals {
            note(.v4, UInt128(interval.first))
            if interval.last != .max { note(.v4, UInt128(interval.last) + 1) }
        }
        for interval in set.v6.intervals {
            note(.v6, interval.first)
            if interval.last != .max { note(.v6, interval.last + 1) }
        }
        return out
    }

    /// Cuts the range an address lies in before it; gives the number of the range and that of its new second half, or
    /// nil when no number is free.
    mutating func cut(before address: IPAddress) -> (old: Int, new: Int)? {
        guard ranges.count < capacity else { return nil }
        let place = place(of: address)
        let whole = ranges[place]
        let new = ranges.count
        ranges[place].last = IPAddress(family: address.family, value: address.value - 1)
        ranges.insert(AddressRange(first: address, last: whole.last), at: place + 1)
        numbers.insert(Int32(new), at: place + 1)
        if address.family == .v4 { v4Count += 1 }
        return (Int(numbers[place]), new)
    }
}
