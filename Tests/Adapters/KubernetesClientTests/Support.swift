import KubernetesClient
import Testing

/// A clock that only moves when somebody sleeps, and says for how long.
final class ManualTime: Sendable {
    private let state = Mutexed<(now: Double, slept: [Duration])>((1_800_000_000, []))

    var source: TimeSource {
        let state = state
        return TimeSource(
            now: { state.value.now },
            sleep: { duration in
                try Task.checkCancellation()
                let (seconds, attoseconds) = duration.components
                state.change { state in
                    state.now += Double(seconds) + Double(attoseconds) * 1e-18
                    state.slept.append(duration)
                }
            }, random: { 0 })
    }

    var slept: [Duration] { state.value.slept }
    func advance(_ seconds: Double) { state.change { $0.now += seconds } }
}

/// A machine without files or variables, but for those given.
func bareMachine(
    _ environment: [String: String] = [:], files: [String: String] = [:], isTerminal: Bool = false
) -> Machine {
    Machine(environment: environment, homeDirectory: "/home/ada", isTerminal: isTerminal) { path in
        files[path].map { Array($0.utf8) }
    }
}

extension ClientConfiguration {
    /// For a fake server without TLS.
    static func plain(_ port: Int) -> ClientConfiguration {
        ClientConfiguration(server: Endpoint(isSecure: false, host: "127.0.0.1", port: port), machine: bareMachine())
    }

    static func secure(_ port: Int, host: String = "localhost", authority: [UInt8]?) -> ClientConfiguration {
        var out = ClientConfiguration(server: Endpoint(isSecure: true, host: host, port: port), machine: bareMachine())
        out.certificateAuthority = authority
        return out
    }
}

extension APIClient {
    static func plain(_ server: FakeServer, _ time: ManualTime = ManualTime()) throws -> APIClient {
        try make(.plain(server.port), time)
    }

    static func make(_ configuration: ClientConfiguration, _ time: ManualTime = ManualTime()) throws -> APIClient {
        var options = APIClient.Options()
        options.time = time.source
        return try APIClient(configuration, options: options)
    }
}

/// The error `body` ends with.
func failure(
    at place: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async throws -> ClientError {
    do {
        try await body()
    } catch let error as ClientError {
        #expect(!error.message.contains("\n"), "an error is one line")
        return error
    }
    Issue.record("expected an error, there was none", sourceLocation: place)
    throw NoFailure()
}
struct NoFailure: Error, CustomStringConvertible { let description = "expected an error, there was none" }

let configMaps = APIResource(
    group: "", version: "v1", name: "configmaps", kind: "ConfigMap", isNamespaced: true, verbs: ["list", "watch"])
let secrets = APIResource(
    group: "", version: "v1", name: "secrets", kind: "Secret", isNamespaced: true, verbs: ["list", "watch"])

/// A list of ConfigMaps with these names.
func list(_ names: [String], next: String = "", version: String = "100") -> String {
    let items = names.map { #"{"metadata":{"name":"\#($0)","namespace":"shop"}}"# }.joined(separator: ",")
    return
        #"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"\#(version)","continue":"\#(next)"},"items":[\#(items)]}"#
}

/// A Status answer.
func status(_ code: Int, _ reason: String, _ message: String, next: String = "") -> String {
    #"{"kind":"Status","apiVersion":"v1","metadata":{"continue":"\#(next)"},"status":"Failure","message":"\#(message)","reason":"\#(reason)","code":\#(code)}"#
}
