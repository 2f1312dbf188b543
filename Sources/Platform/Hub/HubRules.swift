package import Findings
import Posture

/// Every rule whose findings the hub may show.
package enum HubRules {
    package static var all: [Rule] { PostureScan.allRules }
}
