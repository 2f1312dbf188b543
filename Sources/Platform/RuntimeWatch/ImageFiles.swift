package import Detection
package import Sensor

/// Who knows the files of images: the image engine, by the digest of an image.
package protocol ImageFiles: AnyObject {
    /// The files of the image a container runs; nil when they are not known, or not yet.
    func files(of container: SensorContainer) -> ContentDrift?
    /// The digest of a file in a running container, a process's own program or a library it loaded; nil when it cannot
    /// be read.
    func digest(of path: [UInt8], _ file: SensorProcess.File, in process: SensorProcess) -> String?
}

/// Who decides what the cluster's network policies say of a connection.
package protocol ConnectionVerdicts: AnyObject {
    /// What decides over a connection of a container, and what would decide otherwise; nil when not known.
    func verdict(
        _ connection: ConnectionClass, from container: SensorContainer, to address: [UInt8], port: UInt16
    ) -> ConnectionVerdict?
    /// What is known of an address: the workload, service or DNS name behind it.
    func peer(_ address: [UInt8]) -> PeerName?
}

/// The answer about one connection.
package struct ConnectionVerdict: Sendable, Hashable {
    /// `allowed`, `denied` or `unknown`.
    package var verdict: String
    /// The policies and rules that decided.
    package var reasons: [String]
    /// The smallest change that turns the answer round, tried before it is offered.
    package var proposals: [String]

    package init(verdict: String, reasons: [String], proposals: [String]) {
        self.verdict = verdict
        self.reasons = reasons
        self.proposals = proposals
    }
}

package struct PeerName: Sendable, Hashable {
    package var workload: String?
    package var service: String?
    package var name: String?

    package init(workload: String? = nil, service: String? = nil, name: String? = nil) {
        self.workload = workload
        self.service = service
        self.name = name
    }
}

/// Decides about programs when the image's files are not known: by where the running file lies and when it came.
struct DriftFallback {
    /// `TMPFS_MAGIC`, `RAMFS_MAGIC`: linux/magic.h.
    private static let memoryFileSystems: Set<UInt64> = [0x0102_1994, 0x8584_58f6]

    /// Where a file lies that no image can have brought.
    static func place(_ file: SensorProcess.File) -> String {
        if file.isPseudo { return "it lies in memory only" }
        if memoryFileSystems.contains(file.fileSystem) { return "it lies on a file system in memory" }
        return file.isInUpperLayer ? "it was written into the running container" : "it is not of the image"
    }

    /// Why a program or library is none of the image's; nil when nothing says so.
    static func reason(_ path: String, _ file: SensorProcess.File, in container: SensorContainer) -> String? {
        if file.isPseudo || path.hasPrefix("memfd:") { return "it lies in memory only" }
        let isInVolume = container.facts.volumes.contains { path.hasPrefix("\($0)/") }
        // A volume in memory is like one on disk: what was there before the container began may be an init container's.
        if memoryFileSystems.contains(file.fileSystem), !isInVolume { return "it lies on a file system in memory" }
        if file.isOnOverlay { return file.isInUpperLayer ? "it was written into the running container" : nil }
        // Not every runtime uses overlays: a file that changed after the container began did not come with it.
        if let started = container.facts.started, file.changed > 0, UInt64(file.changed) > started {
            return "it was written after the container began"
        }
        return nil
    }
}
