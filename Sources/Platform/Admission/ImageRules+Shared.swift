package import Findings
import Vulnerabilities

/// Rules that the scan of images tells too: one id means one thing.
extension ImageRules {
    package static let endOfLife = Rule.imageEndOfLife
    package static let base = Rule.imageBaseNotApproved
}
