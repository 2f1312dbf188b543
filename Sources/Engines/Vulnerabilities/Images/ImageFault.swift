package import Findings
package import Images

/// Something that is wrong with how an image was made.
package struct ImageFault: Sendable, Hashable {
    package var rule: Rule
    /// In words that name what is wrong; never the value of a secret.
    package var message: String
    /// Where the circumstances make it better or worse than the rule says.
    package var severity: Findings.Severity
    /// Files of the image, from the root.
    package var paths: [String] = []
    /// The variable or the number of the build step.
    package var place = ""

    package init(
        _ rule: Rule, _ message: String, paths: [String] = [], place: String = "", _ severity: Findings.Severity? = nil
    ) {
        self.rule = rule
        self.message = message
        self.severity = severity ?? rule.severity
        self.paths = paths
        self.place = place
    }
}

/// What is asked of images.
package struct ImagePolicy: Sendable {
    /// The day that ages are measured against; nil to measure none.
    package var today: CivilDate?
    /// An image older than so many days has missed the fixes of its base.
    package var rebuildAfterDays = 90
    /// The bases that are known; empty where nobody keeps such a list.
    package var bases: BaseImageIndex

    package init(today: CivilDate? = nil, bases: BaseImageIndex = BaseImageIndex()) {
        self.today = today
        self.bases = bases
    }
}

/// Looks at how an image was made.
package struct ImageInspector: Sendable {
    package let policy: ImagePolicy

    package init(_ policy: ImagePolicy) { self.policy = policy }

    /// `reference` is what the image is deployed by. Without a catalogue nothing is said of its files; a folder has no
    /// configuration, and nothing is said of how it would start.
    package func faults(
        reference: String, configuration: ImageConfiguration?, catalogue: ImageCatalogue?
    ) -> [ImageFault] {
        var out: [ImageFault] = []
        if let configuration { user(configuration, &out) }
        tag(reference, &out)
        if let configuration {
            environment(configuration, &out)
            history(configuration, &out)
        }
        if let catalogue { files(catalogue, &out) }
        if let configuration {
            base(configuration, &out)
            age(configuration, &out)
        }
        return out
    }

    private func user(_ configuration: ImageConfiguration, _ out: inout [ImageFault]) {
        let user = configuration.user.prefix { $0 != ":" }
        guard user.isEmpty || user == "root" || (user.allSatisfy { $0 == "0" }) else { return }
        out.append(
            ImageFault(
                .imageRootUser,
                user.isEmpty ? "the image names no user, so it runs as root" : "the image runs as \(user)",
                place: "User"))
    }

    private func tag(_ reference: String, _ out: inout [ImageFault]) {
        guard !reference.isEmpty, !reference.contains("@sha256:") else { return }
        let last = reference.split(separator: "/").last ?? ""
        let tag = last.firstIndex(of: ":").map { last[last.index(after: $0)...] }
        guard tag == nil || tag == "latest" else { return }
        out.append(
            ImageFault(
                .imageLatestTag, tag == nil ? "\(reference) names no tag, which means latest" : "\(reference) is latest"
            ))
    }

    private func environment(_ configuration: ImageConfiguration, _ out: inout [ImageFault]) {
        for pair in configuration.environment {
            guard let equal = pair.firstIndex(of: "=") else { continue }
            let name = String(pair[..<equal])
            guard let why = SecretShape.reason(name: name, value: String(pair[pair.index(after: equal)...])) else {
                continue
            }
            out.append(ImageFault(.imageSecretInEnvironment, "the variable \(name) holds \(why)", place: name))
        }
    }

    private func history(_ configuration: ImageConfiguration, _ out: inout [ImageFault]) {
        for (number, step) in configuration.history.enumerated() {
            // Variables were told already.
            let text = step.createdBy
            if text.contains(" ENV ") || text.hasPrefix("ENV ") { continue }
            guard let (name, why) = SecretShape.first(in: text) else { continue }
            let what = name.isEmpty ? why : "\(name), \(why)"
            out.append(
                ImageFault(.imageSecretInHistory, "build step \(number + 1) shows \(what)", place: "history[\(number)]")
            )
        }
    }

    private static let managers: Set<String> = [
        "apt-get", "apt", "dpkg", "apk", "rpm", "dnf", "dnf5", "yum", "microdnf", "tdnf", "zypper", "pacman",
    ]

    private func files(_ catalogue: ImageCatalogue, _ out: inout [ImageFault]) {
        let special = catalogue.executables.filter { $0.isSetUser && $0.user == 0 || $0.isSetGroup }
        if !special.isEmpty {
            let strange = special.filter { catalogue.owner(of: $0.path) == nil }
            let message =
                strange.isEmpty
                ? "\(special.count) programs of the distribution run as their owner, whoever starts them"
                : "\(strange.count) programs that no package owns run as their owner, whoever starts them"
            out.append(
                ImageFault(
                    .imageSetuidFile, message, paths: (strange.isEmpty ? special : strange).map { "/" + $0.path },
                    strange.isEmpty ? .low : .medium))
        }
        let found = catalogue.executables.filter { file in
            let name = file.path.split(separator: "/").last.map(String.init) ?? ""
            let folder = file.path.dropLast(name.utf8.count)
            return Self.managers.contains(name)
                && ["bin/", "sbin/", "usr/bin/", "usr/sbin/"].contains { folder == $0 }
        }
        guard !found.isEmpty else { return }
        let names = found.map { String($0.path.split(separator: "/").last ?? "") }
        out.append(
            ImageFault(
                .imagePackageManager, "\(Array(Set(names)).sorted().joined(separator: ", ")) can install more",
                paths: found.map { "/" + $0.path }))
    }

    private func base(_ configuration: ImageConfiguration, _ out: inout [ImageFault]) {
        guard !policy.bases.images.isEmpty, !configuration.diffIDs.isEmpty else { return }
        guard let match = policy.bases.base(of: configuration.diffIDs) else {
            out.append(ImageFault(.imageBaseNotApproved, "it begins with the layers of no base that is known"))
            return
        }
        if !match.base.isApproved {
            out.append(ImageFault(.imageBaseNotApproved, "its base \(match.base.name) is not approved"))
        }
        if let newer = match.newer {
            let days = newer.created.flatMap { new in match.base.created.map { new.days(since: $0) } } ?? 0
            let name = newer.name == match.base.name ? "the \(newer.name) of today" : newer.name
            out.append(
                ImageFault(
                    .imageBaseOutdated, "its base \(match.base.name) is \(days) days older than \(name)",
                    place: newer.name))
        }
    }

    private func age(_ configuration: ImageConfiguration, _ out: inout [ImageFault]) {
        // Images that are built the same each time say 1970 or another fixed day: that tells nothing of their age.
        guard let today = policy.today,
            let created = configuration.created.flatMap({ CivilDate(String($0.prefix(10))) }),
            created > CivilDate(year: 1981, month: 1, day: 1)
        else { return }
        let days = today.days(since: created)
        guard days > policy.rebuildAfterDays else { return }
        out.append(
            ImageFault(.imageNotRebuilt, "it was built \(days) days ago, on \(created.text)", place: "created"))
    }
}
