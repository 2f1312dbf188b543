/// A regular expression that is searched for, leftmost and with the earlier alternative first, as Go's `regexp`.
///
/// Time is the length of the text times the size of the expression, whatever either is.
struct Pattern: Sendable {
    private enum Instruction: Sendable {
        case set(PatternSet)
        case assertion(PatternAssertion)
        /// The first target is tried first.
        case split(Int, Int)
        case jump(Int)
        case accept
    }

    private let program: [Instruction]
    /// Expressions that compile to more are refused.
    private static let largestProgram = 200_000

    init(_ text: String) throws(PatternError) {
        var program: [Instruction] = []
        try Self.compile(try PatternParser.parse(text), into: &program)
        program.append(.accept)
        self.program = program
    }

    private static func compile(_ tree: PatternTree, into program: inout [Instruction]) throws(PatternError) {
        guard program.count < largestProgram else { throw PatternError("expression too large", "") }
        switch tree {
        case .empty: break
        case .set(let set): program.append(.set(set))
        case .assertion(let assertion): program.append(.assertion(assertion))
        case .sequence(let parts): for part in parts { try compile(part, into: &program) }
        case .alternatives(let choices):
            var ends: [Int] = []
            for choice in choices.dropLast() {
                let split = program.count
                program.append(.jump(0))
                try compile(choice, into: &program)
                ends.append(program.count)
                program.append(.jump(0))
                program[split] = .split(split + 1, program.count)
            }
            try compile(choices[choices.count - 1], into: &program)
            for end in ends { program[end] = .jump(program.count) }
        case .repeated(let inner, let least, let most, let isLazy):
            for _ in 0..<least { try compile(inner, into: &program) }
            func split(_ place: Int, _ body: Int, _ end: Int) {
                program[place] = isLazy ? .split(end, body) : .split(body, end)
            }
            if let most {
                var splits: [Int] = []
                for _ in least..<max(least, most) {
                    splits.append(program.count)
                    program.append(.jump(0))
                    try compile(inner, into: &program)
                }
                for place in splits { split(place, place + 1, program.count) }
            } else {
                let place = program.count
                program.append(.jump(0))
                try compile(inner, into: &program)
                program.append(.jump(place))
                split(place, place + 1, program.count)
            }
        }
    }

    // MARK: Searching

    private struct Threads {
        var states: [Int] = []
        var starts: [Int] = []
        /// The step at which a state was last added.
        var marks: [Int]

        init(_ count: Int) { marks = Array(repeating: -1, count: count) }

        mutating func clear() {
            states.removeAll(keepingCapacity: true)
            starts.removeAll(keepingCapacity: true)
        }
    }

    func matches(_ text: [Unicode.Scalar]) -> Bool { match(in: text, from: 0, anyWillDo: true) != nil }

    /// The leftmost match at or after a place.
    func match(in text: [Unicode.Scalar], from start: Int, anyWillDo: Bool = false) -> Range<Int>? {
        var current = Threads(program.count)
        var next = Threads(program.count)
        var stack: [Int] = []
        var found: Range<Int>?
        var place = start
        while true {
            if found == nil { add(0, place, place, text, to: &current, &stack) }
            if current.states.isEmpty, found != nil { break }
            next.clear()
            let scalar = place < text.count ? text[place].value : nil
            var index = 0
            while index < current.states.count {
                switch program[current.states[index]] {
                case .set(let set):
                    if let scalar, set.contains(scalar) {
                        add(current.states[index] + 1, current.starts[index], place + 1, text, to: &next, &stack)
                    }
                case .accept:
                    found = current.starts[index]..<place
                    if anyWillDo { return found }
                    // Threads of lower priority end here.
                    index = current.states.count
                default: break
                }
                index += 1
            }
            guard scalar != nil else { break }
            swap(&current, &next)
            place += 1
        }
        return found
    }

    /// Adds a state and what can be reached from it without a character, in order of priority.
    private func add(
        _ state: Int, _ start: Int, _ place: Int, _ text: [Unicode.Scalar], to threads: inout Threads,
        _ stack: inout [Int]
    ) {
        stack.append(state)
        while let state = stack.popLast() {
            guard threads.marks[state] != place else { continue }
            threads.marks[state] = place
            switch program[state] {
            case .jump(let target): stack.append(target)
            case .split(let first, let second):
                stack.append(second)
                stack.append(first)
            case .assertion(let assertion): if holds(assertion, place, text) { stack.append(state + 1) }
            case .set, .accept:
                threads.states.append(state)
                threads.starts.append(start)
            }
        }
    }

    private func holds(_ assertion: PatternAssertion, _ place: Int, _ text: [Unicode.Scalar]) -> Bool {
        func isWord(_ index: Int) -> Bool {
            guard text.indices.contains(index) else { return false }
            let scalar = text[index]
            return scalar == "_" || ("0"..."9").contains(scalar) || ("a"..."z").contains(scalar)
                || ("A"..."Z").contains(scalar)
        }
        switch assertion {
        case .textBegin: return place == 0
        case .textEnd: return place == text.count
        case .lineBegin: return place == 0 || text[place - 1] == "\n"
        case .lineEnd: return place == text.count || text[place] == "\n"
        case .wordBoundary: return isWord(place - 1) != isWord(place)
        case .noWordBoundary: return isWord(place - 1) == isWord(place)
        }
    }

    /// Every match, none overlapping; an empty one right behind another does not count.
    func allMatches(in text: [Unicode.Scalar], limit: Int) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var place = 0
        var lastEnd = -1
        while place <= text.count, limit < 0 || found.count < limit {
            guard let range = match(in: text, from: place) else { break }
            let isRepeatedEmpty = range.isEmpty && range.lowerBound == lastEnd
            if !isRepeatedEmpty { found.append(range) }
            lastEnd = range.upperBound
            place = range.isEmpty ? range.upperBound + 1 : range.upperBound
        }
        return found
    }
}

/// Regular expressions as the functions of the language use them.
enum CELPattern {
    static func issue(in pattern: String) -> CELError? {
        do throws(PatternError) {
            _ = try Pattern(pattern)
            return nil
        } catch {
            return CELError(error.message)
        }
    }

    static func matches(_ pattern: String, _ text: String) -> CELValue {
        do throws(PatternError) {
            return .bool(try Pattern(pattern).matches(Array(text.unicodeScalars)))
        } catch {
            return .error(CELError(error.message))
        }
    }

    /// `text.find(pattern)`, `text.findAll(pattern, limit)`.
    ///
    /// Source: the API server's regular expression library.
    static let library: [CELFunction] = [
        CELFunction("find", [.member("string_find_string", [.string, .string], .string)]) { values in
            guard case .string(let text) = values[0], case .string(let pattern) = values[1] else {
                return .error(.noSuchOverload)
            }
            return using(pattern) { find($0, text) }
        },
        CELFunction(
            "findAll",
            [
                .member("string_find_all_string", [.string, .string], .list(.string)),
                .member("string_find_all_string_int", [.string, .string, .int], .list(.string)),
            ]
        ) { values in
            guard case .string(let text) = values[0], case .string(let pattern) = values[1] else {
                return .error(.noSuchOverload)
            }
            var limit = -1
            if values.count > 2 {
                guard case .int(let given) = values[2] else { return .error(.noSuchOverload) }
                limit = Int(clamping: given)
            }
            return using(pattern) { findAll($0, text, limit) }
        },
    ]

    private static func using(_ pattern: String, _ run: (Pattern) -> CELValue) -> CELValue {
        do throws(PatternError) {
            return run(try Pattern(pattern))
        } catch {
            return .error(CELError("Illegal regex: \(error.message)"))
        }
    }

    private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> CELValue {
        var view = String.UnicodeScalarView()
        for scalar in scalars { view.append(scalar) }
        return .string(String(view))
    }

    private static func find(_ pattern: Pattern, _ text: String) -> CELValue {
        let scalars = Array(text.unicodeScalars)
        return pattern.match(in: scalars, from: 0).map { self.text(scalars[$0]) } ?? .string("")
    }

    private static func findAll(_ pattern: Pattern, _ text: String, _ limit: Int) -> CELValue {
        let scalars = Array(text.unicodeScalars)
        return .list(.values(pattern.allMatches(in: scalars, limit: limit).map { self.text(scalars[$0]) }))
    }

    /// A function whose pattern is known beforehand: compiled once; nil for functions without one.
    static func prepared(
        _ function: String, _ pattern: String
    ) throws(CELError) -> (@Sendable ([CELValue]) -> CELValue)? {
        let compiled: Pattern
        do throws(PatternError) {
            compiled = try Pattern(pattern)
        } catch {
            throw CELError(error.message)
        }
        switch function {
        case "matches":
            return { values in
                guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
                return .bool(compiled.matches(Array(text.unicodeScalars)))
            }
        case "find":
            return { values in
                guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
                return find(compiled, text)
            }
        case "findAll":
            return { values in
                guard case .string(let text) = values[0] else { return .error(.noSuchOverload) }
                var limit = -1
                if values.count > 2 {
                    guard case .int(let given) = values[2] else { return .error(.noSuchOverload) }
                    limit = Int(clamping: given)
                }
                return findAll(compiled, text, limit)
            }
        default: return nil
        }
    }
}
