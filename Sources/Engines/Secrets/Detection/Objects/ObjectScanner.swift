package import Documents
package import Kubernetes

/// A secret in an object: the field, and what is known of the value without keeping it.
package struct ObjectSecret: Sendable {
    package var node: Node
    package var secret: FoundSecret
    /// Why it counts, where that is the place: a Secret's own data in a file.
    package var place: Place

    package enum Place: Sendable, Equatable {
        /// A field that anybody who may read the object sees.
        case plain
        /// The data of a Secret, written out in a manifest.
        case secretManifest
        /// A copy of a Secret's data in an annotation.
        case lastApplied
    }
}

/// Finds secrets in Kubernetes objects by what each field is for.
package struct ObjectScanner: Sendable {
    var layers: LayerScanner
    private let seal: SecretSeal
    /// Whether the objects are manifests in files, where a Secret's data is for everybody to read.
    private let isManifest: Bool
    var found: [ObjectSecret] = []
    /// Fields of the object scanned last that stayed shut, and why.
    package private(set) var unread: [(node: Node, reason: String)] = []
    /// Opens archives, of which engines know none; without it one is told as unread.
    package var opener: ArchiveOpener?
    /// The copy that `kubectl apply` keeps, looked at when the fields have been.
    private var copy: Node?

    package init(catalogue: DetectorCatalogue = .known, seal: SecretSeal, isManifest: Bool) {
        layers = LayerScanner(catalogue: catalogue, seal: seal)
        self.seal = seal
        self.isManifest = isManifest
    }

    /// Every secret of the object, in the order of its fields.
    package mutating func scan(_ object: KubernetesObject) -> [ObjectSecret] {
        found.removeAll(keepingCapacity: true)
        unread.removeAll(keepingCapacity: true)
        copy = nil
        // A definition's schema speaks about fields and holds no values.
        guard object.kind != "CustomResourceDefinition" else { return [] }
        let isSecret = object.is("Secret")
        for member in object.node.members {
            switch member.key {
            case "apiVersion", "kind": continue
            case "metadata": metadata(member.value, isSecret: isSecret)
            case "data" where isSecret, "stringData" where isSecret:
                if isManifest { secretData(member.value, isEncoded: member.key == "data") }
            case "data" where object.is("ConfigMap"): for entry in member.value.members { file(entry.key, entry.value) }
            case "binaryData" where object.is("ConfigMap"):
                for entry in member.value.members { binary(entry.key, entry.value) }
            case "spec" where object.kind == "SealedSecret":
                for field in member.value.members where !field.hasKey("encryptedData") {
                    walk(field.value, field.key, 0)
                }
            default: walk(member.value, member.key, 0)
            }
        }
        // The copy in the annotation is what the fields say; one value of one object is told once, at its worst place.
        let copied = Set(found.filter { $0.place == .lastApplied }.map(\.secret.seal))
        if !copied.isEmpty { found.removeAll { $0.place == .secretManifest && copied.contains($0.secret.seal) } }
        if let copy { staleCopy(copy) }
        return found
    }

    // MARK: Fields

    private static let deepest = 64
    private static let skipped: Set<String> = [
        "caBundle", "managedFields", "ownerReferences", "image", "imageID", "uid", "resourceVersion", "matchLabels",
        "labels", "openAPIV3Schema", "encryptedData", "certificate-authority-data", "client-certificate-data", "sops",
    ]

    private mutating func metadata(_ node: Node, isSecret: Bool) {
        for member in node["annotations"].members {
            if member.hasKey("kubectl.kubernetes.io/last-applied-configuration") {
                lastApplied(member.value, isSecret: isSecret)
            } else {
                value(member.value, named: annotationName(member.key))
            }
        }
    }

    /// The part of an annotation's key behind the domain.
    private func annotationName(_ key: String) -> String {
        key.hasPrefix("checksum/") ? "checksum" : key.split(separator: "/").last.map(String.init) ?? key
    }

    mutating func walk(_ node: Node, _ key: String, _ depth: Int) {
        guard depth < Self.deepest else { return }
        switch node.kind {
        case .object:
            let paired = pair(node)
            for member in node.members where !Self.skipped.contains(member.key) {
                if paired, member.hasKey("value") { continue }
                if member.value.isArray, member.hasKey("command") || member.hasKey("args") {
                    arguments(Array(member.value.elements))
                    continue
                }
                // `metadata` of a template is names and labels, and annotations as everywhere.
                if member.hasKey("metadata"), member.value.isObject {
                    metadata(member.value, isSecret: false)
                    continue
                }
                walk(member.value, member.key, depth + 1)
            }
        case .array: for element in node.elements { walk(element, key, depth + 1) }
        case .string, .number: value(node, named: key)
        default: break
        }
    }

    /// `name` and `value`: environment variables, parameters of charts and pipelines, headers.
    private mutating func pair(_ node: Node) -> Bool {
        guard let name = node["name"].string ?? node["key"].string else { return false }
        let own = node["value"]
        guard own.kind == .string || own.kind == .number else { return false }
        value(own, named: name)
        return true
    }

    // MARK: Values

    /// One scalar with the name it stands under.
    mutating func value(_ node: Node, named name: String, as language: TextScanner.Language = .configuration) {
        guard node.textLength >= 4, let text = node.text else { return }
        let bytes = Array(text.utf8)
        var secrets = layers.scan(bytes, as: language, isWhole: true)
        noteUnread(node)
        if let credential = CredentialName(name), let own = whole(bytes, credential, name),
            !secrets.contains(where: { $0.strength > .generic || !$0.layers.isEmpty })
        {
            secrets = [own]
        }
        // A password in a connection string: who keeps the string elsewhere keeps it whole.
        for place in secrets.indices where secrets[place].layers.isEmpty && secrets[place].wrappedSeal == nil {
            guard secrets[place].range.count < bytes.count, bytes.count <= 4096, !bytes.contains(0x0A) else { continue }
            secrets[place].wrappedSeal = seal.seal(bytes)
        }
        note(secrets, at: node)
    }

    private mutating func note(_ secrets: [FoundSecret], at node: Node, _ place: ObjectSecret.Place = .plain) {
        for secret in secrets { found.append(ObjectSecret(node: node, secret: secret, place: place)) }
    }

    /// The whole value, where its name says that it is a credential.
    func whole(_ bytes: [UInt8], _ credential: CredentialName, _ name: String) -> FoundSecret? {
        let stored = bytes
        var range = 0..<stored.count
        while let last = range.last, ByteClass.space.contains(stored[last]) { range = range.lowerBound..<last }
        guard !range.isEmpty, !stored[range].contains(0x0A),
            ValueJudge.isSecret(stored.span, range, named: credential.kind, in: .configuration)
        else { return nil }
        let words = CredentialName.words(of: name)
        let own = CredentialName.words(of: String(decoding: stored[range], as: UTF8.self))
        if range.count < 40, !own.isEmpty, own.allSatisfy(words.contains) { return nil }
        let isPassword = credential.kind == .password
        return made(
            isPassword ? "generic-password" : "generic-secret", isPassword ? "Password" : "Secret value", .generic,
            Array(stored[range]), range)
    }

    func made(
        _ detector: String, _ title: String, _ strength: SecretMatch.Strength, _ value: [UInt8], _ range: Range<Int>
    ) -> FoundSecret {
        FoundSecret(
            detector: detector, title: title, severity: .high, strength: strength, range: range, seal: seal.seal(value),
            wrappedSeal: nil, hint: SecretSeal.hint(value), layers: [])
    }

    // MARK: ConfigMaps and Secrets

    /// An entry of a ConfigMap: a setting by its key, or a file by its name.
    private mutating func file(_ key: String, _ node: Node) {
        guard node.kind == .string || node.kind == .number else { return }
        let format = FileFormat(name: key)
        if let text = node.string, let secrets = format.secrets(Array(text.utf8), made: made), !secrets.isEmpty {
            note(secrets, at: node)
            return
        }
        value(node, named: key, as: format.language)
    }

    private mutating func binary(_ key: String, _ node: Node) {
        guard let text = node.string, let bytes = Base64.decode(Array(text.utf8)) else { return }
        var secrets = layers.scan(bytes, as: FileFormat(name: key).language, isWhole: true)
        noteUnread(node)
        if let archive = Self.archive(in: bytes) {
            if let opener { secrets = inside(opener.open(key, archive), node) } else { noteShut(node) }
        }
        note(
            secrets.map { secret in
                var outer = secret
                outer.layers.insert("base64", at: 0)
                outer.range = 0..<text.utf8.count
                outer.wrappedSeal = seal.seal(text.utf8)
                return outer
            }, at: node)
    }

    /// What is to be opened: the bytes themselves, or those that gzip wraps, as in `.tar.gz`.
    private static func archive(in bytes: [UInt8]) -> [UInt8]? {
        if ArchiveOpener.isArchive(bytes) { return bytes }
        guard Inflate.isGzip(bytes) else { return nil }
        do throws(Inflate.Failure) {
            let inner = try Inflate.gzip(bytes, limit: 64 << 20)
            return ArchiveOpener.isArchive(inner) ? inner : nil
        } catch {
            // The layers have told that it cannot be read.
            return nil
        }
    }

    /// The secrets of an archive's members.
    private mutating func inside(_ archive: ArchiveOpener.Contents, _ node: Node) -> [FoundSecret] {
        var secrets: [FoundSecret] = []
        for member in archive.members {
            secrets += layers.scan(member.bytes, as: FileFormat(name: member.name).language).map { secret in
                var outer = secret
                outer.layers.insert(member.name, at: 0)
                return outer
            }
            noteUnread(node)
        }
        for gap in archive.gaps { unread.append((node, gap)) }
        return secrets
    }

    private mutating func noteShut(_ node: Node) { unread.append((node, "an archive, which is not opened here")) }

    private mutating func noteUnread(_ node: Node) {
        for reason in layers.takeUnread() { unread.append((node, reason)) }
    }

    private mutating func secretData(_ data: Node, isEncoded: Bool) {
        for entry in data.members {
            guard let text = entry.value.text, let secret = secretEntry(entry.key, Array(text.utf8), isEncoded) else {
                continue
            }
            note([secret], at: entry.value, .secretManifest)
        }
    }

    /// One entry of a Secret; nothing for what is no secret in it: user names, hosts, certificates, templates.
    private func secretEntry(_ key: String, _ written: [UInt8], _ isEncoded: Bool) -> FoundSecret? {
        let stored = written
        guard stored.count >= 4, !ValueJudge.isReference(stored.span, 0..<stored.count) else { return nil }
        let value = isEncoded ? Base64.decode(stored) ?? [] : stored
        guard value.count >= 3, value.count < 1 << 20 else { return nil }
        let shape = ValueShape(value.span, 0..<value.count)
        guard !ValueJudge.isReference(value.span, 0..<value.count),
            !ValueJudge.isPlaceholder(value.span, 0..<value.count, shape)
        else { return nil }
        var inner = layers
        let secrets = inner.scan(value, isWhole: true)
        let isNamed = CredentialName(key).map { $0.kind != .weak || shape.looksRandom } ?? false
        guard isNamed || !secrets.isEmpty || (shape.looksRandom && shape.length >= 16 && shape.length < 4096) else {
            return nil
        }
        var secret = made("secret-manifest", "Data of a Secret", .structure, value, 0..<stored.count)
        if isEncoded { secret.wrappedSeal = seal.seal(stored) }
        return secret
    }

    /// What the copy of another kind still says and the fields no longer do: a value that somebody moved away.
    private mutating func staleCopy(_ node: Node) {
        guard let text = node.string else { return }
        do throws(DocumentError) {
            let root = try DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8)))
            let seals = Set(found.map(\.secret.seal))
            var other = self
            let inside = KubernetesObject(root).map { other.scan($0) } ?? []
            // Its place is the annotation; where in the copy is no place of the object.
            note(inside.map(\.secret).filter { !seals.contains($0.seal) }, at: node)
        } catch {
            value(node, named: "")
        }
    }

    /// What `kubectl apply` keeps of the object it was given.
    private mutating func lastApplied(_ node: Node, isSecret: Bool) {
        guard isSecret else {
            copy = node
            return
        }
        guard let text = node.string else { return }
        let copy: Node
        do throws(DocumentError) {
            copy = try DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8)))
        } catch {
            // No JSON: then kubectl did not write it, and the text is looked at as any other.
            value(node, named: "")
            return
        }
        for field in ["stringData", "data"] {
            for entry in copy[field].members {
                guard let text = entry.value.text,
                    var secret = secretEntry(entry.key, Array(text.utf8), field == "data")
                else { continue }
                secret.detector = "last-applied-secret"
                secret.title = "Data of a Secret"
                note([secret], at: node, .lastApplied)
            }
        }
    }
}
