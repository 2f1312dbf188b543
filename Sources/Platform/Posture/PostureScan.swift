import CISBenchmark
import Documents
package import Findings
package import Kubernetes
import NetworkPolicies
package import PodSecurity
import Policies
import RBAC
package import Secrets
import Webhooks
package import Workloads

/// What a scan asks.
package struct ScanOptions: Sendable {
    /// Policy version of the Pod Security Standards.
    package var podSecurityVersion: PolicyVersion
    package var workloads: WorkloadOptions
    /// Rules to evaluate, by id with `*`; empty for all.
    package var include: [String]
    /// Rules to leave out, by id with `*`.
    package var exclude: [String]
    /// The cluster's name; empty for files.
    package var cluster: String
    /// Whoever knows what is wrong with images, for combinations with what is open.
    package var weaknesses: any WeaknessSource
    /// Opens the archives that ConfigMaps hold; without it each counts as not observed.
    package var archives: ArchiveOpener?

    package init(
        podSecurityVersion: PolicyVersion = .latest, workloads: WorkloadOptions = WorkloadOptions(),
        include: [String] = [], exclude: [String] = [], cluster: String = "",
        weaknesses: any WeaknessSource = NoWeaknesses(), archives: ArchiveOpener? = nil
    ) {
        self.podSecurityVersion = podSecurityVersion
        self.workloads = workloads
        self.include = include
        self.exclude = exclude
        self.cluster = cluster
        self.weaknesses = weaknesses
        self.archives = archives
    }
}

/// The one place that runs the engines over an inventory.
///
/// A value that is kept: `apply` takes a watch event and evaluates only the owners it touches.
package struct PostureScan: Sendable {
    package private(set) var inventory: Inventory
    package let options: ScanOptions
    /// The rules that are evaluated, in order.
    package let rules: [Rule]
    private var podSecurity: PodSecurityEvaluation
    private var workloads: WorkloadEvaluation
    /// The engines beside those of pods, in the order of their rules.
    private var engines: [any PostureEngine]
    /// What the engines said of the whole, until a change reaches it.
    private var wholes: [(findings: [Finding], coverage: Coverage)?]
    private var network = NetworkPosture()
    private var risk = RiskPosture()
    private let selected: Set<String>?
    private var results: [OwnerIdentity: OwnerResult] = [:]

    /// Prepares; nothing is evaluated yet.
    package init(_ inventory: Inventory, options: ScanOptions = ScanOptions()) {
        self.inventory = inventory
        self.options = options
        podSecurity = PodSecurityEvaluation(version: options.podSecurityVersion)
        workloads = WorkloadEvaluation(inventory, options: options.workloads)
        engines = Self.engines(inventory, options)
        wholes = Array(repeating: nil, count: engines.count)
        let all =
            podSecurity.rules + WorkloadChecks.rules(options.workloads) + engines.flatMap(\.rules) + NetworkRules.all
            + RiskRules.all
        let include = options.include.map(Glob.init)
        let exclude = options.exclude.map(Glob.init)
        rules = all.filter { rule in
            (include.isEmpty || include.contains { $0.matches(rule.id) })
                && !exclude.contains { $0.matches(rule.id) }
        }
        selected = rules.count == all.count ? nil : Set(rules.map(\.id))
        narrow()
    }

    /// Tells the engines which rules count, and what the cluster is called.
    private mutating func narrow() {
        podSecurity.selected = selected
        podSecurity.cluster = options.cluster
        workloads.selected = selected
        workloads.cluster = options.cluster
        for index in engines.indices { engines[index].selected = selected }
        network.selected = selected
        network.options = options
        risk.selected = selected
        risk.options = options
    }

    /// Every engine that is not about pods alone.
    static func engines(_ inventory: Inventory, _ options: ScanOptions) -> [any PostureEngine] {
        let isCluster = !options.cluster.isEmpty
        return [
            RBACEvaluation(
                inventory, isCluster: isCluster, unlistedKinds: options.workloads.unlistedKinds,
                minor: minor(options)),
            SecretsEvaluation(inventory, isCluster: isCluster, archives: options.archives),
            SecretManagementEvaluation(
                inventory, isCluster: isCluster, unlistedKinds: options.workloads.unlistedKinds),
            PolicyEvaluation(inventory, isCluster: isCluster),
            WebhookEvaluation(
                inventory, isCluster: isCluster, unlistedKinds: options.workloads.unlistedKinds),
            CISEvaluation(inventory, isCluster: isCluster, version: "\(options.workloads.target)"),
        ]
    }

    /// The version of a cluster, or one that was asked for; nil where files may be of any.
    static func minor(_ options: ScanOptions) -> Int? {
        options.cluster.isEmpty && options.workloads.target == .newest ? nil : options.workloads.target.minor
    }

    // MARK: Everything

    /// Evaluates every owner, on `width` threads.
    package mutating func evaluateAll(
        width: Int = 1, progress: (@Sendable (_ done: Int, _ of: Int) -> Void)? = nil
    ) async {
        let families = inventory.families()
        let scan = self
        let chunk = 64
        let starts = Array(stride(from: 0, to: families.count, by: chunk))
        var evaluated: [OwnerIdentity: OwnerResult] = [:]
        evaluated.reserveCapacity(families.count)
        await withTaskGroup(of: [OwnerResult].self) { group in
            var next = 0
            var done = 0
            func add() {
                guard next < starts.count else { return }
                let part = families[starts[next]..<min(families.count, starts[next] + chunk)]
                next += 1
                group.addTask { part.map(scan.evaluate) }
            }
            for _ in 0..<max(1, width) { add() }
            while let part = await group.next() {
                for result in part { evaluated[result.owner] = result }
                done += part.count
                progress?(done, families.count)
                add()
            }
        }
        results = evaluated
        network.evaluate(inventory)
        risk.evaluate(inventory)
    }

    // MARK: What changed

    /// Applies a watch event and evaluates what it touches again; gives the owners whose results are new.
    @discardableResult
    package mutating func apply(_ event: Inventory.Event) -> [OwnerIdentity] {
        let before = inventory
        return reevaluate(inventory.apply(event), before: before)
    }

    /// Puts changed content in place of objects: what-if.
    @discardableResult
    package mutating func replace(_ changes: [(key: ObjectKey, object: KubernetesObject)]) -> [OwnerIdentity] {
        let before = inventory
        for change in changes { inventory.replace(change.key, with: change.object) }
        let owners = reevaluate(changes.map(\.key), before: before)
        // What-if asks for the results at once.
        return Array(Set(owners).union(settle())).sorted()
    }

    private mutating func reevaluate(_ touched: some Sequence<ObjectKey>, before: Inventory) -> [OwnerIdentity] {
        let touched = Set(touched)
        network.note(touched, before: before, after: inventory)
        risk.note(touched, before: before, after: inventory)
        let dependents = workloads.follow(touched, before: before, after: inventory)
        // Limits of a namespace, disruption budgets: they decide over findings on anything.
        var reachesAll = dependents == nil
        var reached = touched.union(dependents ?? [])
        for index in engines.indices {
            switch engines[index].follow(touched, before: before, after: inventory) {
            case .touched: break
            case .objects(let others): reached.formUnion(others)
            case .whole: wholes[index] = nil
            case .everything:
                wholes[index] = nil
                reachesAll = true
            }
        }
        narrow()
        var (families, gone) = inventory.families(touchedBy: reached, before: before)
        if reachesAll { families = inventory.families() }
        for family in families { results[family.owner] = evaluate(family) }
        for owner in gone { results[owner] = nil }
        return families.map(\.owner) + gone
    }

    // MARK: Results

    package func result(of owner: OwnerIdentity) -> OwnerResult? {
        risk.results.merged(network.results.merged(results[owner], owner), owner)
    }

    /// Brings the network's results up to date after events; gives the owners whose results are new.
    ///
    /// Policies decide over pods far away from them, so this runs once for many events, and not at all for those that
    /// change nothing the network looks at.
    @discardableResult
    package mutating func settle() -> [OwnerIdentity] {
        Set(network.settle(inventory)).union(risk.settle(inventory)).sorted()
    }

    /// What the engines say of the whole, where a change has reached it since this was asked last; nil where none has.
    package mutating func settleWholes() -> (findings: [Finding], coverage: Coverage)? {
        guard wholes.contains(where: { $0 == nil }) else { return nil }
        for index in engines.indices where wholes[index] == nil { wholes[index] = engines[index].wholeResults() }
        return wholeResults
    }

    /// What the engines say of the whole, as `settleWholes` gave it last.
    package var wholeResults: (findings: [Finding], coverage: Coverage) {
        var out: (findings: [Finding], coverage: Coverage) = ([], Coverage())
        for case let (findings, coverage)? in wholes {
            out.findings += findings
            out.coverage.add(coverage)
        }
        return out
    }

    /// Every owner with a result, in order.
    package var owners: [OwnerIdentity] { network.results.merged(results).keys.sorted() }

    /// What the engines say of one owner.
    package func evaluate(_ family: OwnerFamily) -> OwnerResult {
        var result = podSecurity.evaluate(family)
        result.merge(workloads.evaluate(family))
        for engine in engines { result.merge(judge(family, by: engine)) }
        Self.hideSecrets(&result)
        return result
    }

    /// A field that one check knows to hold a secret is shown by none: another may name it for reasons of its own.
    private static func hideSecrets(_ result: inout OwnerResult) {
        var secret: Set<FieldPath> = []
        for finding in result.findings {
            for evidence in finding.evidence where evidence.hidesValue { secret.insert(evidence.path) }
        }
        guard !secret.isEmpty else { return }
        for index in result.findings.indices {
            for place in result.findings[index].evidence.indices
            where secret.contains(result.findings[index].evidence[place].path) {
                result.findings[index].evidence[place].hidesValue = true
            }
        }
    }

    /// What an engine says of the objects of a family that speak for themselves.
    private func judge(_ family: OwnerFamily, by engine: some PostureEngine) -> OwnerResult {
        var result = OwnerResult(owner: family.owner)
        let context = FindingContext(
            subject: family.owner.reference, file: family.owner.file, cluster: options.cluster, origin: family.origin)
        for member in family.members where member.role == .speaker {
            let (findings, coverage) = engine.evaluate(member.object)
            result.findings += findings.map { finding in
                var finding = finding
                finding.context = context
                return finding
            }
            result.coverage.add(coverage)
        }
        // Bootstrap roles and bindings are Kubernetes' own; a workload's findings do not make it so.
        result.isSystem = !result.findings.isEmpty && result.findings.allSatisfy(\.isSystem)
        return result
    }

    /// The report of what has been evaluated, without waivers or baseline. The results move into it and are gone here.
    package mutating func takeReport(
        target: String, generatedAt: String, version: String, problems: [Problem] = []
    ) -> Report {
        for index in engines.indices where wholes[index] == nil { wholes[index] = engines[index].wholeResults() }
        settle()
        let own = results
        results = [:]
        let owned = risk.results.merged(network.results.merged(consume own))
        return report(
            consume owned, target: target, generatedAt: generatedAt, version: version, problems: problems)
    }

    /// The report of what has been evaluated, without waivers or baseline.
    package func report(target: String, generatedAt: String, version: String, problems: [Problem] = []) -> Report {
        var (network, risk) = (network, risk)
        _ = network.settle(inventory)
        _ = risk.settle(inventory)
        return report(
            risk.results.merged(network.results.merged(results)), target: target, generatedAt: generatedAt,
            version: version,
            problems: problems)
    }

    private func report(
        _ results: [OwnerIdentity: OwnerResult], target: String, generatedAt: String, version: String,
        problems: [Problem]
    ) -> Report {
        var report = Report(
            target: target, isCluster: !options.cluster.isEmpty, generatedAt: generatedAt, version: version,
            problems: problems, rules: rules)
        report.findings.reserveCapacity(results.values.reduce(0) { $0 + $1.findings.count })
        for result in results.values {
            report.findings += result.findings
            report.coverage.add(result.coverage)
        }
        for case let rights as RBACEvaluation in engines {
            if let note = rights.versionNote {
                report.problems.append(Problem(.warning, code: "kubernetes-version", note))
            }
        }
        for (engine, whole) in zip(engines, wholes) {
            let (findings, coverage) = whole ?? engine.wholeResults()
            report.findings += findings
            report.coverage.add(coverage)
        }
        report.findings.sort(by: Finding.areInOrder)
        return report
    }

    /// Labels of the object a finding is about, for waivers that select by label.
    package func labels(of finding: Finding) -> [String: String] {
        var key = ObjectKey(finding.subject)
        while let object = inventory[key] {
            if object.file == finding.file { return object.labels }
            key.copy += 1
        }
        return [:]
    }
}

extension PostureScan {
    /// Every rule there is, reliability included, in order.
    package static let allRules: [Rule] =
        PodSecurityEvaluation().rules + WorkloadChecks.rules + RBACChecks.rules
        + SecretDetectionRules.all + SecretManagementChecks.rules + PolicyRules.all + WebhookRules.all
        + CISEvaluation.allRules + NetworkRules.all + RiskRules.all

    /// The waivers that objects carry in their annotations.
    package func annotatedWaivers(today: CalendarDate) -> (waivers: [Waiver], problems: [Problem]) {
        var waivers: [Waiver] = []
        var problems: [Problem] = []
        for key in inventory.keys {
            guard let object = inventory[key], object.metadata["annotations"].isObject else { continue }
            let subject = inventory.topmostOwner(of: object)
            let read = WaiverAnnotation.read(from: object, subject: subject, today: today)
            waivers += read.waivers
            problems += read.problems
        }
        return (waivers, problems)
    }
}
