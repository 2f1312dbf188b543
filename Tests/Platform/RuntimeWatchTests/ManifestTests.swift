import Documents
import Foundation
import Kubernetes
import Testing

/// The manifests of the sensor: what it takes, and no more.
@Suite struct ManifestTests {
    private static func objects(_ name: String) throws -> [KubernetesObject] {
        let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        let path = folder.appendingPathComponent("../../../Deploy/\(name)").standardizedFileURL
        let source = SourceText(name: name, bytes: [UInt8](try Data(contentsOf: path)))
        return DocumentReader.read(source).documents.flatMap { KubernetesObject.objects(in: $0).objects }
    }

    @Test func theSensorTakesFourCapabilitiesAndNothingElse() throws {
        let daemon = try #require(try Self.objects("runtime-sensor.yaml").first { $0.kind == "DaemonSet" })
        let spec = try #require(daemon.podTemplates.first).spec
        #expect(spec.node["automountServiceAccountToken"].bool == false)
        #expect(!spec.node["hostNetwork"].exists)
        for container in spec.allContainers {
            let context = container.securityContext
            #expect(context["capabilities"]["drop"].strings == ["ALL"])
            // `make load` starts the sensor with these and shows what each is for.
            #expect(context["capabilities"]["add"].strings == ["BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"])
            #expect(context["readOnlyRootFilesystem"].bool == true)
            #expect(context["allowPrivilegeEscalation"].bool == false)
            #expect(!context["privileged"].exists)
            #expect(container.node["volumeMounts"].elements.allSatisfy { $0["readOnly"].bool == true })
        }
    }

    @Test func itSpeaksToNobodyAndWithAHubToTheHubAlone() throws {
        let closed = try #require(try Self.objects("runtime-sensor.yaml").first { $0.kind == "NetworkPolicy" })
            .node["spec"]
        #expect(closed["policyTypes"].strings == ["Ingress", "Egress"])
        #expect(!closed["egress"].exists && !closed["ingress"].exists)
        let open = try #require(try Self.objects("runtime-sensor-hub.yaml").first { $0.kind == "NetworkPolicy" })
            .node["spec"]
        #expect(open["policyTypes"].strings == ["Egress"])
        let places = open["egress"].elements.map { rule in
            rule["to"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"].string
        }
        #expect(places == ["martlet-hub", "kube-system"])
        for rule in open["egress"].elements {
            #expect(rule["ports"].exists && Array(rule["to"].elements).count == 1)
        }
    }
}
