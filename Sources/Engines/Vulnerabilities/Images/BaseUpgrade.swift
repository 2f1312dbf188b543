/// What moving an image to another base mends, found by matching that base's packages.
package struct BaseUpgrade: Sendable, Hashable {
    package var from: String
    package var to: String
    /// In the base's layers today, and not with the other base.
    package var closes: [String]
    /// In both.
    package var leaves: [String]
    /// Only with the other base.
    package var opens: [String]
    /// Of the image's own layers: no base mends them.
    package var own: [String]

    /// `packages` and `report` are the image's; `next` are the other base's packages, matched as the distribution that
    /// it is made of.
    package init(
        _ match: BaseImageIndex.Match, to name: String, packages: [CataloguedPackage], report: MatchReport,
        next: [SoftwarePackage], matcher: PackageMatcher
    ) {
        from = match.base.name
        to = name
        var base: Set<String> = []
        var above: Set<String> = []
        for finding in report.findings where packages.indices.contains(finding.package) {
            if packages[finding.package].layer < match.layers {
                base.insert(finding.id)
            } else {
                above.insert(finding.id)
            }
        }
        let after = Set(matcher.match(next).findings.map(\.id))
        closes = base.subtracting(after).subtracting(above).sorted()
        leaves = base.intersection(after).sorted()
        opens = after.subtracting(base).subtracting(above).sorted()
        own = above.sorted()
    }
}
