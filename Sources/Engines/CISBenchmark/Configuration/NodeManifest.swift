import Documents
import Kubernetes

/// A manifest of a static pod, as it lies on a node.
enum NodeManifest {
    static func objects(_ source: SourceText) -> [KubernetesObject] {
        DocumentReader.read(source).documents.flatMap { KubernetesObject.objects(in: $0).objects }
    }
}
