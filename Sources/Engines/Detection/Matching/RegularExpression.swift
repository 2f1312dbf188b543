/// A regular expression as RE2 reads it in POSIX mode: no look-around, no back-references, no Perl classes.
///
/// A value matches as a whole. Time is the length of the value times the size of the expression, whatever either is.
package struct RegularExpression: Sendable {
    /// Why a pattern is none.
    package struct SyntaxError: Error, Equatable {
        package var message: String
    }

    enum Instruction: Sendable {
        case scalar(Set)
        case split(Int, Int)
        case jump(Int)
        case lineBegin
        case lineEnd
        case accept
    }

    /// The characters one step takes.
    struct Set: Sendable {
        /// Sorted, apart.
        var ranges: [ClosedRange<UInt32>]
        /// The same for ASCII, where nearly all text is.
        var low: UInt64 = 0
        var high: UInt64 = 0

        init(_ ranges: [ClosedRange<UInt32>]) {
            self.ranges = ranges
            for range in ranges where range.lowerBound < 128 {
                for value in range.lowerBound...min(range.upperBound, 127) {
                    if value < 64 { low |= 1 << UInt64(value) } else { high |= 1 << UInt64(value - 64) }
                }
            }
        }

        func contains(_ value: UInt32) -> Bool {
            if value < 64 { return low >> UInt64(value) & 1 == 1 }
            if value < 128 { return high >> UInt64(value - 64) & 1 == 1 }
            return ranges.contains { $0.contains(value) }
        }
    }

    let program: [Instruction]

    /// Programs larger than this are refused; RE2 has a budget of memory instead.
    static let largestProgram = 100_000

    package init(_ pattern: [UInt8]) throws(SyntaxError) {
        var parser = RegularExpressionParser(pattern)
        let tree = try parser.parse()
        var program: [Instruction] = []
        try Self.compile(tree, into: &program)
        program.append(.accept)
        self.program = program
    }

    private static func compile(
        _ tree: RegularExpressionTree, into program: inout [Instruction]
    ) throws(SyntaxError) {
        guard program.count < largestProgram else {
            throw SyntaxError(message: "pattern too large - compile failed")
        }
        switch tree {
        case .empty: break
        case .set(let ranges): program.append(.scalar(Set(ranges)))
        case .lineBegin: program.append(.lineBegin)
        case .lineEnd: program.append(.lineEnd)
        case .sequence(let parts): for part in parts { try compile(part, into: &program) }
        case .alternatives(let choices):
            var ends: [Int] = []
            for (i, choice) in choices.enumerated() {
                if i == choices.count - 1 {
                    try compile(choice, into: &program)
                } else {
                    let split = program.count
                    program.append(.jump(0))
                    try compile(choice, into: &program)
                    ends.append(program.count)
                    program.append(.jump(0))
                    program[split] = .split(split + 1, program.count)
                }
            }
            for end in ends { program[end] = .jump(program.count) }
        case .repeated(let child, let least, let most):
            for _ in 0..<least { try compile(child, into: &program) }
            if let most {
                var splits: [Int] = []
                for _ in least..<max(most, least) {
                    splits.append(program.count)
                    program.append(.jump(0))
                    try compile(child, into: &program)
                }
                for split in splits { program[split] = .split(split + 1, program.count) }
            } else {
                let split = program.count
                program.append(.jump(0))
                try compile(child, into: &program)
                program.append(.jump(split))
                program[split] = .split(split + 1, program.count)
            }
        }
    }

    /// Whether the whole of `text` matches; bytes that are no UTF-8 count as U+FFFD.
    package func matches(_ text: [UInt8]) -> Bool {
        var current = StateList(program.count)
        var next = StateList(program.count)
        var pending: [Int] = []
        var offset = 0
        var previous: UInt32?
        while true {
            let scalar: (value: UInt32, length: Int)? =
                offset < text.count ? UTF8Scan.scalar(text, at: offset) ?? (0xFFFD, 1) : nil
            if offset == 0 { add(0, to: &current, &pending, previous, scalar?.value) }
            guard let scalar else { break }
            guard !current.states.isEmpty else { return false }
            offset += scalar.length
            let following: UInt32? =
                offset < text.count ? (UTF8Scan.scalar(text, at: offset) ?? (0xFFFD, 1)).value : nil
            next.clear()
            for state in current.states {
                if case .scalar(let set) = program[state], set.contains(scalar.value) {
                    add(state + 1, to: &next, &pending, scalar.value, following)
                }
            }
            swap(&current, &next)
            previous = scalar.value
        }
        return current.states.contains { if case .accept = program[$0] { true } else { false } }
    }

    /// Adds a state and what can be reached from it without a character.
    private func add(
        _ state: Int, to list: inout StateList, _ pending: inout [Int], _ previous: UInt32?, _ next: UInt32?
    ) {
        pending.append(state)
        while let state = pending.popLast() {
            guard list.insert(state) else { continue }
            switch program[state] {
            case .jump(let target): pending.append(target)
            case .split(let first, let second):
                pending.append(second)
                pending.append(first)
            case .lineBegin: if previous == nil || previous == 0x0A { pending.append(state + 1) }
            case .lineEnd: if next == nil || next == 0x0A { pending.append(state + 1) }
            case .scalar, .accept: break
            }
        }
    }

    private struct StateList {
        var states: [Int] = []
        private var isIn: [Bool]

        init(_ size: Int) { isIn = Array(repeating: false, count: size) }

        mutating func insert(_ state: Int) -> Bool {
            if isIn[state] { return false }
            isIn[state] = true
            states.append(state)
            return true
        }

        mutating func clear() {
            for state in states { isIn[state] = false }
            states.removeAll(keepingCapacity: true)
        }
    }
}

indirect enum RegularExpressionTree: Sendable {
    case empty
    case set([ClosedRange<UInt32>])
    case lineBegin
    case lineEnd
    case sequence([RegularExpressionTree])
    case alternatives([RegularExpressionTree])
    case repeated(RegularExpressionTree, Int, Int?)
}
