package import Documents

/// Martlet's own small set of rules, for who has none of their own.
///
/// Source: `Resources/martlet-audit.yaml` and `Resources/martlet-syscall.yaml`, in the same language as any rule file.
package enum OwnRules {
    package static let sources = [
        SourceText(name: "martlet-audit.yaml", bytes: PackageResources.martlet_audit_yaml),
        SourceText(name: "martlet-syscall.yaml", bytes: PackageResources.martlet_syscall_yaml),
    ]
}
