import Foundation

/// Every suite there is; a new one is a file with a value, and its name here.
let suites: [ConformanceSuite] = [
    .podSecurity,
    .posture,
    .rbac,
    .networkPolicies,
    .networkSynthesis,
    .detection,
    .cis,
    .secrets,
    .secretManagement,
    .cel,
    .admission,
    .vulnerabilities,
    .compliance,
]

exit(ConformanceRun(arguments: Array(CommandLine.arguments.dropFirst())).run(suites))
