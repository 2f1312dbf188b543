import Documents
import Findings
import Testing

@testable import Workloads

/// The data files hold what the code reads from them: a slip of the pen there is found here.
@Suite struct FactsTests {
    private func root(_ bytes: [UInt8], _ name: String) -> Node { FactFile.root(bytes, name) }

    @Test func deprecatedVersionsAreWhole() {
        let apis = root(PackageResources.deprecated_apis_json, "deprecated-apis.json")["apis"]
        var seen: Set<String> = []
        #expect(apis.count > 60)
        for entry in apis.elements {
            let version = entry["version"].string ?? ""
            let kinds = (entry["kinds"].string ?? "").split(separator: " ")
            #expect(!version.isEmpty && !kinds.isEmpty, "\(entry.json())")
            for kind in kinds { #expect(seen.insert("\(version)/\(kind)").inserted, "\(version)/\(kind) twice") }
            let deprecated = entry["deprecated"].int
            #expect(deprecated != nil, "\(version)")
            if let removed = entry["removed"].int { #expect(removed >= deprecated ?? 0, "\(version)") }
            #expect(
                entry["fix"].isNull || APILifecycles.Rename(rawValue: entry["fix"].string ?? "") != nil, "\(version)")
            #expect(entry["fix"].isNull || entry["use"].exists, "\(version)")
            #expect(isOnly(entry, ["version", "kinds", "deprecated", "removed", "use", "fix"]))
        }
    }

    @Test func hostPathsAreWhole() {
        let file = root(PackageResources.host_paths_json, "host-paths.json")
        for list in ["sockets", "paths"] {
            var seen: Set<String> = []
            for entry in file[list].elements {
                let path = entry["path"].string ?? ""
                #expect(HostPaths.normalized(path) == path)
                #expect(seen.insert(path).inserted, "\(path) twice")
                #expect(!(entry["what"].string ?? "").isEmpty, "\(path)")
                for key in ["severity", "readOnly"] where entry[key].exists {
                    #expect(Severity(rawValue: entry[key].string ?? "") != nil, "\(path)")
                }
                if list == "paths" { #expect(HostPaths.Scope(rawValue: entry["scope"].string ?? "") != nil, "\(path)") }
                #expect(isOnly(entry, ["path", "scope", "what", "severity", "readOnly"]))
            }
            #expect(!seen.isEmpty)
        }
    }

    @Test func adminPortsAndAnnotationsAreWhole() {
        let file = root(PackageResources.exposure_json, "exposure.json")
        var seen: Set<Int> = []
        for entry in file["adminPorts"].elements {
            let port = entry["port"].int ?? 0
            #expect((1...65535).contains(port))
            #expect(seen.insert(port).inserted, "\(port) twice")
            #expect(!(entry["what"].string ?? "").isEmpty, "\(port)")
            #expect(Severity(rawValue: entry["severity"].string ?? "") != nil, "\(port)")
            #expect(isOnly(entry, ["port", "what", "severity", "named"]))
        }
        for list in ["internalLoadBalancers", "ingressTLS", "codeAnnotations"] {
            #expect(!file[list].isEmpty)
            for entry in file[list].elements {
                #expect(entry["annotation"].string?.contains("/") == true, "\(entry.json())")
                #expect(isOnly(entry, ["annotation", "value", "contains", "what"]))
            }
        }
        #expect(!file["sourceRangeAnnotations"].strings.isEmpty)
    }

    @Test func systemWorkloadsAreWhole() {
        let entries = root(PackageResources.system_workloads_json, "system-workloads.json")["workloads"]
        #expect(!entries.isEmpty)
        for entry in entries.elements {
            for key in ["namespaces", "names", "images"] { #expect(!entry[key].strings.isEmpty, "\(entry.json())") }
            // An image that may come from anywhere is no identity.
            #expect(entry["images"].strings.allSatisfy { $0 != "*" && $0.contains("/") }, "\(entry.json())")
            #expect(isOnly(entry, ["who", "namespaces", "names", "images"]))
        }
    }

    @Test func schedulingAndSysctlsAreWhole() {
        let scheduling = SchedulingFacts.known
        #expect(!scheduling.controlPlaneLabels.isEmpty && !scheduling.controlPlaneTaints.isEmpty)
        #expect(!scheduling.systemPriorityClasses.isEmpty && scheduling.systemNamespaces.contains("kube-system"))
        let sysctls = SysctlFacts.known
        #expect(sysctls.safe.count >= 12 && !sysctls.namespaced.isEmpty)
        for name in sysctls.safe.keys { #expect(sysctls.namespaced.contains(where: name.hasPrefix), "\(name)") }
    }

    private func isOnly(_ node: Node, _ keys: Set<String>) -> Bool { node.members.allSatisfy { keys.contains($0.key) } }

    @Test(arguments: [
        ("*", "anything", true), ("a*", "abc", true), ("a*c", "abc", true), ("a*c", "abcd", false),
        ("*.amazonaws.com/*", "1.dkr.ecr.eu.amazonaws.com/eks/x", true), ("a", "a", true), ("a", "ab", false),
        ("a*a", "a", false), ("openshift-*", "openshift", false), ("a**b", "ab", true), ("*b*", "abc", true),
    ])
    func aStarStandsForAnyText(_ glob: String, _ text: String, _ matches: Bool) {
        #expect(Glob(glob).matches(text) == matches)
    }

    @Test(
        arguments: [
            ("1.36", 36), ("v1.29.3", 29), ("v1.30.1+k3s1", 30), ("1.31+", 31), ("v2.0", nil), ("", nil), ("1", nil),
            ("v1.x", nil),
        ] as [(String, Int?)])
    func versionsAreReadAsClustersTellThem(_ text: String, _ minor: Int?) {
        #expect(TargetVersion(text)?.minor == minor)
    }

    @Test(arguments: [
        ("/", "/"), ("/var/run/docker.sock", "/run/docker.sock"), ("//etc/./kubernetes/", "/etc/kubernetes"),
        ("/a/../../proc", "/proc"), ("/var/running", "/var/running"), ("proc", "/proc"),
        ("C:\\", "c:"), ("C:/var/lib/kubelet", #"c:\var\lib\kubelet"#),
        (#"\\.\pipe\docker_engine"#, #"\\.\pipe\docker_engine"#),
    ])
    func pathsAreReadAsTheNodeResolvesThem(_ path: String, _ normalized: String) {
        #expect(HostPaths.normalized(path) == normalized)
    }
}
