import Documents
import Foundation
import Kubernetes
import Secrets

extension ConformanceSuite {
    static let secrets = ConformanceSuite(
        name: "secrets",
        files: [
            ConformanceFile(name: "k8s-file") { try objects($0, level: 1) },
            ConformanceFile(name: "k8s-path") { try objects($0, level: 2) },
            ConformanceFile(name: "k8s-value") { try objects($0, level: 3) },
            ConformanceFile(name: "vectors-detect") { try vectors($0, expecting: "detect") },
            ConformanceFile(name: "vectors-none") { try vectors($0, expecting: "none") },
            ConformanceFile(name: "values-hidden") { try hiddenValues($0) },
            ConformanceFile(name: "files-leaky") { try files($0, leaky: true) },
            ConformanceFile(name: "files-clean") { try files($0, leaky: false) },
            ConformanceFile(name: "kubescape") { try kubescape($0) },
        ])

    /// Level 1: the file is flagged or stays silent; 2: every path and no other; 3: every value by its hash.
    private static func objects(_ folder: ConformanceFolder, level: Int) throws -> Agreement {
        var agreement = Agreement()
        var scanner = ObjectScanner(seal: .unkeyed, isManifest: true)
        for entry in try folder.json("k8s/expected.json").members {
            let set = try folder.documents("k8s/cases/\(entry.key).yaml")
            let found = set.documents.flatMap { KubernetesObject.objects(in: $0).objects }.flatMap { scanner.scan($0) }
            let places = Set(found.map(\.node.path.pointer))
            let expected = Array(entry.value["findings"].elements)
            let wanted = Set(expected.map { $0["path"].string ?? "" })
            switch level {
            case 1:
                agreement.note(
                    entry.key, expected: expected.isEmpty ? "silent" : "flagged",
                    found: found.isEmpty
                        ? "silent"
                        : "flagged \(found.map { "\($0.node.path) \($0.secret.detector)" })"
                            .prefix(found.isEmpty || expected.isEmpty ? 200 : 7).description)
            case 2: agreement.note(entry.key, expected: "\(wanted.sorted())", found: "\(places.sorted())")
            default:
                let seals = Set(found.flatMap { [$0.secret.seal, $0.secret.wrappedSeal ?? ""] })
                let missing = expected.filter {
                    !$0["type"].equals("private-key") && !seals.contains($0["secretSHA256"].string ?? "")
                }
                agreement.note(
                    entry.key,
                    missing.isEmpty
                        ? nil
                        : "no value of \(missing.map { $0["type"].string ?? "" }) has the hash; found \(found.map { $0.secret.detector + $0.secret.hint })"
                )
            }
        }
        return agreement
    }

    private static let sources = [
        "trufflehog", "gitleaks", "betterleaks", "kingfisher", "titus", "noseyparker", "detect-secrets",
    ]

    /// Texts of other scanners' own tests, each alone as a file without a name.
    private static func vectors(_ folder: ConformanceFolder, expecting: String) throws -> Agreement {
        var agreement = Agreement()
        var scanner = LayerScanner(seal: .unkeyed)
        for source in sources {
            for line in try folder.lines("vectors/\(source).jsonl") {
                guard line["expect"].equals(expecting), line["conflict"].bool != true,
                    let text = line["input_b64"].string, let bytes = Base64.decode(Array(text.utf8))
                else { continue }
                let found = scanner.scan(bytes)
                let agrees = found.isEmpty == (expecting == "none")
                let name = "\(line["labels"][0]["detector"].string ?? "")"
                agreement.note(
                    "\(source)/\(name)/\(line["id"].string ?? "")",
                    agrees ? nil : "\(found.map(\.detector))")
            }
        }
        return agreement
    }

    /// Whole files of other scanners' tests: those with something to find, and those without.
    private static func files(_ folder: ConformanceFolder, leaky: Bool) throws -> Agreement {
        var agreement = Agreement()
        var scanner = LayerScanner(seal: .unkeyed)
        let objects = ObjectScanner(seal: .unkeyed, isManifest: true)
        for entry in try folder.json("files/manifest.json").members {
            let wanted = entry.value["riskLines"].int ?? Array(entry.value["expected"].elements).count
            guard (wanted > 0) == leaky, let raw = Base64.decode(try folder.bytes("files/\(entry.key).b64")) else {
                continue
            }
            let bytes = TextEncoding.utf8(ofUTF16: raw) ?? raw
            // What is no text is not read, as `secrets scan` does it.
            let isBinary = bytes.prefix(8192).contains(0) && !bytes.starts(with: [0x1F, 0x8B])
            let format = FileFormat(name: entry.value["originalPath"].string ?? entry.key)
            let found =
                isBinary ? [] : scanner.scan(bytes, as: format.language) + format.ownSecrets(bytes, scanner: objects)
            agreement.note(
                entry.key, found.isEmpty != leaky ? nil : leaky ? "\(wanted) missed" : "\(found.map(\.detector))")
        }
        return agreement
    }

    /// Kubescape's rules about plaintext: whether an object is accused. `envFrom` a Secret is none, whatever the rule's
    /// own expectation says (its issue 802).
    private static func kubescape(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        var scanner = ObjectScanner(seal: .unkeyed, isManifest: true)
        for rule in ["rule-credentials-in-env-var", "rule-credentials-configmap"] {
            let cases = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/kubescape/\(rule)").sorted()
            for name in cases {
                let place = "kubescape/\(rule)/\(name)"
                let accused = try folder.json("\(place)/expected.json").elements.contains { _ in true }
                let inputs = try FileManager.default.subpathsOfDirectory(atPath: "\(folder.path)/\(place)").sorted()
                    .filter { $0 != "expected.json" && $0 != "data.json" && $0.contains(".") }
                guard !inputs.isEmpty else { continue }
                let found = try inputs.flatMap { try folder.documents("\(place)/\($0)").documents }
                    .flatMap { KubernetesObject.objects(in: $0).objects }.flatMap { scanner.scan($0) }
                let isReference = name.hasSuffix("envfrom-secretref")
                agreement.note(
                    "\(rule)/\(name)", expected: accused && !isReference ? "accused" : "silent",
                    found: found.isEmpty ? "silent" : "accused")
            }
        }
        return agreement
    }
}
