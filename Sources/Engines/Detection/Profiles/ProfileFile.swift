package import Documents

/// Profiles as they are kept and handed to other replicas: one JSON object, in order, so that equal profiles are equal
/// bytes.
package struct ProfileFile: Sendable {
    package var profiles: [LearnedProfile.Subject: LearnedProfile]

    package init(_ profiles: [LearnedProfile.Subject: LearnedProfile] = [:]) { self.profiles = profiles }

    /// Reads what `json` wrote; nil when the document is something else.
    package init?(_ node: Node) {
        guard node["kind"].equals("MartletProfiles") else { return nil }
        self.init()
        for entry in node["profiles"].elements {
            guard let workload = entry["workload"].string else { return nil }
            let subject = LearnedProfile.Subject(
                workload: workload, container: entry["container"].string ?? "",
                imageDigest: entry["image"].string ?? "")
            var items: [LearnedProfile.Class: [String: LearnedProfile.Item]] = [:]
            for kind in LearnedProfile.Class.allCases {
                for item in entry[kind.rawValue].elements {
                    guard let name = item["name"].string, let count = item["count"].int, count > 0 else { return nil }
                    items[kind, default: [:]][name] = LearnedProfile.Item(
                        count: Int(min(count, 1 << 40)), fileDigest: item["digest"].string)
                }
            }
            var profile = LearnedProfile(items: items)
            if let known = profiles[subject] { profile.merge(known) }
            profiles[subject] = profile
        }
    }

    /// Takes over what other replicas learned.
    package mutating func merge(_ other: ProfileFile) {
        for (subject, profile) in other.profiles { profiles[subject, default: LearnedProfile()].merge(profile) }
    }

    package func json() -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("kind", "MartletProfiles")
            writer.member("version", 1)
            writer.key("profiles")
            writer.array { writer in
                for (subject, profile) in profiles.sorted(by: { $0.key < $1.key }) {
                    writer.object { write(subject, profile, to: &$0) }
                }
            }
        }
        return writer.string
    }

    private func write(_ subject: LearnedProfile.Subject, _ profile: LearnedProfile, to writer: inout JSONWriter) {
        writer.member("workload", subject.workload)
        writer.member("container", subject.container)
        writer.member("image", subject.imageDigest)
        for kind in LearnedProfile.Class.allCases {
            writer.key(kind.rawValue)
            writer.array { writer in
                for (name, item) in (profile.items[kind] ?? [:]).sorted(by: { $0.key < $1.key }) {
                    writer.object { writer in
                        writer.member("name", name)
                        writer.member("count", item.count)
                        if let digest = item.fileDigest { writer.member("digest", digest) }
                    }
                }
            }
        }
    }
}
