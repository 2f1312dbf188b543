/// Takes an EventList apart as its bytes come, so that a list of any size needs the memory of one event.
///
/// Events are the objects of the list's `items`; inside strings brackets do not count (RFC 8259).
package struct EventListSplitter: Sendable {
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var event: [UInt8] = []
    private let limit: Int

    /// `limit` is the longest event taken.
    package init(limit: Int = 64 << 20) { self.limit = limit }

    /// Calls `body` with each event that ends in these bytes; nil stands for one that is longer than the limit.
    package mutating func take(_ bytes: ArraySlice<UInt8>, _ body: ([UInt8]?) -> Void) {
        for byte in bytes {
            if isInside, event.count <= limit { event.append(byte) }
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                if depth == Self.eventDepth, byte == UInt8(ascii: "{") { event = [byte] }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == Self.eventDepth, !event.isEmpty {
                    body(event.count > limit ? nil : event)
                    event = []
                }
                depth -= 1
            default: break
            }
        }
    }

    /// Whether the bytes ended within an event, or before the list did.
    package var isCutOff: Bool { depth > 0 || isInString }

    /// List, `items`, event.
    private static let eventDepth = 3
    private var isInside: Bool { depth >= Self.eventDepth && !event.isEmpty }
}
