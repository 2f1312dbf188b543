/// The problems of one text, bounded: a hostile text has millions.
struct ProblemList {
    static let limit = 2000
    static let duplicateLimit = 100

    private(set) var list: [DocumentError] = []
    private var duplicates = 0
    private var lastDuplicate = 0

    /// Whether so much was wrong that the rest is not read.
    private(set) var isFull = false

    mutating func append(_ problem: DocumentError) {
        guard list.count < Self.limit else {
            guard !isFull else { return }
            isFull = true
            list.append(
                DocumentError(
                    .tooManyProblems, at: problem.location,
                    "more than \(Self.limit) problems; the text is read no further than here"))
            return
        }
        list.append(problem)
    }

    /// Counts a key that comes again; only the first are described, since finding a place takes time.
    mutating func appendDuplicate(at offset: Int, _ source: SourceText, key: () -> String) {
        duplicates += 1
        lastDuplicate = offset
        if duplicates < Self.duplicateLimit { append(.duplicateKey(key(), at: source.location(at: offset))) }
    }

    /// All of them; duplicate keys that were not described are counted in a last one.
    func finished(_ source: SourceText) -> [DocumentError] {
        guard duplicates >= Self.duplicateLimit else { return list }
        let more = duplicates - Self.duplicateLimit + 1
        return list + [
            DocumentError(
                .duplicateKey, at: source.location(at: lastDuplicate),
                "\(more) more duplicate key\(more == 1 ? "" : "s"), the last of them here")
        ]
    }
}
