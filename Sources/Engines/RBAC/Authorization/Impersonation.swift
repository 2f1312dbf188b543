import Encodings

/// Acting as somebody else: what the API server checks before it believes the impersonation headers.
///
/// Source: `apiserver/pkg/endpoints/filters/impersonation` of Kubernetes 1.36: the constrained modes first (associated
/// node, any node, service account, user info), each needing the right to be that somebody and the right to do this
/// request as them; then the legacy verb `impersonate`, which needs the first half only.
package struct Impersonation: Sendable {
    /// What the headers ask for.
    package struct Wanted: Sendable, Hashable {
        package var user: String
        package var groups: [String]
        package var uid: String
        /// Keys as sent in the header, percent-encoded.
        package var extraHeaders: [String: [String]]

        package init(user: String, groups: [String] = [], uid: String = "", extraHeaders: [String: [String]] = [:]) {
            self.user = user
            self.groups = groups
            self.uid = uid
            self.extraHeaders = extraHeaders
        }
    }

    package enum Mode: String, Sendable, Hashable, CaseIterable {
        case associatedNode = "associated-node"
        case arbitraryNode = "arbitrary-node"
        case serviceAccount = "serviceaccount"
        case userInfo = "user-info"
        case legacy

        /// The verb for being somebody.
        package var verb: String { self == .legacy ? "impersonate" : "impersonate:\(rawValue)" }
    }

    package enum Verdict: Sendable, Hashable {
        case allowed(Identity, Mode)
        case denied
        /// Group, UID or extra fields without a user.
        case badRequest
    }

    private let authorize: @Sendable (Identity, AccessRequest) -> Bool

    /// `authorize` answers for all authorizers of the server together.
    package init(authorize: @escaping @Sendable (Identity, AccessRequest) -> Bool) { self.authorize = authorize }

    package init(_ model: AccessModel) { self.init { model.isAllowed($0, $1) } }

    /// Who a request is made as, if it may be.
    ///
    /// The server tries the mode that last worked for a requester first, so that its answer may depend on what went
    /// before: with the legacy verb and a constrained right both held, a node comes with or without its group.
    package func verdict(
        _ requester: Identity, as wanted: Wanted, for request: AccessRequest, lastMode: Mode? = nil
    ) -> Verdict {
        guard !wanted.user.isEmpty else {
            let asksNothing = wanted.groups.isEmpty && wanted.uid.isEmpty && wanted.extraHeaders.isEmpty
            return asksNothing ? .allowed(requester, .legacy) : .badRequest
        }
        var target = Identity(user: wanted.user, groups: wanted.groups, uid: wanted.uid)
        for (key, values) in wanted.extraHeaders {
            target.extra[Self.unescaped(key.lowercased()), default: []] += values
        }
        let order = (lastMode.map { [$0] } ?? []) + Mode.allCases.filter { $0 != lastMode }
        for mode in order where applies(mode, requester, target) {
            if mode != .legacy {
                var on = request
                on.verb = "impersonate-on:\(mode.rawValue):\(request.verb)"
                guard authorize(requester, on) else { continue }
            }
            if let identity = become(target, mode, requester) { return .allowed(identity, mode) }
        }
        return .denied
    }

    private func applies(_ mode: Mode, _ requester: Identity, _ target: Identity) -> Bool {
        let isBare = target.groups.isEmpty && target.uid.isEmpty && target.extra.isEmpty
        let node = Self.nodeName(target.user)
        let account = ServiceAccountName(userName: target.user)
        switch mode {
        case .associatedNode:
            return isBare && node != nil && ServiceAccountName(userName: requester.user) != nil
                && requester.extra["authentication.kubernetes.io/node-name"] == node.map { [$0] }
        case .arbitraryNode: return isBare && node != nil
        case .serviceAccount: return isBare && account != nil
        case .userInfo: return node == nil && account == nil
        case .legacy: return true
        }
    }

    /// The identity the request goes on with; nil where a part of it may not be taken.
    private func become(_ target: Identity, _ mode: Mode, _ requester: Identity) -> Identity? {
        let isConstrained = mode != .legacy
        let userGroup = isConstrained ? "authentication.k8s.io" : ""
        func may(_ group: String, _ resource: String, _ name: String, sub: String = "", in namespace: String = "")
            -> Bool
        {
            let target = AccessRequest.Resource(
                group: group, resource, subresource: sub, name: name, namespace: namespace)
            return authorize(requester, AccessRequest(mode.verb, target))
        }
        var actual = target
        if isConstrained, let node = Self.nodeName(target.user) {
            // Which node is meant does not count in the associated mode: the right is for all of them.
            guard may(userGroup, "nodes", mode == .associatedNode ? "*" : node) else { return nil }
            actual.groups = ["system:nodes"]
        } else if let account = ServiceAccountName(userName: target.user) {
            guard may(userGroup, "serviceaccounts", account.name, in: account.namespace) else { return nil }
            if target.groups.isEmpty { actual.groups = ServiceAccountName.groups(of: account.namespace) }
        } else {
            guard may(userGroup, "users", target.user) else { return nil }
        }
        if !target.uid.isEmpty, !may("authentication.k8s.io", "uids", target.uid) { return nil }
        if isConstrained {
            if target.groups.contains("") || target.groups.contains(Identity.masters) { return nil }
            if !target.extra.allSatisfy(Self.isValidExtra) { return nil }
        }
        // Many at once may be allowed by a right on `*` in one check.
        let many = 4
        let groupsAllowed =
            isConstrained && target.groups.count >= many && may(userGroup, "groups", "*")
            || target.groups.allSatisfy { may(userGroup, "groups", $0) }
        guard groupsAllowed else { return nil }
        let values = target.extra.reduce(0) { $0 + $1.value.count }
        let extraAllowed =
            isConstrained && max(values, target.extra.count) >= many
            && may("authentication.k8s.io", "userextras", "*", sub: "*")
            || target.extra.allSatisfy { key, values in
                values.allSatisfy { may("authentication.k8s.io", "userextras", $0, sub: key) }
            }
        guard extraAllowed else { return nil }
        if actual.user == "system:anonymous" {
            if !actual.groups.contains("system:unauthenticated") { actual.groups.append("system:unauthenticated") }
        } else if !actual.groups.contains("system:unauthenticated"), !actual.groups.contains("system:authenticated") {
            actual.groups.append("system:authenticated")
        }
        return actual
    }

    static func nodeName(_ user: String) -> String? {
        let prefix = "system:node:"
        guard user.hasPrefix(prefix) else { return nil }
        let name = String(user.dropFirst(prefix.count))
        return DNSName.isSubdomain(name) ? name : nil
    }

    /// `example.com/tenant`, lower case, with values that say something: the constrained modes take no other.
    private static func isValidExtra(_ key: String, _ values: [String]) -> Bool {
        guard let slash = key.firstIndex(of: "/"), key == key.lowercased(), !values.isEmpty, !values.contains("") else {
            return false
        }
        let path = key[key.index(after: slash)...]
        return DNSName.isSubdomain(key[..<slash]) && !path.isEmpty
            && path.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || "/!$&'()*+,;=:@-._~".utf8.contains(byte)
            }
    }

    /// Percent-decoding as Go's `PathUnescape`; a key that cannot be decoded stays as it is.
    static func unescaped(_ key: String) -> String {
        PercentEncoding.decoded(key) ?? key
    }
}
