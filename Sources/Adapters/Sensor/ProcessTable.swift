internal import SensorObject

/// The processes of the machine, kept by what the kernel tells of them.
///
/// A number is given again when its process is gone: a record whose process began at another time is another process's.
final class ProcessTable {
    private var processes: [UInt32: SensorProcess] = [:]
    /// Ended processes stay for a moment: events of theirs may come from another processor's records.
    private var ended: [SensorProcess] = []
    private var firstEnded = 0
    private static let keptFor: UInt64 = 2_000_000_000
    private static let deepest = 64
    let groups: ControlGroups

    init(groups: ControlGroups) { self.groups = groups }

    var count: Int { processes.count }

    subscript(id: UInt32) -> SensorProcess? { processes[id] }

    /// The process of a record, made from what the record says when it was not known.
    func process(_ header: SensorObject.header) -> SensorProcess {
        if let known = processes[header.process], known.began(at: header.start) {
            update(known, header)
            return known
        }
        let made = SensorProcess(id: header.process, start: header.start, parentID: header.parent)
        made.isIncomplete = true
        adopt(made, header)
        made.name = Self.name(header)
        made.uid = header.uid
        if let scanned = ProcScan.process(header.process), scanned.began(at: header.start) {
            ProcScan.copy(scanned, to: made)
        }
        processes[header.process] = made
        update(made, header)
        return made
    }

    func fork(_ record: KernelRecord) -> SensorProcess {
        let header = record.header
        let child = SensorProcess(id: header.process, start: header.start, parentID: header.parent)
        adopt(child, header)
        child.programStart = header.start
        if let identity = record.identity { apply(identity, to: child, isProgram: false) }
        child.name = Self.name(header)
        processes[header.process] = child
        update(child, header)
        return child
    }

    private func adopt(_ child: SensorProcess, _ header: SensorObject.header) {
        guard header.parent != header.process else { return }
        guard let parent = processes[header.parent],
            parent.began(at: header.parent_start)
        else { return }
        child.parent = parent
        child.depth = parent.depth + 1
        child.inherit(from: parent)
        if child.depth > Self.deepest {
            // Daemons that fork and leave again and again would keep all who were.
            if let last = child.ancestor(Self.deepest / 2) {
                last.parent = nil
            }
            child.depth = Self.deepest / 2
        }
    }

    func exec(_ record: KernelRecord) -> SensorProcess {
        let process = process(record.header)
        process.name = Self.name(record.header)
        process.arguments = record.arguments.map(ProcFiles.pieces) ?? []
        process.environment = record.environment.map(ProcFiles.pieces) ?? []
        process.executablePath = record.executable?.text ?? []
        process.startedAs = record.string1 ?? []
        if let folder = record.workingDirectory { process.workingDirectory = folder }
        if let identity = record.identity { apply(identity, to: process, isProgram: true) }
        process.file.isDeleted = record.executable?.isDeleted ?? false
        process.file.isPseudo = record.executable?.isPseudo ?? false
        process.programStart = record.header.time
        process.isIncomplete =
            UInt32(record.header.flags) & FLAG_TRUNCATED.rawValue != 0 || record.executable == nil
            || record.arguments == nil
        process.revision += 1
        return process
    }

    /// A process changed who it is or where it stands.
    func change(_ record: KernelRecord, _ process: SensorProcess) {
        if let identity = record.identity { apply(identity, to: process, isProgram: false) }
        if let folder = record.workingDirectory { process.workingDirectory = folder }
        process.revision += 1
    }

    func exit(_ record: KernelRecord) -> SensorProcess {
        let process = process(record.header)
        process.ended = record.header.time
        ended.append(process)
        forget(before: record.header.time)
        return process
    }

    private func forget(before now: UInt64) {
        while firstEnded < ended.count, ended[firstEnded].ended + Self.keptFor < now {
            let process = ended[firstEnded]
            if processes[process.id] === process { processes[process.id] = nil }
            process.annotation = nil
            firstEnded += 1
        }
        if firstEnded > 1024, firstEnded * 2 > ended.count {
            ended.removeFirst(firstEnded)
            firstEnded = 0
        }
    }

    /// Lets go of a process that ended.
    func forget(_ process: SensorProcess, at now: UInt64) {
        ended.append(process)
        forget(before: now)
    }

    var all: [SensorProcess] { Array(processes.values) }

    func insert(_ process: SensorProcess) { processes[process.id] = process }

    /// Gives each scanned process its parent.
    func link() {
        for process in processes.values where process.parent == nil && process.parentID != process.id {
            process.parent = processes[process.parentID]
        }
        for process in processes.values {
            var depth = 0
            var above = process.parent
            while let next = above, depth < Self.deepest {
                depth += 1
                above = next.parent
            }
            process.depth = depth
        }
    }

    private func update(_ process: SensorProcess, _ header: SensorObject.header) {
        if header.thread == header.process, !Self.isName(header, process.name) {
            // Programs may call themselves what they like at any time.
            process.name = Self.name(header)
            process.revision += 1
        }
        let hasOwnMounts = UInt32(header.flags) & FLAG_OWN_MOUNTS.rawValue != 0
        let key = ControlGroups.Key(root: header.cgroup_root, id: header.cgroup)
        let container = groups.container(key, process: header.process, now: header.time)
        if process.container !== container || process.hasOwnMounts != hasOwnMounts {
            process.container = container
            process.hasOwnMounts = hasOwnMounts
            process.revision += 1
        }
        if process.parentID != header.parent, header.parent != 0 {
            // The parent ended; another took the child in.
            process.parentID = header.parent
            process.revision += 1
        }
    }

    private func apply(_ facts: exec_facts, to process: SensorProcess, isProgram: Bool) {
        (process.uid, process.gid, process.effectiveUID) = (facts.uid, facts.gid, facts.euid)
        process.loginUID = facts.loginuid == UInt32.max ? -1 : Int64(facts.loginuid)
        process.terminal = facts.terminal
        (process.session, process.group) = (facts.session, facts.group)
        (process.ownID, process.ownGroup, process.ownSession) = (
            facts.own_number, facts.own_group, facts.own_session
        )
        (process.permitted, process.effective, process.inheritable) = (
            facts.permitted, facts.effective, facts.inheritable
        )
        if isProgram { process.file = SensorProcess.File(facts.file) }
    }

    private static func isName(_ header: SensorObject.header, _ name: [UInt8]) -> Bool {
        withUnsafeBytes(of: header.name) { bytes in
            name.count < bytes.count && bytes[name.count] == 0 && name.indices.allSatisfy { bytes[$0] == name[$0] }
        }
    }

    static func name(_ header: SensorObject.header) -> [UInt8] {
        withUnsafeBytes(of: header.name) { Array($0.prefix { $0 != 0 }) }
    }
}

extension SensorProcess.File {
    init(_ facts: file_facts) {
        self.init()
        inode = facts.inode
        device = facts.device
        changed = facts.ctime
        modified = facts.mtime
        mode = facts.mode
        fileSystem = facts.magic
        isOnOverlay = facts.flags & FILE_OVERLAY.rawValue != 0
        isInUpperLayer = facts.flags & FILE_UPPER.rawValue != 0
    }
}
