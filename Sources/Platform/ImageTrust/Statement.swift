package import Documents
import Encodings
package import Foundation

/// An in-toto statement: a claim about artifacts that are named by what they hash to.
package struct Statement: Sendable {
    package struct Subject: Sendable, Equatable {
        package var name: String
        package var digests: [String: String]

        package init(name: String, digests: [String: String]) {
            self.name = name
            self.digests = digests
        }
    }

    package var subjects: [Subject]
    package var predicateType: String
    /// The claim itself.
    package var predicate: Node

    package init(_ payload: [UInt8]) throws(TrustError) {
        let node: Node
        do {
            node = try DocumentReader.readJSON(
                SourceText(name: "statement", bytes: payload), options: DocumentReader.Options())
        } catch {
            throw TrustError(.statement, "\(error)")
        }
        let type = node["_type"].string ?? ""
        guard type == "https://in-toto.io/Statement/v1" || type == "https://in-toto.io/Statement/v0.1" else {
            throw TrustError(.statement, "\"\(type)\" is not a form of in-toto statement known here")
        }
        guard let predicateType = node["predicateType"].string, !predicateType.isEmpty else {
            throw TrustError(.statement, "it does not say what it claims (predicateType)")
        }
        self.predicateType = predicateType
        predicate = node["predicate"]
        subjects = node["subject"].elements.map { subject in
            Subject(name: subject["name"].string ?? "", digests: subject["digest"].stringMap)
        }
        guard !subjects.isEmpty else { throw TrustError(.statement, "it names no subject") }
        guard subjects.count <= 1024 else { throw TrustError(.statement, "it names more than 1024 subjects") }
    }

    /// Whether one of its subjects is the artifact, by a hash that both know.
    func names(_ artifact: Artifact) -> Bool {
        subjects.contains { subject in
            subject.digests.contains { name, text in
                guard let function = HashFunctionName(name), let digest = artifact.digests[function] else {
                    return false
                }
                return Hexadecimal.bytes(text) == digest
            }
        }
    }

    package enum Claim: Sendable {
        case provenance(Provenance)
        case vulnerabilityScan(VulnerabilityScan)
        /// A VEX document, as JSON.
        case vex([UInt8])
        /// A bill of materials, as JSON.
        case billOfMaterials([UInt8])
        case other
    }

    package var claim: Claim {
        switch predicateType {
        case "https://slsa.dev/provenance/v0.1", "https://slsa.dev/provenance/v0.2":
            return .provenance(Provenance(older: predicate))
        case _ where predicateType.hasPrefix("https://slsa.dev/provenance/v1"):
            return .provenance(Provenance(predicate))
        case "https://cosign.sigstore.dev/attestation/vuln/v1":
            return .vulnerabilityScan(VulnerabilityScan(predicate))
        case _ where predicateType.hasPrefix("https://in-toto.io/attestation/vulns/"):
            return .vulnerabilityScan(VulnerabilityScan(predicate))
        case _ where predicateType.hasPrefix("https://openvex.dev/ns"):
            return .vex(Array(predicate.json().utf8))
        case _
        where predicateType.hasPrefix("https://cyclonedx.org/bom")
            || predicateType.hasPrefix("https://spdx.dev/Document"),
            "https://cyclonedx.org/schema", "https://spdx.org/spdxdocs":
            return .billOfMaterials(Array(predicate.json().utf8))
        default: return .other
        }
    }

    func check(_ policy: StatementPolicy) throws(TrustError) {
        if !policy.predicateTypes.isEmpty {
            var isWanted = false
            for pattern in policy.predicateTypes where try pattern.matches(predicateType) { isWanted = true }
            guard isWanted else {
                let wanted = policy.predicateTypes.map(\.text).joined(separator: " or ")
                throw TrustError(.policy, "the attestation is of type \"\(predicateType)\", expected \(wanted)")
            }
        }
        if policy.builder != nil || policy.sourceRepository != nil {
            guard case .provenance(let provenance) = claim else {
                throw TrustError(.policy, "\"\(predicateType)\" does not say who built it; SLSA provenance does")
            }
            try Self.check(provenance.builder, policy.builder, "builder")
            try Self.check(provenance.sourceRepository, policy.sourceRepository, "source repository")
        }
        if let since = policy.scannedSince {
            guard case .vulnerabilityScan(let scan) = claim else {
                throw TrustError(.policy, "\"\(predicateType)\" is no result of a vulnerability scan")
            }
            guard let finished = scan.finished, finished >= since else {
                let shown = scan.finished.map { "is of \(Moment.text($0))" } ?? "has no date"
                throw TrustError(.policy, "the scan \(shown), expected one since \(Moment.text(since))")
            }
        }
    }

    private static func check(
        _ found: String?, _ pattern: TextPattern?, _ name: String
    ) throws(TrustError) {
        guard let pattern else { return }
        guard let found, try pattern.matches(found) else {
            throw TrustError(
                .policy, "the \(name) is \(found.map { "\"\($0)\"" } ?? "not named"), expected \(pattern.text)")
        }
    }

    /// Writes a statement (version 1) about artifacts.
    package static func json(
        subjects: [Subject], predicateType: String, predicate: Node
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("_type", "https://in-toto.io/Statement/v1")
            writer.key("subject")
            writer.array { writer in
                for subject in subjects {
                    writer.object { writer in
                        writer.member("name", subject.name)
                        writer.key("digest")
                        writer.object { writer in
                            for (name, value) in subject.digests.sorted(by: { $0.key < $1.key }) {
                                writer.member(name, value)
                            }
                        }
                    }
                }
            }
            writer.member("predicateType", predicateType)
            writer.key("predicate")
            writer.value(predicate)
        }
        return writer.bytes
    }
}

/// Who built an artifact, from what (SLSA provenance).
package struct Provenance: Sendable, Equatable {
    package var builder: String?
    package var buildType: String?
    /// Without `git+` before it and `@ref` behind it.
    package var sourceRepository: String?
    package var sourceRef: String?
    package var sourceCommit: String?

    /// Version 1.
    init(_ predicate: Node) {
        builder = predicate["runDetails"]["builder"]["id"].string
        let definition = predicate["buildDefinition"]
        buildType = definition["buildType"].string
        let parameters = definition["externalParameters"]
        let dependency = definition["resolvedDependencies"][0]
        let workflow = parameters["workflow"]["repository"].string
        let source = parameters["source"].string ?? parameters["source"]["uri"].string
        read(uri: workflow ?? source ?? dependency["uri"].string)
        sourceRef = parameters["workflow"]["ref"].string ?? sourceRef
        sourceCommit = dependency["digest"]["gitCommit"].string ?? dependency["digest"]["sha1"].string
    }

    /// Version 0.1 and 0.2.
    init(older predicate: Node) {
        builder = predicate["builder"]["id"].string
        buildType = predicate["buildType"].string ?? predicate["recipe"]["type"].string
        let source = predicate["invocation"]["configSource"]
        let material = predicate["materials"][0]
        read(uri: source["uri"].string ?? material["uri"].string)
        sourceCommit = source["digest"]["sha1"].string ?? material["digest"]["sha1"].string
    }

    private mutating func read(uri: String?) {
        guard var uri else { return }
        if uri.hasPrefix("git+") { uri.removeFirst(4) }
        // The part behind the last @, unless it is the user of an address.
        if let at = uri.lastIndex(of: "@"), let slash = uri.lastIndex(of: "/"),
            at > slash || uri[at...].hasPrefix("@refs/")
        {
            sourceRef = String(uri[uri.index(after: at)...])
            uri = String(uri[..<at])
        }
        sourceRepository = uri
    }
}

/// What a scanner found, and when (cosign's and in-toto's predicates).
package struct VulnerabilityScan: Sendable, Equatable {
    package var scanner: String?
    package var scannerVersion: String?
    package var databaseUpdated: Date?
    package var finished: Date?

    init(_ predicate: Node) {
        let scanner = predicate["scanner"]
        self.scanner = scanner["uri"].string
        scannerVersion = scanner["version"].string
        databaseUpdated = (scanner["db"]["lastUpdate"].string ?? scanner["db"]["lastUpdated"].string).flatMap(
            Moment.date)
        finished = predicate["metadata"]["scanFinishedOn"].string.flatMap(Moment.date)
    }
}
