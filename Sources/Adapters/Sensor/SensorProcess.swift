internal import Synchronization

/// How often any process or container changed: while this stands still, so does all that was made of them.
package enum Revisions {
    private static let changes = Atomic<Int>(0)

    package static var count: Int { changes.load(ordering: .relaxed) }

    static func note() { changes.add(1, ordering: .relaxed) }
}

/// One process from its fork to its exit. Its number may be another's afterwards; the time it began tells them apart.
package final class SensorProcess {
    /// A file on disk a program was started from.
    package struct File: Sendable, Hashable {
        package var inode: UInt64 = 0
        package var device: UInt64 = 0
        package var changed: Int64 = 0
        package var modified: Int64 = 0
        package var mode: UInt32 = 0
        /// The number of its kind of file system.
        package var fileSystem: UInt64 = 0
        package var isOnOverlay = false
        /// Written in the running container: it lies in the upper layer.
        package var isInUpperLayer = false
        package var isDeleted = false
        package var isPseudo = false

        package init() {}
    }

    package let id: UInt32
    /// Nanoseconds since the machine began.
    package internal(set) var start: UInt64
    /// The start was read from /proc, which knows it to a hundredth of a second.
    var isStartRough = false
    package internal(set) var parentID: UInt32
    package internal(set) var parent: SensorProcess?
    /// How many ancestors are known.
    var depth = 0

    package internal(set) var name: [UInt8] = []
    package internal(set) var arguments: [[UInt8]] = []
    package internal(set) var environment: [[UInt8]] = []
    package internal(set) var executablePath: [UInt8] = []
    /// The path the program was started with, before links were followed.
    package internal(set) var startedAs: [UInt8] = []
    package internal(set) var workingDirectory: [UInt8] = []
    package internal(set) var file = File()
    package internal(set) var uid: UInt32 = 0
    package internal(set) var gid: UInt32 = 0
    package internal(set) var effectiveUID: UInt32 = 0
    /// -1 when nobody logged in.
    package internal(set) var loginUID: Int64 = -1
    package internal(set) var terminal: UInt32 = 0
    package internal(set) var session: UInt32 = 0
    package internal(set) var group: UInt32 = 0
    /// The numbers as the process itself sees them.
    package internal(set) var ownID: UInt32 = 0
    package internal(set) var ownGroup: UInt32 = 0
    package internal(set) var ownSession: UInt32 = 0
    package internal(set) var permitted: UInt64 = 0
    package internal(set) var effective: UInt64 = 0
    package internal(set) var inheritable: UInt64 = 0
    package internal(set) var container: SensorContainer?
    /// Shares the machine's mounts.
    package internal(set) var hasOwnMounts = false
    /// When the last program was started: the start of the process before that.
    package internal(set) var programStart: UInt64 = 0
    /// Something was cut off or not seen: evidence from it is incomplete.
    package internal(set) var isIncomplete = false
    /// Nanoseconds since the machine began; 0 while it runs.
    package internal(set) var ended: UInt64 = 0
    /// Grows with every change; whoever keeps what follows from the fields compares it.
    package internal(set) var revision = 0 { didSet { Revisions.note() } }
    /// For whoever reads events: what it made of this process, with the revision it was made of.
    package var annotation: AnyObject?

    package init(id: UInt32, start: UInt64, parentID: UInt32) {
        self.id = id
        self.start = start
        self.parentID = parentID
    }

    /// Whether a start the kernel tells is this process's; the exact one replaces a rough one.
    func began(at exact: UInt64) -> Bool {
        if start == exact { return true }
        guard isStartRough, (start > exact ? start - exact : exact - start) < 20_000_000 else { return false }
        start = exact
        isStartRough = false
        return true
    }

    /// Puts the process into a container.
    package func enter(_ container: SensorContainer) {
        self.container = container
        hasOwnMounts = true
        revision += 1
    }

    /// Takes over what a child has from its parent.
    func inherit(from parent: SensorProcess) {
        name = parent.name
        arguments = parent.arguments
        environment = parent.environment
        executablePath = parent.executablePath
        startedAs = parent.startedAs
        workingDirectory = parent.workingDirectory
        file = parent.file
        (uid, gid, effectiveUID, loginUID) = (parent.uid, parent.gid, parent.effectiveUID, parent.loginUID)
        (terminal, session, group) = (parent.terminal, parent.session, parent.group)
        (permitted, effective, inheritable) = (parent.permitted, parent.effective, parent.inheritable)
        container = parent.container
        hasOwnMounts = parent.hasOwnMounts
        programStart = start
        isIncomplete = parent.isIncomplete
    }

    /// The process itself, its parent, and so on.
    package func ancestor(_ distance: Int) -> SensorProcess? {
        var found: SensorProcess? = self
        var left = distance
        while left > 0, let process = found {
            found = process.parent
            left -= 1
        }
        return found
    }
}
