/// What rules ask of peers, each selector once however many rules hold it.
///
/// A new class of pods is compared with the rules of all policies that may know it; of hundreds of policies that speak of
/// the same namespace only one comparison is made.
struct PeerForms: Sendable {
    private var formOfPolicy: [Form] = []
    private var selectors: [PeerSelector] = []
    private var uses: [Int32] = []
    private var numbers: [PeerSelector: Int32] = [:]
    private var free: [Int32] = []

    private struct Form: Sendable {
        /// Numbers of the selectors of its rules; -1 for a rule that cannot be read.
        var selectors: [Int32] = []
        /// Bits are all that a new peer changes: no rule is narrowed, and no name of a port is looked up at peers.
        var isPlain = true
    }

    /// What was found out about one class.
    struct Answers {
        fileprivate var known: [UInt8]
    }

    /// Takes note of a policy's rules; without any it is forgotten.
    mutating func set(_ policy: Int, _ rules: [PolicyRule], _ direction: Direction) {
        while formOfPolicy.count <= policy { formOfPolicy.append(Form()) }
        let former = formOfPolicy[policy].selectors
        var form = Form()
        for rule in rules {
            if rule.own != nil || (direction == .egress && rule.traffic.hasNames) { form.isPlain = false }
            form.selectors.append(rule.doubt == nil ? take(rule.peers) : -1)
        }
        formOfPolicy[policy] = form
        for number in former where number >= 0 { leave(number) }
    }

    private mutating func take(_ selector: PeerSelector) -> Int32 {
        if let known = numbers[selector] {
            uses[Int(known)] += 1
            return known
        }
        let number: Int32
        if let old = free.popLast() {
            number = old
            selectors[Int(old)] = selector
            uses[Int(old)] = 1
        } else {
            number = Int32(selectors.count)
            selectors.append(selector)
            uses.append(1)
        }
        numbers[selector] = number
        return number
    }

    private mutating func leave(_ number: Int32) {
        uses[Int(number)] -= 1
        guard uses[Int(number)] == 0 else { return }
        numbers[selectors[Int(number)]] = nil
        selectors[Int(number)] = .nobody
        free.append(number)
    }

    func isPlain(_ policy: Int) -> Bool { formOfPolicy[policy].isPlain }

    /// Nothing is known yet.
    func ask() -> Answers { Answers(known: [UInt8](repeating: 0, count: selectors.count)) }

    /// Whether the peers of a rule hold a class, for sure or possibly.
    func match(
        _ policy: Int, rule: Int, _ traits: borrowing ClassTraits, _ answers: inout Answers
    ) -> (sure: Bool, possible: Bool) {
        let number = Int(formOfPolicy[policy].selectors[rule])
        guard number >= 0 else { return (false, true) }
        if answers.known[number] == 0 {
            let found = selectors[number].match(traits)
            answers.known[number] = found.sure ? 3 : found.possible ? 2 : 1
        }
        return (answers.known[number] == 3, answers.known[number] > 1)
    }
}
