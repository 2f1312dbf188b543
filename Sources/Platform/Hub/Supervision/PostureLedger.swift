package import Findings
package import Kubernetes
package import Posture
package import Store

/// Holds a scan against what the store knows: turns results of owners into rows, and rows into differences.
///
/// A value without clock or database, so that what it writes can be tested.
package struct PostureLedger: Sendable {
    package let cluster: String
    package var waivers: [Waiver] = []
    /// Digests of what the store has, by fingerprint.
    private var stored: [String: String]
    private var storedObjects: [ObjectRow.Key: String]
    /// Fingerprints of each owner's findings.
    private var fingerprints: [OwnerIdentity: [String]] = [:]
    private var coverages: [OwnerIdentity: Coverage] = [:]
    private var wholeFingerprints: [String] = []
    private var wholeCoverage = Coverage()
    private var total = Coverage()

    /// What is to be written.
    package struct Entry: Sendable {
        package var delta: FindingDelta
        package var objects: [ObjectRow]
        package var goneObjects: [ObjectRow.Key]
        package var counts: ClusterRow.Counts
        package var score: Double?

        package var isEmpty: Bool { delta.isEmpty && objects.isEmpty && goneObjects.isEmpty }
    }

    package init(cluster: String, stored: [String: String], objects: [ObjectRow.Key: String]) {
        self.cluster = cluster
        self.stored = stored
        storedObjects = objects
    }

    /// Every owner that has results.
    package var owners: [OwnerIdentity] { coverages.keys.sorted() }

    /// What changed for some owners, or for all.
    ///
    /// - Parameter isAll: `owners` are all there are: whatever the store has beyond them is gone.
    package mutating func enter(
        _ owners: [OwnerIdentity], of scan: inout PostureScan, isAll: Bool, today: CalendarDate, at time: Milliseconds
    ) -> Entry {
        var entry = Entry(
            delta: FindingDelta(cluster: cluster, at: time), objects: [], goneObjects: [],
            counts: ClusterRow.Counts(), score: nil)
        if isAll {
            fingerprints = [:]
            coverages = [:]
            total = Coverage()
        }
        var kept: Set<String> = []
        var seenObjects: Set<ObjectRow.Key> = []
        var before: [String] = []
        var waivers = WaiverSet(self.waivers)
        waivers.add(scan.annotatedWaivers(today: today).waivers)
        for owner in owners {
            before += fingerprints[owner] ?? []
            if let coverage = coverages[owner] { total.subtract(coverage) }
            guard let result = scan.result(of: owner) else {
                fingerprints[owner] = nil
                coverages[owner] = nil
                forget(owner, &entry)
                continue
            }
            var report = Report(target: "", isCluster: true, generatedAt: "", version: "", findings: result.findings)
            report.coverage = result.coverage
            waivers.apply(to: &report, today: today) { scan.labels(of: $0) }
            let object = scan.inventory[ObjectKey(owner.reference)]
            let rows = rows(report.findings, objectVersion: object?.metadata["resourceVersion"].string ?? "")
            fingerprints[owner] = rows.map(\.fingerprint)
            coverages[owner] = report.coverage
            total.add(report.coverage)
            add(rows, to: &entry, &kept)
            let summary = summary(of: owner, object, result, rows, at: time)
            seenObjects.insert(summary.key)
            if storedObjects[summary.key] != summary.digest {
                storedObjects[summary.key] = summary.digest
                entry.objects.append(summary)
            }
        }
        if let whole = scan.settleWholes() ?? (isAll ? scan.wholeResults : nil) {
            before += wholeFingerprints
            total.subtract(wholeCoverage)
            var report = Report(target: "", isCluster: true, generatedAt: "", version: "", findings: whole.findings)
            report.coverage = whole.coverage
            waivers.apply(to: &report, today: today) { _ in [:] }
            let rows = rows(report.findings, objectVersion: "")
            wholeFingerprints = rows.map(\.fingerprint)
            wholeCoverage = report.coverage
            total.add(report.coverage)
            add(rows, to: &entry, &kept)
        }
        finish(&entry, before: isAll ? Array(stored.keys) : before, kept, seenObjects, isAll: isAll)
        return entry
    }

    private mutating func add(_ rows: [FindingRow], to entry: inout Entry, _ kept: inout Set<String>) {
        for row in rows {
            kept.insert(row.fingerprint)
            let digest = row.digest
            guard stored[row.fingerprint] != digest else { continue }
            stored[row.fingerprint] = digest
            entry.delta.present.append(row)
        }
    }

    private mutating func finish(
        _ entry: inout Entry, before: [String], _ kept: Set<String>, _ seen: Set<ObjectRow.Key>, isAll: Bool
    ) {
        let gone = Set(before).subtracting(kept)
        entry.delta.gone = gone.sorted()
        for fingerprint in gone { stored[fingerprint] = nil }
        if isAll {
            entry.goneObjects = storedObjects.keys.filter { !seen.contains($0) }
            for key in entry.goneObjects { storedObjects[key] = nil }
        }
        entry.counts = ClusterRow.Counts(
            objects: total.objects, workloads: total.workloads, passed: total.passed, failed: total.failed,
            waived: total.waived, unobservable: total.notObservable)
        let answered = total.passed + total.failed + total.waived
        entry.score = answered == 0 ? nil : Double(total.passed) / Double(answered)
    }

    /// A write that failed did not happen: everything is held against the store again.
    package mutating func rewind(stored: [String: String], objects: [ObjectRow.Key: String]) {
        self.stored = stored
        storedObjects = objects
    }

    private mutating func forget(_ owner: OwnerIdentity, _ entry: inout Entry) {
        let key = Self.key(owner)
        guard storedObjects.removeValue(forKey: key) != nil else { return }
        entry.goneObjects.append(key)
    }

    private static func key(_ owner: OwnerIdentity) -> ObjectRow.Key {
        let reference = owner.reference
        return ObjectRow.Key(
            namespace: reference.namespace, kind: reference.kind, name: reference.name, group: reference.group,
            file: owner.file)
    }

    /// One row for each fingerprint: what fails outweighs what is waived.
    private func rows(_ findings: [Finding], objectVersion: String) -> [FindingRow] {
        var rows: [FindingRow] = []
        var positions: [String: Int] = [:]
        for finding in findings where finding.outcome != .pass && finding.outcome != .notApplicable {
            let row = FindingRow(finding, cluster: cluster, objectVersion: objectVersion)
            if let position = positions[row.fingerprint] {
                if row.status.rawValue < rows[position].status.rawValue { rows[position] = row }
            } else {
                positions[row.fingerprint] = rows.count
                rows.append(row)
            }
        }
        return rows
    }

    private func summary(
        of owner: OwnerIdentity, _ object: KubernetesObject?, _ result: OwnerResult, _ rows: [FindingRow],
        at time: Milliseconds
    ) -> ObjectRow {
        let failing = rows.filter { $0.status == .failing }
        let templates = object?.podTemplates ?? []
        let images = Set(templates.flatMap { $0.spec.allContainers.map(\.image) }).filter { !$0.isEmpty }
        return ObjectRow(
            cluster: cluster, group: owner.reference.group, kind: owner.reference.kind,
            namespace: owner.reference.namespace, name: owner.reference.name, file: owner.file,
            runsPods: result.coverage.workloads > 0, isSystem: result.isSystem,
            labels: (object?.labels ?? [:]).map { "\($0)=\($1)" }.sorted(), images: images.sorted(),
            serviceAccount: templates.first?.spec.serviceAccountName ?? "",
            origin: rows.first?.origin ?? "", objectVersion: object?.metadata["resourceVersion"].string ?? "",
            worst: failing.map(\.severity).max(), failing: failing.count, seenAt: time)
    }
}

extension Coverage {
    fileprivate mutating func subtract(_ other: Coverage) {
        files -= other.files
        objects -= other.objects
        workloads -= other.workloads
        passed -= other.passed
        failed -= other.failed
        notApplicable -= other.notApplicable
        notObservable -= other.notObservable
        waived -= other.waived
    }
}
