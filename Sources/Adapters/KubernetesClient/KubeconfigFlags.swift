/// What a user says on the command line, with the names of kubectl's flags; wins over every file.
package struct KubeconfigFlags: Sendable, Hashable {
    package var kubeconfig: String?
    package var context: String?
    package var cluster: String?
    package var user: String?
    package var namespace: String?
    package var server: String?
    package var token: String?
    package var username: String?
    package var password: String?
    /// `--as`, `--as-group`, `--as-uid`.
    package var impersonatedUser: String?
    package var impersonatedGroups: [String] = []
    package var impersonatedUID: String?
    package var insecureSkipTLSVerify = false
    package var certificateAuthority: String?
    package var clientCertificate: String?
    package var clientKey: String?
    package var tlsServerName: String?
    /// `10s`, `1m30s`, a bare number of seconds; `0` means no limit.
    package var requestTimeout: String?

    package init() {}

    /// Reads a duration as Go writes them; nil when it is none.
    package static func duration(_ text: String) -> Duration? {
        if let seconds = Double(text) { return seconds >= 0 && seconds.isFinite ? .seconds(seconds) : nil }
        var total = 0.0
        var number = ""
        var unit = ""
        func factor(_ unit: String) -> Double? {
            ["h": 3600, "m": 60, "s": 1, "ms": 0.001, "us": 0.000_001, "µs": 0.000_001, "ns": 1e-9][unit]
        }
        for character in text + "0" {
            if character.isNumber || character == "." {
                if !unit.isEmpty {
                    guard let value = Double(number), let factor = factor(unit) else { return nil }
                    total += value * factor
                    (number, unit) = ("", "")
                }
                number.append(character)
            } else {
                guard !number.isEmpty else { return nil }
                unit.append(character)
            }
        }
        // What is left is the digit put behind; anything more had no unit.
        return number == "0" && unit.isEmpty && !text.isEmpty ? .seconds(total) : nil
    }
}
