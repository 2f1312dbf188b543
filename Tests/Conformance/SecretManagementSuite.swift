import Documents
import Foundation
import Kubernetes
import Secrets

/// How Secrets are kept, fetched and read: encryption configurations, stores and an audit log with known incidents.
extension ConformanceSuite {
    static let secretManagement = ConformanceSuite(
        name: "secrets",
        files: [
            ConformanceFile(name: "encryption") { try encryptionConfigurations($0) },
            ConformanceFile(name: "encryption.upstream") { try upstreamConfigurations($0) },
            ConformanceFile(name: "external-secrets") { try externalSecrets($0) },
            ConformanceFile(name: "audit.readers") { try secretReaders($0) },
            ConformanceFile(name: "audit.incidents") { try secretIncidents($0) },
        ])

    // MARK: Encryption

    private static func encryptionConfigurations(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let expected = try folder.json("encryption/expected.json")
        // What else may be said of a file that the suite has no word for.
        let words = Set(expected.members.flatMap { $0.value["findings"].strings })
        for member in expected.members {
            let bytes = try folder.bytes("encryption/configs/\(member.key)")
            guard let configuration = EncryptionConfiguration(SourceText(name: member.key, bytes: bytes)) else {
                agreement.note(member.key, "not read")
                continue
            }
            let wanted = member.value
            agreement.note(
                "\(member.key) loads", expected: "\(wanted["loadsInApiserver"].bool ?? false)",
                found: "\(configuration.loads())")
            if let error = wanted["error"].string {
                let messages = configuration.problems.map(\.code)
                agreement.note(
                    "\(member.key) error",
                    messages.contains { says($0, error) } ? nil : "expected \(error), found \(messages)")
            }
            for writer in wanted["writeProvider"].members {
                let pattern = EncryptionConfiguration.ResourcePattern(writer.key)
                let found = configuration.writeProvider(group: pattern.group, resource: pattern.resource).name
                agreement.note(
                    "\(member.key) \(writer.key)", expected: writer.value.string ?? "", found: found)
            }
            let found = Set(EncryptionAssessment(configuration).remarks.map(\.kind.rawValue)).intersection(words)
            agreement.note(
                "\(member.key) findings", expected: wanted["findings"].strings.sorted().joined(separator: " "),
                found: found.sorted().joined(separator: " "))
        }
        return agreement
    }

    /// Whether the API server's words and our code mean the same.
    private static func says(_ code: EncryptionConfiguration.LoadProblem.Code, _ error: String) -> Bool {
        let words: [EncryptionConfiguration.LoadProblem.Code: String] = [
            .maskedResource: "is masked by earlier rule", .badKeyLength: "not of the expected length",
            .kmsDuplicateName: "duplicate KMS provider name", .noProvider: "providers is required",
            .kmsV1Disabled: "KMSv1 is deprecated", .overlappingResources: "overlap", .duplicateResource: "duplicate",
            .notBase64: "base64", .noKeys: "keys", .kmsEndpoint: "endpoint", .kmsTimeout: "timeout",
            .kmsCacheSize: "cachesize", .kmsVersion: "unsupported apiVersion", .unknownField: "unknown field",
            .resourceName: "resource", .kmsName: "name", .noResources: "resources is required",
            .unknownProvider: "provider", .severalProviders: "provider", .keyWithoutName: "name",
            .keyWithoutSecret: "secret", .noEntries: "resources", .notAConfiguration: "kind", .wrongType: "",
        ]
        return words[code].map { error.lowercased().contains($0.lowercased()) } ?? false
    }

    /// Files of the upstream loader's own tests: the name says whether they load. Those tests turn KMS v1 on.
    private static func upstreamConfigurations(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/encryption/upstream").sorted()
        for name in names where !name.hasSuffix(".md") {
            let source = SourceText(name: name, bytes: try folder.bytes("encryption/upstream/\(name)"))
            let loads = EncryptionConfiguration(source)?.loads(allowsKMSv1: true) ?? false
            agreement.note(name, expected: "\(name.hasPrefix("valid"))", found: "\(loads)")
        }
        return agreement
    }

    // MARK: External Secrets Operator

    private static func externalSecrets(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for file in try folder.json("external-secrets/labels.json").members {
            let set = try readable(folder, "external-secrets/snippets/\(file.key)")
            let objects = set.documents.flatMap { KubernetesObject.objects(in: $0).objects }
            for label in file.value.elements {
                let id = "\(file.key) \(label["kind"].string ?? "") \(label["name"].string ?? "")"
                let match = objects.first {
                    $0.kind == label["kind"].string
                        && ($0.node["metadata"]["name"].text ?? "") == label["name"].text ?? ""
                        && $0.node["apiVersion"].string == label["apiVersion"].string
                }
                guard let object = match else {
                    agreement.note(id, "not found")
                    continue
                }
                var wrong: [String] = []
                for field in label.members where !["kind", "name", "apiVersion"].contains(field.key) {
                    let wanted = field.value
                    guard !wanted.equals("unknown") else { continue }
                    let expected = wanted.isNull ? "-" : wanted.text ?? ""
                    let found = classified(object, field.key) ?? "-"
                    if expected != found { wrong.append("\(field.key): expected \(expected), found \(found)") }
                }
                agreement.note(id, wrong.isEmpty ? nil : wrong.joined(separator: "; "))
            }
        }
        return agreement
    }

    /// A file; where Kubernetes would refuse it for the escape `\/`, which the labels' author could read, without it.
    private static func readable(_ folder: ConformanceFolder, _ file: String) throws -> DocumentSet {
        let set = try folder.documents(file)
        guard set.problems.contains(where: { $0.message.contains("no escape") }) else { return set }
        let text = String(decoding: try folder.bytes(file), as: UTF8.self).replacing("\\/", with: "/")
        return DocumentReader.read(SourceText(name: file, bytes: Array(text.utf8)))
    }

    private static func classified(_ object: KubernetesObject, _ field: String) -> String? {
        let store = SecretStore(object)
        let secret = ExternalSecret(object.node["spec"])
        switch field {
        case "provider": return store?.provider
        case "authMode": return store?.authMode.rawValue
        case "restrictedToNamespaces": return store?.isRestricted.map { "\($0)" }
        case "storeKind": return secret.storeKind
        case "refreshInterval": return secret.refreshInterval
        case "refreshPolicy": return secret.refreshPolicy
        case "creationPolicy": return secret.creationPolicy
        case "deletionPolicy": return secret.deletionPolicy
        case "findsByPattern": return "\(secret.findsByPattern)"
        default: return nil
        }
    }

    // MARK: Audit

    private static func secretAudit(_ folder: ConformanceFolder) throws -> SecretAudit {
        var audit = SecretAudit()
        for line in try folder.bytes("audit/audit.jsonl").split(separator: 0x0A) { audit.read(line: Array(line)) }
        return audit
    }

    private static func secretReaders(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        var left = try secretAudit(folder).readers.sorted
        for row in try folder.json("audit/expected.json")["successfulSecretReads"].elements {
            let key = ReaderTable.Key(
                identity: row["identity"].string ?? "", namespace: row["namespace"].string ?? "",
                name: row["name"].string ?? "", verb: row["verb"].string ?? "")
            let index = left.firstIndex { $0.key == key }
            agreement.note(
                "\(key.identity) \(key.verb) \(key.namespace)/\(key.name)", expected: "\(row["count"].int ?? 0)",
                found: "\(index.map { left[$0].row.count } ?? 0)")
            if let index { left.remove(at: index) }
        }
        for entry in left { agreement.note("\(entry.key)", "not expected, found \(entry.row.count)") }
        return agreement
    }

    private static func secretIncidents(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let found = try secretAudit(folder).incidents
        let expected = try folder.json("audit/expected.json")["incidents"]
        for kind in expected.members {
            let events = found.filter { $0.kind.rawValue == kind.key }.flatMap(\.auditIDs)
            agreement.note(
                kind.key, expected: kind.value.strings.sorted().joined(separator: " "),
                found: events.sorted().joined(separator: " "))
        }
        for incident in found where !expected[incident.kind.rawValue].exists {
            agreement.note(incident.kind.rawValue, "not expected: \(incident.message)")
        }
        return agreement
    }
}
