/// What somebody wants to do: the attributes the authorizers decide on.
package struct AccessRequest: Sendable, Hashable {
    package struct Resource: Sendable, Hashable {
        /// The core group is "".
        package var group: String
        package var resource: String
        package var subresource: String
        /// Empty where none is named: on list, watch, create and deletecollection mostly.
        package var name: String
        /// Empty for cluster-scoped requests and for all namespaces at once.
        package var namespace: String

        package init(
            group: String = "", _ resource: String, subresource: String = "", name: String = "", namespace: String = ""
        ) {
            self.group = group
            self.resource = resource
            self.subresource = subresource
            self.name = name
            self.namespace = namespace
        }

        /// `pods/log`, as rules write it.
        package var combined: String { subresource.isEmpty ? resource : "\(resource)/\(subresource)" }
    }

    package enum Target: Sendable, Hashable {
        case resource(Resource)
        case path(String)
    }

    package var verb: String
    package var target: Target
    /// Field selector of a list or watch; only the Node authorizer looks at it.
    package var fieldSelector: [FieldRequirement] = []

    /// `key = value`, the only form an authorizer makes use of.
    package struct FieldRequirement: Sendable, Hashable {
        package var key: String
        package var value: String
        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    package init(_ verb: String, _ resource: Resource) {
        self.verb = verb
        target = .resource(resource)
    }

    package init(_ verb: String, path: String) {
        self.verb = verb
        target = .path(path)
    }

    package var namespace: String {
        switch target {
        case .resource(let resource): resource.namespace
        case .path: ""
        }
    }
}

extension AccessRequest: CustomStringConvertible {
    /// `get secrets "db" in shop`.
    package var description: String {
        switch target {
        case .path(let path): return "\(verb) \(path)"
        case .resource(let target):
            let group = target.group.isEmpty ? "" : ".\(target.group)"
            let name = target.name.isEmpty ? "" : " \"\(target.name)\""
            let place = target.namespace.isEmpty ? "" : " in \(target.namespace)"
            return "\(verb) \(target.resource)\(group)"
                + (target.subresource.isEmpty ? "" : "/\(target.subresource)") + name + place
        }
    }
}
