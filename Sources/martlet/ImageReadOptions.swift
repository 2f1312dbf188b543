import AdvisoryStore
import ArgumentParser
import ContainerImages
import Foundation
import ImageInspection
import Vulnerabilities

/// How images are found and read.
struct ImageReadOptions: ParsableArguments {
    @OptionGroup var connection: ImageConnectionOptions

    @Option(help: "Where layers are kept once they were read.", completion: .directory)
    var cache: String?

    @Flag(name: .customLong("no-cache"), help: "Keep nothing, and read every layer.")
    var noCache = false

    @Flag(help: "Ask no registry.")
    var offline = false

    @Option(
        name: .customLong("max-unpacked"),
        help: ArgumentHelp("Gibibytes that one layer may have when unpacked.", valueName: "GiB"))
    var unpacked = 64

    @Flag(name: [.short, .long], help: "No progress.")
    var quiet = false

    func inspection() throws -> ImageInspection {
        var options = ImageInspection.Options(
            cache: noCache ? nil : cache.map { LayerCache($0) } ?? LayerCache.standard)
        do throws(ImageError) {
            options.platform = try connection.chosenPlatform()
            options.isOffline = offline
            options.limits.unpacked = max(1, unpacked) << 30
            options.registry = try connection.registry()
            return try ImageInspection(options)
        } catch {
            throw Failure(message: error.message)
        }
    }

    /// Images, or bills of materials, one after the other.
    func subjects(_ names: String...) async throws -> [ImageSubject] {
        let inspection = try inspection()
        do {
            var out: [ImageSubject] = []
            for name in names { out.append(try await subject(name, inspection)) }
            await inspection.close()
            return out
        } catch {
            await inspection.close()
            throw error
        }
    }

    /// An image, or a bill of materials.
    func subject(_ text: String, _ inspection: ImageInspection) async throws -> ImageSubject {
        if text == "-" || Self.isBill(text) {
            let bill = try BillFile.read(text)
            return ImageSubject(name: bill.name.isEmpty ? text : bill.name, bill: bill, result: nil)
        }
        let line = ProgressLine(quiet: quiet)
        let result = await inspection.inspect(text) { progress in
            let size =
                progress.bytes > 0 ? ", \(progress.bytesDone >> 20) of \(progress.bytes >> 20) MiB" : ""
            line.update("\(text): \(progress.layersDone) of \(progress.layers) layers\(size)")
        }
        line.clear()
        if let failure = result.failure { throw Failure(message: "\(text): \(failure.message)") }
        guard result.catalogue != nil else {
            let why = result.notes.first { $0.kind == .incomplete }?.message ?? "no layer could be read"
            throw Failure(message: "\(text): \(why)")
        }
        var bill = BillOfMaterials(format: .image, version: result.image?.platform?.description ?? "")
        bill.name = result.name
        bill.distribution = result.distribution
        bill.packages = result.packages
        return ImageSubject(name: result.name, bill: bill, result: result)
    }

    /// A file that is no archive; text may be packed with Zstandard.
    private static func isBill(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else {
            return false
        }
        return !ArchiveSource.isArchive(path) || path.hasSuffix(".json.zst") || path.hasSuffix(".spdx.zst")
    }
}

/// What is looked at: an image's packages, or those a bill of materials tells.
struct ImageSubject {
    var name: String
    var bill: BillOfMaterials
    /// nil for a bill of materials.
    var result: ImageResult?

    var notes: [ImageNote] { result?.notes ?? [] }
    var isComplete: Bool { result?.isComplete ?? true }

    /// The day the image tells, else today: bills of one image are then the same every day.
    func created(_ now: String) -> String { result?.image?.configuration.created ?? now }

    func contents(_ now: String) -> BillContents {
        guard let result, let catalogue = result.catalogue else {
            return BillContents(bill, name: name, created: now, toolVersion: MartletVersion.current)
        }
        return BillContents(
            name: name, digest: result.identity?.description, distribution: bill.distribution,
            packages: catalogue.packages, created: created(now), toolVersion: MartletVersion.current)
    }

    func writer(_ now: String) -> BillWriter {
        if let result { return BillWriter(result, created: created(now), toolVersion: MartletVersion.current) }
        return BillWriter(bill, created: now, toolVersion: MartletVersion.current)
    }
}
