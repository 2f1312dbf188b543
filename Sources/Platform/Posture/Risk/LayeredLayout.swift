/// Places for the boxes of a directed graph in columns, arrows leading to the right, with few crossings.
///
/// The way of Sugiyama, Tagawa and Toda (1981): columns by the longest way from a source, a waypoint in every column a
/// long arrow passes, rows by the mean or the middle of their neighbours in sweeps to the right and back, swaps of
/// neighbours and at last of whole places while they help, from several beginnings. The same graph gives the same picture;
/// a test counts its crossings beside those of Graphviz.
package struct LayeredLayout: Sendable {
    package struct Arrow: Sendable, Hashable {
        package var from: Int
        package var to: Int
        package init(_ from: Int, _ to: Int) {
            self.from = from
            self.to = to
        }
    }

    /// Column of each box.
    package private(set) var columns: [Int]
    /// Row of each box among the boxes and waypoints of its column.
    package private(set) var rows: [Int] = []
    /// For each arrow, the rows it passes in the columns between its ends, from left to right.
    package private(set) var waypoints: [[Int]] = []
    package private(set) var crossings = 0
    package private(set) var columnCount = 0
    package private(set) var rowCount = 0

    /// Boxes and waypoints, and the short arrows between neighbouring columns.
    private struct Grid {
        var columnOf: [Int]
        var order: [[Int]]
        var row: [Int]
        var right: [[Int]]
        var left: [[Int]]
    }

    package init(boxes count: Int, arrows: [Arrow]) {
        let forward = Self.withoutCircles(count, arrows)
        columns = Self.columns(count, forward)
        columnCount = (columns.max() ?? -1) + 1
        var (grid, chains) = Self.grid(columns, columnCount, forward)
        Self.arrange(&grid)
        crossings = Self.crossings(grid)
        rows = (0..<count).map { grid.row[$0] }
        rowCount = grid.order.map(\.count).max() ?? 0
        let byArrow = Dictionary(zip(forward, chains)) { first, _ in first }
        waypoints = arrows.map { arrow in
            if let chain = byArrow[arrow] { return chain.map { grid.row[$0] } }
            // An arrow against the direction is drawn as its mirror.
            return (byArrow[Arrow(arrow.to, arrow.from)] ?? []).map { grid.row[$0] }.reversed()
        }
    }

    /// Turns the arrows round that would close a circle, and leaves those out that lead to themselves.
    private static func withoutCircles(_ count: Int, _ arrows: [Arrow]) -> [Arrow] {
        var out: [[Int]] = Array(repeating: [], count: count)
        for arrow in arrows where arrow.from != arrow.to { out[arrow.from].append(arrow.to) }
        var state = [UInt8](repeating: 0, count: count)
        var found: [Arrow] = []
        var seen: Set<Arrow> = []
        func add(_ arrow: Arrow) { if seen.insert(arrow).inserted { found.append(arrow) } }
        for start in 0..<count where state[start] == 0 {
            var stack = [(node: start, next: 0)]
            state[start] = 1
            while let top = stack.last {
                guard top.next < out[top.node].count else {
                    state[top.node] = 2
                    stack.removeLast()
                    continue
                }
                stack[stack.count - 1].next += 1
                let other = out[top.node][top.next]
                if state[other] == 1 { add(Arrow(other, top.node)) } else { add(Arrow(top.node, other)) }
                if state[other] == 0 {
                    state[other] = 1
                    stack.append((other, 0))
                }
            }
        }
        return found
    }

    private static func columns(_ count: Int, _ arrows: [Arrow]) -> [Int] {
        var waiting = [Int](repeating: 0, count: count)
        var out: [[Int]] = Array(repeating: [], count: count)
        for arrow in arrows {
            waiting[arrow.to] += 1
            out[arrow.from].append(arrow.to)
        }
        var columns = [Int](repeating: 0, count: count)
        var ready = (0..<count).filter { waiting[$0] == 0 }
        var order: [Int] = []
        while let node = ready.popLast() {
            order.append(node)
            for other in out[node] {
                columns[other] = max(columns[other], columns[node] + 1)
                waiting[other] -= 1
                if waiting[other] == 0 { ready.append(other) }
            }
        }
        var into: [[Int]] = Array(repeating: [], count: count)
        for arrow in arrows { into[arrow.to].append(arrow.from) }
        shorten(&columns, order, into, out)
        return columns
    }

    /// Moves boxes with more arrows to the right than to the left nearer to what these reach: long arrows cross others.
    /// Sources stay at the left.
    private static func shorten(_ columns: inout [Int], _ order: [Int], _ into: [[Int]], _ out: [[Int]]) {
        for _ in 0..<8 {
            var isBetter = false
            for node in order.reversed() where !into[node].isEmpty && into[node].count < out[node].count {
                let nearest = (out[node].map { columns[$0] }.min() ?? 1) - 1
                if nearest > columns[node] {
                    columns[node] = nearest
                    isBetter = true
                }
            }
            if !isBetter { return }
        }
    }

    private static func grid(_ columns: [Int], _ columnCount: Int, _ arrows: [Arrow]) -> (Grid, [[Int]]) {
        var grid = Grid(
            columnOf: columns, order: Array(repeating: [], count: columnCount), row: [],
            right: Array(repeating: [], count: columns.count), left: Array(repeating: [], count: columns.count))
        var chains: [[Int]] = []
        func link(_ from: Int, _ to: Int) {
            grid.right[from].append(to)
            grid.left[to].append(from)
        }
        for arrow in arrows {
            var last = arrow.from
            var chain: [Int] = []
            for column in (columns[arrow.from] + 1)..<max(columns[arrow.to], columns[arrow.from] + 1) {
                let waypoint = grid.columnOf.count
                grid.columnOf.append(column)
                grid.right.append([])
                grid.left.append([])
                link(last, waypoint)
                last = waypoint
                chain.append(waypoint)
            }
            link(last, arrow.to)
            chains.append(chain)
        }
        for (node, column) in grid.columnOf.enumerated() { grid.order[column].append(node) }
        grid.row = [Int](repeating: 0, count: grid.columnOf.count)
        number(&grid)
        return (grid, chains)
    }

    private static func number(_ grid: inout Grid) {
        for column in grid.order { for (row, node) in column.enumerated() { grid.row[node] = row } }
    }

    /// So many for pictures that people follow line by line, fewer for large ones, which are to come soon.
    private static func beginnings(_ grid: Grid) -> Int {
        let arrows = grid.right.reduce(0) { $0 + $1.count }
        return max(2, min(24, 2400 / max(1, arrows)))
    }

    /// From several beginnings, since sweeps only find the nearest order that none of them betters.
    private static func arrange(_ grid: inout Grid) {
        var best = grid
        var fewest = crossings(grid)
        for begin in 0..<beginnings(grid) where fewest > 0 {
            var tried = grid
            if begin > 0 { follow(&tried, toRight: begin.isMultiple(of: 2), turn: begin / 2) }
            let found = sweep(&tried)
            if found < fewest { (best, fewest) = (tried, found) }
        }
        grid = best
    }

    /// Orders columns as a walk along the arrows meets their boxes, so that what hangs together stands together. Each `turn`
    /// walks in another order.
    private static func follow(_ grid: inout Grid, toRight: Bool, turn: Int) {
        let (next, before) = toRight ? (grid.right, grid.left) : (grid.left, grid.right)
        var isSeen = [Bool](repeating: false, count: next.count)
        var order: [[Int]] = Array(repeating: [], count: grid.order.count)
        for start in next.indices where before[start].isEmpty {
            var stack = [start]
            while let node = stack.popLast() {
                guard !isSeen[node] else { continue }
                isSeen[node] = true
                order[grid.columnOf[node]].append(node)
                let ways = next[node]
                let first = ways.isEmpty ? 0 : (turn * 7 + node * (turn & 3)) % ways.count
                stack += (ways[first...] + ways[..<first]).reversed()
            }
        }
        grid.order = order
        number(&grid)
    }

    /// Sweeps to the right and back, each box to the mean or the middle of its neighbours; how many crossings are left.
    private static func sweep(_ grid: inout Grid) -> Int {
        var best = grid
        var fewest = crossings(grid)
        var idle = 0
        for sweep in 0..<24 where fewest > 0 && idle < 8 {
            let toRight = sweep.isMultiple(of: 2)
            let span = toRight ? Array(grid.order.indices) : grid.order.indices.reversed()
            for column in span {
                let wishes = grid.order[column].map { node -> (node: Int, wish: Double) in
                    let near = (toRight ? grid.left[node] : grid.right[node]).map { grid.row[$0] }
                    guard !near.isEmpty else { return (node, Double(grid.row[node])) }
                    return (node, sweep % 4 < 2 ? Double(near.reduce(0, +)) / Double(near.count) : middle(near))
                }
                grid.order[column] = wishes.sorted { ($0.wish, grid.row[$0.node]) < ($1.wish, grid.row[$1.node]) }
                    .map(\.node)
                for (row, node) in grid.order[column].enumerated() { grid.row[node] = row }
            }
            swapNeighbours(&grid, takesTies: sweep % 4 > 1)
            if sweep % 6 == 5 { sift(&grid) }
            let now = crossings(grid)
            idle += 1
            if now < fewest { (best, fewest, idle) = (grid, now, 0) }
        }
        grid = best
        sift(&grid)
        return crossings(grid)
    }

    private static func middle(_ rows: [Int]) -> Double {
        let sorted = rows.sorted()
        let half = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? Double(sorted[half - 1] + sorted[half]) / 2 : Double(sorted[half])
    }

    /// Takes each box to the place of its column where it crosses least, while that helps (Matuszewski and others, 1999).
    private static func sift(_ grid: inout Grid) {
        for _ in 0..<6 {
            var isBetter = false
            for column in grid.order.indices {
                for node in grid.order[column] {
                    let others = grid.order[column].filter { $0 != node }
                    let from = grid.row[node]
                    var (change, least, place, own) = (0, 0, 0, 0)
                    for (row, other) in others.enumerated() {
                        change += between(grid, other, node) - between(grid, node, other)
                        if row + 1 == from { own = change }
                        if change < least { (least, place) = (change, row + 1) }
                    }
                    guard least < own else { continue }
                    grid.order[column] = Array(others[..<place]) + [node] + Array(others[place...])
                    for (row, node) in grid.order[column].enumerated() { grid.row[node] = row }
                    isBetter = true
                }
            }
            if !isBetter { return }
        }
    }

    /// Swaps two that stand one above the other where that leaves fewer crossings; with ties once also where it leaves as
    /// many, which leads out of places that nothing nearby betters.
    private static func swapNeighbours(_ grid: inout Grid, takesTies: Bool) {
        for round in 0..<4 {
            var isBetter = false
            for column in grid.order.indices {
                for row in grid.order[column].indices.dropLast() {
                    let (a, b) = (grid.order[column][row], grid.order[column][row + 1])
                    let stay = between(grid, a, b)
                    let swap = between(grid, b, a)
                    guard swap < stay || (swap == stay && takesTies && round == 0 && stay > 0) else { continue }
                    grid.order[column].swapAt(row, row + 1)
                    (grid.row[a], grid.row[b]) = (row + 1, row)
                    isBetter = true
                }
            }
            if !isBetter { return }
        }
    }

    /// Crossings among the arrows of two boxes of one column, `upper` above `lower`.
    private static func between(_ grid: Grid, _ upper: Int, _ lower: Int) -> Int {
        var count = 0
        for (a, b) in [(grid.left[upper], grid.left[lower]), (grid.right[upper], grid.right[lower])] {
            for x in a { for y in b where grid.row[x] > grid.row[y] { count += 1 } }
        }
        return count
    }

    private static func crossings(_ grid: Grid) -> Int {
        var count = 0
        for column in grid.order {
            let arrows = column.flatMap { node in grid.right[node].map { (grid.row[node], grid.row[$0]) } }
            for (index, a) in arrows.enumerated() {
                for b in arrows[(index + 1)...] where (a.0 < b.0 && a.1 > b.1) || (a.0 > b.0 && a.1 < b.1) {
                    count += 1
                }
            }
        }
        return count
    }
}
