/// One end of an observed connection, as a log tells it.
///
/// Logs differ in what they know: Hubble names pods, Calico groups of pods, clouds and the kernel only addresses.
package struct FlowEnd: Sendable, Hashable {
    package enum Role: UInt8, Sendable, Hashable {
        /// Whatever the address or the name says.
        case unknown
        case pod
        /// A node or a pod on its network.
        case node
        /// Outside the cluster.
        case outside
    }

    package var role = Role.unknown
    package var namespace = ""
    /// A pod, or with `*` at its end the pods of one template.
    package var name = ""
    /// The workload, where the log knows it.
    package var workload = ""
    package var address: IPAddress?
    /// `key=value`, in order.
    package var labels: [String] = []
    /// Names the address was looked up by.
    package var domains: [String] = []
    /// The Service that was called, as `namespace/name`, when no pod is known.
    package var service = ""

    package init(
        role: Role = .unknown, namespace: String = "", name: String = "", workload: String = "",
        address: IPAddress? = nil, labels: [String] = [], domains: [String] = [], service: String = ""
    ) {
        self.role = role
        self.namespace = namespace
        self.name = name
        self.workload = workload
        self.address = address
        self.labels = labels
        self.domains = domains
        self.service = service
    }
}

/// One line of a flow log: packets or connections from one end to another.
package struct FlowRecord: Sendable, Hashable {
    /// Which end opened the connection.
    package enum Orientation: UInt8, Sendable, Hashable {
        /// The source did.
        case forward
        /// The target did: these are answers.
        case reply
        /// The log does not say.
        case unknown
    }

    package enum Outcome: UInt8, Sendable, Hashable {
        case passed
        /// Something refused it: a policy, a security group.
        case denied
        /// Nobody answered; whether something refused it is not known.
        case unanswered
    }

    package var source: FlowEnd
    package var target: FlowEnd
    package var `protocol`: TransportProtocol
    package var sourcePort: UInt16
    /// The port; for ICMP type and code, for protocols without ports their number.
    package var targetPort: UInt16
    package var orientation: Orientation
    package var outcome: Outcome
    /// How often it was seen.
    package var count: Int
    /// Seen at the other end too, or an answer: it says once more what another record says.
    package var isRepeat: Bool
    /// Seconds since 1970; 0 when the log does not say.
    package var first: Int64
    package var last: Int64

    package init(
        source: FlowEnd, target: FlowEnd, protocol: TransportProtocol, sourcePort: UInt16 = 0, targetPort: UInt16,
        orientation: Orientation = .forward, outcome: Outcome = .passed, count: Int = 1, isRepeat: Bool = false,
        first: Int64 = 0, last: Int64 = 0
    ) {
        self.source = source
        self.target = target
        self.protocol = `protocol`
        self.sourcePort = sourcePort
        self.targetPort = targetPort
        self.orientation = orientation
        self.outcome = outcome
        self.count = count
        self.isRepeat = isRepeat
        self.first = first
        self.last = last
    }

    /// The same seen from the other end: a record of answers as one of the connection they belong to.
    package var reversed: FlowRecord {
        FlowRecord(
            source: target, target: source, protocol: self.protocol, sourcePort: targetPort, targetPort: sourcePort,
            orientation: .forward, outcome: outcome, count: count, isRepeat: true, first: first, last: last)
    }
}

/// What a line or an object of a flow log turned out to be.
enum FlowReading: Sendable {
    case record(FlowRecord)
    /// Well-formed, and nothing about a connection between two ends.
    case nothing
}

/// What became of the lines of a flow log; nothing is dropped without being counted.
package struct FlowStatistics: Sendable, Hashable {
    package var lines = 0
    package var records = 0
    /// Lines that are no flow in any format that is read.
    package var garbage = 0
    /// Lines that are well-formed and say nothing of a connection: headers, NODATA, DNS answers, socket traces.
    package var skipped = 0
    /// Records of which an end is nobody that is known.
    package var unresolved = 0
    /// Records older than the pod that has the address now.
    package var stale = 0
    /// Records of which the ports alone told who opened the connection.
    package var guessed = 0
    /// Connections nobody answered.
    package var unanswered = 0
    /// The first lines that could not be read, by number.
    package var firstGarbage: [Int] = []

    package init() {}

    mutating func addGarbage() {
        garbage += 1
        if firstGarbage.count < 5 { firstGarbage.append(lines) }
    }

    package mutating func add(_ other: FlowStatistics) {
        lines += other.lines
        records += other.records
        garbage += other.garbage
        skipped += other.skipped
        unresolved += other.unresolved
        stale += other.stale
        guessed += other.guessed
        unanswered += other.unanswered
        firstGarbage = Array((firstGarbage + other.firstGarbage).prefix(5))
    }
}
