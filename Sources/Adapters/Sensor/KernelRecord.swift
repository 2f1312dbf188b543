internal import SensorObject

/// One record of the ring, its parts told apart. Holds copies only of what has a length.
struct KernelRecord {
    /// The names of a path from the file up to the root, as the kernel handed them over.
    struct Path {
        var text: [UInt8]
        var isDeleted: Bool
        /// A file that lies in no folder: a pipe, a socket, memory.
        var isPseudo: Bool
    }

    var header: SensorObject.header
    var string1: [UInt8]?
    var string2: [UInt8]?
    var base1: [UInt8]?
    var base2: [UInt8]?
    var filePath: Path?
    var executable: Path?
    var workingDirectory: [UInt8]?
    var arguments: [UInt8]?
    var environment: [UInt8]?
    var groupPath: [UInt8]?
    var socket: socket_facts?
    var address: [UInt8]?
    var file: file_facts?
    var identity: exec_facts?

    /// Reads a record; nil when the bytes are none. Any bytes may come: lengths are looked at before they are used.
    init?(_ bytes: UnsafeRawBufferPointer) {
        let headerSize = MemoryLayout<SensorObject.header>.size
        guard bytes.count >= headerSize else { return nil }
        header = bytes.loadUnaligned(as: SensorObject.header.self)
        var at = headerSize
        while at + 4 <= bytes.count {
            let tag = UInt32(bytes[at])
            let flags = UInt32(bytes[at + 1])
            let length = Int(bytes[at + 2]) | Int(bytes[at + 3]) << 8
            at += 4
            guard at + length <= bytes.count else { return nil }
            let content = UnsafeRawBufferPointer(rebasing: bytes[at..<at + length])
            at += length
            switch tag {
            case PART_STRING1.rawValue: string1 = Array(content)
            case PART_STRING2.rawValue: string2 = Array(content)
            case PART_BASE1.rawValue: base1 = Self.path(content, flags)
            case PART_BASE2.rawValue: base2 = Self.path(content, flags)
            case PART_FILE_PATH.rawValue:
                filePath = Path(
                    text: Self.path(content, flags), isDeleted: flags & FILE_DELETED.rawValue != 0,
                    isPseudo: flags & FILE_PSEUDO.rawValue != 0)
            case PART_EXE_PATH.rawValue:
                executable = Path(
                    text: Self.path(content, flags), isDeleted: flags & FILE_DELETED.rawValue != 0,
                    isPseudo: flags & FILE_PSEUDO.rawValue != 0)
            case PART_CWD.rawValue: workingDirectory = Self.path(content, flags)
            case PART_ARGUMENTS.rawValue: arguments = Array(content)
            case PART_ENVIRONMENT.rawValue: environment = Array(content)
            case PART_PATH.rawValue: groupPath = Array(content)
            case PART_ADDRESS.rawValue: address = Array(content)
            case PART_SOCKET.rawValue: socket = Self.value(content)
            case PART_FILE.rawValue: file = Self.value(content)
            case PART_EXEC.rawValue: identity = Self.value(content)
            default: return nil
            }
        }
        guard at == bytes.count else { return nil }
    }

    private static func value<T: BitwiseCopyable>(_ bytes: UnsafeRawBufferPointer) -> T? {
        bytes.count == MemoryLayout<T>.size ? bytes.loadUnaligned(as: T.self) : nil
    }

    /// Turns "name, folder, folder above", each with a zero behind it, into a path.
    private static func path(_ bytes: UnsafeRawBufferPointer, _ flags: UInt32) -> [UInt8] {
        if flags & FILE_PSEUDO.rawValue != 0 {
            return Array(bytes.prefix { $0 != 0 })
        }
        guard !bytes.isEmpty else { return [UInt8(ascii: "/")] }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 1)
        var end = bytes.count
        if bytes[end - 1] == 0 { end -= 1 }
        while end > 0 {
            var start = end
            while start > 0, bytes[start - 1] != 0 { start -= 1 }
            out.append(UInt8(ascii: "/"))
            out.append(contentsOf: bytes[start..<end])
            end = start > 0 ? start - 1 : 0
        }
        return out.isEmpty ? [UInt8(ascii: "/")] : out
    }
}
