/// What is usual for one identity: where it calls from, with what, and what it reads.
///
/// Each fact remembers the day it was first seen. "New" means not seen on an earlier day, so that a single bad day does
/// not teach itself. Only what the server allowed is learned: refused requests are anybody's.
struct IdentityProfile: Sendable {
    private var addresses: [String: Int] = [:]
    private var agents: [String: Int] = [:]
    private var watched: [String: Int] = [:]
    private var days: Int?

    /// Most facts kept of one kind; an identity with more has no habits.
    private static let limit = 4096

    mutating func learn(_ event: SecretEvent) {
        let day = event.time.day
        days = min(days ?? day, day)
        Self.note(Network(event.address).text, day, &addresses)
        Self.note(Self.program(event.agent), day, &agents)
        if event.verb == "watch" || event.verb == "list" { Self.note(event.namespace, day, &watched) }
    }

    private static func note(_ fact: String, _ day: Int, _ facts: inout [String: Int]) {
        guard let known = facts[fact] else {
            if facts.count < limit { facts[fact] = day }
            return
        }
        if day < known { facts[fact] = day }
    }

    /// Whether it was seen on an earlier day at all.
    func hasHistory(before day: Int) -> Bool { days.map { $0 < day } ?? false }
    func knowsNetwork(of address: String, before day: Int) -> Bool {
        (addresses[Network(address).text] ?? .max) < day
    }
    func knowsProgram(_ agent: String, before day: Int) -> Bool { (agents[Self.program(agent)] ?? .max) < day }
    func knowsWatch(of namespace: String, before day: Int) -> Bool { (watched[namespace] ?? .max) < day }

    /// The program of a user agent, without its version: a new version is no new program.
    static func program(_ agent: String) -> String { String(agent.prefix { $0 != "/" && $0 != " " }) }

    /// Programs people type with rather than build controllers on.
    static func isTool(_ agent: String) -> Bool {
        let program = program(agent).lowercased()
        return [
            "curl", "wget", "python-requests", "python-urllib", "httpie", "postmanruntime", "kubectl", "oc", "k9s",
            "powershell", "libwww-perl", "axios", "node-fetch", "mozilla", "insomnia", "burp", "aiohttp", "python",
            "go-http-client", "okhttp",
        ].contains(program) || agent.isEmpty
    }
}

/// The network an address belongs to, coarse enough that pods of one cluster and machines of one office share it.
struct Network: Sendable, Hashable {
    /// `10.20` for IPv4 (/16), the first four groups for IPv6 (/64).
    let text: String
    let isPrivate: Bool

    init(_ address: String) {
        if address.contains(":") {
            let groups = address.split(separator: ":", omittingEmptySubsequences: false)
            text = groups.prefix(4).joined(separator: ":").lowercased()
            let head = (groups.first ?? "").lowercased()
            isPrivate = head.hasPrefix("fc") || head.hasPrefix("fd") || head == "fe80" || address == "::1"
            return
        }
        let parts = address.split(separator: ".").compactMap { Int($0) }
        text = parts.prefix(2).map(String.init).joined(separator: ".")
        guard parts.count == 4 else {
            isPrivate = true
            return
        }
        // RFC 1918, RFC 6598 (carrier NAT, used for pods by some clouds), loopback, link-local.
        isPrivate =
            parts[0] == 10 || parts[0] == 127 || (parts[0] == 172 && (16..<32).contains(parts[1]))
            || (parts[0] == 192 && parts[1] == 168) || (parts[0] == 100 && (64..<128).contains(parts[1]))
            || (parts[0] == 169 && parts[1] == 254)
    }
}
