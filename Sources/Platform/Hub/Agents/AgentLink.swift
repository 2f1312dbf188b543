import AsyncHTTPClient
import Documents
import FoundationEssentials
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOSSL
import Store

/// Why the hub did not do what an agent asked.
struct LinkError: Error, CustomStringConvertible {
    /// 0: no answer at all.
    var status: Int
    var code: String
    var description: String

    /// Trying again does not help.
    var isFinal: Bool { [401, 403].contains(status) }
}

/// An agent's way to its hub: HTTP/2 over TLS, outwards only.
final class AgentLink: Sendable {
    private let client: HTTPClient
    private let base: String
    private let now: @Sendable () -> Milliseconds

    /// - Parameters:
    ///   - host: where the hub is; its certificate names `martlet-hub` wherever that is.
    ///   - port: the port for agents.
    init(
        host: String, port: Int, _ tls: TLSConfiguration, now: @escaping @Sendable () -> Milliseconds
    ) {
        var configuration = HTTPClient.Configuration()
        configuration.tlsConfiguration = tls
        configuration.redirectConfiguration = .disallow
        configuration.dnsOverride = [AgentAuthority.hubName: host]
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(60))
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        base = "https://\(AgentAuthority.hubName):\(port)/agent/v1"
        self.now = now
    }

    func close() async {
        // Nothing is sent any more; what fails now fails nobody.
        _ = try? await client.shutdown()
    }

    func ask(_ method: HTTPMethod, _ path: String, _ body: [UInt8]? = nil, type: String = "application/json")
        async throws -> [UInt8]
    {
        var request = HTTPClientRequest(url: "\(base)/\(path)")
        request.method = method
        request.headers.add(name: AgentGate.clock.rawName, value: String(now()))
        if let body {
            request.headers.add(name: "content-type", value: type)
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let status: Int
        let bytes: [UInt8]
        do {
            let response = try await client.execute(request, timeout: .seconds(60))
            guard response.version == .http2 else {
                throw LinkError(
                    status: 0, code: "protocol", description: "something between agent and hub is no HTTP/2")
            }
            status = Int(response.status.code)
            bytes = [UInt8](buffer: try await response.body.collect(upTo: 128 << 20))
        } catch let error as LinkError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw LinkError(status: 0, code: "unreachable", description: "the hub does not answer: \(error)")
        }
        guard status == 200 else {
            let node = try? DocumentReader.readJSON(SourceText(name: "", bytes: bytes))
            throw LinkError(
                status: status, code: node?["code"].string ?? "\(status)",
                description: node?["detail"].string ?? "the hub answers \(status)")
        }
        return bytes
    }

    func ask(_ method: HTTPMethod, _ path: String, json: (inout JSONWriter) -> Void) async throws -> Node {
        var writer = JSONWriter()
        writer.object(json)
        return try DocumentReader.readJSON(SourceText(name: "", bytes: try await ask(method, path, writer.bytes)))
    }
}
