import Documents

extension KubernetesObject {
    /// The object with what an API server of v1.36 fills in for the pods in it.
    ///
    /// What is written keeps its place in its file; what is filled in has none. Kinds without pods come back as they
    /// are. Templates of custom resources are filled in as those of workloads: what their controllers make is created
    /// through the API.
    package func defaulted() -> KubernetesObject {
        let templates = podTemplates
        guard !templates.isEmpty else { return self }
        var editor = DocumentEditor(node)
        for template in templates {
            var defaulting = PodDefaulting(template.spec, editor)
            defaulting.fillIn(asPod: isPod)
            editor = defaulting.editor
        }
        return editor.isChanged ? with(editor.finish()) : self
    }

    /// The object as validating admission sees it: defaulted, and with what the admission plug-ins that every API
    /// server runs add to pods (`Priority` without classes, `DefaultTolerationSeconds`).
    package func admitted() -> KubernetesObject {
        let object = defaulted()
        guard isPod, let pod = object.podTemplate else { return object }
        var editor = DocumentEditor(object.node)
        PodAdmission.mutate(pod.spec, &editor)
        return editor.isChanged ? object.with(editor.finish()) : object
    }

    private var isPod: Bool { self.is("Pod") }
}
