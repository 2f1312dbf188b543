package import Documents
package import Findings
package import Kubernetes

/// What is said of images at the door.
package enum ImageRules {
    package static let all = [vulnerable, registry, digest, age, endOfLife, base, unsigned, unknown]

    package static let vulnerable = Rule(
        "image/vulnerable-at-door", .critical, [.cwe("CWE-1395")],
        title: "The image holds a vulnerability that keeps it out",
        why: "What is known, mendable and reachable by attackers is found first and used first.",
        remedy: "Build the image anew with the fixed version, or take a newer tag.")

    /// What the scan of a cluster's images calls the same: its waivers hold at the door.
    package static func scanned(_ finding: Finding) -> Rule? {
        guard finding.rule.id == vulnerable.id else { return nil }
        let isExploited = finding.evidence.contains { $0.message.contains(exploitedMark) }
        return Rule(
            isExploited ? "image/exploited-vulnerability" : "image/vulnerability", finding.severity, [],
            title: vulnerable.title, why: vulnerable.why, remedy: vulnerable.remedy)
    }

    static let exploitedMark = "known to be exploited"

    package static let registry = Rule(
        "image/registry-not-allowed", .high, [],
        title: "The image comes from a registry that is not allowed",
        why: "Whoever may push to a registry decides what runs here.",
        remedy: "Take the image from an allowed registry, or mirror it there.")

    package static let digest = Rule(
        "image/digest-required", .medium, [],
        title: "The image is not named by digest",
        why: "A tag can be another image tomorrow: what was judged is then not what runs.",
        remedy: "Write the digest behind the name: name:tag@sha256:….")

    package static let age = Rule(
        "image/too-old", .medium, [],
        title: "The image is older than is allowed",
        why: "An image does not change after it was built; the world around it does.",
        remedy: "Build it anew from its source, and do so regularly.")

    package static let unsigned = Rule(
        "image/not-signed-as-required", .high, [],
        title: "The image is not signed by whom it must be",
        why: "Without the signature of the build nobody can tell the image from one pushed with a stolen password.",
        remedy: "Sign the image in the pipeline that builds it.")

    package static let unknown = Rule(
        "image/not-scanned", .medium, [],
        title: "Nothing is known of the image yet",
        why: "The policy lets in only what was scanned.",
        remedy: "Scan the image before it is deployed; a scan is queued, so that trying again later may do.")
}

/// Holds the images of an object to a policy.
package struct ImageJudge: Sendable {
    package let policy: ImagePolicy

    package init(_ policy: ImagePolicy) { self.policy = policy }

    /// The containers of an object, init and ephemeral ones too, with the image each names.
    package static func images(of object: KubernetesObject) -> [(container: Container, image: String)] {
        object.podTemplates.flatMap(\.spec.allContainers).compactMap { container in
            let image = container.image
            return image.isEmpty ? nil : (container, image)
        }
    }

    /// Whether what is in an image has to be known for a decision.
    package var needsAnswers: Bool { policy.needsVerdict || policy.mutatesToDigest }

    /// One finding for each rule broken, all places together.
    package func findings(on object: KubernetesObject, answers: [String: ImageAnswer]) -> [Finding] {
        var places: [String: [Evidence]] = [:]
        var severity: [String: Severity] = [:]
        for (container, image) in Self.images(of: object) {
            for (rule, text, worst) in problems(image, answers[image]) {
                let node = container.node["image"]
                places[rule.id, default: []].append(
                    Evidence(node: node, message: "container \"\(container.name)\": image \(image) \(text)"))
                severity[rule.id] = max(severity[rule.id] ?? .info, worst)
            }
        }
        var out = ImageRules.all.compactMap { rule in
            places[rule.id].map {
                Finding(
                    rule: rule, severity: severity[rule.id], outcome: .fail, subject: object.reference,
                    file: object.file, evidence: $0)
            }
        }
        let unasked = policy.needsVerdict ? Self.images(of: object).filter { answers[$0.image] == nil } : []
        if !unasked.isEmpty {
            // Nobody was asked, as in a simulation: that is no verdict, neither way.
            out.append(
                Finding(
                    rule: ImageRules.unknown, outcome: .notObservable, subject: object.reference, file: object.file,
                    evidence: unasked.map { container, image in
                        Evidence(
                            node: container.node["image"],
                            message: "container \"\(container.name)\": what is in image \(image) is not known here")
                    }))
        }
        return out
    }

    /// The rules that one image breaks.
    package func rules(brokenBy image: String, _ answer: ImageAnswer) -> [Rule] { problems(image, answer).map(\.0) }

    private func problems(_ image: String, _ answer: ImageAnswer?) -> [(Rule, String, Severity)] {
        let reference = ImageReference(image)
        let name = "\(reference.registry)/\(reference.repository)"
        var out: [(Rule, String, Severity)] = []
        func note(_ rule: Rule, _ text: String, _ severity: Severity? = nil) {
            out.append((rule, text, severity ?? rule.severity))
        }
        if !policy.registries.isEmpty, !policy.registries.contains(where: { $0.coversRepository(name) }) {
            note(ImageRules.registry, "comes from \(name), which is not allowed")
        }
        if policy.requiresDigest, reference.digest == nil { note(ImageRules.digest, "has no digest") }
        guard policy.needsVerdict else { return out }
        guard let answer else { return out }
        guard let verdict = answer.verdict else {
            if policy.unknown == .deny {
                let why: String
                switch answer.resolution {
                case .digest(let digest): why = "(\(digest.prefix(19))…) was not scanned"
                case .unknown(let reason): why = "is not known: \(reason)"
                }
                note(ImageRules.unknown, why)
            }
            return out
        }
        if policy.unknown == .deny, let why = verdict.incomplete {
            note(ImageRules.unknown, "was not wholly seen: \(why)")
        }
        let refused = verdict.vulnerabilities.filter { vulnerability in
            policy.refusals.contains { $0.covers(vulnerability) }
        }
        if let worst = refused.map(\.severity).max() {
            note(ImageRules.vulnerable, Self.text(refused), worst)
        }
        if policy.refusesEndOfLife, let what = verdict.endOfLife {
            note(ImageRules.endOfLife, "stands on \(what)")
        }
        if let limit = policy.maximumAgeDays {
            if let age = verdict.ageDays {
                if age > limit { note(ImageRules.age, "is \(age) days old; \(limit) are allowed") }
            } else {
                note(ImageRules.age, "does not say when it was made; at most \(limit) days are allowed")
            }
        }
        if !policy.approvedBases.isEmpty,
            !verdict.bases.contains(where: { base in policy.approvedBases.contains { $0.matches(base) } })
        {
            let known = verdict.bases.first.map { "is built on \($0)" } ?? "does not say what it is built on"
            note(ImageRules.base, "\(known), which is not approved")
        }
        for identity in policy.identities
        where identity.repositories.isEmpty || identity.repositories.contains(where: { $0.coversRepository(name) }) {
            let isSigned = (verdict.signers ?? []).contains(where: identity.covers)
            guard !isSigned else { continue }
            let found =
                verdict.signers == nil
                ? "its signatures were not looked for"
                : verdict.signers?.first.map { "it is signed by \($0.subject)" } ?? "it has no signature"
            let what = identity.predicate.map { "has no \($0.pattern) signed by" } ?? "is not signed by"
            note(ImageRules.unsigned, "\(what) \(identity.subject.pattern): \(found)")
        }
        return out
    }

    /// The worst few, by name, so that a message stays readable; the number says how many there are.
    private static func text(_ refused: [ImageVerdict.Vulnerability]) -> String {
        let sorted = refused.sorted { a, b in
            if a.isKnownExploited != b.isKnownExploited { return a.isKnownExploited }
            if a.severity != b.severity { return a.severity > b.severity }
            return (a.id, a.package) < (b.id, b.package)
        }
        let named = sorted.prefix(5).map { one in
            var facts = [one.severity.rawValue]
            if one.isKnownExploited { facts.append(ImageRules.exploitedMark) }
            if let epss = one.epss, epss >= 0.1 { facts.append("EPSS \(Int(epss * 100)) %") }
            if let fixed = one.fixedVersion {
                let since = one.fixKnownForDays.map { " for \($0) days" } ?? ""
                facts.append("fixed in \(fixed)\(since)")
            }
            return "\(one.id) in \(one.package) (\(facts.joined(separator: ", ")))"
        }
        let more = sorted.count > 5 ? " and \(sorted.count - 5) more" : ""
        return "has \(named.joined(separator: ", "))\(more)"
    }

    /// The patch that writes digests where tags were, for what could be resolved.
    package func digests(for object: KubernetesObject, answers: [String: ImageAnswer]) -> JSONPatch {
        guard policy.mutatesToDigest else { return JSONPatch() }
        return JSONPatch(
            Self.images(of: object).compactMap { container, image in
                guard ImageReference(image).digest == nil, case .digest(let digest)? = answers[image]?.resolution
                else { return nil }
                return PatchOperation(.replace, container.node["image"].path, .string("\(image)@\(digest)"))
            })
    }

    /// Containers that run another image than was judged: the tag was moved between the verdict and the pull.
    ///
    /// - Parameter judged: digests by the image's name in the pod, as they were when the pod came in.
    package static func moved(
        _ pod: KubernetesObject, judged: [String: String]
    ) -> [(container: String, judged: String, runs: String)] {
        running(pod).compactMap { name, runs in
            guard let image = images(of: pod).first(where: { $0.container.name == name })?.image,
                let expected = judged[image]
            else { return nil }
            return runs == expected ? nil : (name, expected, runs)
        }
    }

    /// What a pod's containers run, as the node tells.
    static func running(_ pod: KubernetesObject) -> [(container: String, digest: String)] {
        let statuses = pod.node["status"]
        return ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"]
            .flatMap { statuses[$0].elements.map(\.self) }
            .compactMap { status in
                // `registry/name@sha256:…`. A digest alone is the runtime's own id, of the configuration: of it nothing
                // is known here.
                guard let id = status["imageID"].string, let at = id.lastIndex(of: "@"),
                    id[id.index(after: at)...].hasPrefix("sha256:"), let name = status["name"].string
                else { return nil }
                return (name, String(id[id.index(after: at)...]))
            }
    }
}

extension Glob {
    /// Whether a repository is meant: by its whole name, or by a folder or registry above it.
    ///
    /// `registry.example.com` means all in it, and never `registry.example.com.evil.example`.
    fileprivate func coversRepository(_ name: String) -> Bool {
        matches(name) || Glob(pattern.hasSuffix("/") ? pattern + "*" : pattern + "/*").matches(name)
    }
}
