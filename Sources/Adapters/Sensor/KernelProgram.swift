internal import CBPF
internal import SensorObject

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The programs in the kernel and the ring they write to.
///
/// Holds pointers of libbpf, which it owns from `init` to `close` and uses from one thread at a time.
final class KernelProgram {
    private let object: OpaquePointer
    private var links: [OpaquePointer] = []
    private var ring: OpaquePointer?
    private let sink: Sink
    private let ledgerMap: Int32
    private let processors: Int
    private var programs: [Int32] = []
    private let deniesPrograms: Bool
    /// Why the kernel does not let its programs deny others; nil when it does, or was not asked.
    private(set) var denialRefusal: String?

    private static let denier = "deny_program"

    /// Where the ring's records go; the ring holds a pointer to it.
    private final class Sink {
        var receive: (UnsafeRawBufferPointer) -> Void = { _ in }
    }

    private static let attached = ["on_exec", "on_fork", "on_exit", "on_group_made", "on_group_gone", "on_call"]
    private static let handled: [(name: String, handler: handler)] = [
        ("handle_generic", HANDLER_GENERIC), ("handle_open", HANDLER_OPEN), ("handle_socket", HANDLER_SOCKET_FD),
        ("handle_dup", HANDLER_DUP), ("handle_map", HANDLER_MAP),
    ]

    init(_ options: SensorOptions) throws(SensorError) {
        libbpf_set_print(KernelMessages.take)
        KernelMessages.start()
        var denies = options.response == .deny
        var refusal: String?
        if denies {
            do throws(SensorError) {
                object = try Self.load(options, denies: true)
            } catch {
                // A kernel without the BPF security module refuses the one program, and everything with it: the others
                // are loaded without it.
                refusal = "the kernel does not let its programs deny others: \(error.message)"
                denies = false
                object = try Self.load(options, denies: false)
            }
        } else {
            object = try Self.load(options, denies: false)
        }
        denialRefusal = refusal
        deniesPrograms = denies
        let object = object
        sink = Sink()
        let map: (String) -> Int32 = { bpf_map__fd(bpf_object__find_map_by_name(object, $0)) }
        ledgerMap = map("ledger")
        processors = Int(libbpf_num_possible_cpus())
        var failure = Self.configure(options, configuration: map("configuration"), names: map("names"))
        for (name, handler) in Self.handled where failure == nil {
            var key = UInt32(handler.rawValue)
            var program = bpf_program__fd(bpf_object__find_program_by_name(object, name))
            programs.append(program)
            if bpf_map_update_elem(map("handlers"), &key, &program, UInt64(BPF_ANY)) != 0 {
                failure = SensorError(code: .load, message: "\(name) cannot be called: \(Self.reason())")
            }
        }
        if failure == nil {
            let context = Unmanaged.passUnretained(sink).toOpaque()
            ring = ring_buffer__new(map("ring"), Self.receive, context, nil)
            if ring == nil {
                failure = SensorError(code: .ring, message: "the ring cannot be mapped: \(Self.reason())")
            }
        }
        if let failure {
            bpf_object__close(object)
            throw failure
        }
    }

    private static func load(_ options: SensorOptions, denies: Bool) throws(SensorError) -> OpaquePointer {
        let bytes = martletObject()
        guard let object = bpf_object__open_mem(bytes.baseAddress, bytes.count, nil) else {
            throw SensorError(code: .load, message: "the kernel programs are not readable: \(reason())")
        }
        if let ring = bpf_object__find_map_by_name(object, "ring") {
            bpf_map__set_max_entries(ring, UInt32(options.ringBytes))
        }
        if !denies { bpf_program__set_autoload(bpf_object__find_program_by_name(object, denier), false) }
        guard bpf_object__load(object) == 0 else {
            let code: SensorError.Code = errno == EPERM ? .capability : .load
            let reason = reason()
            bpf_object__close(object)
            throw SensorError(
                code: code,
                message: "the kernel refuses the programs: \(reason)\(KernelMessages.last.map { "; \($0)" } ?? "")")
        }
        return object
    }

    private static let receive: ring_buffer_sample_fn = { context, data, size in
        guard let context, let data else { return 0 }
        let sink = Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue()
        sink.receive(UnsafeRawBufferPointer(start: data, count: size))
        return 0
    }

    private static func configure(_ options: SensorOptions, configuration: Int32, names: Int32) -> SensorError? {
        var table = KernelTable()
        table.options = options
        table.ownProcess = UInt32(getpid())
        table.ownMounts = ownMounts()
        var key: UInt32 = 0
        let value = table.bytes()
        guard bpf_map_update_elem(configuration, &key, value, UInt64(BPF_ANY)) == 0 else {
            return SensorError(code: .load, message: "the programs cannot be told what to do: \(reason())")
        }
        for name in options.readNames.sorted() {
            // The kernel cuts names at 31 bytes, too.
            var text = [UInt8](repeating: 0, count: 32)
            for (i, byte) in name.utf8.prefix(31).enumerated() { text[i] = byte }
            var one: UInt8 = 1
            guard bpf_map_update_elem(names, text, &one, UInt64(BPF_ANY)) == 0 else {
                return SensorError(code: .load, message: "too many names of files: \(reason())")
            }
        }
        return nil
    }

    /// The machine's mounts: those of the first process, or our own where that may not be read.
    private static func ownMounts() -> UInt32 {
        for place in ["/proc/1/ns/mnt", "/proc/self/ns/mnt"] {
            guard let link = ProcFiles.link(place) else { continue }
            if let number = UInt32(String(decoding: link.filter { (0x30...0x39).contains($0) }, as: UTF8.self)) {
                return number
            }
        }
        return 0
    }

    func attach(_ receive: @escaping (UnsafeRawBufferPointer) -> Void) throws(SensorError) {
        sink.receive = receive
        for name in Self.attached + (deniesPrograms ? [Self.denier] : []) {
            let program = bpf_object__find_program_by_name(object, name)
            guard let link = bpf_program__attach(program) else {
                if name == Self.denier {
                    denialRefusal = "the kernel does not let its programs deny others: \(Self.reason())"
                    continue
                }
                throw SensorError(code: .attach, message: "\(name) cannot be attached: \(Self.reason())")
            }
            links.append(link)
            programs.append(bpf_program__fd(program))
        }
    }

    /// Ready when records are there.
    var descriptor: Int32 { ring_buffer__epoll_fd(ring) }

    /// Waits for records at most so long and hands them over; how many there were.
    func poll(milliseconds: Int32) -> Int { Int(max(0, ring_buffer__poll(ring, milliseconds))) }

    /// Hands over what is there.
    func consume() -> Int { Int(max(0, ring_buffer__consume(ring))) }

    /// Programs on a file system are dropped ones. Sixteen thousand at once find room; of others it is only told.
    func addMemory(_ device: UInt32) {
        var key = device
        var one: UInt8 = 1
        let map = bpf_map__fd(bpf_object__find_map_by_name(object, "memories"))
        _ = bpf_map_update_elem(map, &key, &one, UInt64(BPF_ANY))
    }

    func detach() {
        for link in links { bpf_link__destroy(link) }
        links = []
    }

    func ledger(into ledger: inout SensorLedger) {
        var values = [counters](repeating: counters(), count: processors)
        for group in SensorLedger.Group.allCases {
            var key = UInt32(group.rawValue)
            guard bpf_map_lookup_elem(ledgerMap, &key, &values) == 0 else { continue }
            var sum = SensorLedger.Count()
            for value in values {
                sum.seen += value.seen
                sum.delivered += value.delivered
                sum.filtered += value.filtered
                sum.lost += value.lost
            }
            ledger.counts[group.rawValue] = sum
        }
        ledger.missedRuns = programs.reduce(0) { $0 + missedRuns($1) }
    }

    private func missedRuns(_ program: Int32) -> UInt64 {
        var info = bpf_prog_info()
        var length = UInt32(MemoryLayout<bpf_prog_info>.size)
        guard bpf_obj_get_info_by_fd(program, &info, &length) == 0 else { return 0 }
        return info.recursion_misses
    }

    deinit {
        detach()
        if let ring { ring_buffer__free(ring) }
        bpf_object__close(object)
    }

    private static func reason() -> String {
        let code = errno
        switch code {
        case EPERM: return "not permitted (CAP_BPF and CAP_PERFMON, or a lockdown of the kernel)"
        case ENOMEM: return "no memory (RLIMIT_MEMLOCK counts on kernels before 5.11)"
        case EOPNOTSUPP: return "the kernel does not support it"
        default: return String(cString: strerror(code))
        }
    }
}

private func martletObject() -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: martlet_sensor_object_start(), count: Int(martlet_sensor_object_length))
}
