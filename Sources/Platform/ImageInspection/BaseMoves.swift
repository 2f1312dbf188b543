package import ImageStore
package import Vulnerabilities

/// The bases that an image could move to, with what each move was found to mend: the one that leaves least comes first.
package struct BaseMoves: Sendable {
    package var base: BaseImageIndex.Match
    package var upgrades: [BaseUpgrade] = []
    /// Bases of which nobody could say what they hold.
    package var problems: [String] = []
}

extension ImageInspection {
    /// So many bases are compared at most: each may have to be read.
    private static let mostCandidates = 4

    /// Finds the image's base by its layers, and matches what newer ones hold.
    ///
    /// - Parameter store: asked for a base's packages before any registry is.
    package func baseMoves(
        of result: ImageResult, _ report: MatchReport, in bases: BaseImageIndex, database: AdvisoryDatabase,
        policy: MatchPolicy, store: ImageStore?
    ) async -> BaseMoves? {
        guard let diffIDs = result.image?.configuration.diffIDs, let match = bases.base(of: diffIDs),
            let catalogue = result.catalogue
        else { return nil }
        var moves = BaseMoves(base: match)
        for candidate in bases.candidates(after: match.base).prefix(Self.mostCandidates) {
            switch await contents(of: candidate, store) {
            case .success(let (packages, distribution)):
                let matcher = PackageMatcher(database, distribution: distribution, policy: policy)
                moves.upgrades.append(
                    BaseUpgrade(
                        match, to: candidate.name, packages: catalogue.packages, report: report, next: packages,
                        matcher: matcher))
            case .failure(let error): moves.problems.append("\(candidate.name): \(error.message)")
            }
        }
        let order = moves.upgrades.enumerated().sorted { left, right in
            let (a, b) = (left.element, right.element)
            return (a.leaves.count + a.opens.count, left.offset) < (b.leaves.count + b.opens.count, right.offset)
        }
        moves.upgrades = order.map(\.element)
        return moves
    }

    private struct Unknown: Error {
        var message: String
    }

    private func contents(
        of base: BaseImage, _ store: ImageStore?
    ) async -> Result<(packages: [SoftwarePackage], distribution: Distribution?), Unknown> {
        // A store that cannot be read is as good as one that does not know the image.
        if let store, let known = try? store.image(digest: base.digest) {
            return .success((known.packages, known.distribution))
        }
        // In a registry the tag may have moved since.
        let isNamed = !base.name.contains(":/") && !base.name.hasPrefix("oci") && !base.name.hasPrefix("/")
        let result = await inspect(isNamed ? "\(base.repository)@\(base.digest)" : base.name)
        if let failure = result.failure { return .failure(Unknown(message: failure.message)) }
        guard result.isComplete else { return .failure(Unknown(message: "parts of it could not be read")) }
        guard result.identity?.description == base.digest else {
            return .failure(Unknown(message: "it is another image now than when it was added"))
        }
        return .success((result.packages, result.distribution))
    }
}
