import Documents

/// A Slack incoming webhook.
struct SlackTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        var json = JSONWriter()
        json.object { json in
            json.member("text", Self.escaped(notification.headline))
            json.member(
                "blocks",
                array: { json in
                    json.object { json in
                        json.member("type", "header")
                        json.member(
                            "text",
                            object: { json in
                                json.member("type", "plain_text")
                                json.member("text", String(notification.headline.prefix(150)))
                            })
                    }
                    json.object { json in
                        json.member("type", "section")
                        json.member(
                            "text",
                            object: { json in
                                json.member("type", "mrkdwn")
                                json.member("text", String(Self.escaped(notification.text).prefix(2900)))
                            })
                    }
                })
        }
        try await wire.post(settings.request("", json))
    }

    /// The three letters that mean something to Slack.
    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}

/// A Teams workflow that takes adaptive cards.
struct TeamsTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        var json = JSONWriter()
        json.object { json in
            json.member("type", "message")
            json.member(
                "attachments",
                array: { json in
                    json.object { json in
                        json.member("contentType", "application/vnd.microsoft.card.adaptive")
                        json.member(
                            "content",
                            object: { json in
                                json.member("$schema", "http://adaptivecards.io/schemas/adaptive-card.json")
                                json.member("type", "AdaptiveCard")
                                json.member("version", "1.4")
                                json.member(
                                    "body",
                                    array: { json in
                                        for (text, isHead) in [
                                            (notification.headline, true), (notification.text, false),
                                        ] {
                                            json.object { json in
                                                json.member("type", "TextBlock")
                                                json.member("text", text)
                                                json.member("wrap", true)
                                                if isHead { json.member("weight", "Bolder") }
                                            }
                                        }
                                    })
                            })
                    }
                })
        }
        try await wire.post(settings.request("", json))
    }
}
