import Documents
import Foundation
import Kubernetes
import NetworkPolicies

/// How fast flows that were seen are read, and weighed against a change.
enum NetworkFlowBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("netpol-what-if-1m-flows", goal: "<= 1000 ms") { whatIf() },
        Benchmark("netpol-flows-conntrack", goal: ">= 200 thousand lines/s") { read(conntrack) },
        Benchmark("netpol-flows-hubble", goal: ">= 50 thousand lines/s") { read(hubble) },
        Benchmark("netpol-generate-2k", goal: "<= 2000 ms") { generate() },
    ]

    /// A policy of 100,000 pods is changed: the new model is built, and a million rows of flows are judged twice.
    private static func whatIf() -> Benchmark.Outcome {
        let state = NetworkGenerator.large.state()
        let before = NetworkModel(state)
        var changed = state
        // The last namespace loses what a workload lets in.
        changed.policies[changed.policies.count - 1].ingress?.rules = []
        let table = flows(state, rows: 1_000_000)
        var effect: WhatIf?
        let seconds = Measuring.shortest(of: 3) {
            effect = WhatIf(from: before, to: NetworkModel(changed), flows: table)
        }
        precondition(effect?.flows == table.entries.count, "every row is judged")
        return .figure(seconds * 1000, unit: "ms")
    }

    /// Rows between pods of a namespace, between namespaces, and to the outside.
    private static func flows(_ state: NetworkState, rows: Int) -> FlowTable {
        var table = FlowTable(state, Inventory())
        var random = SeededRandom(seed: 11)
        let pods = state.pods.count
        while table.entries.count < rows {
            let from = Int(random.next() % UInt64(pods))
            let near = from / 200 * 200 + Int(random.next() % 200)
            let target: FlowParty
            switch random.next() % 10 {
            case 0: target = .outside(IPAddress(family: .v4, value: UInt128(0xCB00_7100 + random.next() % 256)))
            case 1...2: target = .pod(Int(random.next() % UInt64(pods)))
            default: target = .pod(min(near, pods - 1))
            }
            table.add(
                .pod(from), target, Traffic(.tcp, UInt16(8000 + random.next() % 8)), count: 1 + Int(random.next() % 50),
                last: 1_795_419_398)
        }
        return table
    }

    private static func read(_ line: (Int) -> String) -> Benchmark.Outcome {
        let state = NetworkGenerator.small.state()
        let lines = (0..<50_000).map { Array(line($0).utf8) }
        var count = 0
        let seconds = Measuring.shortest(of: 3) {
            var table = FlowTable(state, Inventory())
            var reader = FlowLogReader()
            for line in lines { reader.read(line: line) { table.add($0) } }
            count = table.entries.count
        }
        precondition(count > 0, "lines were read")
        return .figure(Double(lines.count) / seconds / 1000, unit: "thousand lines/s")
    }

    private static func conntrack(_ number: Int) -> String {
        let client = "10.0.\(number / 250 % 40).\(number % 250)"
        let server = "10.0.\(number / 7 % 40).\(number / 3 % 250)"
        return "ipv4     2 tcp      6 431999 ESTABLISHED src=\(client) dst=10.96.0.7 sport=\(40_000 + number % 20_000) "
            + "dport=80 src=\(server) dst=\(client) sport=\(8000 + number % 8) dport=\(40_000 + number % 20_000) "
            + "[ASSURED] mark=0 zone=0 use=2"
    }

    private static func hubble(_ number: Int) -> String {
        let from = "team-\(number % 100)"
        return #"{"flow":{"time":"2026-11-23T07:36:38.202450754Z","uuid":"cd75b2ac","verdict":"FORWARDED","#
            + #""ethernet":{"source":"62:6b:d0:a4:c5:63","destination":"6e:d0:ea:78:fc:0a"},"IP":{"source":"10.0.1.235","#
            + #""destination":"10.0.0.21","ipVersion":"IPv4"},"l4":{"TCP":{"source_port":60524,"destination_port":8003,"#
            + #""flags":{"SYN":true}}},"source":{"ID":423,"identity":24753,"namespace":"\#(from)","#
            + #""labels":["k8s:app=app-1","k8s:io.kubernetes.pod.namespace=\#(from)"],"#
            + #""pod_name":"app-\#(number % 10)-\#(number / 10 % 10)"},"destination":{"ID":12,"identity":24075,"#
            + #""namespace":"\#(from)","labels":["k8s:app=app-2"],"pod_name":"app-\#(number / 100 % 10)-1"},"#
            + #""Type":"L3_L4","node_name":"n1","is_reply":false,"event_type":{"type":4,"sub_type":3},"#
            + #""traffic_direction":"EGRESS","trace_observation_point":"TO_STACK","Summary":"TCP Flags: SYN"},"#
            + #""node_name":"n1","time":"2026-11-23T07:36:38.202450754Z"}"#
    }

    /// Policies for 2,000 workloads in 100 namespaces, with their certificate.
    private static func generate() -> Benchmark.Outcome {
        var text = ""
        for number in 0..<2_000 {
            let place = "team-\(number / 20)"
            let next = "app-\((number + 1) % 20)"
            text +=
                #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"app-\#(number % 20)","namespace":"\#(place)"},"#
            text +=
                #""spec":{"selector":{"matchLabels":{"app":"app-\#(number % 20)"}},"template":{"metadata":{"labels":"#
            text +=
                #"{"app":"app-\#(number % 20)"}},"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":"#
            text += #"8080}],"env":[{"name":"NEXT_URL","value":"http://\#(next):80"}]}]}}}}"# + "\n"
            text +=
                #"{"apiVersion":"v1","kind":"Service","metadata":{"name":"app-\#(number % 20)","namespace":"\#(place)"},"#
            text +=
                #""spec":{"selector":{"app":"app-\#(number % 20)"},"ports":[{"port":80,"targetPort":8080}]}}"# + "\n"
        }
        let objects = text.split(separator: "\n").flatMap { line in
            DocumentReader.read(SourceText(name: "", bytes: Array(line.utf8))).documents.compactMap {
                KubernetesObject($0.root)
            }
        }
        let inventory = Inventory(objects)
        let state = NetworkState(inventory)
        var holds = false
        let seconds = Measuring.shortest(of: 2) { holds = PolicyGeneration(state, inventory).certificate.holds }
        precondition(holds, "the certificate holds")
        return .figure(seconds * 1000, unit: "ms")
    }
}
