extension AdvisoryDatabase {
    /// Every advisory with what it affects, in the feeds' order. For small databases, such as one made of a single file.
    package func allAdvisories() -> [Record] {
        segments.enumerated().flatMap { feed, segment in
            (0..<segment.advisoryCount).map { Record(feed: feed, advisory: whole(feed, $0)) }
        }
    }
}
