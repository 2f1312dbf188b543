package import Store

/// Something to be read, with a file.
package struct Letter: Sendable {
    package var subject: String
    package var text: String
    /// The same for every try, so that who gets it twice knows.
    package var id: String
    package var at: Milliseconds
    package var attachment: ReportFile?

    package init(subject: String, text: String, id: String, at: Milliseconds, attachment: ReportFile? = nil) {
        self.subject = subject
        self.text = text
        self.id = id
        self.at = at
        self.attachment = attachment
    }

    /// Returns when the other side has taken it; throws ``DeliveryFailure`` otherwise.
    package func send(to notifier: NotifierSettings, over wire: any Wire) async throws {
        switch notifier.kind {
        case .email: try await EmailTarget(settings: notifier).send(self, over: wire)
        case .webhook: try await WebhookTarget(settings: notifier).send(self, over: wire)
        default: throw DeliveryFailure("a report goes by email or webhook", isTransient: false)
        }
    }
}
