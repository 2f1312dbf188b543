/// What the sensor is to hand over.
package struct SensorOptions: Sendable {
    /// System calls somebody asks about. Those that change a process come in any case.
    package var calls: Set<SystemCall> = Set(SystemCall.allCases).subtracting([.prctl])
    /// Nothing of processes that share the machine's own mounts.
    package var containersOnly = false
    /// Every file that is opened for reading, not only those with a name somebody asks about.
    package var allReads = false
    /// Names of files and folders whose reading is asked about: of the file itself or of the two folders above it.
    package var readNames: Set<String> = []
    package var unixSockets = false
    /// Libraries that processes in containers load from elsewhere than their image's layers.
    package var mappedCode = true
    /// Bytes of the ring between kernel and sensor: a power of two.
    package var ringBytes = 8 << 20

    /// What the kernel does at once about a program in a container that its image did not bring: one that was written
    /// into the container's own layer or lies in memory.
    package var response = Response.none

    package enum Response: String, Sendable, CaseIterable {
        case none
        /// It is killed before its first instruction.
        case signal
        /// It is not let start; needs the kernel's BPF security module.
        case deny
    }

    package init() {}
}
