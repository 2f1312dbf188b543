package import Kubernetes

/// A cluster as it was read, and what of it could not be.
package struct ClusterSnapshot: Sendable {
    package var inventory: Inventory
    /// What to call the cluster: the context's name, else the server.
    package var name: String
    package var server: String
    /// `v1.36.0`.
    package var version: String
    /// The namespace that was read; nil for the whole cluster.
    package var namespace: String?
    /// What was asked for and not seen, in the order of the table.
    package var gaps: [ReadGap]
    /// Custom kinds that are served and were not read, as `rollouts.argoproj.io`: what they hold is not in the verdict.
    package var unreadKinds: [String]
    /// One for each resource that was read.
    package var reads: [ResourceRead]
    package var warnings: [String]
    /// Seconds from the first request to the last answer.
    package var seconds: Double

    package var objectCount: Int { inventory.count }
    package var byteCount: Int { reads.reduce(0) { $0 + $1.byteCount } }
}

/// Something a report has to say it has not seen.
package struct ReadGap: Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// The user may not.
        case forbidden
        /// The server could not.
        case unavailable
        /// It was read, but not all of one moment.
        case inconsistent
    }
    package var kind: Kind
    /// `deployments.apps`.
    package var resource: String
    /// What is missing, for `forbidden`.
    package var permission: Permission?
    /// One line that says what to do.
    package var message: String

    package init(kind: Kind, resource: String, permission: Permission? = nil, message: String) {
        self.kind = kind
        self.resource = resource
        self.permission = permission
        self.message = message
    }

    package var description: String { message }
}

/// How the reading of one resource went.
package struct ResourceRead: Sendable, Hashable {
    package var resource: String
    package var objects: Int
    /// ReplicaSets that are only the history of their Deployment.
    package var skipped: Int
    package var pages: Int
    package var byteCount: Int
    package var restarts: Int
    package var seconds: Double
}

/// How far a reading is.
package struct ReadProgress: Sendable, Hashable {
    package var finished: Int
    package var total: Int
    package var objects: Int
    /// The resource that an answer has just come for.
    package var resource: String
}
