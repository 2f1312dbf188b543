internal import CBPF
internal import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What libbpf has to say, kept instead of printed; the last complaint goes into the error.
enum KernelMessages {
    private static let kept = Mutex<String?>(nil)

    static func start() { kept.withLock { $0 = nil } }

    static var last: String? { kept.withLock { $0 } }

    static let take: libbpf_print_fn_t = { level, format, arguments in
        guard level == LIBBPF_WARN, let format, let arguments else { return 0 }
        var buffer = [CChar](repeating: 0, count: 512)
        let count = vsnprintf(&buffer, buffer.count, format, arguments)
        guard count > 0 else { return 0 }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let line = text.split(separator: "\n").first.map(String.init) ?? ""
        // The log of the verifier follows; what was refused is in the first line.
        kept.withLock { if $0 == nil { $0 = line } }
        return 0
    }
}
