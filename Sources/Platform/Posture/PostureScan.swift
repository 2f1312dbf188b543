import CISBenchmark
package import Findings
package import Kubernetes
package import PodSecurity
import RBAC
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

    package init(
        podSecurityVersion: PolicyVersion = .latest, workloads: WorkloadOptions = WorkloadOptions(),
        include: [String] = [], exclude: [String] = [], cluster: String = ""
    ) {
        self.podSecurityVersion = podSecurityVersion
        self.workloads = workloads
        self.include = include
        self.exclude = exclude
        self.cluster = cluster
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
    private var rbac: RBACEvaluation
    private var cis: CISEvaluation
    private let selected: Set<String>?
    private var results: [OwnerIdentity: OwnerResult] = [:]

    /// Prepares; nothing is evaluated yet.
    package init(_ inventory: Inventory, options: ScanOptions = ScanOptions()) {
        self.inventory = inventory
        self.options = options
        podSecurity = PodSecurityEvaluation(version: options.podSecurityVersion)
        workloads = WorkloadEvaluation(inventory, options: options.workloads)
        rbac = Self.rbac(inventory, options)
        cis = Self.cis(inventory, options)
        let all = podSecurity.rules + WorkloadChecks.rules(options.workloads) + rbac.rules + cis.rules
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
        rbac.selected = selected
        cis.selected = selected
    }

    private static func rbac(_ inventory: Inventory, _ options: ScanOptions) -> RBACEvaluation {
        RBACEvaluation(
            inventory, isCluster: !options.cluster.isEmpty, unlistedKinds: options.workloads.unlistedKinds)
    }

    private static func cis(_ inventory: Inventory, _ options: ScanOptions) -> CISEvaluation {
        CISEvaluation(
            inventory, isCluster: !options.cluster.isEmpty, version: "\(options.workloads.target)")
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
        return reevaluate(changes.map(\.key), before: before)
    }

    private mutating func reevaluate(_ touched: some Sequence<ObjectKey>, before: Inventory) -> [OwnerIdentity] {
        let kinds = Set(touched.map(\.reference.kind))
        let changesSurroundings = !kinds.isDisjoint(with: WorkloadContext.kindsRead)
        let changesRights = !kinds.isDisjoint(with: RBACEvaluation.kindsRead)
        workloads =
            changesSurroundings
            ? WorkloadEvaluation(inventory, options: options.workloads)
            : WorkloadEvaluation(workloads.context.over(inventory))
        if changesRights { rbac = Self.rbac(inventory, options) }
        let changesComponents = !kinds.isDisjoint(with: CISEvaluation.kindsRead)
        if changesComponents { cis = Self.cis(inventory, options) }
        narrow()
        var (families, gone) = inventory.families(touchedBy: touched, before: before)
        // Limits of a namespace, disruption budgets, who may do what: they decide over findings on anything.
        if changesSurroundings || changesRights || changesComponents { families = inventory.families() }
        for family in families { results[family.owner] = evaluate(family) }
        for owner in gone { results[owner] = nil }
        return families.map(\.owner) + gone
    }

    // MARK: Results

    package func result(of owner: OwnerIdentity) -> OwnerResult? { results[owner] }

    /// What the engines say of one owner.
    package func evaluate(_ family: OwnerFamily) -> OwnerResult {
        var result = podSecurity.evaluate(family)
        result.merge(workloads.evaluate(family))
        result.merge(rights(of: family))
        result.merge(components(of: family))
        return result
    }

    /// What the RBAC checks say of the roles, bindings and workloads of a family.
    private func rights(of family: OwnerFamily) -> OwnerResult {
        var result = OwnerResult(owner: family.owner)
        let context = FindingContext(
            subject: family.owner.reference, file: family.owner.file, cluster: options.cluster, origin: family.origin)
        for member in family.members where member.role == .speaker {
            let (findings, coverage) = rbac.evaluate(member.object)
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

    /// What the CIS benchmark says of the components of Kubernetes and their configuration files in a family.
    private func components(of family: OwnerFamily) -> OwnerResult {
        var result = OwnerResult(owner: family.owner)
        let context = FindingContext(
            subject: family.owner.reference, file: family.owner.file, cluster: options.cluster, origin: family.origin)
        for member in family.members where member.role == .speaker {
            let (findings, coverage) = cis.evaluate(member.object)
            result.findings += findings.map { finding in
                var finding = finding
                finding.context = context
                return finding
            }
            result.coverage.add(coverage)
        }
        return result
    }

    /// The report of what has been evaluated, without waivers or baseline. The results move into it and are gone here.
    package mutating func takeReport(
        target: String, generatedAt: String, version: String, problems: [Problem] = []
    ) -> Report {
        let owned = results
        results = [:]
        return Self.report(
            consume owned, target: target, generatedAt: generatedAt, version: version, problems: problems,
            rules: rules, isCluster: !options.cluster.isEmpty)
    }

    /// The report of what has been evaluated, without waivers or baseline.
    package func report(target: String, generatedAt: String, version: String, problems: [Problem] = []) -> Report {
        Self.report(
            results, target: target, generatedAt: generatedAt, version: version, problems: problems, rules: rules,
            isCluster: !options.cluster.isEmpty)
    }

    private static func report(
        _ results: [OwnerIdentity: OwnerResult], target: String, generatedAt: String, version: String,
        problems: [Problem], rules: [Rule], isCluster: Bool
    ) -> Report {
        var report = Report(
            target: target, isCluster: isCluster, generatedAt: generatedAt, version: version, problems: problems,
            rules: rules)
        report.findings.reserveCapacity(results.values.reduce(0) { $0 + $1.findings.count })
        for result in results.values {
            report.findings += result.findings
            report.coverage.add(result.coverage)
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
        PodSecurityEvaluation().rules + WorkloadChecks.rules + RBACChecks.rules + CISEvaluation.allRules

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
