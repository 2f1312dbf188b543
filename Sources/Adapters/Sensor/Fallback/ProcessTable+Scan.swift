/// The table of processes kept by asking /proc, for who is told nothing but numbers.
extension ProcessTable {
    /// A process that began; nil when it is known or already gone without a parent that tells of it.
    func forked(_ id: UInt32, of parent: UInt32, at time: UInt64) -> SensorProcess? {
        let process = SensorProcess(id: id, start: time, parentID: parent)
        if let above = self[parent] {
            process.parent = above
            process.depth = min(above.depth + 1, 32)
            process.inherit(from: above)
        }
        if let found = ProcScan.process(id) { ProcScan.copy(found, to: process) } else { process.isIncomplete = true }
        insert(process)
        return process
    }

    /// A process that started a program.
    func started(_ id: UInt32, at time: UInt64) -> SensorProcess {
        let process = self[id] ?? SensorProcess(id: id, start: time, parentID: 0)
        let parent = process.parent
        if let found = ProcScan.process(id) {
            ProcScan.copy(found, to: process)
            process.parent = parent ?? self[found.parentID]
            process.isIncomplete = false
        } else {
            // Gone already: what it was before it started the program is not what it is.
            process.isIncomplete = true
        }
        process.programStart = time
        process.revision += 1
        insert(process)
        return process
    }

    /// A process somebody speaks of.
    func found(_ id: UInt32, at time: UInt64) -> SensorProcess {
        if let known = self[id] { return known }
        let process = ProcScan.process(id) ?? SensorProcess(id: id, start: time, parentID: 0)
        process.isIncomplete = process.executablePath.isEmpty
        process.parent = self[process.parentID]
        insert(process)
        return process
    }

    /// The container of a process, by its control groups.
    func place(_ process: SensorProcess, now: UInt64) {
        guard let container = groups.container(ofProcess: process.id, now: now) else { return }
        if process.container !== container {
            process.container = container
            process.revision += 1
        }
        process.hasOwnMounts = true
    }
}
