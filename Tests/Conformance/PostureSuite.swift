import Documents
import Kubernetes
import PodSecurity

extension ConformanceSuite {
    static let posture = ConformanceSuite(name: "posture", files: [])
}
