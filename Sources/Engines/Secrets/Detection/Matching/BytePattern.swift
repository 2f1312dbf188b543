/// A compiled shape of a token: matched at a place, never searched for, in time linear in what it reads.
///
/// A subset of the usual notation: literals, `[…]`, `\d \w \s`, groups, `|`, `? * + {n} {n,} {n,m}`. One capturing
/// group may mark the secret inside the match; without one the secret is the match. Nothing backtracks: a text made to
/// be slow is read as fast as any other.
struct BytePattern: Sendable {
    /// Most shapes are one class repeated; those need no machine.
    enum Form: Sendable {
        case run(ByteClass, min: Int, max: Int)
        /// Classes behind each other of which only the last may vary in length; the secret begins `secret` bytes in.
        case chain([Link], secret: Int)
        case program(Program)
    }

    /// So many bytes of a class; without a `max` as many as there are.
    struct Link: Sendable {
        var set: ByteClass
        var min: Int
        var max: Int?
    }

    struct Match: Equatable {
        var end: Int
        /// The part that is secret.
        var secret: Range<Int>
    }

    let form: Form
    /// Bytes a match can begin with.
    let first: ByteClass
    /// Bytes every match begins with, lower case; empty where they vary.
    let prefix: [UInt8]
    /// Bytes of the shortest match.
    let shortest: Int

    init(_ notation: String, ignoringCase: Bool = false) throws(PatternError) {
        var parser = BytePatternParser(notation, ignoringCase: ignoringCase)
        let root = try parser.parse()
        prefix = root.literalPrefix
        shortest = root.shortest
        if case .repeated(.bytes(let set), let low, let high) = root, let high, low > 0 {
            form = .run(set, min: low, max: high)
            first = set
        } else if let chain = root.chain {
            form = .chain(chain.links, secret: chain.secret)
            first = root.firstBytes.set
        } else {
            var compiler = BytePatternCompiler()
            let program = try compiler.compile(root)
            form = .program(program)
            first = program.firstBytes
        }
    }

    /// The longest match beginning at `start`.
    func match(_ text: Span<UInt8>, at start: Int, _ threads: inout PatternThreads) -> Match? {
        guard start < text.count, first.contains(text[start]) else { return nil }
        switch form {
        case .run(let set, let low, let high):
            var end = start
            let limit = min(text.count, start + high)
            while end < limit, set.contains(text[end]) { end += 1 }
            // A longer run of the same bytes is another thing.
            guard end - start >= low, end == text.count || !set.contains(text[end]) else { return nil }
            return Match(end: end, secret: start..<end)
        case .chain(let links, let secret):
            var end = start
            for link in links {
                let least = end + link.min
                let limit = link.max.map { min(text.count, end + $0) } ?? text.count
                while end < limit, link.set.contains(text[end]) { end += 1 }
                guard end >= least else { return nil }
            }
            return Match(end: end, secret: start + secret..<end)
        case .program(let program):
            return threads.run(program, text, start)
        }
    }
}

struct PatternError: Error, Equatable, CustomStringConvertible {
    var notation: String
    var offset: Int
    var message: String
    var description: String { "pattern \(notation) at \(offset): \(message)" }
}

/// Instructions for ``PatternThreads``.
struct Program: Sendable {
    enum Step: Sendable {
        case byte(ByteClass)
        case split(Int, Int)
        case jump(Int)
        case open
        case close
        case accept
    }
    var steps: [Step] = []
    var firstBytes = ByteClass()

    static let limit = 6000
}

/// Turns a parsed pattern into instructions; counted repetitions are written out.
struct BytePatternCompiler {
    private var steps: [Program.Step] = []

    mutating func compile(_ root: PatternNode) throws(PatternError) -> Program {
        try emit(root)
        steps.append(.accept)
        return Program(steps: steps, firstBytes: root.firstBytes.set)
    }

    private mutating func emit(_ node: PatternNode) throws(PatternError) {
        guard steps.count < Program.limit else {
            throw PatternError(notation: "", offset: 0, message: "too many states")
        }
        switch node {
        case .bytes(let set): steps.append(.byte(set))
        case .sequence(let parts): for part in parts { try emit(part) }
        case .choice(let options):
            var ends: [Int] = []
            for (index, option) in options.enumerated() {
                guard index + 1 < options.count else {
                    try emit(option)
                    break
                }
                let split = steps.count
                steps.append(.split(split + 1, 0))
                try emit(option)
                ends.append(steps.count)
                steps.append(.jump(0))
                steps[split] = .split(split + 1, steps.count)
            }
            for end in ends { steps[end] = .jump(steps.count) }
        case .group(let inner):
            steps.append(.open)
            try emit(inner)
            steps.append(.close)
        case .repeated(let inner, let low, let high):
            for _ in 0..<low { try emit(inner) }
            guard let high else {
                let split = steps.count
                steps.append(.split(split + 1, 0))
                try emit(inner)
                steps.append(.jump(split))
                steps[split] = .split(split + 1, steps.count)
                return
            }
            var splits: [Int] = []
            for _ in low..<max(low, high) {
                splits.append(steps.count)
                steps.append(.split(steps.count + 1, 0))
                try emit(inner)
            }
            for split in splits { steps[split] = .split(split + 1, steps.count) }
        }
    }
}

/// The states a program is in while it reads: every one at once, so that no byte is read twice.
struct PatternThreads {
    private struct Thread {
        var step: Int
        var opened: Int
        var closed: Int
    }
    private var now: [Thread] = []
    private var next: [Thread] = []
    /// Generation in which a step was last added; saves clearing.
    private var seen: [UInt32] = []
    private var generation: UInt32 = 0
    private var stack: [Thread] = []
    private var accepted: (end: Int, opened: Int, closed: Int)?

    mutating func run(_ program: Program, _ text: Span<UInt8>, _ start: Int) -> BytePattern.Match? {
        if seen.count < program.steps.count { seen = [UInt32](repeating: 0, count: program.steps.count) }
        now.removeAll(keepingCapacity: true)
        accepted = nil
        advance()
        add(program, Thread(step: 0, opened: -1, closed: -1), at: start, intoNext: false)
        var place = start
        while !now.isEmpty, place < text.count {
            let byte = text[place]
            next.removeAll(keepingCapacity: true)
            advance()
            for thread in now {
                if case .byte(let set) = program.steps[thread.step], set.contains(byte) {
                    var moved = thread
                    moved.step += 1
                    add(program, moved, at: place + 1, intoNext: true)
                }
            }
            swap(&now, &next)
            place += 1
        }
        guard let accepted else { return nil }
        let secret =
            accepted.opened >= 0 && accepted.closed >= accepted.opened
            ? accepted.opened..<accepted.closed : start..<accepted.end
        return BytePattern.Match(end: accepted.end, secret: secret)
    }

    private mutating func advance() {
        if generation == .max {
            generation = 0
            for index in seen.indices { seen[index] = 0 }
        }
        generation += 1
    }

    private mutating func add(_ program: Program, _ thread: Thread, at place: Int, intoNext: Bool) {
        if case .byte = program.steps[thread.step] {
            guard seen[thread.step] != generation else { return }
            seen[thread.step] = generation
            if intoNext { next.append(thread) } else { now.append(thread) }
            return
        }
        stack.removeAll(keepingCapacity: true)
        stack.append(thread)
        while var top = stack.popLast() {
            guard seen[top.step] != generation else { continue }
            seen[top.step] = generation
            switch program.steps[top.step] {
            case .byte: if intoNext { next.append(top) } else { now.append(top) }
            case .jump(let target):
                top.step = target
                stack.append(top)
            case .split(let a, let b):
                var other = top
                other.step = b
                stack.append(other)
                top.step = a
                stack.append(top)
            case .open:
                top.opened = place
                top.step += 1
                stack.append(top)
            case .close:
                top.closed = place
                top.step += 1
                stack.append(top)
            case .accept:
                // Longest wins; among equals the first way found, which prefers repeating.
                if accepted == nil || place > accepted?.end ?? -1 { accepted = (place, top.opened, top.closed) }
            }
        }
    }
}
