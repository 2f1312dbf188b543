/// Finds incidents in a stream of events.
///
/// Events come in the order of the log, one stage at a time; memory grows with identities, not with events. What needs
/// habits to compare with stays silent for an identity that was never seen on an earlier day.
package struct IncidentDetector: Sendable {
    package struct Limits: Sendable {
        /// Refused reads of one service account that make an enumeration, and the seconds they may lie apart.
        package var refusals = 3
        package var refusalWindow = 600.0
        /// Different Secrets a person reads by name that make an enumeration, and the seconds.
        package var names = 3
        package var nameWindow = 60.0
        /// Longest life of a token, in seconds, that nobody needs to know of.
        package var tokenSeconds = 3600

        package init() {}
    }

    private let limits: Limits
    private var profiles: [String: IdentityProfile] = [:]
    /// Networks service accounts called from, and the day each was first seen.
    private var podNetworks: [Network: Int] = [:]
    private var refusals: [String: Window] = [:]
    private var reads: [String: Window] = [:]
    private var found: [SecretIncident] = []

    /// Recent events of one identity.
    private struct Window: Sendable {
        struct Entry: Sendable {
            var event: SecretEvent
            var target: String
        }
        var entries: [Entry] = []
        /// The incident the run belongs to, once there is one.
        var incident: Int?

        mutating func add(_ event: SecretEvent, target: String, within seconds: Double) {
            let now = event.time.seconds ?? 0
            let isContinued = entries.last.map { now - ($0.event.time.seconds ?? 0) <= seconds } ?? false
            if !isContinued { incident = nil }
            if incident == nil {
                entries.removeAll { now - ($0.event.time.seconds ?? 0) > seconds }
            } else {
                entries = []
            }
            entries.append(Entry(event: event, target: target))
            if entries.count > 256 { entries.removeFirst() }
        }
    }

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    /// What was found so far, by time.
    package var incidents: [SecretIncident] {
        found.sorted { ($0.first, $0.kind, $0.identity) < ($1.first, $1.kind, $1.identity) }
    }

    package mutating func note(_ event: SecretEvent) {
        guard event.stage != .panic else { return }
        switch event.resource {
        case "serviceaccounts": tokenRequest(event)
        case "pods": podCreation(event)
        default:
            secretAccess(event)
            if event.isSuccess { learn(event) }
        }
    }

    private mutating func learn(_ event: SecretEvent) {
        // What somebody does under another's name is no habit of either.
        guard event.impersonated == nil, event.stage == .complete else { return }
        profiles[event.requester, default: IdentityProfile()].learn(event)
        guard event.isServiceAccount, !event.address.isEmpty else { return }
        let network = Network(event.address)
        podNetworks[network] = min(podNetworks[network] ?? .max, event.time.day)
    }

    // MARK: Secrets

    private mutating func secretAccess(_ event: SecretEvent) {
        let day = event.time.day
        if event.requester == "system:anonymous" {
            add(.anonymousAccess, event, "somebody without credentials \(Self.act(event))")
            return
        }
        guard event.isRead else { return }
        if event.isRefused {
            if event.isServiceAccount { refusedRead(event) }
            return
        }
        guard event.isSuccess else { return }
        if let other = event.impersonated {
            if event.stage == .complete { add(.impersonatedRead, event, "read as \(other): \(Self.act(event))") }
            return
        }
        let profile = profiles[event.requester] ?? IdentityProfile()
        if event.isServiceAccount {
            serviceAccountRead(event, profile, day)
        } else if event.isPerson, event.stage == .complete {
            if event.verb != "get", event.namespace.isEmpty, event.name.isEmpty, profile.hasHistory(before: day),
                !profile.knowsNetwork(of: event.address, before: day)
            {
                add(
                    .wideListFromNewAddress, event,
                    "\(Self.act(event)) from \(event.address), where this identity was never seen")
            }
            if event.verb == "get" { namedRead(event) }
        }
    }

    private mutating func serviceAccountRead(_ event: SecretEvent, _ profile: IdentityProfile, _ day: Int) {
        let isNewProgram = profile.hasHistory(before: day) && !profile.knowsProgram(event.agent, before: day)
        if event.stage == .complete, !event.address.isEmpty, isOutside(event.address, day),
            IdentityProfile.isTool(event.agent), !profile.knowsProgram(event.agent, before: day)
        {
            add(
                .tokenOffCluster, event,
                "the token was used with \(IdentityProfile.program(event.agent)) from \(event.address), "
                    + "outside the cluster: \(Self.act(event))")
            return
        }
        if event.verb == "watch", !event.namespace.isEmpty, let home = event.homeNamespace, event.namespace != home,
            !profile.knowsWatch(of: event.namespace, before: day),
            isNewProgram || (IdentityProfile.isTool(event.agent) && !profile.knowsProgram(event.agent, before: day))
        {
            add(
                .foreignWatch, event,
                "watches the Secrets of namespace \(event.namespace) with \(IdentityProfile.program(event.agent)), "
                    + "which it never did before")
        }
    }

    /// Whether no service account calls from there: nothing learned, it is a public address.
    private func isOutside(_ address: String, _ day: Int) -> Bool {
        let network = Network(address)
        if podNetworks.contains(where: { $0.value < day }) { return (podNetworks[network] ?? .max) >= day }
        return !network.isPrivate
    }

    private mutating func refusedRead(_ event: SecretEvent) {
        var window = refusals[event.requester] ?? Window()
        window.add(event, target: "\(event.namespace)/\(event.name)", within: limits.refusalWindow)
        let targets = Set(window.entries.map(\.target)).count
        extend(
            &window, .deniedEnumeration, event, isReached: targets >= limits.refusals,
            "was refused Secrets again and again: \(Self.act(event))")
        refusals[event.requester] = window
    }

    private mutating func namedRead(_ event: SecretEvent) {
        var window = reads[event.requester] ?? Window()
        window.add(event, target: "\(event.namespace)/\(event.name)", within: limits.nameWindow)
        let targets = Set(window.entries.map(\.target)).count
        extend(
            &window, .nameEnumeration, event, isReached: targets >= limits.names,
            "read one Secret after another by name: \(Self.act(event))")
        reads[event.requester] = window
    }

    /// Adds to the run's incident, or begins it with all that led to it.
    private mutating func extend(
        _ window: inout Window, _ kind: SecretIncident.Kind, _ event: SecretEvent, isReached: Bool, _ message: String
    ) {
        if let index = window.incident {
            append(event, to: index)
            return
        }
        guard isReached, let first = window.entries.first else { return }
        add(kind, first.event, message)
        for entry in window.entries.dropFirst() { append(entry.event, to: found.count - 1) }
        window.incident = found.count - 1
    }

    // MARK: What leads to Secrets

    private mutating func tokenRequest(_ event: SecretEvent) {
        // Kubelets and controllers ask for tokens all day; a person who does takes one away.
        guard event.stage == .complete, event.isSuccess, event.isPerson else { return }
        let target = "service account \(event.namespace)/\(event.name)"
        guard let seconds = event.tokenSeconds else {
            add(.longLivedToken, event, "took a token of \(target); the log does not hold for how long")
            return
        }
        if seconds > limits.tokenSeconds {
            add(.longLivedToken, event, "took a token of \(target) for \(seconds / 3600) hours")
        }
    }

    private mutating func podCreation(_ event: SecretEvent) {
        // Pods are made by controllers; a pod a person makes can mount any Secret of its namespace.
        guard event.stage == .complete, event.isSuccess, event.isPerson else { return }
        let pod = "pod \(event.namespace)/\(event.name)"
        guard let secrets = event.podSecrets else {
            add(.mountingPod, event, "made \(pod) by hand, which can read any Secret there; the log holds no body")
            return
        }
        if !secrets.isEmpty {
            add(.mountingPod, event, "made \(pod) by hand, which reads Secret \(secrets.joined(separator: ", "))")
        }
    }

    // MARK: Collecting

    private mutating func add(_ kind: SecretIncident.Kind, _ event: SecretEvent, _ message: String) {
        // The two stages of one watch, and a client that repeats itself, are one incident.
        if let last = found.lastIndex(where: { $0.kind == kind && $0.identity == event.requester }),
            (event.time.seconds ?? 0) - (found[last].last.seconds ?? 0) <= limits.refusalWindow,
            found[last].message == message
        {
            append(event, to: last)
            return
        }
        found.append(
            SecretIncident(
                kind: kind, identity: event.requester, message: message, auditIDs: [event.auditID], first: event.time,
                last: event.time, addresses: event.address.isEmpty ? [] : [event.address]))
    }

    /// Most event ids kept of one incident; its count of events goes on by its times.
    private static let idLimit = 10_000

    private mutating func append(_ event: SecretEvent, to index: Int) {
        if found[index].auditIDs.count < Self.idLimit { found[index].auditIDs.append(event.auditID) }
        found[index].last = max(found[index].last, event.time)
        if !event.address.isEmpty, !found[index].addresses.contains(event.address) {
            found[index].addresses.append(event.address)
        }
    }

    private static func act(_ event: SecretEvent) -> String {
        let what = event.name.isEmpty ? "Secrets" : "Secret \(event.name)"
        let place = event.namespace.isEmpty ? "in all namespaces" : "in \(event.namespace)"
        return "\(event.verb) \(what) \(place)"
    }
}
