import Documents

extension APIClient {
    /// Every resource served.
    ///
    /// Two requests where the server knows aggregated discovery (Kubernetes 1.27 and later by default); else one for
    /// each group version.
    package func discover() async throws -> Discovery {
        async let core = node("/api", accept: Self.aggregated)
        async let named = node("/apis", accept: Self.aggregated)
        let roots = try await [core, named]
        var out = Discovery(resources: [], unavailable: [])
        for (root, path) in zip(roots, ["/api", "/apis"]) {
            // A server may know aggregated discovery for one of them and not, behind a gateway, for the other.
            if root["kind"].equals("APIGroupDiscoveryList") {
                Self.read(aggregated: root, into: &out)
            } else {
                try await read(legacy: root, path, into: &out)
            }
        }
        return out
    }

    /// The way of servers before 1.26: a request for each group version.
    func discoverLegacy() async throws -> Discovery {
        var out = Discovery(resources: [], unavailable: [])
        for path in ["/api", "/apis"] { try await read(legacy: try await node(path), path, into: &out) }
        return out
    }

    private static let aggregated =
        ["v2", "v2beta1"].map {
            "application/json;g=apidiscovery.k8s.io;v=\($0);as=APIGroupDiscoveryList"
        }.joined(separator: ",") + ",application/json"

    private static func read(aggregated root: Node, into out: inout Discovery) {
        for group in root["items"].elements {
            let name = group["metadata"]["name"].string ?? ""
            for version in group["versions"].elements {
                let id = version["version"].string ?? ""
                // What a stale version lists is what it served before its server went away.
                if version["freshness"].equals("Stale") { out.unavailable.append(name.isEmpty ? id : "\(name)/\(id)") }
                for resource in version["resources"].elements {
                    guard let plural = resource["resource"].string else { continue }
                    out.resources.append(
                        APIResource(
                            group: name, version: id, name: plural,
                            kind: resource["responseKind"]["kind"].string ?? "",
                            isNamespaced: resource["scope"].equals("Namespaced"), verbs: resource["verbs"].strings,
                            subresources: resource["subresources"].elements.compactMap { $0["subresource"].string },
                            otherNames: [resource["singularResource"].string].compactMap(\.self)
                                + resource["shortNames"].strings))
                }
            }
        }
    }

    private func read(legacy root: Node, _ path: String, into out: inout Discovery) async throws {
        var versions: [String] = []
        if path == "/api" {
            guard root["versions"].isArray else { throw notAnAPIServer(path, "there are no versions") }
            versions = root["versions"].strings
        } else {
            guard root["groups"].isArray else { throw notAnAPIServer(path, "there are no groups") }
            for group in root["groups"].elements {
                let preferred = group["preferredVersion"]["groupVersion"].string
                let all = group["versions"].elements.compactMap { $0["groupVersion"].string }
                versions += all.filter { $0 == preferred } + all.filter { $0 != preferred }
            }
        }
        for version in versions {
            do {
                Self.read(list: try await node("\(path)/\(version)"), version, into: &out)
            } catch let error as ClientError where error.code == .server || error.code == .notFound {
                out.unavailable.append(version)
            }
        }
    }

    private static func read(list: Node, _ apiVersion: String, into out: inout Discovery) {
        let parts = apiVersion.split(separator: "/")
        let group = parts.count == 2 ? String(parts[0]) : ""
        let version = parts.last.map(String.init) ?? ""
        var subresources: [String: [String]] = [:]
        for resource in list["resources"].elements {
            guard let slash = resource["name"].string?.split(separator: "/", maxSplits: 1), slash.count == 2 else {
                continue
            }
            subresources[String(slash[0]), default: []].append(String(slash[1]))
        }
        for resource in list["resources"].elements {
            guard let name = resource["name"].string, !name.contains("/") else { continue }
            out.resources.append(
                APIResource(
                    group: group, version: version, name: name, kind: resource["kind"].string ?? "",
                    isNamespaced: resource["namespaced"].bool ?? false, verbs: resource["verbs"].strings,
                    subresources: subresources[name] ?? [],
                    otherNames: [resource["singularName"].string].compactMap(\.self).filter { !$0.isEmpty }
                        + resource["shortNames"].strings))
        }
    }
}
