import Logging

/// A server's own log, without what it says while it is being stopped: connections that a stop cuts off are no error.
struct ServerLog: LogHandler {
    private var handler: any LogHandler

    init(to handler: any LogHandler) { self.handler = handler }

    var metadata: Logger.Metadata {
        get { handler.metadata }
        set { handler.metadata = newValue }
    }

    var logLevel: Logger.Level {
        get { handler.logLevel }
        set { handler.logLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { handler[metadataKey: key] }
        set { handler[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        if !Task.isCancelled { handler.log(event: event) }
    }
}
