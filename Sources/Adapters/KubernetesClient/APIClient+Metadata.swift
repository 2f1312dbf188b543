package import Documents
import Encodings

extension APIClient {
    /// The metadata of one object with its `managedFields`, and nothing else of it; nil when there is none.
    ///
    /// The only way one Secret is ever asked for: its values stay on the server.
    package func metadata(of resource: APIResource, named name: String, in namespace: String?) async throws -> Node? {
        let path = "\(resource.path(in: namespace))/\(PercentEncoding.encoded(name))"
        let bytes: [UInt8]
        do {
            bytes = try await get(path, accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
        } catch let error as ClientError where error.code == .notFound {
            return nil
        }
        let node: Node
        do throws(DocumentError) {
            node = try DocumentReader.readJSON(
                SourceText(name: "", bytes: bytes), options: DocumentReader.Options(checkDuplicateKeys: false))
        } catch {
            throw notAnAPIServer(path, "it answered something that is no JSON")
        }
        guard node["kind"].equals("PartialObjectMetadata") else {
            throw ClientError(
                .server,
                "\(configuration.server.authority) cannot give the metadata of \(resource) alone; nothing was kept")
        }
        return node
    }

    /// The server's own counters, in the text format of Prometheus.
    package func metrics() async throws -> [UInt8] { try await get("/metrics", accept: "text/plain") }
}
