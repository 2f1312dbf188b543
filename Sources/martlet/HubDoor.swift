import Admission
import Hub
import KubernetesClient

/// The webhook that runs beside a hub, on the hub's cluster, as long as the hub does.
///
/// It is opened again where it ends: a cluster that does not answer yet keeps neither the hub from starting nor the
/// webhook from standing there later.
struct HubDoor: Sendable {
    private let make: @Sendable () throws -> AdmissionDoor
    private let log: DoorLog

    /// Nil where no webhook was asked for.
    ///
    /// - Throws: where its policy or its files are not right, before anything is started.
    init?(
        _ options: HubDoorOptions, host: String, _ configuration: ClientConfiguration?, _ server: HubServer
    ) async throws {
        guard let port = options.port else { return nil }
        let door = options.door
        if configuration == nil, door.register != nil {
            throw Failure(message: "--register needs a cluster, and there is no kubeconfig")
        }
        let log = DoorLog(server, cluster: configuration?.displayName ?? "local")
        make = {
            let client = try configuration.map { try APIClient($0) }
            var made = try door.door(host: host, port: port, client: client, followsCluster: client != nil)
            made.handlesSignals = false
            made.onEvent = { log.note($0) }
            return made
        }
        try await make().close()
        self.log = log
    }

    /// Runs until it is cancelled; what the webhook told until its end is kept.
    func run() async {
        let log = log
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await log.run() }
            group.addTask { await self.stand() }
        }
        await log.flush()
    }

    private func stand() async {
        while !Task.isCancelled {
            do {
                try await make().run()
            } catch is CancellationError {
                return
            } catch {
                guard !Task.isCancelled else { return }
                Console.error("the webhook does not stand: \(error); it is tried again")
            }
            try? await Task.sleep(for: .seconds(10))
        }
    }
}
