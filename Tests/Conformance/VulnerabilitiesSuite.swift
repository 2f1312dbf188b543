import Documents
import Foundation
import Vulnerabilities

extension ConformanceSuite {
    static let vulnerabilities = ConformanceSuite(
        name: "vulns",
        files: versionFiles + vulnerabilityFormatFiles + matchingFiles + sampleFiles + trustFiles + catalogueFiles
            + FeedSnapshots.files + [CSAFDocuments.file]
            + [TrivyGoldens.file, TrivyGoldens.repositories, GrypeScenarios.file, CorpusFigures.file])
}
