import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Ends the hub when it is asked to: streams that are open do not keep it from stopping, and what was acknowledged is
/// in the store already.
enum StopSignals {
    /// Runs until the body ends, or SIGTERM or SIGINT comes.
    static func running(_ isWanted: Bool, _ body: @escaping @Sendable () async throws -> Void) async throws {
        guard isWanted else { return try await body() }
        let task = Task { try await body() }
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { task.cancel() }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        do {
            try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            // Being told to stop is no failure.
            guard task.isCancelled else { throw error }
        }
    }
}
