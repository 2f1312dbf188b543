/// Whole numbers as closed intervals: sorted, disjoint, never touching, so that equal sets are equal values.
package struct IntervalSet<Bound: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable, Hashable {
    package struct Interval: Sendable, Hashable {
        package var first: Bound
        package var last: Bound
    }

    package private(set) var intervals: [Interval]

    package init() { intervals = [] }
    package init(_ first: Bound, through last: Bound) {
        intervals = first <= last ? [Interval(first: first, last: last)] : []
    }

    private init(normal: [Interval]) { intervals = normal }

    package var isEmpty: Bool { intervals.isEmpty }

    package func contains(_ value: Bound) -> Bool {
        var low = 0
        var high = intervals.count
        while low < high {
            let middle = (low + high) / 2
            if intervals[middle].last < value { low = middle + 1 } else { high = middle }
        }
        return low < intervals.count && intervals[low].first <= value
    }

    package func union(_ other: Self) -> Self {
        if isEmpty { return other }
        if other.isEmpty { return self }
        let all = (intervals + other.intervals).sorted { $0.first < $1.first }
        var out: [Interval] = []
        for interval in all {
            if let last = out.indices.last, out[last].last == .max || interval.first <= out[last].last + 1 {
                out[last].last = Swift.max(out[last].last, interval.last)
            } else {
                out.append(interval)
            }
        }
        return Self(normal: out)
    }

    package func intersection(_ other: Self) -> Self {
        var out: [Interval] = []
        var i = 0
        var j = 0
        while i < intervals.count, j < other.intervals.count {
            let first = Swift.max(intervals[i].first, other.intervals[j].first)
            let last = Swift.min(intervals[i].last, other.intervals[j].last)
            if first <= last { out.append(Interval(first: first, last: last)) }
            if intervals[i].last < other.intervals[j].last { i += 1 } else { j += 1 }
        }
        return Self(normal: out)
    }

    package func subtracting(_ other: Self) -> Self {
        guard !other.isEmpty else { return self }
        var out: [Interval] = []
        for interval in intervals {
            var first = interval.first
            var isLeft = true
            for cut in other.intervals where cut.last >= first && cut.first <= interval.last {
                if cut.first > first { out.append(Interval(first: first, last: cut.first - 1)) }
                guard cut.last < interval.last else {
                    isLeft = false
                    break
                }
                first = cut.last + 1
            }
            if isLeft { out.append(Interval(first: first, last: interval.last)) }
        }
        return Self(normal: out)
    }

    package func intersects(_ other: Self) -> Bool {
        var i = 0
        var j = 0
        while i < intervals.count, j < other.intervals.count {
            if Swift.max(intervals[i].first, other.intervals[j].first)
                <= Swift.min(intervals[i].last, other.intervals[j].last)
            {
                return true
            }
            if intervals[i].last < other.intervals[j].last { i += 1 } else { j += 1 }
        }
        return false
    }

    package func isSubset(of other: Self) -> Bool { subtracting(other).isEmpty }
}
