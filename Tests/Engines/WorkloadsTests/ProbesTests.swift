import Documents
import Foundation
import Kubernetes
import Testing

@testable import Workloads

/// The probes of `MARTLET_CONFORMANCE`: small workloads with truths set by hand.
@Suite struct ProbesTests {
    /// The suite's folder; nil, and said once, when it is not there.
    static let folder: URL? = {
        let root = ProcessInfo.processInfo.environment["MARTLET_CONFORMANCE"] ?? "../shared"
        let folder = URL(fileURLWithPath: root).appendingPathComponent("posture/probes")
        guard FileManager.default.fileExists(atPath: folder.path) else {
            print("skipped: posture/probes not found")
            return nil
        }
        return folder
    }()

    @Test(.enabled(if: folder != nil)) func everyTruthSetByHandIsMet() throws {
        let folder = try #require(Self.folder)
        let manifests = try Data(contentsOf: folder.appendingPathComponent("workloads.yaml"))
        let inventory = try Example.inventory(String(decoding: manifests, as: UTF8.self), file: "workloads.yaml")
        let expected = try DocumentReader.readJSON(
            SourceText(
                name: "workloads.expected.json",
                bytes: Array(try Data(contentsOf: folder.appendingPathComponent("workloads.expected.json")))))
        var asked = 0
        var agreed = 0
        for probe in expected["probes"].elements where !probe["by_hand"].isNull {
            let id = try #require(probe["id"].string)
            let key = try #require(
                inventory.keys.first { $0.reference.name == id && $0.reference.kind == probe["kind"].string })
            let object = try #require(inventory[key])
            let template = try #require(object.podTemplate)
            for member in probe["by_hand"].members {
                let truth: String
                switch member.key {
                case "secret_env":
                    truth = WorkloadChecks.secretEnvironment(of: template.spec).isEmpty ? "pass" : "fail"
                case "token_mounted":
                    truth = WorkloadChecks.tokenMounted(for: template, of: object, in: inventory) ? "yes" : "no"
                case "image_pin":
                    truth = template.spec.containers.first.map { ImageReference($0.image).pin.rawValue } ?? ""
                default:
                    Issue.record("\(id): nothing answers \(member.key)")
                    continue
                }
                asked += 1
                if member.value.equals(truth) { agreed += 1 }
                #expect(member.value.equals(truth), "\(id) \(member.key): \(truth)")
            }
        }
        print("posture/probes/workloads: agree \(agreed) of \(asked)")
        #expect(asked > 0)
    }
}
