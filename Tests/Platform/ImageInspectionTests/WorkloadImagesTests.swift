import ContainerImages
import Documents
import Findings
import Foundation
import Kubernetes
import Testing
import Vulnerabilities

@testable import ImageInspection

@Suite struct WorkloadImagesTests {
    private static let digest = "sha256:" + String(repeating: "1", count: 64)

    private static func inventory(_ text: String) throws -> Inventory {
        let set = DocumentReader.read(SourceText(name: "test.yaml", bytes: Array(text.utf8)))
        return Inventory(set.documents.flatMap { KubernetesObject.objects(in: $0).objects })
    }

    private static func cluster(imageID: String) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: shop, namespace: a, uid: "1"}
        spec:
          selector: {matchLabels: {app: shop}}
          template:
            metadata: {labels: {app: shop}}
            spec: {containers: [{name: web, image: "r.test/shop:1"}, {name: side, image: "r.test/side:2"}]}
        ---
        apiVersion: apps/v1
        kind: ReplicaSet
        metadata:
          name: shop-1
          namespace: a
          uid: "2"
          ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: shop, uid: "1", controller: true}]
        spec:
          template:
            spec: {containers: [{name: web, image: "r.test/shop:1"}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata:
          name: shop-1-x
          namespace: a
          uid: "3"
          ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: shop-1, uid: "2", controller: true}]
        spec: {containers: [{name: web, image: "r.test/shop:1"}, {name: side, image: "r.test/side:2"}]}
        status:
          containerStatuses: [{name: web, imageID: "\(imageID)"}]
        """
    }

    @Test func whatRunsIsLookedIntoByItsDigestAndOnce() throws {
        let images = WorkloadImages(try Self.inventory(Self.cluster(imageID: "r.test/shop@\(Self.digest)")))
        #expect(images.images.map(\.name) == ["r.test/shop@\(Self.digest)", "r.test/side:2"].sorted())
        let uses = try #require(images.images.first { $0.name.contains("@") }?.uses)
        #expect(uses.map(\.object.kind) == ["Deployment"])
        #expect(uses.first?.node.location?.line == 8)
    }

    @Test(arguments: ["sha256:abc", "docker-pullable://r.test/shop@sha256:short", ""])
    func anIdThatNamesNothingIsNotAskedFor(id: String) throws {
        let images = WorkloadImages(try Self.inventory(Self.cluster(imageID: id)))
        #expect(images.images.map(\.name) == ["r.test/shop:1", "r.test/side:2"])
    }

    @Test func anImageThatCannotBeReadIsNoCleanOne() throws {
        let images = WorkloadImages(try Self.inventory(Self.cluster(imageID: "r.test/shop@\(Self.digest)")))
        let results = WorkloadImageFindings(
            images, ["r.test/side:2": ImageAssessment(name: "r.test/side:2", failure: "it is not there")]
        ).results()
        let findings = results.flatMap(\.findings)
        #expect(findings.map(\.rule.id) == ["image/not-assessed"])
        #expect(findings.first?.outcome == .notObservable)
        #expect(findings.first?.subject.kind == "Deployment")
        #expect(findings.first?.evidence.count == 2)
    }

    private static func assessed(_ name: String, _ faults: [ImageFault]) -> ImageAssessment {
        var assessment = ImageAssessment(name: name, failure: "")
        assessment.holes = []
        assessment.faults = faults
        return assessment
    }

    @Test(arguments: [
        ("{}", true), ("{runAsNonRoot: true}", false), ("{runAsUser: 1000}", false), ("{runAsUser: 0}", true),
        ("{runAsNonRoot: false}", true),
    ])
    func anImageOfRootIsToldUnlessThePodSaysOtherwise(context: String, isTold: Bool) throws {
        let images = WorkloadImages(
            try Self.inventory(
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: a, namespace: b}
                spec: {securityContext: \(context), containers: [{name: c, image: "r.test/a:1"}]}
                """))
        let fault = ImageFault(.imageRootUser, "the image names no user")
        let results = WorkloadImageFindings(images, ["r.test/a:1": Self.assessed("r.test/a:1", [fault])]).results()
        #expect(results.flatMap(\.findings).map(\.rule.id) == (isTold ? ["image/root-user"] : []))
    }

    @Test func whoRunsADigestIsKeptWithWhoAnswersForIt() throws {
        let inventory = try Self.inventory(
            Self.cluster(imageID: "r.test/shop@\(Self.digest)")
                + "\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {team: sellers}}\n")
        let images = WorkloadImages(inventory)
        let name = "r.test/shop@\(Self.digest)"
        let uses = images.uses(cluster: "east", digests: [name: Self.digest], inventory: inventory, now: Date())
        #expect(uses.map(\.workload) == ["a/Deployment/shop"])
        #expect(uses.first?.owner == "sellers" && uses.first?.container == "web" && uses.first?.digest == Self.digest)
    }
}
