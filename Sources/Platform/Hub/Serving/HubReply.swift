package import Documents
package import HTTPTypes
package import HummingbirdCore
import NIOCore

/// What a route answers.
package struct HubReply: Sendable {
    package enum Content: Sendable {
        case none
        case bytes([UInt8], type: String)
        /// Written as it comes: event streams, exports.
        case stream(ResponseBody, type: String)
    }

    package var status: HTTPResponse.Status
    package var content: Content
    package var headers: HTTPFields = [:]
    /// May be asked for again with If-None-Match.
    package var hasTag = true

    package init(status: HTTPResponse.Status = .ok, _ content: Content) {
        self.status = status
        self.content = content
    }

    package static func json(
        status: HTTPResponse.Status = .ok, _ body: (inout JSONWriter) -> Void
    ) -> HubReply {
        var writer = JSONWriter()
        writer.object(body)
        return HubReply(status: status, .bytes(writer.bytes, type: "application/json"))
    }

    package static func text(_ text: String, type: String = "text/plain; charset=utf-8") -> HubReply {
        HubReply(.bytes(Array(text.utf8), type: type))
    }

    /// A page of the dashboard; only these may run scripts, and only the hub's own.
    package static func html(status: HTTPResponse.Status = .ok, _ text: String) -> HubReply {
        HubReply(status: status, .bytes(Array(text.utf8), type: "text/html; charset=utf-8"))
    }

    /// A file of the dashboard: scripts, styles, pictures; its address changes with its content.
    package static func asset(_ bytes: [UInt8], type: String) -> HubReply {
        var reply = HubReply(.bytes(bytes, type: type))
        reply.headers[.cacheControl] = "public, max-age=31536000, immutable"
        return reply
    }

    /// Sends a browser on.
    package static func redirect(to path: String) -> HubReply {
        var reply = HubReply(status: .seeOther, .none)
        reply.headers[.location] = path
        return reply
    }

    package static let noContent = HubReply(status: .noContent, .none)
}
