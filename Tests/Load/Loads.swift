import Admission
import Findings
import Foundation
import Kubernetes
import Policies

extension Load {
    /// CPU of a review, from body to body, on one thread.
    private static func cpuOfReviews(_ reviewer: AdmissionReviewer, count: Int) async -> Double {
        let bodies = (0..<200).map { Requests.review($0) }
        for body in bodies { _ = await reviewer.review(body, today: Requests.today) }
        let begin = cpu()
        for index in 0..<count { _ = await reviewer.review(bodies[index % bodies.count], today: Requests.today) }
        return (cpu() - begin) / Double(count) * 1000
    }

    static let reviews = Load(name: "review") {
        let inventory = Inventory(Requests.namespace)
        let security = AdmissionReviewer(policy: Requests.podSecurity, inventory: inventory)
        let whole = AdmissionReviewer(
            policy: AdmissionPolicy(defaultMode: .audit), inventory: inventory, options: .init(cluster: "load"))
        return [
            line("review-pod-security", await cpuOfReviews(security, count: 5000), "ms CPU", goal: "0.5"),
            line("review-every-check", await cpuOfReviews(whole, count: 500), "ms CPU", goal: "none"),
        ]
    }

    static let policies = Load(name: "policies") {
        let objects = Requests.policies(50)
        let reviewer = AdmissionReviewer(
            policy: Requests.podSecurity, inventory: Inventory(Requests.namespace), custom: CustomPolicies(objects))
        let both = await cpuOfReviews(reviewer, count: 2000)
        let begin = cpu()
        for object in objects { _ = ValidatingPolicy(object.node) }
        let compile = (cpu() - begin) / Double(objects.count) * 1000
        let compiled = objects.map { ValidatingPolicy($0.node) }
        let pods = (0..<50).compactMap { Requests.objects(Requests.pod($0)).first }.map { CELValue($0.node) }
        let start = cpu()
        for pod in pods { for policy in compiled { _ = policy.decide(AdmissionInput(object: pod)) } }
        let each = (cpu() - start) / Double(pods.count * compiled.count) * 1e6
        return [
            line("review-50-policies", both, "ms CPU", goal: "2"),
            line("cel-evaluation", each, "µs CPU", goal: "30"), line("cel-compile", compile, "ms CPU", goal: "3"),
        ]
    }

    static let simulation = Load(name: "simulation") {
        let objects =
            Requests.namespace
            + (0..<10_000).flatMap { index in
                Requests.objects(
                    """
                    {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d-\(index)","namespace":"shop"},\
                    "spec":{"template":\(Requests.pod(index).replacing("\"apiVersion\":\"v1\",\"kind\":\"Pod\",", with: ""))}}
                    """)
            }
        let inventory = Inventory(objects)
        func seconds(_ policy: AdmissionPolicy, _ custom: CustomPolicies) -> Double {
            let begin = cpu()
            let reviewer = AdmissionReviewer(policy: policy, inventory: inventory, custom: custom)
            _ = AdmissionSimulation(reviewer, today: Requests.today)
            return cpu() - begin
        }
        let security = seconds(Requests.podSecurity, CustomPolicies([]))
        let custom = seconds(
            AdmissionPolicy(defaultMode: .off), CustomPolicies(Requests.policies(50, ofDeployments: true)))
        return [
            line("simulation-10000-pod-security", security, "s CPU", goal: "2"),
            line("simulation-10000-50-policies", custom, "s CPU", goal: "20"),
            line("simulation-peak-memory", peak(), "MiB", goal: "200"),
        ]
    }

    static let replay = Load(name: "replay") {
        let events = (0..<2000).map { index in
            Array(
                """
                {"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a-\(index)",\
                "stage":"ResponseComplete","verb":"create","user":{"username":"u-\(index % 20)","groups":["dev"]},\
                "objectRef":{"resource":"pods","namespace":"shop","name":"p-\(index)","apiVersion":"v1"},\
                "responseStatus":{"code":201},"requestObject":\(Requests.pod(index)),"responseObject":\(Requests.pod(index))}
                """.utf8)
        }
        var policy = Requests.podSecurity
        policy.entries = [.init(checks: [Glob("pod/*")], mode: .enforce)]
        let reviewer = AdmissionReviewer(policy: policy, inventory: Inventory(Requests.namespace))
        var replay = AdmissionReplay(reviewer, today: Requests.today)
        let begin = cpu()
        for _ in 0..<5 { for event in events { replay.take(event) } }
        let rate = Double(replay.requests) / (cpu() - begin)
        return [line("replay", rate, "requests/s of a core", goal: "5000")]
    }
}
