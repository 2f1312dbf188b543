/// Something a process did, with everything the kernel told of it.
package struct SensorEvent {
    package enum Kind: Sendable, Hashable {
        case exec
        case fork
        case exit
        /// A program was kept from starting (`deny`) or killed as it started (`signal`).
        case stopped(SensorOptions.Response)
        /// A process in a container loaded a library that lies in none of its image's layers.
        case mapped
        case call(SystemCall)

        /// The event's type as rules name it.
        package var name: String {
            switch self {
            case .exec: "execve"
            case .fork: "clone"
            case .exit: "procexit"
            // No rule asks about it: it is a response of this program itself.
            case .stopped: "martlet_stopped"
            case .mapped: "mmap"
            case .call(let call): call.name
            }
        }
    }

    /// One end of a connection.
    package struct Address: Sendable, Hashable {
        /// Four bytes or sixteen.
        package var bytes: [UInt8]
        package var port: UInt16
    }

    package struct Socket: Sendable, Hashable {
        package enum Family: Sendable, Hashable { case ipv4, ipv6, unix, other(UInt16) }

        package var family: Family
        package var local: Address?
        package var remote: Address?
        /// 6 TCP, 17 UDP.
        package var transport: UInt16
        /// The other side asked, this one answers.
        package var isServer: Bool
        /// The path of a local socket.
        package var path: [UInt8]?
    }

    package var kind: Kind
    /// Nanoseconds since 1970.
    package var time: UInt64
    /// The same since the machine began.
    package var machineTime: UInt64
    package var number: UInt64
    package var process: SensorProcess
    package var thread: UInt32
    package var result: Int64
    /// The arguments as numbers.
    package var arguments: InlineArray<6, UInt64>
    /// Paths and text of the arguments; paths are whole, beginning at the container's root.
    package var text1: [UInt8]?
    package var text2: [UInt8]?
    /// As the process wrote them.
    package var written1: [UInt8]?
    package var written2: [UInt8]?
    /// The file the event is about, links followed.
    package var path: [UInt8]?
    package var file: SensorProcess.File?
    package var socket: Socket?
    package var processor: UInt16
    package var isIncomplete: Bool
}
