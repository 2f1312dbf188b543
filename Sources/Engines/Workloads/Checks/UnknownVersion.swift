import Documents
import Findings
import Kubernetes

extension WorkloadChecks {
    static let unknownVersion = Check<ObjectSubject>(
        Rule(
            "api/unknown-version", .medium, category: .hygiene,
            title: "An object is written in a version of the API that no release of Kubernetes has",
            why: "Applying the manifest fails, and what its fields mean cannot be known.",
            remedy: "Write the version that `kubectl api-resources` names for the kind.")
    ) { subject, report in
        // A server only hands out versions it serves; of a release that is newer than the table nothing is known.
        guard !subject.object.file.isEmpty, let known = APIVersions.known[subject.object.apiVersion.group],
            !known.contains(subject.object.apiVersion.version)
        else { return }
        let group = subject.object.apiVersion.group
        report.fail(
            at: subject.node["apiVersion"],
            "Kubernetes has no \(subject.object.apiVersion); \(group.isEmpty ? "the core group" : group) has \(known.joined(separator: ", "))"
        )
    }
}

/// The versions that releases of Kubernetes serve or have served, by API group.
///
/// Source: `Resources/api-versions.json`.
enum APIVersions {
    static let known: [String: [String]] = {
        let root = FactFile.root(PackageResources.api_versions_json, "api-versions.json")
        var out: [String: [String]] = [:]
        for member in root["groups"].members {
            out[member.key] = (member.value.string ?? "").split(separator: " ").map(String.init)
        }
        return out
    }()
}
