import Encodings
import Findings

/// HTML that is safe by construction: what is put into a literal is escaped, unless it is HTML itself.
///
/// Names, labels and messages come from clusters and may hold anything: markup, control characters, marks that turn the
/// direction of text. Escaping happens in one place, here.
package struct HTML: Sendable, ExpressibleByStringInterpolation {
    package private(set) var text: String

    package init(stringLiteral value: String) { text = value }

    package init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

    /// Text as markup that shows just that text.
    package init(_ plain: String) { text = HTML.escaped(plain) }

    private init(markup: String) { text = markup }

    package static let empty = HTML(markup: "")

    /// Text that is HTML already; only for what this program wrote.
    static func markup(_ text: String) -> HTML { HTML(markup: text) }

    package struct Interpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        package init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        package mutating func appendLiteral(_ literal: String) { text += literal }
        package mutating func appendInterpolation(_ html: HTML) { text += html.text }
        package mutating func appendInterpolation(_ parts: [HTML]) { for part in parts { text += part.text } }
        package mutating func appendInterpolation(_ html: HTML?) { text += html?.text ?? "" }
        package mutating func appendInterpolation(_ plain: String) { text += HTML.escaped(plain) }
        package mutating func appendInterpolation(_ plain: Substring) { text += HTML.escaped(String(plain)) }
        package mutating func appendInterpolation(_ number: Int) { text += String(number) }
    }

    package static func + (left: HTML, right: HTML) -> HTML { HTML(markup: left.text + right.text) }
    package static func += (left: inout HTML, right: HTML) { left.text += right.text }

    /// Whole, however long: patches and commands are copied from a page.
    private static func escaped(_ plain: String) -> String { MarkupText.escaped(plain, limit: .max) }
}

/// An address below the hub with a query, every part encoded (RFC 3986, section 2.3).
package enum Link {
    package static func to(_ path: [String], _ query: [(String, String?)] = []) -> String {
        var out = path.isEmpty ? "/" : path.map { "/" + PercentEncoding.encoded($0) }.joined()
        var joint = "?"
        for case (let name, let value?) in query where !value.isEmpty {
            out += "\(joint)\(PercentEncoding.encoded(name))=\(PercentEncoding.encoded(value))"
            joint = "&"
        }
        return out
    }

    /// The same place with another query.
    static func query(_ query: [(String, String?)]) -> String { String(to([], query).dropFirst()) }
}
