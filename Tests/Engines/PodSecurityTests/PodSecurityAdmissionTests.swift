import Documents
import Testing

@testable import PodSecurity

@Suite struct PodSecurityAdmissionTests {
    private func node(_ yaml: String) throws -> Node {
        let set = DocumentReader.read(SourceText(name: "", bytes: Array(yaml.utf8)))
        try #require(set.problems.isEmpty)
        return try #require(set.documents.first).root
    }

    private func respond(
        _ request: String, labels: [String: String]? = ["pod-security.kubernetes.io/enforce": "baseline"],
        pods: [String] = [], configuration: PodSecurityConfiguration = PodSecurityConfiguration()
    ) throws -> AdmissionResponse {
        let existing = try pods.map(node)
        let request = AdmissionRequest(try node(request))
        return PodSecurityAdmission(configuration: configuration).respond(
            to: request, namespace: labels.map { .found(labels: $0) } ?? .failed("not found"), pods: existing)
    }

    private func podRequest(_ spec: String, old: String? = nil, subresource: String = "", user: String = "alice")
        -> String
    {
        """
        uid: "1"
        kind: {group: "", version: v1, kind: Pod}
        resource: {group: "", version: v1, resource: pods}
        requestSubResource: "\(subresource)"
        name: web
        namespace: shop
        operation: \(old == nil ? "CREATE" : "UPDATE")
        userInfo: {username: \(user)}
        object: {apiVersion: v1, kind: Pod, metadata: {name: web}, spec: \(spec)}
        oldObject: \(old.map { "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: \($0)}" } ?? "null")
        """
    }

    private let onHost = "{hostPID: true, containers: [{name: app, image: a}]}"

    @Test func aPodThatBreaksTheEnforcedLevelIsRefused() throws {
        let response = try respond(podRequest(onHost))
        #expect(!response.allowed)
        #expect(response.status?.code == 403)
        #expect(
            response.status?.message
                == #"pods "web" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostPID=true)"#)
        #expect(response.warnings.isEmpty)
        #expect(response.auditAnnotations["enforce-policy"] == "baseline:latest")
    }

    @Test func anUpdateThatChangesNoImageIsLetThrough() throws {
        #expect(try respond(podRequest(onHost, old: onHost)).allowed)
        let other = "{hostPID: true, containers: [{name: app, image: b}]}"
        #expect(try !respond(podRequest(onHost, old: other)).allowed)
        let debugged =
            "{hostPID: true, containers: [{name: app, image: a}], ephemeralContainers: [{name: d, image: a}]}"
        #expect(try !respond(podRequest(debugged, old: onHost, subresource: "ephemeralcontainers")).allowed)
        #expect(try respond(podRequest(onHost, old: debugged, subresource: "ephemeralcontainers")).allowed)
    }

    @Test func subresourcesWithoutAPodAreNotJudged() throws {
        #expect(try respond(podRequest(onHost, subresource: "exec")).allowed)
        #expect(try !respond(podRequest(onHost, subresource: "newfangled")).allowed)
    }

    @Test func theExemptAreLetThroughAndSaidToBe() throws {
        let exempt = PodSecurityConfiguration(exemptUsernames: ["alice"])
        #expect(try respond(podRequest(onHost), configuration: exempt).auditAnnotations == ["exempt": "user"])
        #expect(try !respond(podRequest(onHost, user: "bob"), configuration: exempt).allowed)
        let sandboxed = "{hostPID: true, runtimeClassName: kata, containers: [{name: app}]}"
        let response = try respond(
            podRequest(sandboxed), configuration: PodSecurityConfiguration(exemptRuntimeClasses: ["kata"]))
        #expect(response.auditAnnotations == ["exempt": "runtimeClass"])
    }

    @Test func anUnknownNamespaceRefusesPodsAndLetsWorkloadsThrough() throws {
        #expect(try respond(podRequest(onHost), labels: nil).status?.code == 500)
        let response = try respond(deployment, labels: nil)
        #expect(response.allowed)
        #expect(response.auditAnnotations["error"] == "failed to lookup namespace \"shop\": not found")
    }

    private let deployment = """
        uid: "2"
        kind: {group: apps, version: v1, kind: Deployment}
        resource: {group: apps, version: v1, resource: deployments}
        name: web
        namespace: shop
        operation: CREATE
        object: {spec: {template: {spec: {hostPID: true, containers: [{name: app}]}}}}
        """

    @Test func aWorkloadIsWarnedAboutAndNeverRefused() throws {
        let response = try respond(deployment)
        #expect(response.allowed)
        #expect(
            response.warnings
                == [#"would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)"#])
    }

    @Test func aStricterNamespaceNamesThePodsThatBreakIt() throws {
        let request = """
            uid: "3"
            kind: {group: "", version: v1, kind: Namespace}
            resource: {group: "", version: v1, resource: namespaces}
            name: shop
            namespace: shop
            operation: UPDATE
            object: {metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}}
            oldObject: {metadata: {name: shop}}
            """
        let pods = ["b", "a", "c"].map { name in
            "{metadata: {name: \(name)}, spec: {hostPID: true, containers: [{name: x}]}}"
        }
        let fine = "{metadata: {name: z}, spec: {containers: [{name: x}]}}"
        let response = try respond(request, pods: pods + [fine])
        #expect(
            response.warnings == [
                "existing pods in namespace \"shop\" violate the new PodSecurity enforce level \"baseline:latest\"",
                "a (and 2 other pods): host namespaces",
            ])
    }

    @Test func wrongLabelsAreRefusedUnlessTheyWereThereBefore() throws {
        func request(_ old: String) -> String {
            """
            uid: "4"
            kind: {group: "", version: v1, kind: Namespace}
            resource: {group: "", version: v1, resource: namespaces}
            name: shop
            namespace: shop
            operation: UPDATE
            object: {metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: strict}}}
            oldObject: {metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: \(old)}}}
            """
        }
        #expect(try respond(request("baseline")).status?.code == 422)
        #expect(try respond(request("strict")).allowed)
    }
}
