import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A small server with the part of Azure Key Vault's REST API that lists attributes, and the login in front of it.
final class FakeKeyVault: Sendable {
    struct Entry: Sendable {
        var name: String
        var version: String
        var created: Int
        var isEnabled = true
        var expires: Int?
    }

    let entries: [Entry]
    /// Where a next page is said to be; nil for here.
    let foreignLink: String?
    private let state = Mutex<(requests: [String], port: Int)>(([], 0))

    init(_ entries: [Entry], foreignLink: String? = nil) {
        self.entries = entries
        self.foreignLink = foreignLink
    }

    var requests: [String] { state.withLock { $0.requests } }
    var port: Int { state.withLock { $0.port } }

    func run(_ body: (String) async throws -> Void) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(Handler(self))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        state.withLock { $0.port = channel.localAddress?.port ?? 0 }
        do {
            try await body("http://127.0.0.1:\(port)")
        } catch {
            try await channel.close()
            throw error
        }
        try await channel.close()
    }

    /// Two entries a page.
    func answer(_ method: String, _ uri: String, _ authorization: String, _ form: String) -> (Int, String) {
        state.withLock { $0.requests.append("\(method) \(uri)") }
        if uri == "/tenant-1/oauth2/v2.0/token" {
            guard form.contains("client_secret=s%26cret"), form.contains("scope=https%3A%2F%2Fvault.azure.net") else {
                return (401, #"{"error":"invalid_client","error_description":"no such secret"}"#)
            }
            return (200, #"{"access_token":"token-1","token_type":"Bearer"}"#)
        }
        guard authorization == "Bearer token-1" else { return (401, #"{"error":{"message":"no"}}"#) }
        guard uri.contains("api-version=7.4") else { return (400, #"{"error":{"message":"api-version"}}"#) }
        let path = uri.split(separator: "?")[0].split(separator: "/").map(String.init)
        let skip = uri.firstRange(of: "skip=").flatMap { Int(uri[$0.upperBound...]) } ?? 0
        guard path.count == 3, path[2] == "versions" else { return (404, #"{"error":{"message":"not served"}}"#) }
        let own = entries.filter { $0.name == path[1] }
        let base = "http://127.0.0.1:\(port)"
        let items = own.dropFirst(skip).prefix(2).map { entry in
            let expiry = entry.expires.map { #","exp":\#($0)"# } ?? ""
            return
                #"{"id":"\#(base)/secrets/\#(entry.name)/\#(entry.version)","attributes":{"enabled":\#(entry.isEnabled),"created":\#(entry.created),"updated":\#(entry.created)\#(expiry)}}"#
        }
        let link =
            own.count > skip + 2
            ? "\"\(foreignLink ?? base)/secrets/\(path[1])/versions?api-version=7.4&skip=\(skip + 2)\"" : "null"
        return (200, #"{"value":[\#(items.joined(separator: ","))],"nextLink":\#(link)}"#)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let server: FakeKeyVault
        private var head: HTTPRequestHead?
        private var body = ""

        init(_ server: FakeKeyVault) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): (self.head, body) = (head, "")
            case .body(let buffer): body += String(buffer: buffer)
            case .end:
                guard let head else { return }
                let (status, text) = server.answer(
                    head.method.rawValue, head.uri, head.headers["authorization"].first ?? "", body)
                let headers: HTTPHeaders = ["content-length": "\(text.utf8.count)", "content-type": "application/json"]
                context.write(
                    wrapOutboundOut(
                        .head(HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers))),
                    promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
