import Documents

/// Who logged in how, from audit events: what section 3.1 asks.
///
/// An event says by `authentication.kubernetes.io/credential-id` whether a client certificate was shown (`X509SHA256=…`,
/// Kubernetes 1.32 and later), and by `…/pod-name` that a token was given to a pod.
package struct LoginRecord: Sendable {
    package private(set) var events = 0
    package private(set) var unreadable = 0
    /// Users who are no part of Kubernetes and showed a certificate.
    package private(set) var byCertificate: Set<String> = []
    /// Service accounts whose token was used with a tool of people.
    package private(set) var byToken: Set<String> = []
    /// Bootstrap identities that did more than ask for a certificate.
    package private(set) var byBootstrap: Set<String> = []
    /// Whether the log tells credentials at all.
    private var tellsCredentials = false

    package init() {}

    package mutating func read(line: [UInt8]) {
        guard line.contains(where: { $0 > 0x20 }) else { return }
        do throws(DocumentError) {
            let root = try DocumentReader.readJSON(SourceText(name: "", bytes: line))
            if root["kind"].equals("EventList") {
                for event in root["items"].elements { read(event) }
            } else {
                read(root)
            }
        } catch {
            unreadable += 1
        }
    }

    package mutating func skipLine() { unreadable += 1 }

    private mutating func read(_ event: Node) {
        guard let user = event["user"]["username"].string else { return }
        events += 1
        let extra = event["user"]["extra"]
        let credentials = extra["authentication.kubernetes.io/credential-id"].strings
        if !credentials.isEmpty { tellsCredentials = true }
        if credentials.contains(where: { $0.hasPrefix("X509SHA256=") }), !user.hasPrefix("system:") {
            byCertificate.insert(user)
        }
        if user.hasPrefix("system:serviceaccount:"), extra["authentication.kubernetes.io/pod-name"].isEmpty {
            let agent = event["userAgent"].string ?? ""
            if Self.tools.contains(where: agent.hasPrefix) { byToken.insert(user) }
        }
        if user.hasPrefix("system:bootstrap:"),
            event["objectRef"]["resource"].string.map({ !Self.joining.contains($0) }) ?? false
        {
            byBootstrap.insert(user)
        }
    }

    private static let tools = ["kubectl/", "kubectl.exe/", "k9s/", "Helm/", "helm/", "Lens", "OpenLens", "freelens"]
    private static let joining: Set<String> = ["certificatesigningrequests", "configmaps", "nodes"]

    // MARK: Verdicts

    var certificates: [CISPart] {
        if !byCertificate.isEmpty {
            return byCertificate.sorted().map { CISPart(.fail, "\($0) logs in with a client certificate") }
        }
        guard tellsCredentials else {
            return [CISPart(.notObservable, "the audit log does not tell credentials; Kubernetes does since 1.32")]
        }
        return [CISPart(.pass, "nobody but components showed a client certificate in \(events) events")]
    }

    var tokens: [CISPart] {
        byToken.isEmpty
            ? [CISPart(.pass, "no service account's token was used with a tool of people in \(events) events")]
            : byToken.sorted().map { CISPart(.fail, "somebody works with the token of \($0)") }
    }

    var bootstrap: [CISPart] {
        byBootstrap.sorted().map { CISPart(.fail, "\($0) did more than join a node") }
    }
}
