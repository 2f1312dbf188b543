package import Documents
import Encodings

/// How much of each object is asked for.
package enum ObjectForm: Sendable, Hashable {
    case full
    /// Names, labels, annotations and owners only; the server leaves the rest out.
    ///
    /// The form Secrets are read in.
    case metadata
    /// Everything, and of Secrets the values: for a comparison that the user asked for, and for nothing else.
    case values

    var acceptList: String {
        switch self {
        case .full, .values: "application/json"
        case .metadata: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        }
    }
}

/// One answer to a list request.
package struct ListPage: Sendable {
    /// The list; its items have no `kind` and `apiVersion`.
    package let root: Node
    package let byteCount: Int
    package var items: Node.Elements { root["items"].elements }
}

/// How a list went.
package struct ListOutcome: Sendable, Hashable {
    /// Where a watch goes on from.
    package var resourceVersion = ""
    package var pages = 0
    package var byteCount = 0
    /// How often the server forgot the list half-way, so that it began again.
    package var restarts = 0
    /// Whether all pages are of one moment. Where the server could not hold on to the moment long enough, an object
    /// that changed meanwhile may be seen as it was before or after.
    package var isConsistent = true
}

extension APIClient {
    package enum ListEvent: Sendable {
        case page(ListPage)
        /// What came so far is void; the list begins again.
        case restart
    }

    /// Reads all objects of a resource in pages of `limit`.
    ///
    /// A server keeps the moment a list began for some minutes; after that it answers 410. Then the list begins again,
    /// and if that happens twice goes on with the token for what is there now.
    package func list(
        _ resource: APIResource, in namespace: String? = nil, form: ObjectForm = .full, limit: Int = 500,
        _ consume: (ListEvent) throws -> Void
    ) async throws -> ListOutcome {
        // The values of Secrets come to this machine only where they are asked for as such.
        let form: ObjectForm = resource.isSecrets && form != .values ? .metadata : form
        let path = resource.path(in: namespace)
        var outcome = ListOutcome()
        var token = ""
        var limit = limit
        while true {
            var query = limit > 0 ? "?limit=\(limit)" : "?"
            if !token.isEmpty { query += "&continue=\(PercentEncoding.encoded(token))" }
            let page: ListPage
            do {
                let bytes = try await get(limit > 0 ? path + query : path, accept: form.acceptList)
                page = ListPage(root: try parse(bytes, path), byteCount: bytes.count)
            } catch let error as ClientError where error.code == .expired {
                if outcome.restarts >= 2, let next = error.continueToken {
                    token = next
                    outcome.isConsistent = false
                    continue
                }
                // A server that forgets even the first page is asked for everything at once.
                guard outcome.restarts < 4 else { throw error }
                if outcome.restarts == 3 { limit = 0 }
                outcome.restarts += 1
                outcome.isConsistent = true
                (token, outcome.pages) = ("", 0)
                try consume(.restart)
                continue
            }
            // An empty list of a Go server may be null; a missing one is no list.
            guard page.root["items"].exists else { throw notAnAPIServer(path, "there are no items") }
            if form == .metadata, page.root["kind"].string?.hasPrefix("PartialObjectMetadata") != true {
                throw ClientError(
                    .server,
                    "\(configuration.server.authority) cannot list \(resource) as metadata only; nothing was kept")
            }
            outcome.pages += 1
            outcome.byteCount += page.byteCount
            outcome.resourceVersion = page.root["metadata"]["resourceVersion"].string ?? ""
            try consume(.page(page))
            token = page.root["metadata"]["continue"].string ?? ""
            if token.isEmpty { return outcome }
        }
    }

    /// One object; nil when there is none of that name.
    package func object(_ resource: APIResource, named name: String, in namespace: String? = nil) async throws -> Node?
    {
        do {
            return try await node("\(resource.path(in: namespace))/\(PercentEncoding.encoded(name))")
        } catch let error as ClientError where error.code == .notFound {
            return nil
        }
    }
}
