/// A way to tell somebody: one small type for each kind.
///
/// Sending twice must do no harm: `notification.dedup` and the alert's id let the receiver tell a repetition.
package protocol NotificationTarget: Sendable {
    /// Returns when the other side has taken it; throws `DeliveryFailure` otherwise.
    func send(_ notification: AlertNotification, over wire: any Wire) async throws
}

/// What targets send over, so that tests see what is sent.
package protocol Wire: Sendable {
    /// Sends a request; throws unless the answer is a success.
    func post(_ request: OutgoingRequest) async throws
    /// Opens a stream, for mail and syslog.
    func open(_ address: StreamAddress) async throws -> any WireStream
    /// Sends one datagram.
    func datagram(_ bytes: [UInt8], to address: StreamAddress) async throws
}

/// Lines to and from a server.
package protocol WireStream: Sendable {
    func write(_ bytes: [UInt8]) async throws
    func readLine() async throws -> String
    func startTLS(_ host: String) async throws
    func close() async
}

package struct StreamAddress: Sendable, Hashable {
    package var host: String
    package var port: Int
    package var usesTLS: Bool

    package init(host: String, port: Int, usesTLS: Bool) {
        self.host = host
        self.port = port
        self.usesTLS = usesTLS
    }
}

/// A request to a target.
package struct OutgoingRequest: Sendable, Hashable {
    package var method = "POST"
    package var url: String
    package var headers: [String: String]
    package var body: [UInt8]

    package init(url: String, headers: [String: String] = [:], json body: [UInt8]) {
        self.url = url
        self.headers = headers.merging(["Content-Type": "application/json"]) { first, _ in first }
        self.body = body
    }
}

/// Why something was not delivered.
package struct DeliveryFailure: Error, Sendable {
    package var message: String
    /// Whether trying again may help.
    package var isTransient: Bool

    package init(_ message: String, isTransient: Bool = true) {
        self.message = message
        self.isTransient = isTransient
    }
}
