import Foundation
import RBAC

/// A long audit log made from a seed, and what learning from it costs.
enum RBACAuditBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("rbac-audit-mixed-events", goal: ">= 200000 events/s") { try figure(0, "events/s") },
        Benchmark("rbac-audit-random-events", goal: ">= 200000 events/s") {
            try figure(0, "events/s", of: "rbac-audit-random")
        },
        Benchmark("rbac-audit-memory", goal: "<= 200 MB") { try figure(1, "MB") },
    ]

    /// `rbac-audit-write COUNT` writes a log to standard output, `rbac-audit-read` learns from standard input.
    static let parts: [String: @Sendable ([String]) throws -> Void] = [
        "rbac-audit-write": { arguments in write(arguments.first.flatMap(Int.init) ?? 1_000_000) },
        "rbac-audit-read": { _ in read() },
        "rbac-audit-random": { arguments in random(arguments.first.flatMap(Int.init) ?? 1_000_000) },
        "rbac-audit-learn": { arguments in learn(arguments.first.flatMap(Int.init) ?? 1_000_000) },
    ]

    private static func figure(
        _ position: Int, _ unit: String, of part: String = "rbac-audit-learn"
    ) throws -> Benchmark.Outcome {
        let text = try Measuring.child(["--part", part, "1000000"])
        let figures = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        guard figures.count > position else { return .skipped("no figure came back") }
        return .figure(figures[position], unit: unit)
    }

    private static func usage() -> AuditUsage {
        AuditUsage(
            subjects: (0..<200).flatMap { place in
                (0..<10).map { Subject(.serviceAccount, namespace: "team-\(place)", "app-\($0)") }
            })
    }

    /// Makes and reads `count` events in this process; only the reading is timed.
    private static func learn(_ count: Int) {
        var random = SplitMix(state: 11)
        var usage = usage()
        var seconds = 0.0
        for start in stride(from: 0, to: count, by: 10_000) {
            let lines = (start..<min(count, start + 10_000)).map { Array(line($0, &random).utf8.dropLast()) }
            seconds += Measuring.threadSeconds { for line in lines { usage.read(line: line) } }
        }
        tell(usage, seconds, bytes: 0)
    }

    /// Events without any habit: accounts, verbs, resources and names evenly at random.
    private static func random(_ count: Int) {
        var random = SplitMix(state: 3)
        var usage = usage()
        var seconds = 0.0
        for start in stride(from: 0, to: count, by: 10_000) {
            let lines = (start..<min(count, start + 10_000)).map { evenLine($0, &random) }
            seconds += Measuring.threadSeconds { for line in lines { usage.read(line: line) } }
        }
        tell(usage, seconds, bytes: 0)
    }

    private static func evenLine(_ number: Int, _ random: inout SplitMix) -> [UInt8] {
        let namespace = "team-\(random.next(200))"
        let user = "system:serviceaccount:\(namespace):app-\(random.next(10))"
        let verb = ["get", "list", "watch", "update", "patch", "create", "delete"][random.next(7)]
        let resource = ["configmaps", "pods", "secrets", "services", "endpoints"][random.next(5)]
        let name = ["list", "watch", "create"].contains(verb) ? "" : "/n\(random.next(4))"
        let text = """
            {"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"b5a1fa28-\(number)",\
            "stage":"ResponseComplete","requestURI":"/api/v1/namespaces/\(namespace)/\(resource)\(name)",\
            "verb":"\(verb)","user":{"username":"\(user)","uid":"6f9","groups":["system:serviceaccounts",\
            "system:serviceaccounts:\(namespace)","system:authenticated"]},"sourceIPs":["10.0.0.1"],\
            "userAgent":"app/v1","objectRef":{"resource":"\(resource)","namespace":"\(namespace)","apiVersion":"v1"},\
            "responseStatus":{"metadata":{},"code":200},\
            "requestReceivedTimestamp":"2026-11-0\(1 + number % 9)T10:00:00.000000Z",\
            "stageTimestamp":"2026-11-01T10:00:00.001000Z","annotations":{"authorization.k8s.io/decision":"allow",\
            "authorization.k8s.io/reason":"RBAC: allowed by RoleBinding"}}
            """
        return Array(text.utf8)
    }

    private static func tell(_ usage: AuditUsage, _ seconds: Double, bytes: Int) {
        let peak = Measuring.peakMemory()
        let rows = usage.used.values.reduce(0) { $0 + $1.count }
        print(
            Double(usage.summary.events) / seconds, Double(peak) / 1e6, usage.summary.events, rows, bytes,
            usage.simplification ?? "")
    }

    /// One event. Nine of ten are the requests of controllers, kubelets and a few programs that come again and again;
    /// the tenth is about a pod, a Job or a user that is new.
    static func line(_ number: Int, _ random: inout SplitMix) -> String {
        let day = number / 250_000
        let time = String(
            format: "2026-%02d-%02dT%02d:%02d:%02d.%06dZ", day / 28 % 12 + 1, day % 28 + 1, number / 10_000 % 24,
            number / 170 % 60, number % 60, number % 1_000_000)
        let namespace = "team-\(random.next(200))"
        let account = random.next(10)
        var user = "system:serviceaccount:\(namespace):app-\(account)"
        // A program asks for the same eight things over and over.
        let habit = (account * 31 + random.next(8) * 7) % 140
        var verb = ["get", "list", "watch", "update", "patch", "create", "delete"][habit % 7]
        var resource = ["configmaps", "pods", "secrets", "services", "endpoints"][habit / 7 % 5]
        var name = "n\(habit / 35)"
        switch random.next(20) {
        case 0:
            name = "job-\(random.next(10_000_000))-\(random.next(100_000))"
            resource = "pods"
        case 1: user = "sso:person-\(random.next(1_000_000))@example.com"
        default:
            if random.next(3) == 0 {
                let node = random.next(1000)
                (user, verb, resource, name) = ("system:node:node-\(node)", "update", "leases", "node-\(node)")
            }
        }
        let group = resource == "leases" ? "apis/coordination.k8s.io/v1" : "api/v1"
        let hasName = verb != "list" && verb != "watch" && verb != "create"
        let uri =
            "/\(group)/namespaces/\(resource == "leases" ? "kube-node-lease" : namespace)/\(resource)\(hasName ? "/\(name)" : "")"
        return """
            {"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"\(number)-00a4-4504-89c2",\
            "stage":"ResponseComplete","requestURI":"\(uri)","verb":"\(verb)","user":{"username":"\(user)","uid":\
            "3f7a","groups":["system:serviceaccounts","system:authenticated"],"extra":{\
            "authentication.kubernetes.io/credential-id":["JTI=\(random.next(1_000_000))"],\
            "authentication.kubernetes.io/pod-name":["app-6cc4899989-cbspq"]}},"sourceIPs":["10.0.\(number % 200).7"],\
            "userAgent":"app/v0.0.0 (linux/amd64) kubernetes/abcdef0","objectRef":{"resource":"\(resource)",\
            "namespace":"\(namespace)","name":"\(name)","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},\
            "requestReceivedTimestamp":"\(time)","stageTimestamp":"\(time)","annotations":{\
            "authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by RoleBinding"}}

            """
    }

    private static func write(_ count: Int) {
        var random = SplitMix(state: 11)
        var block = ""
        for number in 0..<count {
            block += line(number, &random)
            if block.utf8.count > 1 << 20 {
                FileHandle.standardOutput.write(Data(block.utf8))
                block = ""
            }
        }
        FileHandle.standardOutput.write(Data(block.utf8))
    }

    /// Prints events a CPU second, the peak of memory in MB, events, different requests and what was put together.
    private static func read() {
        var usage = usage()
        let start = Measuring.cpuSeconds()
        var rest: [UInt8] = []
        var bytes = 0
        while true {
            let block = [UInt8](FileHandle.standardInput.readData(ofLength: 1 << 20))
            if block.isEmpty { break }
            bytes += block.count
            var start = 0
            while let end = block[start...].firstIndex(of: 0x0A) {
                if rest.isEmpty {
                    usage.read(line: Array(block[start..<end]))
                } else {
                    rest += block[start..<end]
                    usage.read(line: rest)
                    rest.removeAll(keepingCapacity: true)
                }
                start = end + 1
            }
            rest += block[start...]
        }
        tell(usage, Measuring.cpuSeconds() - start, bytes: bytes)
    }
}
