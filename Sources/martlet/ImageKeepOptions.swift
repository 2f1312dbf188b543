import AdvisoryStore
import ArgumentParser
import Foundation
import ImageInspection
import ImageStore
import Vulnerabilities

/// Where inventories of images are kept, so that a new advisory finds them without their being read again.
struct ImageKeepOptions: ParsableArguments {
    @Option(
        name: .customLong("store"), help: "The file in which inventories of images are kept.", completion: .file())
    var path: String?

    @Flag(name: .customLong("no-store"), help: "Keep no inventories.")
    var keepsNone = false

    static var standardPath: String {
        let environment = ProcessInfo.processInfo.environment
        let data = environment["XDG_DATA_HOME"] ?? (environment["HOME"].map { "\($0)/.local/share" } ?? "/tmp")
        return "\(data)/martlet/images.db"
    }

    /// The store to write to; nil where none is wanted, or where nobody asked for one and there cannot be one.
    func store() throws -> ImageStore? {
        guard !keepsNone else { return nil }
        do {
            return try Self.open(path ?? Self.standardPath)
        } catch let failure as Failure {
            if path != nil { throw failure }
            Console.error("\(failure.message); inventories are not kept (--no-store says nothing of it)")
            return nil
        }
    }

    /// The store to read from, which has to be there.
    func existing() throws -> ImageStore {
        let path = path ?? Self.standardPath
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure(
                message:
                    "there are no stored images at \(path); `martlet image scan` and `martlet scan --images` keep them")
        }
        return try Self.open(path)
    }

    static func open(_ path: String) throws -> ImageStore {
        do {
            try FileManager.default.createDirectory(
                at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
            return try ImageStore.open(path: path)
        } catch let error as ImageStoreError {
            throw Failure(message: error.message)
        } catch {
            throw Failure(message: "\(path): its folder cannot be made")
        }
    }

    /// Keeps what was found; a store that cannot be written to is said and is no reason to fail.
    static func keep(_ record: ImageRecord?, in store: ImageStore?) {
        guard let record, let store else { return }
        do throws(ImageStoreError) {
            try record.store(in: store)
        } catch {
            Console.error("\(error.message); the inventory of \(record.image.reference) is not kept")
        }
    }
}

/// The base images that are known.
struct BaseOptions: ParsableArguments {
    @Option(
        name: .customLong("bases"), help: "The file of base images that `martlet base` keeps.", completion: .file())
    var path: String?

    static var standardPath: String {
        let environment = ProcessInfo.processInfo.environment
        let folder = environment["XDG_CONFIG_HOME"] ?? (environment["HOME"].map { "\($0)/.config" } ?? "/tmp")
        return "\(folder)/martlet/bases.jsonl"
    }

    var place: String { path ?? Self.standardPath }

    /// Empty where nobody keeps such a list; a file that was named has to be there.
    func index() throws -> BaseImageIndex {
        guard path != nil || FileManager.default.fileExists(atPath: place) else { return BaseImageIndex() }
        return try Self.read(place)
    }

    static func read(_ path: String) throws -> BaseImageIndex {
        do {
            return try BaseImageIndex(decoding: BillFile.bytes(path))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(message: "\(path): is no list of base images: \(error)")
        }
    }

    func write(_ index: BaseImageIndex) throws {
        try FileManager.default.createDirectory(
            at: URL(filePath: place).deletingLastPathComponent(), withIntermediateDirectories: true)
        try OutputFile.replace(place, with: index.encoded())
    }
}

extension AdvisoryDatabase {
    /// What names these advisories: every feed's digest is in the head.
    var digest: String { AdvisoryStore.digest(head) }
}
