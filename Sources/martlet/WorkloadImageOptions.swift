import ArgumentParser
import ContainerImages
import Findings
import Foundation
import ImageInspection
import ImageStore
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

    @Option(name: .customLong("image-vex"), help: "VEX documents on what the images hold.", completion: .file())
    var vex: [String] = []

    @OptionGroup var keep: ImageKeepOptions
    @OptionGroup var bases: BaseOptions

    /// One result for each owner that runs pods; nothing where images were not asked for.
    func results(
        _ inventory: Inventory, cluster: String, selected: Set<String>?, today: CivilDate, quiet: Bool
    ) async throws -> [OwnerResult] {
        guard images else { return [] }
        let database = try DatabasePlace.open(database)
        let workloads = WorkloadImages(inventory)
        let inspection = try inspection()
        let line = ProgressLine(quiet: quiet)
        let documents = try vex.map { try VEXFile.read($0) }
        let inspector = ImageInspector(ImagePolicy(today: today, bases: try bases.index()))
        let store = try keep.store()
        var assessments: [String: ImageAssessment] = [:]
        var digests: [String: String] = [:]
        for (number, image) in workloads.images.enumerated() {
            let prefix = "looking into images: \(number + 1) of \(workloads.images.count), \(image.name)"
            let result = await inspection.inspect(.registry(image.name)) { progress in
                line.update("\(prefix): \(progress.layersDone) of \(progress.layers) layers")
            }
            var policy = MatchPolicy(today: today)
            policy.staleAfter = 90
            let matcher = PackageMatcher(database, distribution: result.distribution, policy: policy)
            let report = matcher.match(result.packages)
            let faults = result.faults(inspector)
            let assessment = ImageAssessment(
                result, report, database, today: today, faults: faults, vex: documents)
            assessments[image.name] = assessment
            digests[image.name] = result.identity?.description
            ImageKeepOptions.keep(
                ImageRecord(
                    result, report, rows: assessment.findings, faults: faults, bases: inspector.policy.bases,
                    database: database.digest, now: Date()), in: store)
        }
        line.clear()
        await inspection.close()
        tellStrays(documents, assessments)
        if let store {
            let uses = workloads.uses(cluster: cluster, digests: digests, inventory: inventory, now: Date())
            do throws(ImageStoreError) {
                try store.replaceUses(uses, ofCluster: cluster)
            } catch {
                Console.error("\(error.message); who runs the images is not kept")
            }
        }
        return WorkloadImageFindings(workloads, assessments, cluster: cluster, selected: selected).results()
    }

    /// A statement that matches in no image at all is a mistake; one that matches in some is none.
    private func tellStrays(_ documents: [VEXDocument], _ assessments: [String: ImageAssessment]) {
        guard !assessments.isEmpty else { return }
        let strays = assessments.values.map { Set($0.strays.map(\.statement)) }
        for statement in documents.flatMap(\.statements) where strays.allSatisfy({ $0.contains(statement) }) {
            let message = assessments.values.lazy.flatMap(\.strays).first { $0.statement == statement }?.message
            Console.error("\(statement.place): \(message ?? "matches nothing")")
        }
    }

    private func inspection() throws -> ImageInspection {
        var options = ImageInspection.Options(cache: .standard)
        do throws(ImageError) {
            options.platform = try Platform(platform)
            options.registry = try RegistryConnection(
                logins: logins, authorities: authorities, insecure: insecure ? ["*"] : []
            ).options()
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
