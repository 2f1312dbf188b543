import Testing

@testable import NetworkPolicies

@Suite struct FlowLogTests {
    /// `source:port > target:port protocol outcome orientation x count`, and what the lines came to.
    static func read(_ text: String) -> (records: [String], statistics: FlowStatistics) {
        var reader = FlowLogReader()
        var records: [String] = []
        func take(_ record: FlowRecord) {
            func name(_ end: FlowEnd) -> String {
                if !end.name.isEmpty { return end.namespace.isEmpty ? end.name : "\(end.namespace)/\(end.name)" }
                return end.address.map { "\($0)" } ?? "\(end.role)"
            }
            records.append(
                "\(name(record.source)):\(record.sourcePort) > \(name(record.target)):\(record.targetPort) "
                    + "\(record.protocol.rawValue) \(record.outcome) \(record.orientation) x\(record.count)")
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            reader.read(line: Array(line.utf8), take)
        }
        reader.finish(take)
        return (records, reader.statistics)
    }

    @Test(arguments: [
        (
            "a flow of Hubble under its envelope",
            #"{"flow":{"time":"2026-11-23T07:36:38.1Z","verdict":"FORWARDED","IP":{"source":"10.0.1.1","destination":"10.0.1.2"},"l4":{"TCP":{"source_port":40000,"destination_port":5432,"flags":{"SYN":true}}},"source":{"namespace":"shop","pod_name":"web","labels":["k8s:app=web"]},"destination":{"namespace":"shop","pod_name":"db"},"is_reply":false},"node_name":"n1","time":"2026-11-23T07:36:38.1Z"}"#,
            "shop/web:40000 > shop/db:5432 TCP passed forward x1"
        ),
        (
            "an answer seen by Hubble",
            #"{"verdict":"FORWARDED","l4":{"TCP":{"source_port":5432,"destination_port":40000}},"source":{"namespace":"shop","pod_name":"db"},"destination":{"namespace":"shop","pod_name":"web"},"is_reply":true}"#,
            "shop/db:5432 > shop/web:40000 TCP passed reply x1"
        ),
        (
            "a packet that a policy dropped",
            #"{"flow":{"verdict":"DROPPED","drop_reason_desc":"POLICY_DENIED","l4":{"UDP":{"source_port":5000,"destination_port":53}},"source":{"namespace":"a","pod_name":"x"},"destination":{"namespace":"b","pod_name":"y"}}}"#,
            "a/x:5000 > b/y:53 UDP denied forward x1"
        ),
        (
            "a flow log line of Calico Enterprise",
            #"{"start_time":1659621542,"end_time":1659621842,"source_ip":null,"source_name":"-","source_name_aggr":"web-598d5b586d-*","source_namespace":"shop","source_port":null,"source_type":"wep","source_labels":{"labels":["app=web"]},"dest_ip":null,"dest_name":"-","dest_name_aggr":"db-*","dest_namespace":"shop","dest_port":5432,"dest_type":"wep","dest_labels":null,"proto":"tcp","action":"allow","reporter":"src","num_flows":4,"num_flows_started":3}"#,
            "shop/web-598d5b586d-*:0 > shop/db-*:5432 TCP passed forward x4"
        ),
        (
            "a flow of Goldmane, with numbers as text",
            #"{"id":"7","flow":{"Key":{"source_name":"web-*","source_namespace":"shop","source_type":"WorkloadEndpoint","dest_name":"pub","dest_namespace":"-","dest_type":"Network","dest_port":"443","proto":"tcp","reporter":"Src","action":"Deny"},"start_time":"1659621542","end_time":"1659621557","num_connections_started":"2"}}"#,
            "shop/web-*:0 > pub:443 TCP denied forward x2"
        ),
        (
            "a default record of a VPC",
            "2 123456789010 eni-1235b8ca 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK",
            "172.31.16.139:20641 > 172.31.16.21:22 TCP passed unknown x1"
        ),
        (
            "a rejected record of a VPC, with CloudWatch's time before it",
            "2014-12-14T04:07:50.000Z 2 123456789010 eni-1235b8ca 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK",
            "172.31.9.69:49761 > 172.31.9.12:3389 TCP denied forward x1"
        ),
        (
            "an entry of conntrack through a Service",
            "tcp      6 431999 ESTABLISHED src=10.0.1.1 dst=10.96.0.7 sport=39876 dport=80 src=10.0.1.2 dst=10.0.1.1 sport=8080 dport=39876 [ASSURED] mark=0 use=1",
            "10.0.1.1:39876 > 10.0.1.2:8080 TCP passed forward x1"
        ),
        (
            "an entry of /proc/net/nf_conntrack",
            "ipv4     2 udp      17 29 src=10.0.1.1 dst=10.96.0.10 sport=40001 dport=53 [UNREPLIED] src=10.0.9.9 dst=10.0.1.1 sport=53 dport=40001 mark=0 zone=0 use=2",
            "10.0.1.1:40001 > 10.0.9.9:53 UDP passed forward x1"
        ),
        (
            "a TCP connection nobody answered",
            "tcp      6 115 SYN_SENT src=10.0.1.1 dst=10.0.1.9 sport=39876 dport=81 [UNREPLIED] src=10.0.1.9 dst=10.0.1.1 sport=81 dport=39876 mark=0 use=1",
            "10.0.1.1:39876 > 10.0.1.9:81 TCP unanswered forward x1"
        ),
        (
            "IPv6 and a ping",
            "ipv6     10 icmpv6   58 29 src=fd00::1 dst=fd00::2 type=128 code=0 id=1 src=fd00::2 dst=fd00::1 type=129 code=0 id=1 mark=0 use=1",
            "fd00::1:0 > fd00::2:32768 ICMPv6 passed forward x1"
        ),
    ])
    func everyFormatIsRead(_ what: String, _ line: String, _ expected: String) {
        let read = Self.read(line)
        #expect(read.records == [expected], "\(what)")
        #expect(read.statistics.garbage == 0 && read.statistics.lines == 1)
    }

    @Test func aHeaderNamesTheFieldsOfAVPC() {
        let read = Self.read(
            """
            version srcaddr dstaddr srcport dstport protocol tcp-flags pkt-srcaddr pkt-dstaddr start end action log-status
            5 10.0.0.1 10.0.0.2 443 50000 6 18 10.0.1.2 10.0.1.1 1 2 ACCEPT OK
            5 10.0.0.1 10.0.0.2 50000 443 6 2 10.0.1.1 10.0.1.2 1 2 ACCEPT OK
            5 - - - - - - - - 1 2 - NODATA
            """)
        #expect(
            read.records == [
                "10.0.1.2:443 > 10.0.1.1:50000 TCP passed reply x1",
                "10.0.1.1:50000 > 10.0.1.2:443 TCP passed forward x1",
            ])
        #expect(read.statistics.skipped == 2 && read.statistics.garbage == 0)
    }

    @Test(arguments: [
        "SRCADDR DSTADDR dstport protocol", "${srcaddr} ${dstaddr} ${dstport} ${protocol}",
        "pkt_srcaddr pkt_dstaddr dstport protocol",
    ])
    func aHeaderIsKnownHoweverItIsWritten(_ header: String) {
        let read = Self.read(header + "\n10.0.0.1 10.0.0.2 80 6")
        #expect(read.records.count == 1)
        #expect(read.statistics.skipped == 1)
    }

    @Test func aDocumentOverManyLinesIsReadWhole() {
        let read = Self.read(
            """
            {
              "meta": {"totalPages": 1},
              "items": [
                {"start_time": "2026-11-23T07:36:38Z", "action": "Allow", "source_name": "web-*", "source_namespace": "shop",
                 "dest_name": "db-*", "dest_namespace": "shop", "protocol": "tcp", "dest_port": 5432, "reporter": "Dst"}
              ]
            }
            """)
        #expect(read.records == ["shop/web-*:0 > shop/db-*:5432 TCP passed forward x1"])
    }

    @Test func garbageIsCountedAndStopsNothing() {
        let good =
            "2 123456789010 eni-1 10.0.0.1 10.0.0.2 50000 443 6 20 4249 1418530010 1418530070 ACCEPT OK"
        let read = Self.read(
            """
            {"flow": {"verdict": "FORWARDED", "l4": {"TCP":
            \(good)
            garbage
            {"a": 1}
            tcp 6 nothing
            2 123456789010 eni-1 10.0.0.1 10.0.0.999 50000 443 6 20 4249 1418530010 1418530070 ACCEPT OK
            {"flow":{"verdict":"FORWARDED","l7":{}}}
            \(good)
            """)
        #expect(read.records.count == 2)
        #expect(read.statistics.garbage == 5)
        #expect(read.statistics.skipped == 1)
        #expect(read.statistics.lines == 8)
        #expect(read.statistics.firstGarbage.first == 1)
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-11-23T07:36:38Z", 1_795_419_398),
            ("2024-02-29T23:59:60Z", 1_709_251_200),
            ("2026-11-23T09:36:38.999+02:00", 1_795_419_398),
        ] as [(String, Int64)])
    func timesAreRead(_ text: String, _ seconds: Int64) {
        #expect(FlowTime.seconds(text) == seconds)
        if !text.contains("+"), !text.contains(":60") { #expect(FlowTime.text(seconds) == text) }
    }

    @Test(arguments: ["", "2026-11-23", "2026-13-01T00:00:00Z", "2026-11-23T07:36:38", "2026-11-23T25:00:00Z"])
    func whatIsNoTimeIsRefused(_ text: String) { #expect(FlowTime.seconds(text) == nil) }

    /// Bytes of real lines changed, cut and mixed: whatever comes, every line is accounted for and nothing traps.
    @Test func noBytesTrapAReader() {
        let seeds = Self.seeds.map { Array($0.utf8) }
        var random = SplitMix(state: 42)
        var reader = FlowLogReader()
        var records = 0
        for round in 0..<4_000 {
            var line = seeds[Int(random.next() % UInt64(seeds.count))]
            for _ in 0..<(random.next() % 8) where !line.isEmpty {
                let place = Int(random.next() % UInt64(line.count))
                switch random.next() % 4 {
                case 0: line[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: line.remove(at: place)
                case 2: line.removeSubrange(place...)
                default: line.insert(contentsOf: seeds[Int(random.next() % UInt64(seeds.count))].prefix(40), at: place)
                }
            }
            reader.read(line: line.map { $0 == 0x0A ? 0x20 : $0 }) { _ in records += 1 }
            if round % 100 == 99 { reader.finish { _ in records += 1 } }
        }
        reader.finish { _ in records += 1 }
        let statistics = reader.statistics
        #expect(statistics.records == records)
        #expect(records > 100 && statistics.garbage > 100)
        #expect(statistics.lines <= 4_000)
    }

    private static let seeds = [
        #"{"flow":{"verdict":"FORWARDED","l4":{"TCP":{"source_port":1,"destination_port":2}},"IP":{"source":"10.0.0.1"}}}"#,
        #"{"action":"Allow","reporter":"Src","source_namespace":"a","dest_name":"b","dest_namespace":"c","dest_port":80,"proto":"tcp"}"#,
        "2 1 eni-1 10.0.0.1 10.0.0.2 50000 443 6 20 4249 1418530010 1418530070 ACCEPT OK",
        "version srcaddr dstaddr srcport dstport protocol",
        "tcp 6 10 ESTABLISHED src=10.0.1.1 dst=10.96.0.7 sport=39876 dport=80 src=10.0.1.2 dst=10.0.1.1 sport=80 dport=39876",
        "ipv4 2 icmp 1 29 src=10.0.1.1 dst=10.0.1.2 type=8 code=0 src=10.0.1.2 dst=10.0.1.1 type=0 code=0", "{", "[",
    ]
}

/// Numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
