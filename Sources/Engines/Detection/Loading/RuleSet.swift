package import Documents

/// Rule files loaded one after the other, as one engine loads them: later files see, append to and override what
/// earlier ones defined.
package struct RuleSet: Sendable {
    /// The event sources whose fields are known, by name.
    package let sources: [String: FieldCatalogue]
    /// The rules of the last load that succeeded, in the order they were defined.
    package private(set) var rules: [DetectionRule] = []
    /// The items of each list, lists inside lists in place.
    package private(set) var lists: [(name: String, items: [String])] = []
    private let appendedOutput: [String: String]
    private var collector = RuleCollector()
    private var programs: [String: ProgramBuilder] = [:]
    private var roots: [String: [Int]] = [:]

    /// System calls and Kubernetes audit events.
    package static let knownSources: [String: FieldCatalogue] = ["syscall": .syscall, "k8s_audit": .audit]

    /// What Falco's container plugin adds to outputs of system calls: receivers look for these fields.
    package static let containerOutput = [
        "syscall": "container_id=%container.id container_name=%container.name "
            + "container_image_repository=%container.image.repository container_image_tag=%container.image.tag "
            + "k8s_pod_name=%k8s.pod.name k8s_ns_name=%k8s.ns.name"
    ]

    /// `appendedOutput` is added to the output of every rule of a source.
    package init(sources: [String: FieldCatalogue] = knownSources, appendedOutput: [String: String] = [:]) {
        self.sources = sources
        self.appendedOutput = appendedOutput
    }

    /// Plugins the files asked for; each entry is a choice.
    package var requiredPlugins: [[PluginRequirement]] { collector.requiredPlugins }

    /// Loads one file. A file with an error leaves the rules as they were; Falco stops there.
    package mutating func load(_ source: SourceText) -> RuleFileResult {
        var result = RuleFileResult(name: source.name)
        var reader = RuleReader(source, collector, sources)
        do throws(LoadFailure) {
            try reader.read()
            collector = reader.collector
            result.warnings = reader.warnings
            result.schema = reader.schema
        } catch {
            result.warnings = reader.warnings
            result.schema = reader.schema
            result.errors = [error.message]
            return result
        }
        var compiler = RuleCompiler(collector, sources, appendedOutput: appendedOutput)
        do throws(LoadFailure) {
            try compiler.compile()
        } catch {
            result.errors = [error.message]
        }
        result.warnings += compiler.warnings
        guard result.isSuccessful else { return result }
        rules = compiler.rules
        programs = compiler.programs
        roots = compiler.roots
        lists = compiler.lists
        return result
    }

    /// The rules of one source that are enabled, ready to be asked about events.
    package func detector(
        _ source: String, firstMatchOnly: Bool = false, minimumPriority: Priority = .debug,
        isEnabled: (DetectionRule) -> Bool = \.isEnabled
    ) -> Detector? {
        guard let builder = programs[source] else { return nil }
        let own = rules.filter { $0.source == source }
        let kept = own.indices.filter { own[$0].priority <= minimumPriority && isEnabled(own[$0]) }
        let all = roots[source] ?? []
        return Detector(
            rules: kept.map { own[$0] }, builder: builder, roots: kept.map { all[$0] }, firstMatchOnly: firstMatchOnly)
    }
}
