extension CELEnvironment {
    /// The language alone.
    package static let standard: CELEnvironment = {
        var environment = CELEnvironment()
        environment.add(StandardLibrary.functions)
        environment.macros.optionals = false
        environment.macros.twoVariables = false
        return environment
    }()

    /// What expressions may use in the API server of Kubernetes 1.36, without variables.
    package static let kubernetes: CELEnvironment = {
        var environment = CELEnvironment()
        let libraries = [
            StandardLibrary.functions, StringsLibrary.functions(isModern: false), URLLibrary.functions,
            CELPattern.library, CollectionsLibrary.kubernetesLists, AuthorizerLibrary.functions,
            CollectionsLibrary.optionals, CollectionsLibrary.optionalLists, QuantityLibrary.functions,
            CollectionsLibrary.sets,
            NetworkLibrary.functions, FormatLibrary.functions, CollectionsLibrary.twoVariables,
            SemverLibrary.functions, CollectionsLibrary.lists,
        ]
        for library in libraries { environment.add(library) }
        environment.structures = AuthorizerLibrary.structures
        environment.constants["net.IP"] = (.type(CELAddress.celType), .type(CELAddress.celType))
        environment.constants["net.CIDR"] = (.type(CELNetwork.celType), .type(CELNetwork.celType))
        environment.requiresHomogeneousLiterals = true
        environment.checksLiterals = true
        environment.foldsConstants = true
        environment.costs = KubernetesCosts()
        environment.macros.sortBy = true
        return environment
    }()

    /// Every library there is, as the conformance suite of the language asks for them.
    package static let everything: CELEnvironment = {
        var environment = CELEnvironment()
        let libraries = [
            StandardLibrary.functions, StringsLibrary.functions(isModern: true), CollectionsLibrary.optionals,
            CollectionsLibrary.optionalLists,
            NetworkLibrary.functions, CollectionsLibrary.twoVariables, MathLibrary.functions, MathLibrary.encoders,
        ]
        for library in libraries { environment.add(library) }
        environment.structures = WellKnownMessages.structures
        // Names of enumerations' values are numbers.
        environment.constants["google.protobuf.NullValue.NULL_VALUE"] = (.int, .int(0))
        environment.refusesPresenceInScalars = true
        environment.macros.bindings = true
        environment.macros.math = true
        environment.macros.blocks = true
        environment.macros.allowsQuotedFields = true
        environment.constants["net.IP"] = (.type(CELAddress.celType), .type(CELAddress.celType))
        environment.constants["net.CIDR"] = (.type(CELNetwork.celType), .type(CELNetwork.celType))
        return environment
    }()
}
