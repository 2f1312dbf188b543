import Documents
import Kubernetes

/// The controls that only the platform's own benchmark has.
extension CISBenchmark {
    var ownResults: [CISResult] { platform.ownControls.map(own) }

    private func own(_ control: CISControl) -> CISResult {
        switch control.ask {
        case .described(let alternatives):
            guard let description = input.provider else {
                return CISResult(
                    control,
                    [
                        CISPart(
                            .notObservable,
                            "the provider's API knows: give what \"\(platform.describe)\" prints by --provider")
                    ])
            }
            guard description.platform == platform.id else {
                return CISResult(
                    control,
                    [CISPart(.notObservable, "the description is of another provider: \(description.platform)")])
            }
            return CISResult(control, [description.judge(alternatives)])
        case .place(let place, let condition): return CISResult(control, files(control, place, condition))
        case .rule(let name, let arguments):
            let policy = PolicyControl(input: input, instances: instances, platform: platform)
            return CISResult(control, policy.provider(name, arguments.setting))
        case .setting, .gate: return result(control)
        }
    }
}
