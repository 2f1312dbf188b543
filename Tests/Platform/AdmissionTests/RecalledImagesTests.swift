import Documents
import Findings
import Kubernetes
import Testing

@testable import Admission

/// What a test remembers of images: verdicts by digest, digests by the name as it is written in full.
struct Recalled: RecalledImages {
    var verdicts: [String: ImageVerdict]
    var names: [String: String] = [:]

    func verdict(of digest: String) -> ImageVerdict? { verdicts[digest] }
    func digest(of image: ImageReference) -> String? {
        names["\(image.registry)/\(image.repository):\(image.tag ?? "")"]
    }
}

@Suite struct RecalledImagesTests {
    private static let bad = ImageVerdict(
        digest: "sha256:bad",
        vulnerabilities: [.init(id: "CVE-2026-1", severity: .critical, package: "openssl", fixedVersion: "3.0.9")])
    private static let good = ImageVerdict(digest: "sha256:good")
    private static let recalled = Recalled(
        verdicts: ["sha256:bad": bad, "sha256:good": good], names: ["reg.example/shop/web:1": "sha256:bad"])

    private static func policy(_ more: String = "") -> String {
        """
        default: off
        rules: [{check: ["image/vulnerable-at-door", "image/not-scanned"], mode: enforce}]
        images: {refuse: [{severity: critical}]\(more)}
        """
    }

    private static func deployment(_ image: String) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop}
        spec: {template: {spec: {containers: [{name: app, image: "\(image)"}]}}}
        """
    }

    private static func running(_ image: String, _ digest: String, _ name: String = "web-1") -> String {
        """

        ---
        apiVersion: v1
        kind: Pod
        metadata:
          name: \(name)
          namespace: shop
          ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: r-1, controller: true}]
        spec: {containers: [{name: app, image: "\(image)"}]}
        status: {containerStatuses: [{name: app, imageID: "reg.example/shop/web@\(digest)"}]}
        """
    }

    private func simulate(_ cluster: String, _ more: String = "", _ images: Recalled? = recalled) throws
        -> AdmissionSimulation
    {
        AdmissionSimulation(try Door(Self.policy(more), cluster: cluster).reviewer, images: images, today: today)
    }

    @Test(arguments: [
        ("reg.example/shop/web:1", true), ("reg.example/shop/web@sha256:bad", true),
        ("reg.example/shop/web@sha256:good", false),
    ])
    func aSimulationJudgesImagesByWhatIsRemembered(_ image: String, _ isRefused: Bool) throws {
        let simulation = try simulate(Self.deployment(image))
        #expect(simulation.refused.count == (isRefused ? 1 : 0))
        #expect(simulation.unseen.isEmpty)
        #expect(simulation.text.contains("CVE-2026-1 in openssl") == isRefused)
    }

    @Test func whatRunsCountsMoreThanWhatIsRemembered() throws {
        let image = "reg.example/shop/web:1"
        let mended = try simulate(Self.deployment(image) + Self.running(image, "sha256:good"))
        #expect(mended.refused.isEmpty)
        // Two who run different images under one name: memory decides.
        let both = Self.running(image, "sha256:good") + Self.running(image, "sha256:other", "web-2")
        #expect(try simulate(Self.deployment(image) + both).refused.count == 1)
    }

    @Test func whatNobodyLookedAtIsToldAndNeitherPassesNorIsRefused() throws {
        let simulation = try simulate(Self.deployment("reg.example/shop/new:1"))
        #expect(simulation.refused.isEmpty)
        #expect(simulation.unseen == ["image/not-scanned": 1])
        let nothing = try simulate(Self.deployment("reg.example/shop/web:1"), "", nil)
        #expect(nothing.unseen == ["image/not-scanned": 1])
        // The door itself would refuse it.
        let closed = try simulate(Self.deployment("reg.example/shop/new:1"), ", unknown: deny")
        #expect(closed.refused.count == 1)
        #expect(closed.text.contains("nobody has looked at it yet"))
    }

    private static func event(_ image: String, noted: String? = nil) throws -> [UInt8] {
        let object = try #require(objects(deployment(image)).first)
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("kind", "Event")
            writer.member("stage", "ResponseComplete")
            writer.member("verb", "create")
            writer.member("user", object: { $0.member("username", "alice") })
            writer.member(
                "objectRef",
                object: {
                    $0.member("resource", "deployments")
                    $0.member("apiGroup", "apps")
                    $0.member("apiVersion", "v1")
                    $0.member("namespace", "shop")
                    $0.member("name", "web")
                })
            if let noted {
                writer.member("annotations", object: { $0.member("admission.martlet.dev/images", noted) })
            }
            writer.key("responseObject")
            writer.value(object.node)
        }
        return writer.bytes
    }

    @Test func aReplayTakesTheDigestsThatTheDoorNoted() throws {
        func replay(_ event: [UInt8]) throws -> AdmissionReplay {
            var replay = AdmissionReplay(try Door(Self.policy()).reviewer, images: Self.recalled, today: today)
            replay.take(event)
            return replay
        }
        let image = "reg.example/shop/web:1"
        #expect(try replay(Self.event(image)).byRule["image/vulnerable-at-door"]?.users == ["alice": 1])
        let noted = "a:1 (not resolved), \(image)=sha256:good (scanned) and 3 more"
        #expect(try replay(Self.event(image, noted: noted)).refused == 0)
        let new = try replay(Self.event("reg.example/shop/new:1"))
        #expect(new.refused == 0)
        #expect(new.unseen == ["an image of which nothing is known here": 1])
    }
}
