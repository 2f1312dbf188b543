package import Findings

extension Rule {
    /// The rules on how an image is made, in the order they are looked at.
    package static let imageRules: [Rule] = [
        .imageRootUser, .imageLatestTag, .imageSecretInEnvironment, .imageSecretInHistory, .imageSetuidFile,
        .imagePackageManager, .imageBaseNotApproved, .imageBaseOutdated, .imageNotRebuilt,
    ]

    /// Told by the scan of workloads and at the door alike.
    package static let imageEndOfLife = Rule(
        "image/end-of-life", .medium, [],
        title: "A container's image is of a distribution without support",
        why: "Nobody writes advisories or fixes for it any more, so that nothing found means nothing looked for.",
        remedy: "Move to a release that is supported.")

    package static let imageRootUser = Rule(
        "image/root-user", .medium, [.cwe("250"), .pss("restricted")],
        title: "An image runs as root",
        why: "Where the pod does not say otherwise, its processes are root: a mistake in the program is then a mistake "
            + "with every right inside the container, and one step from the node.",
        remedy: "Name a user with a number in the Dockerfile: USER 65532.")
    package static let imageLatestTag = Rule(
        "image/latest-tag", .low, category: .hygiene,
        title: "An image is named by a tag that moves",
        why: "Nobody can say which image runs, nor go back to the one before; two nodes may run two.",
        remedy: "Deploy by a version, better by the digest.")
    package static let imageSecretInEnvironment = Rule(
        "image/secret-in-environment", .high, [.cwe("798"), .attack("T1552.001")],
        title: "A secret stands in an image's environment",
        why: "Everybody who can pull the image can read it, and every process of the container inherits it.",
        remedy: "Take it out of the Dockerfile, give the secret to the pod when it starts, and replace it: it is known."
    )
    package static let imageSecretInHistory = Rule(
        "image/secret-in-history", .high, [.cwe("798"), .attack("T1552.001")],
        title: "A secret stands in the history of an image's build",
        why: "Build arguments and commands are kept in the image; who pulls it reads them.",
        remedy: "Give secrets to builds by a secret mount (RUN --mount=type=secret), and replace this one.")
    package static let imageSetuidFile = Rule(
        "image/setuid-file", .low, [.cwe("250"), .attack("T1548.001")],
        title: "Programs of an image run as their owner, whoever starts them",
        why: "A setuid program with a mistake makes root of any user of the container.",
        remedy: "Remove the bit where it is not needed: chmod a-s; or set allowPrivilegeEscalation: false on the pod.")
    package static let imagePackageManager = Rule(
        "image/package-manager", .info, category: .hygiene,
        title: "An image carries a package manager",
        why: "Whoever gets in installs his tools with it; whoever runs it by hand makes a container that no image is.",
        remedy: "Build in one stage and copy the program into a base without one.")
    package static let imageBaseNotApproved = Rule(
        "image/base-not-approved", .medium,
        title: "An image is built on a base that nobody approved",
        why: "Nobody here follows what is found in that base, nor rebuilds it.",
        remedy: "Build on one of the approved bases, or approve this one: martlet base add.")
    package static let imageBaseOutdated = Rule(
        "image/base-outdated", .medium,
        title: "A newer build of an image's base exists",
        why: "What was fixed in the base since then is not fixed in the image.",
        remedy: "Rebuild the image on the newer base.")
    package static let imageNotRebuilt = Rule(
        "image/not-rebuilt", .low, category: .hygiene,
        title: "An image was built long ago",
        why: "Its packages are those of that day; fixes since then reach it only when it is built again.",
        remedy: "Build images anew at a fixed interval, with fresh package lists.")
}
