import Documents
import Findings
import Kubernetes
import Testing
import Webhooks

@testable import Admission

@Suite struct ReplayTests {
    private static func event(
        _ object: String, verb: String = "create", user: String = "alice", field: String = "responseObject",
        stage: String = "ResponseComplete"
    ) throws -> [UInt8] {
        let subject = try #require(objects(object).first)
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("kind", "Event")
            writer.member("apiVersion", "audit.k8s.io/v1")
            writer.member("stage", stage)
            writer.member("verb", verb)
            writer.member("user", object: { $0.member("username", user) })
            writer.member(
                "objectRef",
                object: {
                    $0.member("resource", subject.kind.lowercased() + "s")
                    $0.member("apiGroup", subject.apiVersion.group)
                    $0.member("apiVersion", subject.apiVersion.version)
                    $0.member("namespace", subject.namespace)
                    $0.member("name", subject.name)
                })
            writer.key(field)
            writer.value(subject.node)
        }
        return writer.bytes
    }

    private static func replay(_ events: [[UInt8]], _ policy: String = ReviewTests.enforce) throws -> AdmissionReplay {
        var replay = AdmissionReplay(try Door(policy).reviewer, today: today)
        for event in events { replay.take(event) }
        return replay
    }

    @Test func refusalsAreCountedByRuleAndUser() throws {
        let replay = try Self.replay([
            Self.event(ReviewTests.bad), Self.event(ReviewTests.bad, user: "bob"), Self.event(ReviewTests.good),
        ])
        #expect((replay.requests, replay.refused) == (3, 2))
        #expect(replay.byRule["pod/privileged"]?.users == ["alice": 1, "bob": 1])
        #expect(replay.text.contains("pod/privileged (critical): 2 refusals"))
    }

    @Test func podsOfARecordedOwnerWereTold() throws {
        let replay = try Self.replay([
            Self.event(ReviewTests.bad), Self.event(ReviewTests.pod(owner: "d-1"), user: "controller"),
        ])
        #expect(replay.refused == 1)
    }

    @Test func whatCannotBeJudgedIsCounted() throws {
        let replay = try Self.replay([
            Self.event(ReviewTests.bad, verb: "patch", field: "requestObject"), Array("no json".utf8), Array("".utf8),
            Self.event(ReviewTests.bad, verb: "get"), Self.event(ReviewTests.bad, stage: "RequestReceived"),
        ])
        #expect(replay.requests == 0)
        #expect(replay.unseen == ["a patch without its result": 1, "a line that is no JSON": 1])
    }

    // MARK: Simulation

    @Test func templatesThatRunNothingCountToo() throws {
        let cluster = """
            \(ReviewTests.bad)
              replicas: 0
            ---
            apiVersion: batch/v1
            kind: CronJob
            metadata: {name: nightly, namespace: shop}
            spec:
              jobTemplate:
                spec:
                  template:
                    spec: {containers: [{name: a, image: "a@sha256:0", securityContext: {privileged: true}}]}
            ---
            \(ReviewTests.good.replacing("name: web", with: "name: fine"))
            ---
            \(ReviewTests.bad.replacing("shop", with: "kube-system").replacing("d-1", with: "d-2"))
            """
        let simulation = AdmissionSimulation(try Door(ReviewTests.enforce, cluster: cluster).reviewer, today: today)
        #expect(
            simulation.refused.map { "\($0.object) \($0.hiding)" } == [
                "CronJob shop/nightly CronJob", "Deployment shop/web scaled to zero",
            ])
        #expect((simulation.judged, simulation.passed, simulation.exempt) == (4, 1, 1))
        let only = AdmissionSimulation(
            try Door(ReviewTests.enforce, cluster: cluster).reviewer, namespace: "kube-system", today: today)
        #expect((only.judged, only.refused.count) == (1, 0))
    }

    // MARK: Manifests and plan

    private static func manifests(closed: Bool) throws -> [KubernetesObject] {
        var manifests = AdmissionManifests(image: "martlet@sha256:0", policy: "default: audit\n")
        manifests.failsClosed = closed
        manifests.mutates = true
        return objects(manifests.text)
    }

    @Test func ourOwnManifestsLockNobodyOutEvenFailingClosed() throws {
        let own = try Self.manifests(closed: true)
        #expect(own.map(\.kind).contains("PodDisruptionBudget"))
        let analysis = LockOutAnalysis(Inventory(own)) { _, _ in nil }
        #expect(analysis.entries.count == 2)
        for entry in analysis.entries {
            #expect(!entry.isLockOut)
            #expect(entry.own.isEmpty)
            // Without its conditions it would see Namespaces of the system and roles of the API server.
            for blocked in entry.bootstrap { #expect(!blocked.essential.isVital, "\(blocked.essential.effect)") }
        }
        let evaluation = WebhookEvaluation(Inventory(own), isCluster: true)
        let failing = own.flatMap { evaluation.evaluate($0).findings }.filter { $0.outcome == .fail }
        #expect(failing.map(\.rule.id) == [])
    }

    /// kubectl takes a stream that begins with a brace for JSON, and stumbles at the first mark.
    @Test func ourOwnManifestsBeginWithAMark() throws {
        let text = AdmissionManifests(image: "martlet", policy: "default: audit\n").text
        #expect(text.hasPrefix("---\n"))
        #expect(text.split(separator: "\n").count { $0 == "---" } == objects(text).count)
    }

    @Test func ourOwnManifestsPassTheStrictestLevel() throws {
        let door = try Door("default: off\nrules: [{check: \"pod/*\", severity: medium, mode: enforce}]")
        let deployment = try #require(try Self.manifests(closed: false).first { $0.kind == "Deployment" })
        let decision = door.reviewer.decide(ReviewRequest(creating: deployment), today: today)
        // The namespace is Martlet's own and not exempt here.
        #expect(decision.refusals.map(\.rule.id) == [])
        #expect(deployment.node["spec"]["replicas"].int == 2)
    }

    @Test func filesLieWhereThePolicyNamesThemAndTheServerIsToldOfTheRest() throws {
        var manifests = AdmissionManifests(image: "martlet@sha256:0", policy: "policies: [team/custom.yaml]\n")
        manifests.files = [("team/custom.yaml", "a"), ("more/0-own rules.yaml", "b")]
        manifests.arguments = ["--custom", "/etc/martlet/more/0-own rules.yaml"]
        manifests.images = .init(databaseClaim: "advisories", pullSecret: "logins")
        manifests.reads = [("networking.k8s.io", "networkpolicies"), ("", "configmaps")]
        let made = objects(manifests.text)
        let deployment = try #require(made.first { $0.kind == "Deployment" })
        let settings = try #require(made.first { $0.kind == "ConfigMap" })
        let pod = deployment.node["spec"]["template"]["spec"]
        let volume = try #require(pod["volumes"].elements.first { $0["name"].equals("settings") })
        let items = volume["configMap"]["items"].elements
        #expect(items.map { $0["path"].string } == ["policy.yaml", "team/custom.yaml", "more/0-own rules.yaml"])
        for item in items {
            let key = item["key"].string ?? ""
            #expect(key.allSatisfy { $0.isLetter || $0.isNumber || "-_.".contains($0) })
            #expect(settings.node["data"][key].exists)
        }
        let arguments = pod["containers"][0]["args"].strings
        for text in [
            "/etc/martlet/more/0-own rules.yaml", "/var/lib/martlet-db/advisories.db", "/var/lib/martlet/images.db",
            "/etc/martlet-logins/config.json",
        ] { #expect(arguments.contains(text), "\(text)") }
        let role = try #require(made.first { $0.kind == "ClusterRole" })
        #expect(role.node["rules"].elements.contains { $0["resources"].strings == ["networkpolicies"] })
        // Another policy is another pod.
        let before = deployment.node["spec"]["template"]["metadata"]["annotations"]["martlet.dev/settings"].string
        manifests.files[0].text = "c"
        let after = objects(manifests.text).first { $0.kind == "Deployment" }?
            .node["spec"]["template"]["metadata"]["annotations"]["martlet.dev/settings"].string
        #expect(before != nil && before != after)
    }

    @Test func whatALabelSaysNeedsNoWebhook() {
        let plan = EnforcementPlan(
            Door.rules(["pod/privileged", "image/vulnerable-at-door", "image/no-digest"]))
        #expect(plan.steps.map(\.means) == [.podSecurityLabel, .nativePolicy, .webhook])
    }
}
