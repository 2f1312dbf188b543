import Documents
import Kubernetes
import Workloads

/// Truths of the probes that are set by hand: Secrets in the environment, mounted tokens, how an image is pinned.
enum WorkloadProbes {
    static func run(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let objects = try folder.documents("probes/workloads.yaml").documents.flatMap {
            KubernetesObject.objects(in: $0).objects
        }
        let inventory = Inventory(objects)
        for probe in try folder.json("probes/workloads.expected.json")["probes"].elements {
            let name = probe["id"].string ?? ""
            let object = objects.first { $0.name == name && $0.kind == probe["kind"].string }
            for member in probe["by_hand"].members {
                let id = "\(name) \(member.key)"
                guard let object, let template = object.podTemplate,
                    let found = truth(member.key, object, template, inventory)
                else {
                    agreement.note(id, "no answer")
                    continue
                }
                agreement.note(id, expected: member.value.string ?? "", found: found)
            }
        }
        return agreement
    }

    private static func truth(
        _ question: String, _ object: KubernetesObject, _ template: PodTemplate, _ inventory: Inventory
    ) -> String? {
        switch question {
        case "secret_env": WorkloadChecks.secretEnvironment(of: template.spec).isEmpty ? "pass" : "fail"
        case "token_mounted": WorkloadChecks.tokenMounted(for: template, of: object, in: inventory) ? "yes" : "no"
        case "image_pin": template.spec.containers.first.map { ImageReference($0.image).pin.rawValue }
        default: nil
        }
    }
}
