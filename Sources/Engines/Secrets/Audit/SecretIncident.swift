package import Findings

/// Something in an audit log that a person should look at, with the events that show it.
package struct SecretIncident: Sendable {
    /// Names are forever: alerts and waivers hold on to them.
    package enum Kind: String, Sendable, Hashable, CaseIterable, Comparable {
        case anonymousAccess = "anonymous-secret-access"
        case wideListFromNewAddress = "cluster-wide-secret-list-by-human-new-ip"
        case deniedEnumeration = "denied-enumeration-by-service-account"
        case longLivedToken = "long-lived-token-request"
        case nameEnumeration = "per-name-enumeration-by-human"
        case impersonatedRead = "secret-read-by-impersonation"
        case mountingPod = "secret-read-by-mounting-pod"
        case tokenOffCluster = "service-account-token-used-off-cluster-by-curl"
        case foreignWatch = "watch-on-foreign-namespace"

        package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

        package var severity: Severity {
            switch self {
            case .tokenOffCluster: .critical
            case .wideListFromNewAddress, .impersonatedRead, .foreignWatch, .deniedEnumeration: .high
            case .nameEnumeration, .longLivedToken, .mountingPod, .anonymousAccess: .medium
            }
        }

        /// What to do about it.
        package var advice: String {
            switch self {
            case .anonymousAccess:
                "close the API server's address to the outside, and set --anonymous-auth to health checks only"
            case .wideListFromNewAddress:
                "ask the person; if it was not them, revoke their credentials and rotate every Secret of the cluster"
            case .deniedEnumeration: "find the pod with this address, and rotate the service account's token"
            case .longLivedToken:
                "ask what the token is for; delete the service account's pods and tokens if nobody knows"
            case .nameEnumeration: "ask the person; rotate what was read if it was not them"
            case .impersonatedRead: "ask why; take the impersonate right away where nobody needs it"
            case .mountingPod: "look at the pod and its log; rotate what it mounted if nobody knows it"
            case .tokenOffCluster:
                "the token has left its pod: delete the pod, rotate the token, and rotate every Secret it may read"
            case .foreignWatch: "find out what runs in the pod with this address; narrow its role to its namespaces"
            }
        }
    }

    package var kind: Kind
    /// Who did it: the one who sent the requests.
    package var identity: String
    package var message: String
    package var auditIDs: [String]
    package var first: EventTime
    package var last: EventTime
    package var addresses: [String]
}
