/// Places for the boxes of a directed graph in columns, arrows leading to the right, with few crossings.
///
/// The way of Sugiyama, Tagawa and Toda (1981): columns by the longest way from a source, a waypoint in every column a
/// long arrow passes, rows by the mean of their neighbours in sweeps to the right and back, then swaps of neighbours
/// while they help. The same graph gives the same picture.
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
        while let node = ready.popLast() {
            for other in out[node] {
                columns[other] = max(columns[other], columns[node] + 1)
                waiting[other] -= 1
                if waiting[other] == 0 { ready.append(other) }
            }
        }
        return columns
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

    private static func arrange(_ grid: inout Grid) {
        var best = grid
        var fewest = crossings(grid)
        for sweep in 0..<12 where fewest > 0 {
            let toRight = sweep.isMultiple(of: 2)
            let span = toRight ? Array(grid.order.indices) : grid.order.indices.reversed()
            for column in span {
                let wishes = grid.order[column].map { node -> (node: Int, wish: Double) in
                    let near = toRight ? grid.left[node] : grid.right[node]
                    guard !near.isEmpty else { return (node, Double(grid.row[node])) }
                    return (node, Double(near.reduce(0) { $0 + grid.row[$1] }) / Double(near.count))
                }
                grid.order[column] = wishes.sorted { ($0.wish, grid.row[$0.node]) < ($1.wish, grid.row[$1.node]) }
                    .map(\.node)
                for (row, node) in grid.order[column].enumerated() { grid.row[node] = row }
            }
            swapNeighbours(&grid)
            let now = crossings(grid)
            if now < fewest { (best, fewest) = (grid, now) }
        }
        grid = best
    }

    /// Swaps two that stand one above the other where that leaves fewer crossings.
    private static func swapNeighbours(_ grid: inout Grid) {
        for _ in 0..<4 {
            var isBetter = false
            for column in grid.order.indices {
                for row in grid.order[column].indices.dropLast() {
                    let (a, b) = (grid.order[column][row], grid.order[column][row + 1])
                    let stay = between(grid, a, b)
                    let swap = between(grid, b, a)
                    guard swap < stay else { continue }
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
