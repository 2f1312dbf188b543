import Documents
package import Findings
package import Kubernetes
import PodSecurity
package import Posture
import RBAC

/// Answers admission reviews by the engines of the scan, the users' own policies, what is known of images, and waivers.
///
/// A value: the server keeps one and puts another in its place when the cluster or the policy has changed, so that a
/// request sees one state from its beginning to its end.
package struct AdmissionReviewer: Sendable {
    package let policy: AdmissionPolicy
    package private(set) var scan: AdmissionScan
    package let custom: CustomPolicies
    package var waivers: WaiverSet
    package let images: (any ImageVerdicts)?
    private let podSecurity: PodSecurityAdmission?
    let imageJudge: ImageJudge?
    /// Namespaces of Martlet itself: never judged, or it could keep itself from starting.
    private let ownNamespaces: Set<String>
    private var namespaces: [String: KubernetesObject]
    /// Held only where a custom policy asks for it.
    private var rights: AccessModel?

    package init(
        policy: AdmissionPolicy, inventory: Inventory = Inventory(), custom: CustomPolicies = CustomPolicies([]),
        waivers: WaiverSet = WaiverSet(), images: (any ImageVerdicts)? = nil, options: ScanOptions = ScanOptions(),
        ownNamespaces: Set<String> = []
    ) {
        self.policy = policy
        var options = options
        if policy.asksEngines {
            if options.include.isEmpty { options.include = policy.checksOfInterest }
        } else {
            options.exclude = ["*"]
        }
        scan = AdmissionScan(inventory, options: options)
        self.custom = custom
        self.waivers = waivers
        self.images = images
        self.ownNamespaces = ownNamespaces
        podSecurity = policy.podSecurity.map { PodSecurityAdmission(configuration: $0) }
        imageJudge = policy.images.map(ImageJudge.init)
        namespaces = [:]
        for object in inventory.objects("Namespace") { namespaces[object.name] = object }
        // Without any ClusterRole no cluster was read: nothing is known of rights, which is not to have none.
        if custom.asksAuthorizer, inventory.objects("ClusterRole", of: AccessModel.group).contains(where: { _ in true })
        {
            rights = AccessModel(
                ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"].flatMap {
                    inventory.objects($0, of: AccessModel.group)
                })
        }
    }

    /// Takes in what has become of an object of the cluster.
    package mutating func apply(_ event: Inventory.Event) {
        switch event {
        case .added(let object), .modified(let object):
            if object.is("Namespace") { namespaces[object.name] = object }
        case .deleted(let object):
            if object.is("Namespace") { namespaces[object.name] = nil }
        }
        rights?.apply(event)
        scan.apply(event)
    }

    // MARK: Reviews

    /// What is sent back for a body.
    package struct Reviewed: Sendable {
        package var body: [UInt8]
        package var httpStatus: Int
        package var decision: AdmissionDecision
        package var isDryRun: Bool
        /// A pod that came in and the digests its images were judged as; nil where none were judged.
        package var pod: JudgedPod?
        /// What people are to hear of; nil for what passed as it should.
        package var event: DoorEvent?
    }

    /// Answers an AdmissionReview; whatever the body holds, there is an answer.
    ///
    /// - Parameter mutates: whether the API server takes a patch.
    package func review(_ bytes: [UInt8], today: CalendarDate, mutates: Bool = false) async -> Reviewed {
        let request: ReviewRequest
        do throws(ReviewRequest.Malformed) {
            request = try ReviewRequest(bytes)
        } catch {
            let decision = AdmissionDecision(
                response: AdmissionResponse(
                    uid: error.uid, allowed: false,
                    status: .init(code: 400, reason: "BadRequest", message: error.message)),
                outcome: .invalid)
            return Reviewed(body: decision.body, httpStatus: 400, decision: decision, isDryRun: false)
        }
        let answers = await answers(for: request)
        var decision: AdmissionDecision
        if mutates {
            decision = AdmissionDecision(
                response: AdmissionResponse(uid: request.admission.uid), outcome: .allowed)
            if exemption(request) == nil, let object = request.object, let imageJudge,
                request.operation == .create || request.operation == .update
            {
                decision.patch = imageJudge.digests(for: object, answers: answers)
            }
        } else {
            decision = decide(request, images: answers, today: today)
        }
        var reviewed = Reviewed(
            body: decision.body, httpStatus: 200, decision: decision, isDryRun: request.isDryRun)
        if !mutates { reviewed.event = DoorEvent(decision, of: request) }
        if !mutates, decision.response.allowed, !request.isDryRun {
            reviewed.pod = request.object.flatMap { JudgedPod($0, answers) }
        }
        return reviewed
    }

    /// What is known of the images a request names; has those that are not known scanned.
    private func answers(for request: ReviewRequest) async -> [String: ImageAnswer] {
        guard let imageJudge, imageJudge.needsAnswers, let images, let object = request.object,
            request.operation == .create || request.operation == .update, exemption(request) == nil
        else { return [:] }
        let names = Set(
            ImageJudge.images(of: object).map(\.image) + (request.oldObject.map(ImageJudge.images)?.map(\.image) ?? []))
        var out: [String: ImageAnswer] = [:]
        await withTaskGroup(of: (String, ImageAnswer).self) { group in
            for name in names {
                let reference = ImageReference(name)
                if let digest = reference.digest {
                    out[name] = ImageAnswer(.digest(digest), images.verdict(of: digest))
                    continue
                }
                group.addTask {
                    let resolution = await images.resolve(reference)
                    guard case .digest(let digest) = resolution else { return (name, ImageAnswer(resolution)) }
                    return (name, ImageAnswer(resolution, images.verdict(of: digest)))
                }
            }
            for await (name, answer) in group { out[name] = answer }
        }
        // A dry run leaves no trace.
        if !request.isDryRun {
            for (name, answer) in out.sorted(by: { $0.key < $1.key }) where answer.verdict == nil {
                let digest: String? = if case .digest(let known) = answer.resolution { known } else { nil }
                images.enqueue(ImageReference(name), digest: digest)
            }
        }
        return out
    }

    // MARK: Deciding

    /// Why a request is not judged by the policy; nil where it is.
    package func exemption(_ request: ReviewRequest) -> String? {
        let admission = request.admission
        typealias Bootstrap = AdmissionPolicy.Bootstrap
        if Bootstrap.contains(group: admission.group, kind: admission.kind) { return "kind" }
        let namespace = admission.namespace
        if Bootstrap.namespaces.contains(namespace) || ownNamespaces.contains(namespace) { return "namespace" }
        // What the server writes itself when it starts; the webhook's own conditions leave it out too.
        if admission.username == "system:apiserver" { return "bootstrap" }
        if admission.group == "rbac.authorization.k8s.io", let object = request.object ?? request.oldObject,
            Bootstrap.contains(labels: (request.oldObject ?? object).labels),
            request.groups.contains("system:masters")
        {
            return "bootstrap"
        }
        let exempt = policy.exemptions
        if !namespace.isEmpty, exempt.namespaces != AdmissionPolicy.Namespaces(),
            exempt.namespaces.covers(namespace, labels: namespaces[namespace]?.labels ?? [:])
        {
            return "namespace"
        }
        if exempt.users.contains(where: { $0.matches(admission.username) }) { return "user" }
        if exempt.groups.contains(where: { glob in request.groups.contains(where: glob.matches) }) { return "group" }
        return nil
    }

    /// Subresources that carry the object itself; what others carry is another thing, and passes.
    private static let judgedSubresources: Set<String> = ["", "ephemeralcontainers"]

    package func decide(
        _ request: ReviewRequest, images answers: [String: ImageAnswer] = [:], today: CalendarDate
    ) -> AdmissionDecision {
        let admission = request.admission
        let namespace = namespaces[admission.namespace]
        var decision = AdmissionDecision(response: AdmissionResponse(uid: admission.uid), outcome: .allowed)
        if let podSecurity {
            decision.response = podSecurity.respond(
                to: admission,
                namespace: namespace.map { .found(labels: $0.labels) }
                    ?? .failed("namespaces \"\(admission.namespace)\" not found"),
                pods: scan.inventory.objects("Pod", in: admission.name).map { $0.node.asRoot })
            if !decision.response.allowed {
                decision.outcome = .refused
                guard decision.response.status?.code == 403 else { return decision }
            }
        }
        if let why = exemption(request) {
            if decision.outcome == .allowed { decision.outcome = .exempt }
            if podSecurity == nil { decision.response.auditAnnotations["exempt"] = why }
            return decision
        }
        let isWritten = admission.operation == .create || admission.operation == .update
        // What is being deleted may be written to, or its finalizers could never be taken off.
        let isGoing = request.object?.metadata["deletionTimestamp"].string != nil
        var judged: [AdmissionDecision.Judged] = []
        if isWritten, !isGoing, let object = request.object,
            Self.judgedSubresources.contains(admission.subresource)
        {
            judged = judge(object, request, answers, namespace, today)
        }
        if !isGoing || admission.operation == .delete {
            for denial in custom.decide(
                request, namespace: namespace, inventory: scan.inventory, rights: rights.map(RightsAuthorizer.init))
            {
                for annotation in denial.annotations {
                    decision.response.auditAnnotations[annotation.key] = annotation.value
                }
                guard !denial.finding.evidence.isEmpty else { continue }
                judged += fates(
                    of: [denial.finding], on: request.object ?? request.oldObject, request, namespace,
                    toldOwner: [], knownBefore: [], mode: denial.mode, today)
            }
        }
        decision.judged = judged
        if let text = ImageAnswer.annotation(answers) { decision.response.auditAnnotations["images"] = text }
        conclude(&decision, request)
        return decision
    }

    /// What the engines and the image policy say of an object.
    private func findings(on object: KubernetesObject, _ answers: [String: ImageAnswer]) -> [Finding] {
        var out = scan.result(of: object).findings
        if let imageJudge { out += imageJudge.findings(on: object, answers: answers) }
        return out.filter { $0.outcome == .fail || $0.outcome == .notObservable }
    }

    private func judge(
        _ object: KubernetesObject, _ request: ReviewRequest, _ answers: [String: ImageAnswer],
        _ namespace: KubernetesObject?, _ today: CalendarDate
    ) -> [AdmissionDecision.Judged] {
        let found = findings(on: object, answers)
        guard found.contains(where: { $0.outcome == .fail }) else {
            return found.map { AdmissionDecision.Judged(finding: $0, fate: .notObservable) }
        }
        var known: Set<String> = []
        if policy.updates == .worsened, request.operation == .update, let old = request.oldObject {
            known = Self.statements(findings(on: old, answers))
        }
        let told = toldOwner(of: object, request, answers) ?? Self.statements(found)
        return fates(of: found, on: object, request, namespace, toldOwner: told, knownBefore: known, mode: nil, today)
    }

    /// What findings say, place by place, in words that do not depend on where in its object a pod's specification
    /// stands.
    private static func statements(_ findings: [Finding]) -> Set<String> {
        Set(
            findings.filter { $0.outcome == .fail }.flatMap { finding in
                finding.evidence.map { statement($0, of: finding) }
            })
    }

    private static func statement(_ evidence: Evidence, of finding: Finding) -> String {
        "\(finding.rule.id) \(evidence.message)"
    }

    /// What the owner of an object was told when it came in: a pod that its Deployment's template describes adds
    /// nothing to that.
    ///
    /// The owner's template is judged as it is now; a name in `ownerReferences` alone makes nobody an owner. An owner
    /// that is not known yet counts where the controllers of Kubernetes themselves made the object: it came in a moment
    /// ago, and has not been heard of here.
    ///
    /// - Returns: nil where the owner was told all of it.
    private func toldOwner(
        of object: KubernetesObject, _ request: ReviewRequest, _ answers: [String: ImageAnswer]
    ) -> Set<String>? {
        guard let controller = object.controller else { return [] }
        let inventory = scan.inventory
        guard let key = inventory.key(uid: controller.uid), let direct = inventory[key] else {
            return Self.isMade(byControllerOf: controller.kind, request) ? nil : []
        }
        guard direct.kind == controller.kind, direct.namespace == object.namespace else { return [] }
        let highest = inventory[ObjectKey(inventory.topmostOwner(of: direct))] ?? direct
        // What a custom resource makes of itself is not in it; the set it made says.
        let top = highest.podTemplates.isEmpty ? direct : highest
        guard !top.podTemplates.isEmpty else { return [] }
        return Self.statements(findings(on: top, answers))
    }

    /// Accounts of the controllers that make objects out of templates, by the kind that holds the template.
    private static let controllers = [
        "Deployment": "deployment-controller", "ReplicaSet": "replicaset-controller",
        "StatefulSet": "statefulset-controller", "DaemonSet": "daemon-set-controller", "Job": "job-controller",
        "CronJob": "cronjob-controller", "ReplicationController": "replication-controller",
    ]

    private static func isMade(byControllerOf kind: String, _ request: ReviewRequest) -> Bool {
        guard request.operation == .create, let name = controllers[kind] else { return false }
        let user = request.admission.username
        return user == "system:serviceaccount:kube-system:\(name)" || user == "system:kube-controller-manager"
    }

    private func fates(
        of findings: [Finding], on object: KubernetesObject?, _ request: ReviewRequest, _ namespace: KubernetesObject?,
        toldOwner: Set<String>, knownBefore: Set<String>, mode forced: AdmissionMode?, _ today: CalendarDate
    ) -> [AdmissionDecision.Judged] {
        var labels = object?.labels ?? [:]
        for template in object?.podTemplates ?? [] { labels.merge(template.spec.labels) { own, _ in own } }
        let isNamespace = request.admission.group.isEmpty && request.admission.kind == "Namespace"
        let place = AdmissionPolicy.Place(
            namespace: isNamespace ? request.admission.name : request.admission.namespace,
            namespaceLabels: isNamespace ? object?.labels ?? [:] : namespace?.labels ?? [:], labels: labels)
        var out: [AdmissionDecision.Judged] = []
        for finding in waived(findings, object, labels, today) {
            switch finding.outcome {
            case .waived: out.append(.init(finding: finding, fate: .waived))
            case .fail:
                let (decided, includesPods) = policy.mode(of: finding.rule.id, finding.severity, at: place)
                let mode = forced ?? decided
                guard mode != .off else { continue }
                func part(_ isIncluded: (Evidence) -> Bool) -> Finding? {
                    var part = finding
                    part.evidence = finding.evidence.filter(isIncluded)
                    return part.evidence.isEmpty ? nil : part
                }
                func isKnown(_ evidence: Evidence) -> Bool {
                    !knownBefore.isEmpty && knownBefore.contains(Self.statement(evidence, of: finding))
                }
                func isTold(_ evidence: Evidence) -> Bool {
                    !includesPods && !toldOwner.isEmpty && toldOwner.contains(Self.statement(evidence, of: finding))
                }
                if let old = part(isKnown) { out.append(.init(finding: old, fate: .knownBefore)) }
                if let told = part({ !isKnown($0) && isTold($0) }) {
                    out.append(.init(finding: told, fate: .toldOwner))
                }
                let fate: AdmissionDecision.Fate =
                    mode == .enforce ? .refused : mode == .warn ? .warned : .audited
                if finding.evidence.isEmpty {
                    out.append(.init(finding: finding, fate: fate))
                } else if let new = part({ !isKnown($0) && !isTold($0) }) {
                    out.append(.init(finding: new, fate: fate))
                }
            default: out.append(.init(finding: finding, fate: .notObservable))
            }
        }
        return out
    }

    /// The findings with waivers applied: a part that is waived stands beside the part that is not.
    private func waived(
        _ findings: [Finding], _ object: KubernetesObject?, _ labels: [String: String], _ today: CalendarDate
    ) -> [Finding] {
        var set = waivers
        if policy.takesAnnotatedWaivers, let object, object.metadata["annotations"].isObject {
            set.add(WaiverAnnotation.read(from: object, today: today).waivers)
        }
        guard !set.waivers.isEmpty else { return findings }
        var report = Report(target: "", isCluster: true, generatedAt: "", version: "", findings: findings)
        if let object {
            // Waivers name the owner that people know, not the pod of the hour.
            let owner = scan.inventory.topmostOwner(of: object)
            for index in report.findings.indices {
                report.findings[index].context = FindingContext(subject: owner, cluster: "cluster")
            }
        }
        set.apply(to: &report, today: today) { _ in labels }
        // What the scan calls by another name is waived by that name too.
        for index in report.findings.indices where report.findings[index].outcome == .fail {
            let own = report.findings[index]
            guard let scanned = ImageRules.scanned(own) else { continue }
            var named = Finding(
                rule: scanned, severity: own.severity, outcome: .fail, subject: own.subject, file: own.file,
                evidence: own.evidence)
            named.context = own.context
            var other = report
            other.findings = [named]
            set.apply(to: &other, today: today) { _ in labels }
            guard other.findings.count == 1, other.findings[0].outcome == .waived else { continue }
            report.findings[index].outcome = .waived
            report.findings[index].waiver = other.findings[0].waiver
        }
        return report.findings
    }

    // MARK: Concluding

    private func conclude(_ decision: inout AdmissionDecision, _ request: ReviewRequest) {
        let refusals = decision.refusals
        for judged in decision.judged where judged.fate == .warned {
            decision.response.warnings.append(AdmissionMessage.warning(judged.finding))
        }
        annotate(&decision)
        guard !refusals.isEmpty else { return }
        var note: String?
        switch glass(request) {
        case .notAsked: break
        case .broken(let reason):
            // Pod Security, where it refuses too, knows no emergencies.
            decision.outcome = decision.response.allowed ? .brokenGlass : decision.outcome
            decision.response.auditAnnotations["break-glass"] =
                "\(request.admission.username): \(AdmissionMessage.oneLine(reason))"
            decision.response.warnings.append(
                "break-glass: let in although \(AdmissionMessage.failing(refusals.count)); this is noted")
            return
        case .refused(let why): note = "the annotation \(AdmissionPolicy.BreakGlass.annotation) does not help: \(why)"
        }
        decision.outcome = .refused
        if let object = request.object {
            let ids = Set(refusals.map(\.rule.id))
            decision.fix = scan.fix(of: object, answering: ids.contains)?.patch ?? JSONPatch()
        }
        let subject = request.object?.reference ?? request.oldObject?.reference
        let text = AdmissionMessage.refusal(
            refusals, subject: subject.map { "\($0)" } ?? request.admission.name, fix: decision.fix, note: note)
        if !decision.response.allowed, let earlier = decision.response.status?.message {
            decision.response.status?.message = "\(earlier)\n\(text)"
            return
        }
        decision.response.allowed = false
        decision.response.status = .init(
            code: 403, reason: "Forbidden", message: text, name: request.admission.name,
            group: request.admission.resourceGroup, kind: request.admission.resource,
            causes: refusals.prefix(40).flatMap { finding in
                finding.evidence.prefix(10).map {
                    .init(
                        reason: finding.rule.id, message: AdmissionMessage.text($0),
                        field: $0.path.description)
                }
            })
    }

    /// Notes every finding for the audit log, by id and fate; nobody's words but ours go there.
    private func annotate(_ decision: inout AdmissionDecision) {
        var entries: [String] = []
        for judged in decision.judged where judged.fate != .notObservable {
            let entry = "\(judged.finding.rule.id)=\(judged.fate.word)"
            if !entries.contains(entry) { entries.append(entry) }
        }
        if !entries.isEmpty { decision.response.auditAnnotations["findings"] = entries.joined(separator: ",") }
        let waivers = decision.judged.compactMap { judged in
            judged.finding.waiver.map { "\(judged.finding.rule.id) by \($0.owner) until \($0.expires)" }
        }
        if !waivers.isEmpty { decision.response.auditAnnotations["waived"] = waivers.joined(separator: "; ") }
    }

    private enum Glass {
        case notAsked
        case broken(String)
        case refused(String)
    }

    private func glass(_ request: ReviewRequest) -> Glass {
        guard let node = request.object?.metadata["annotations"][AdmissionPolicy.BreakGlass.annotation], node.exists
        else { return .notAsked }
        guard let reason = node.string, reason.count >= AdmissionPolicy.BreakGlass.leastReason else {
            return .refused("it has to say why, in \(AdmissionPolicy.BreakGlass.leastReason) characters or more")
        }
        let rule = policy.breakGlass
        guard
            rule.users.contains(where: { $0.matches(request.admission.username) })
                || rule.groups.contains(where: { glob in request.groups.contains(where: glob.matches) })
        else { return .refused("\(request.admission.username) is not among those who may") }
        return .broken(reason)
    }
}
