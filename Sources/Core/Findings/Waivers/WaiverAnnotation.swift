import Documents
package import Kubernetes

/// Reads waivers from annotations of the object they are about, in a form `kubectl annotate` can write:
///
/// ```
/// kubectl annotate deployment/api martlet.dev/waive='pod/host-port owner="payments team"
///     expires=2027-03-31 reason="the old balancer knows only node ports"'
/// ```
///
/// The value is one waiver or several, parted by `;`: the checks, with commas between them, then `owner=`, `reason=`,
/// `expires=` and if wanted `approver=` and `path=`, in quotes where a value has spaces. Any annotation that begins
/// with `martlet.dev/waive-` counts too, so that a second one need not replace the first.
package enum WaiverAnnotation {
    package static let key = "martlet.dev/waive"

    /// The waivers an object carries.
    ///
    /// - Parameter subject: what findings about the object are filed under: its topmost owner.
    package static func read(
        from object: KubernetesObject, subject: ObjectReference? = nil, today: CalendarDate
    ) -> (waivers: [Waiver], problems: [Problem]) {
        var waivers: [Waiver] = []
        var problems: [Problem] = []
        let subject = subject ?? object.reference
        for member in object.metadata["annotations"].members {
            guard member.key == key || member.key.hasPrefix(key + "-") else { continue }
            let place =
                member.value.location.map { "\($0)" } ?? "annotation \(member.key) of \(object.reference)"
            func report(_ message: String) {
                problems.append(
                    Problem(
                        .invalid, code: "waiver",
                        "annotation \(member.key) of \(object.reference): \(message); the waiver is not used",
                        location: member.value.location))
            }
            guard let text = member.value.string else {
                report("expected text")
                continue
            }
            do throws(AnnotationError) {
                for entry in try entries(text) {
                    for var waiver in try waiversOf(entry, today) {
                        waiver.scope.kind = subject.kind
                        waiver.scope.namespace = subject.namespace
                        waiver.scope.name = subject.name
                        waiver.scope.file = object.file
                        waiver.place = place
                        waivers.append(waiver)
                    }
                }
            } catch {
                report(error.message)
            }
        }
        return (waivers, problems)
    }

    private struct AnnotationError: Error { var message: String }

    /// The words of each entry; quotes hold a word together and keep their `;`.
    private static func entries(_ text: String) throws(AnnotationError) -> [[String]] {
        var entries: [[String]] = [[]]
        var word = ""
        var quote: Character?
        func finishWord() {
            if !word.isEmpty { entries[entries.count - 1].append(word) }
            word = ""
        }
        for character in text {
            if let open = quote {
                if character == open { quote = nil } else { word.append(character) }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == ";" || character.isNewline {
                finishWord()
                if character == ";" { entries.append([]) }
            } else if character.isWhitespace {
                finishWord()
            } else {
                word.append(character)
            }
        }
        guard quote == nil else { throw AnnotationError(message: "a quote is not closed") }
        finishWord()
        entries.removeAll(where: \.isEmpty)
        guard !entries.isEmpty else { throw AnnotationError(message: "empty") }
        return entries
    }

    private static func waiversOf(_ words: [String], _ today: CalendarDate) throws(AnnotationError) -> [Waiver] {
        var checks: [String] = []
        var fields: [String: String] = [:]
        for word in words {
            guard let equals = word.firstIndex(of: "=") else {
                guard fields.isEmpty else {
                    throw AnnotationError(message: "\"\(word)\" follows no name; put quotes round values with spaces")
                }
                checks += word.split(separator: ",").map(String.init)
                continue
            }
            let name = String(word[..<equals])
            guard ["owner", "reason", "expires", "approver", "path"].contains(name) else {
                throw AnnotationError(
                    message: "unknown \"\(name)\"; expected owner, reason, expires, approver or path")
            }
            guard fields[name] == nil else { throw AnnotationError(message: "\"\(name)\" stands twice") }
            fields[name] = String(word[word.index(after: equals)...])
        }
        guard !checks.isEmpty else {
            throw AnnotationError(message: "expected the check it waives first, such as \"pod/host-port\"")
        }
        func required(_ name: String) throws(AnnotationError) -> String {
            guard let value = fields[name], value.contains(where: { !$0.isWhitespace }) else {
                throw AnnotationError(message: "expected \(name)=")
            }
            return value
        }
        let owner = try required("owner")
        let reason = try required("reason")
        let expires = try required("expires")
        guard let day = CalendarDate(expires), day.description == expires else {
            throw AnnotationError(message: "\"expires\" is no date: \"\(expires)\"; write it as \(today.inOneYear)")
        }
        if let wrong = Waiver.excess(of: day, from: today) { throw AnnotationError(message: wrong) }
        return checks.map { check in
            Waiver(
                owner: owner, reason: reason, approver: fields["approver"], expires: expires,
                scope: Waiver.Scope(check: check, path: fields["path"]), place: "")
        }
    }
}
