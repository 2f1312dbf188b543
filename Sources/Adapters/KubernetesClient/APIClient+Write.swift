package import Documents
import NIOHTTP1

extension APIClient {
    /// A change of one object. Nothing in a scan makes one; only what the user installs, and what that keeps up.
    package enum Change: Sendable {
        case create
        /// Of an object with the `resourceVersion` it was read with: whoever was faster is not overwritten.
        case replace
        case delete
    }

    /// What became of a change.
    package enum Changed: Sendable {
        case done(Node)
        /// Somebody has changed the object since it was read, or it is there already.
        case conflict
        case absent
    }

    /// Changes an object; throws what else the server says.
    package func change(_ change: Change, _ path: String, _ body: [UInt8]? = nil) async throws -> Changed {
        let method: HTTPMethod =
            switch change {
            case .create: .POST
            case .replace: .PUT
            case .delete: .DELETE
            }
        try await pace.take()
        let answer = try await transport.send(
            Transport.Request(method: method, path: path, body: body, patience: options.patience))
        let bytes = try await answer.body(limit: options.bodyLimit)
        switch answer.status {
        case 200..<300: return .done(try parse(bytes, path))
        case 409: return .conflict
        case 404: return .absent
        default: throw failure(answer.status, answer.headers, bytes, path)
        }
    }
}
