// The tests of KubernetesClient.
