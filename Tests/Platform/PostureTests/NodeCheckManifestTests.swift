import Documents
import Foundation
import Kubernetes
import Posture
import Testing

/// `Deploy/node-check.yaml`, judged by our own rules: it takes what a look at a node takes, and no more.
@Suite("The manifest of the node check") struct NodeCheckManifestTests {
    static func manifest() throws -> [KubernetesObject] {
        let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        let path = folder.appendingPathComponent("../../../Deploy/node-check.yaml").standardizedFileURL
        let bytes = [UInt8](try Data(contentsOf: path))
        return DocumentReader.read(SourceText(name: "node-check.yaml", bytes: bytes)).documents.flatMap {
            KubernetesObject.objects(in: $0).objects
        }
    }

    /// What it is for: the host's folders and processes, as root.
    static let needed: Set<String> = [
        "pod/host-path", "pod/host-pid", "pod/root-allowed", "pod/root-user", "pod/added-capabilities",
        "pod/restricted-volume-type", "pod/unconfined-volume", "pod/kept-capabilities",
    ]

    @Test func asksForNothingBeyondTheLook() throws {
        let scan = PostureScan(Inventory(try Self.manifest()))
        let report = scan.report(target: "node-check.yaml", generatedAt: "", version: "0")
        let serious = report.findings.filter { $0.outcome == .fail && $0.severity >= .medium }.map(\.rule.id)
        #expect(Set(serious).subtracting(Self.needed).isEmpty, "\(Set(serious).subtracting(Self.needed).sorted())")
    }

    @Test func writesNothingAndSpeaksToNobody() throws {
        let daemon = try #require(try Self.manifest().first { $0.kind == "DaemonSet" })
        let spec = try #require(daemon.podTemplates.first).spec
        #expect(spec.node["automountServiceAccountToken"].bool == false)
        #expect(spec.node["hostNetwork"].isNull)
        for container in spec.allContainers {
            #expect(container.securityContext["readOnlyRootFilesystem"].bool == true)
            #expect(container.securityContext["allowPrivilegeEscalation"].bool == false)
            #expect(container.securityContext["privileged"].isNull)
            #expect(container.securityContext["capabilities"]["drop"].strings == ["ALL"])
            let added = container.securityContext["capabilities"]["add"].strings
            #expect(added.isEmpty || added == ["DAC_READ_SEARCH"])
            for mount in container.volumeMounts {
                #expect(mount["readOnly"].bool == true)
                #expect(mount["recursiveReadOnly"].string == "IfPossible")
            }
        }
        let policy = try #require(try Self.manifest().first { $0.kind == "NetworkPolicy" })
        #expect(policy.node["spec"]["policyTypes"].strings == ["Ingress", "Egress"])
        #expect(policy.node["spec"]["egress"].isNull && policy.node["spec"]["ingress"].isNull)
    }

    /// Folders that a node may lack would be made there by the runtime.
    @Test func mountsFoldersThatEveryNodeHas() throws {
        let daemon = try #require(try Self.manifest().first { $0.kind == "DaemonSet" })
        let spec = try #require(daemon.podTemplates.first).spec
        for volume in spec.volumes {
            #expect(volume.node["hostPath"]["type"].string == "Directory", "\(volume.name)")
        }
    }
}
