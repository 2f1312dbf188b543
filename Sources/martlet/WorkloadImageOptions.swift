import ArgumentParser
import ContainerImages
import Findings
import Foundation
import ImageInspection
import Kubernetes
import Vulnerabilities

/// `--images`: the vulnerabilities of the images that workloads run.
struct WorkloadImageOptions: ParsableArguments {
    @Flag(help: "Look into every image too, each digest once, and tell the owners what is vulnerable.")
    var images = false

    @Option(
        name: .customLong("image-db"), help: "The advisory database; by default the one that `martlet db build` wrote.")
    var database: String?

    @Option(
        name: .customLong("image-platform"), help: "The platform of the nodes, as linux/arm64; by default linux/amd64.")
    var platform = "linux/amd64"

    @Flag(name: .customLong("image-insecure"), help: "Do not check the certificates of images' registries.")
    var insecure = false

    @Option(
        name: .customLong("image-ca-file"), help: "Authorities of registries to trust beside the system's, as PEM.",
        completion: .file())
    var authorities: String?

    @Option(
        name: .customLong("image-auth-file"),
        help: "A docker configuration with the registries' logins; pull secrets are never read.", completion: .file())
    var logins: String?

    /// One result for each owner that runs pods; nothing where images were not asked for.
    func results(
        _ inventory: Inventory, cluster: String, selected: Set<String>?, today: CivilDate, quiet: Bool
    ) async throws -> [OwnerResult] {
        guard images else { return [] }
        let database = try DatabasePlace.open(database)
        let workloads = WorkloadImages(inventory)
        let inspection = try inspection()
        let line = ProgressLine(quiet: quiet)
        var assessments: [String: ImageAssessment] = [:]
        for (number, image) in workloads.images.enumerated() {
            line.update("looking into images: \(number) of \(workloads.images.count), \(image.name)")
            let result = await inspection.inspect(.registry(image.name))
            var policy = MatchPolicy(today: today)
            policy.staleAfter = 90
            let matcher = PackageMatcher(database, distribution: result.distribution, policy: policy)
            assessments[image.name] = ImageAssessment(result, matcher.match(result.packages), database, today: today)
        }
        line.clear()
        await inspection.close()
        return WorkloadImageFindings(workloads, assessments, cluster: cluster, selected: selected).results()
    }

    private func inspection() throws -> ImageInspection {
        var options = ImageInspection.Options(cache: .standard)
        do throws(ImageError) {
            options.platform = try Platform(platform)
            options.registry = RegistryOptions(credentials: .ofThisMachine(logins))
            if insecure { options.registry.insecure = ["*"] }
            if let authorities {
                guard let data = FileManager.default.contents(atPath: authorities) else {
                    throw ImageError(.notFound, "\(authorities): cannot be read")
                }
                options.registry.authorities = Array(data)
            }
            return try ImageInspection(options)
        } catch {
            throw Failure(message: error.message)
        }
    }
}

extension Report {
    /// Adds what images tell of owners that were evaluated already.
    mutating func add(_ results: [OwnerResult], rules added: [Rule]) {
        guard !results.isEmpty else { return }
        rules += added
        let system = Set(findings.filter(\.isSystem).map(\.subject))
        for result in results {
            coverage.add(result.coverage)
            findings += result.findings.map { finding in
                var finding = finding
                finding.isSystem = system.contains(finding.subject)
                return finding
            }
        }
        findings.sort(by: Finding.areInOrder)
    }
}
