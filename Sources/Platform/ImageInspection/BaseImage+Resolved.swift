package import ContainerImages
package import Vulnerabilities

extension BaseImage {
    /// An image as a base for others; nil where it names no layers, so that nothing could be told by them.
    package init?(_ image: ResolvedImage, name: String, isApproved: Bool) {
        let diffIDs = image.configuration.diffIDs
        guard !diffIDs.isEmpty, let digest = image.digest ?? image.configurationDigest else { return nil }
        // Images that are built the same each time say 1970: that is no day to compare.
        let created = image.configuration.created.flatMap { CivilDate(String($0.prefix(10))) }
            .flatMap { $0 > CivilDate(year: 1981, month: 1, day: 1) ? $0 : nil }
        self.init(
            name: name, digest: digest.description, created: created, diffIDs: diffIDs, isApproved: isApproved)
    }
}
