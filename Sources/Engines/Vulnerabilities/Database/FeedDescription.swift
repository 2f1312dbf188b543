/// Where a part of the database comes from.
package struct FeedDescription: Sendable, Hashable {
    /// Short and forever: `ubuntu`, `osv-pypa`.
    package var name: String
    /// What to call it in front of people.
    package var title: String
    /// The file or address that was read.
    package var source: String
    /// The day its content is from.
    package var date: CivilDate?
    /// SHA-256 of what was read, in hexadecimal digits.
    package var inputDigest = ""

    package init(name: String, title: String, source: String, date: CivilDate?, inputDigest: String = "") {
        self.name = name
        self.title = title
        self.source = source
        self.date = date
        self.inputDigest = inputDigest
    }
}

/// Dates in one number; 0 for none.
extension CivilDate {
    init?(packed: Int) {
        guard packed > 0 else { return nil }
        self.init(dayNumber: packed - 1)
    }
    var packed: Int { dayNumber + 1 }
}
