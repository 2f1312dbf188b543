/// The problems of one text, bounded: a hostile text has millions.
struct ProblemList {
    static let limit = 1000

    private(set) var list: [DocumentError] = []
    private var duplicates = 0
    private var lastDuplicate: DocumentError?

    /// Whether so many documents were broken that the rest is not read.
    private(set) var isFull = false

    mutating func append(_ problem: DocumentError) {
        if problem.code == .duplicateKey {
            duplicates += 1
            lastDuplicate = problem
            guard duplicates < Self.limit else { return }
        }
        guard list.count < 2 * Self.limit else {
            guard !isFull else { return }
            isFull = true
            list.append(
                DocumentError(
                    .tooManyProblems, at: problem.location,
                    "more than \(2 * Self.limit) problems; the text is read no further than here"))
            return
        }
        list.append(problem)
    }

    /// All of them; what was not kept is counted in a last one.
    var finished: [DocumentError] {
        guard duplicates >= Self.limit, let lastDuplicate else { return list }
        let more = duplicates - Self.limit + 1
        return list + [
            DocumentError(
                .duplicateKey, at: lastDuplicate.location,
                more == 1 ? lastDuplicate.message : "\(more) more duplicate keys, the last of them here")
        ]
    }
}
