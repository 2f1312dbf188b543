import Documents

extension APIClient {
    /// Asks the server which permissions the user holds, in the order given.
    ///
    /// A SelfSubjectAccessReview each: what SelfSubjectRulesReview lists is, by its own word, not always complete.
    package func check(_ permissions: [Permission]) async throws -> [PermissionStatus] {
        try await permissions.concurrentMap(width: 4) { permission in
            let parts = permission.resource.split(separator: "/", maxSplits: 1)
            var attributes: [DocumentValue.Member] = [
                .init("verb", .string(permission.verb)), .init("group", .string(permission.group)),
                .init("resource", .string(String(parts[0]))),
            ]
            if let name = permission.name { attributes.append(.init("name", .string(name))) }
            if parts.count == 2 { attributes.append(.init("subresource", .string(String(parts[1])))) }
            if let namespace = permission.namespace {
                attributes.append(.init("namespace", .string(namespace)))
                if permission.resource == "namespaces" { attributes.append(.init("name", .string(namespace))) }
            }
            let answer = try await review(
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                [
                    "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                    "spec": ["resourceAttributes": .object(attributes)],
                ])
            let status = answer["status"]
            return PermissionStatus(
                permission: permission, isHeld: status["allowed"].bool ?? false,
                reason: APIClient.oneLine(status["reason"].string ?? status["evaluationError"].string ?? ""))
        }
    }
}

extension Array where Element: Sendable {
    /// The results of `body` in the order of the elements, at most `width` under way at once.
    func concurrentMap<R: Sendable>(
        width: Int, _ body: @escaping @Sendable (Element) async throws -> R
    ) async throws -> [R] {
        try await withThrowingTaskGroup(of: (Int, R).self) { group in
            var results = [R?](repeating: nil, count: count)
            var next = 0
            while next < Swift.min(width, count) {
                let index = next
                group.addTask { (index, try await body(self[index])) }
                next += 1
            }
            while let (index, result) = try await group.next() {
                results[index] = result
                guard next < count else { continue }
                let index = next
                group.addTask { (index, try await body(self[index])) }
                next += 1
            }
            return results.compactMap(\.self)
        }
    }
}
