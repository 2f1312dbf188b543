import Foundation
import Kubernetes
import Testing

@testable import NetworkPolicies

/// Pictures are drawn the same for ever; `MARTLET_UPDATE_GOLDEN=1` writes them anew, and a person looks at them.
@Suite struct PictureTests {
    private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    private static let cluster = Cluster(
        Cluster.shop + """
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: web, namespace: shop}
            spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
            ---
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: db, namespace: shop}
            spec:
              podSelector: {matchLabels: {app: db}}
              policyTypes: [Ingress, Egress]
              ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]
            """)

    private func expect(_ text: String, _ name: String) throws {
        let file = Self.here.appending(path: "Golden").appending(path: name)
        if ProcessInfo.processInfo.environment["MARTLET_UPDATE_GOLDEN"] == "1" {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        let golden = try String(decoding: Data(contentsOf: file), as: UTF8.self)
        #expect(text == golden, "\(name) differs; MARTLET_UPDATE_GOLDEN=1 writes it anew")
    }

    @Test func aMatrixIsDrawnAsItStands() throws {
        let model = NetworkModel(Self.cluster.state)
        let picture = MatrixPicture(model.connections(), among: model.podParties())
        try expect(picture.svg(title: "Who may talk to whom in <shop> & co"), "matrix.svg")
    }

    @Test func anExposureIsDrawnAsItStands() throws {
        let network = DualStack(Self.cluster.state)
        let picture = ExposurePicture(network.exposures(Self.cluster.inventory), network.outreach())
        try expect(picture.svg(title: "What is exposed in <shop> & co"), "exposure.svg")
    }
}
